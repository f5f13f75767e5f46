//! What an evaluation may ask of the world.

use std::sync::Arc;

/// The clock, the recorder and the other resources of the account. All answers must be the same for
/// the length of one evaluation.
pub trait Environment {
    /// The time, in milliseconds since 1970 UTC.
    fn now_ms(&self) -> i64;

    /// Is the account's resource recorder on? `None` where that is not known.
    fn recorder_enabled(&self) -> Option<bool>;

    /// The recorder as `recorder()` shows it, as the text of a JSON object with at least `enabled`.
    /// `None` where it is not known.
    fn recorder(&self) -> Option<Arc<[u8]>> {
        let text: &[u8] =
            if self.recorder_enabled()? { b"{\"enabled\":true}" } else { b"{\"enabled\":false}" };
        Some(Arc::from(text))
    }

    /// The account as `account()` shows it, as the text of a JSON object with at least `id`. `None`
    /// where it is not known.
    fn account(&self) -> Option<Arc<[u8]>> {
        None
    }

    /// The resources of a type (`provider.type`), each as JSON text, or why they are not available.
    fn resources(&self, provider_type: &str) -> Result<Arc<[Arc<[u8]>]>, String>;
}
