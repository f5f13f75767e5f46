//! By hand: sonic-rs look-ups of what a policy reads, and the policy as plain code. The limit
//! of what an engine over lazily parsed JSON can reach.

pub mod mix;
mod predicates;
pub mod rules;
mod security_group;
pub mod store;
mod value;
