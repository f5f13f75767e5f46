//! The operation table: one list of every operation that is published and of every one of ours.

mod coverage;
mod extensions;
mod published;

use http::Method;
use ruleward_core::{Access, Caller};
use ruleward_types::Result;

use crate::body;
use crate::call::{Answer, Call};
use crate::reply::Reply;

pub use coverage::coverage;

/// Where an operation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The vendor's published definitions of the service.
    Published,
    /// The vendor's identity service, as far as clients need it to find their account.
    Identity,
    /// Ours.
    Extension,
    /// What watches the process asks.
    Probe,
}

/// How a request to an operation is answered.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    /// Published, not built yet: 501 for whoever would be allowed.
    NotYet,
    /// For anybody.
    Open(fn(&Call) -> Result<Answer>),
    /// For anybody who is known.
    Known(fn(&Call, &Caller) -> Result<Answer>),
    /// For those who may do the operation's action in the account of the path.
    Allowed(fn(&Call, &Access) -> Result<Answer>),
    /// The same, answered once what it writes is durable: no thread waits for that.
    Deferred(fn(&Call, &Access, Reply<Answer>)),
}

/// What a request to an operation costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// Nothing that could block: answered on the spot, however busy the threads are.
    None,
    /// A few rows that are found by their keys, a page of rules at most, and hardly a body.
    Quick,
    /// A small body or none.
    Light,
    /// A body that is one resource.
    Resource,
    /// A body of many resources. Few of these are taken at a time.
    Batch,
    /// A password's check, slow by intent. Few of these run at a time.
    Password,
}

impl Load {
    pub(crate) fn largest_body(self) -> usize {
        match self {
            Self::None | Self::Quick | Self::Light | Self::Password => body::SMALL_BYTES,
            Self::Resource => body::RESOURCE_BYTES,
            Self::Batch => body::BATCH_BYTES,
        }
    }

    /// Whether it is one thing of a moderate size that may block.
    pub(crate) fn is_single(self) -> bool {
        matches!(self, Self::Quick | Self::Light | Self::Resource)
    }

    /// Whether the body may come packed.
    pub(crate) fn is_packed(self) -> bool {
        matches!(self, Self::Resource | Self::Batch)
    }
}

/// One row of the table.
pub struct Operation {
    /// Its name.
    pub id: &'static str,
    /// Its method.
    pub method: Method,
    /// Its path, with `{parameters}`.
    pub path: &'static str,
    /// What a role has to allow; empty where nothing is asked.
    pub action: &'static str,
    /// The status of a success.
    pub success: u16,
    /// Where it comes from.
    pub origin: Origin,
    pub(crate) load: Load,
    pub(crate) handler: Handler,
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.id, self.method, self.path)
    }
}

impl Operation {
    /// Whether it is built.
    pub fn works(&self) -> bool {
        match self.handler {
            Handler::NotYet => false,
            Handler::Open(_) | Handler::Known(_) | Handler::Allowed(_) | Handler::Deferred(_) => {
                true
            }
        }
    }

    /// Whether it takes so little that another thread would cost more than it saves.
    pub(crate) fn is_quick(&self) -> bool {
        self.load == Load::Quick || matches!(self.handler, Handler::Deferred(_))
    }

    /// Whether a caller has to be known.
    pub fn is_open(&self) -> bool {
        matches!(self.handler, Handler::Open(_))
    }

    /// `works` or `not_yet`, as the list at `/v1/ruleward/operations` says it.
    pub fn state(&self) -> &'static str {
        if self.works() { "works" } else { "not_yet" }
    }
}

/// The whole table: the published operations, then the others.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    published::OPERATIONS.iter().chain(extensions::OPERATIONS)
}
