//! Daily statistics.

use ruleward_types::{AccountNo, DailyStatistics, Result};

use super::Tx;
use crate::{ReadStatistics, WriteStatistics};

impl ReadStatistics for Tx<'_> {
    fn statistics(&self, account: AccountNo, from_day: i64) -> Result<Vec<DailyStatistics>> {
        let sql = "SELECT day, resources, non_compliant_resources, assignments,
                   non_compliant_assignments FROM daily_statistics
                   WHERE account = ?1 AND day >= ?2 ORDER BY day";
        self.all(sql, [account.0, from_day], |row| {
            Ok(DailyStatistics {
                day: row.get(0)?,
                resources: row.get(1)?,
                non_compliant_resources: row.get(2)?,
                assignments: row.get(3)?,
                non_compliant_assignments: row.get(4)?,
            })
        })
    }
}

impl WriteStatistics for Tx<'_> {
    fn put_statistics(&self, account: AccountNo, day: &DailyStatistics) -> Result<()> {
        let sql = "INSERT INTO daily_statistics (account, day, resources, non_compliant_resources,
                   assignments, non_compliant_assignments) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (account, day) DO NOTHING";
        self.execute(
            sql,
            [
                account.0,
                day.day,
                day.resources,
                day.non_compliant_resources,
                day.assignments,
                day.non_compliant_assignments,
            ],
        )
        .map(drop)
    }

    fn prune_statistics(&self, day: i64) -> Result<()> {
        self.execute("DELETE FROM daily_statistics WHERE day < ?1", [day]).map(drop)
    }
}
