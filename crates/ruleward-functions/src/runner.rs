//! What every way to run a function has in common.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::{Failure, Finished, Invocation};

/// An invocation under way. Dropping it abandons the invocation: a local process that still works
/// on it is killed.
pub type Invoking<'a> = Pin<Box<dyn Future<Output = Result<Finished, Failure>> + Send + 'a>>;

/// One function that can be run.
///
/// Invocations may be asked for from many tasks at once; a runner holds its own limit of how many
/// work at the same time, and the others wait (within their deadline).
pub trait Runner: Send + Sync + fmt::Debug {
    /// Runs the function for one event. Needs a Tokio runtime with I/O and time.
    fn invoke(&self, invocation: Invocation) -> Invoking<'_>;
}
