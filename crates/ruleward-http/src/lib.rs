//! The HTTP interface of Ruleward: the operation table, authentication, wire shapes, handlers.
//!
//! One table ([`operations`]) names every operation; the router, the authorization check, the
//! metrics' labels, the list at `GET /v1/ruleward/operations` and `docs/operations.md` are made
//! from it. A request goes through [`serve`]: who is it, may it, what does it say, what does the
//! use case answer. Handlers are plain functions that extract, call and convert; all of them run
//! on blocking threads, because the use cases block.

mod app;
mod authentication;
mod body;
mod call;
mod error;
mod handlers;
mod marker;
mod metrics;
mod observe;
mod operations;
mod query;
mod reply;
mod router;
mod serve;
mod validation;
mod wire;

use ruleward_core::NewPolicyAssignment;
use ruleward_types::Result;

pub use app::{AppState, Options};
pub use operations::{Operation, Origin, coverage, operations};
pub use router::router;

/// Reads the body that makes a rule, for who makes one without a server.
pub fn read_policy_assignment(body: &[u8]) -> Result<NewPolicyAssignment> {
    wire::decode::<wire::policy_assignments::PolicyAssignmentRequest>(body)?.into_new()
}
