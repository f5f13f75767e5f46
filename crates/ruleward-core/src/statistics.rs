//! Daily statistics: today's row is live, earlier ones are frozen at midnight UTC.

use std::sync::Arc;

use ruleward_store::{ReadTx, WriteTx};
use ruleward_types::{AccountNo, DailyStatistics, Result, limits};

use crate::Service;
use crate::access::Access;
use crate::policy_summaries::assignment_counts;

/// Freezes every day before `today` that is not frozen yet. Nothing changed since the last
/// write, so the numbers of now are those of each of these days.
pub(crate) fn freeze(tx: &dyn WriteTx, today: i64) -> Result<()> {
    let oldest = today - limits::STATISTICS_DAYS + 1;
    for account in tx.accounts()? {
        let frozen = tx.statistics(account.no, oldest)?;
        let first = frozen.last().map_or(account.created.day(), |last| last.day + 1).max(oldest);
        if first >= today {
            continue;
        }
        let numbers = numbers(tx, account.no, today)?;
        for day in first..today {
            tx.put_statistics(account.no, &DailyStatistics { day, ..numbers })?;
        }
    }
    tx.prune_statistics(oldest)
}

fn numbers(tx: &dyn ReadTx, account: AccountNo, day: i64) -> Result<DailyStatistics> {
    let resources = tx.account_counts(account)?;
    let assignments = assignment_counts(&tx.rules(account)?, &tx.rule_counts(account)?);
    Ok(DailyStatistics {
        day,
        resources: resources.compliant + resources.non_compliant,
        non_compliant_resources: resources.non_compliant,
        assignments: assignments.compliant + assignments.non_compliant,
        non_compliant_assignments: assignments.non_compliant,
    })
}

impl Service {
    /// The last 90 days of an account, oldest first, today last.
    pub fn statistics(self: &Arc<Self>, access: &Access) -> Result<Vec<DailyStatistics>> {
        let today = self.tick().day();
        let account = access.account();
        if self.day_has_passed() {
            // The first look of a day freezes what came before it, as the first write would.
            self.write(|_| Ok(()))?;
        }
        self.read(|tx| {
            let mut days = tx.statistics(account, today - limits::STATISTICS_DAYS + 1)?;
            days.retain(|day| day.day < today);
            days.push(numbers(tx, account, today)?);
            Ok(days)
        })
    }
}
