//! What accounts configured of their recorder.

use ruleward_types::{AccountNo, Result, TrackerConfig};

/// Reading it.
pub trait ReadTrackerConfigs {
    /// What the account configured; `None` while its recorder is off.
    fn tracker_config(&self, account: AccountNo) -> Result<Option<TrackerConfig>>;
    /// How often it was changed on a UTC day; zero for any day but the last one with a change.
    fn tracker_config_changes(&self, account: AccountNo, day: i64) -> Result<u32>;
}

/// Changing it.
pub trait WriteTrackerConfigs {
    /// Sets it; the account's recorder is on and covers what it selects.
    fn put_tracker_config(&self, account: AccountNo, config: &TrackerConfig) -> Result<()>;
    /// Removes it; the account's recorder is off.
    fn delete_tracker_config(&self, account: AccountNo) -> Result<()>;
    /// Counts a change on a UTC day.
    fn count_tracker_config_change(&self, account: AccountNo, day: i64) -> Result<()>;
}
