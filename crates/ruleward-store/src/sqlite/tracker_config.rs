//! What accounts configured of their recorder.

use ruleward_types::{AccountNo, Error, Result, TrackerConfig};
use rusqlite::params;

use super::Tx;
use crate::{ReadTrackerConfigs, WriteTrackerConfigs};

fn no_json(error: serde_json::Error) -> Error {
    Error::internal("a tracker config is no JSON", error)
}

impl Tx<'_> {
    fn switch_recorder(&self, account: AccountNo, enabled: bool) -> Result<()> {
        let sql = "UPDATE account SET recorder_enabled = ?2 WHERE no = ?1";
        self.execute(sql, params![account.0, enabled]).map(drop)
    }
}

impl ReadTrackerConfigs for Tx<'_> {
    fn tracker_config(&self, account: AccountNo) -> Result<Option<TrackerConfig>> {
        let sql = "SELECT body FROM tracker_config WHERE account = ?1 AND body IS NOT NULL";
        let body = self.one(sql, [account.0], |row| row.get::<_, String>(0))?;
        body.map(|body| serde_json::from_str(&body).map_err(no_json)).transpose()
    }

    fn tracker_config_changes(&self, account: AccountNo, day: i64) -> Result<u32> {
        let sql = "SELECT changes FROM tracker_config WHERE account = ?1 AND changed_day = ?2";
        Ok(self.one(sql, [account.0, day], |row| row.get(0))?.unwrap_or(0))
    }
}

impl WriteTrackerConfigs for Tx<'_> {
    fn put_tracker_config(&self, account: AccountNo, config: &TrackerConfig) -> Result<()> {
        let names = config.selection.names();
        let types =
            names.map(|names| serde_json::to_string(&names)).transpose().map_err(no_json)?;
        let body = serde_json::to_string(config).map_err(no_json)?;
        self.execute(
            "INSERT INTO tracker_config (account, types, body) VALUES (?1, ?2, ?3)
             ON CONFLICT (account) DO UPDATE SET types = excluded.types, body = excluded.body",
            params![account.0, types, body],
        )?;
        self.switch_recorder(account, true)
    }

    fn delete_tracker_config(&self, account: AccountNo) -> Result<()> {
        let sql = "UPDATE tracker_config SET types = NULL, body = NULL WHERE account = ?1";
        self.execute(sql, [account.0])?;
        self.switch_recorder(account, false)
    }

    fn count_tracker_config_change(&self, account: AccountNo, day: i64) -> Result<()> {
        let sql = "INSERT INTO tracker_config (account, changed_day, changes) VALUES (?1, ?2, 1)
                   ON CONFLICT (account) DO UPDATE SET changed_day = ?2,
                   changes = CASE changed_day WHEN ?2 THEN changes + 1 ELSE 1 END";
        self.execute(sql, [account.0, day]).map(drop)
    }
}
