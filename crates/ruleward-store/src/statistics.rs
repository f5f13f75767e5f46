//! Daily statistics.

use ruleward_types::{AccountNo, DailyStatistics, Result};

/// Reading them.
pub trait ReadStatistics {
    /// The frozen days of an account from a day on, oldest first.
    fn statistics(&self, account: AccountNo, from_day: i64) -> Result<Vec<DailyStatistics>>;
}

/// Changing them.
pub trait WriteStatistics {
    /// Freezes a day, unless it was frozen before.
    fn put_statistics(&self, account: AccountNo, day: &DailyStatistics) -> Result<()>;
    /// Forgets days before `day`.
    fn prune_statistics(&self, day: i64) -> Result<()>;
}
