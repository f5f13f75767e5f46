//! The policy language.

pub mod ast;
mod engine;
mod error;
pub mod json;
mod policy;
mod syntax;

pub use engine::*;
pub use error::PolicyError;
pub use policy::{ParamName, Policy};

mod definition;
pub use definition::{
    Catalogue, ParameterDeclaration, ParameterError, ParameterType, PolicyDefinition, Provenance,
    ResourceType, Subject, Texts, TriggerType, catalogue,
};

/// The version of the language. It goes into the hash of every definition, so raise it whenever the
/// meaning of any rule changes.
pub const LANGUAGE_VERSION: u32 = 1;
