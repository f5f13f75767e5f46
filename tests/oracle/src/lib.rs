//! The oracle: a second, slow, obvious reading of what Ruleward promises. It walks trees where
//! the product compiles, and counts everything anew where the product keeps numbers. It shares
//! with the product only the parser of the policy language and the plain data types.

mod counts;
mod entity;
pub mod filter;
mod functions;
mod library;
pub mod model;
pub mod number;
pub mod policy;

pub use model::{Key, Model, ModelRule, Put};
pub use policy::{Verdict, World, evaluate};
