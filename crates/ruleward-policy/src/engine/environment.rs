//! What an evaluation may ask of the world.

use std::sync::Arc;

/// The clock, the recorder and the other resources of the account. All answers must be the same for
/// the length of one evaluation.
pub trait Environment {
    /// The time, in milliseconds since 1970 UTC.
    fn now_ms(&self) -> i64;

    /// Is the account's resource recorder on? `None` where that is not known.
    fn recorder_enabled(&self) -> Option<bool>;

    /// The resources of a type (`provider.type`), each as JSON text, or why they are not available.
    fn resources(&self, provider_type: &str) -> Result<Arc<[Arc<[u8]>]>, String>;
}
