//! Messages on their way, the lanes they go by, and archives.

use ruleward_types::{
    AccountNo, Archive, ChunkNo, DeliveryLane, Error, LaneCounts, Notification, Result, RuleNo,
    Timestamp,
};
use rusqlite::{Row, params};

use super::Tx;
use crate::{Flip, ReadNotifications, WriteNotifications};

const NOTIFICATION: &str =
    "SELECT no, account, topic, subject, archive, created, body FROM notification";
const LANE: &str = "SELECT account, topic, due, attempts, delivered, last_delivered, last_failed,
                    last_error FROM delivery_lane AS lane";

fn notification(row: &Row<'_>) -> rusqlite::Result<Notification> {
    Ok(Notification {
        no: row.get(0)?,
        account: AccountNo(row.get(1)?),
        topic: row.get(2)?,
        subject: row.get(3)?,
        archive: row.get(4)?,
        created: Timestamp(row.get(5)?),
        body: row.get(6)?,
    })
}

fn lane(row: &Row<'_>) -> rusqlite::Result<DeliveryLane> {
    Ok(DeliveryLane {
        account: AccountNo(row.get(0)?),
        topic: row.get(1)?,
        due: Timestamp(row.get(2)?),
        attempts: row.get(3)?,
        delivered: row.get(4)?,
        last_delivered: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        last_failed: row.get::<_, Option<i64>>(6)?.map(Timestamp),
        last_error: row.get(7)?,
    })
}

fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn no_json(error: serde_json::Error) -> Error {
    Error::internal("an archive is no JSON", error)
}

impl Tx<'_> {
    fn lane_counts(&self, lane: &DeliveryLane) -> Result<LaneCounts> {
        let waiting = "SELECT count(*), min(created) FROM notification
                       WHERE account = ?1 AND topic = ?2 AND delivery = 'waiting'";
        let dead = "SELECT count(*) FROM notification
                    WHERE account = ?1 AND topic = ?2 AND delivery = 'dead'";
        let of = params![lane.account.0, lane.topic];
        let counts = self.one(waiting, of, |row| {
            let oldest = row.get::<_, Option<i64>>(1)?.map(Timestamp);
            Ok(LaneCounts { waiting: row.get(0)?, oldest, dead: 0 })
        })?;
        let dead = self.one(dead, of, |row| row.get(0))?.unwrap_or(0);
        Ok(LaneCounts { dead, ..counts.unwrap_or_default() })
    }
}

impl ReadNotifications for Tx<'_> {
    fn due_lanes(&self, now: Timestamp, limit: usize) -> Result<Vec<DeliveryLane>> {
        let sql = format!(
            "{LANE} WHERE due <= ?1 AND EXISTS (
                 SELECT 1 FROM notification AS message WHERE message.account = lane.account
                 AND message.topic = lane.topic AND message.delivery = 'waiting')
             ORDER BY due, account, topic LIMIT ?2"
        );
        self.all(&sql, [now.0, number(limit)], lane)
    }

    fn lanes(&self, account: AccountNo) -> Result<Vec<(DeliveryLane, LaneCounts)>> {
        let lanes = self.all(&format!("{LANE} WHERE account = ?1"), [account.0], lane)?;
        lanes.into_iter().map(|lane| Ok((lane.clone(), self.lane_counts(&lane)?))).collect()
    }

    fn waiting_notifications(
        &self,
        account: AccountNo,
        topic: &str,
        limit: usize,
    ) -> Result<Vec<Notification>> {
        let sql = format!(
            "{NOTIFICATION} WHERE account = ?1 AND topic = ?2 AND delivery = 'waiting'
             ORDER BY no LIMIT ?3"
        );
        self.all(&sql, params![account.0, topic, number(limit)], notification)
    }

    fn last_notification(&self) -> Result<i64> {
        // Rows that went count, too.
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'notification'";
        Ok(self.one(sql, [], |row| row.get(0))?.unwrap_or(0))
    }

    fn archived_types(&self, account: AccountNo, after: i64, through: i64) -> Result<Vec<String>> {
        let sql = "SELECT DISTINCT archive FROM notification WHERE account = ?1
                   AND archive IS NOT NULL AND no > ?2 AND no <= ?3 ORDER BY archive";
        self.all(sql, [account.0, after, through], |row| row.get(0))
    }

    fn notifications_to_archive(
        &self,
        account: AccountNo,
        archive: &str,
        after: i64,
        through: i64,
        limit: usize,
    ) -> Result<Vec<Notification>> {
        let sql = format!(
            "{NOTIFICATION} WHERE account = ?1 AND archive = ?2 AND no > ?3 AND no <= ?4
             ORDER BY no LIMIT ?5"
        );
        let limit = number(limit);
        self.all(&sql, params![account.0, archive, after, through, limit], notification)
    }

    fn flips(&self, limit: usize) -> Result<Vec<Flip>> {
        let sql = "SELECT no, account, chunk, rule, at, bytes FROM flip ORDER BY no LIMIT ?1";
        self.all(sql, [number(limit)], |row| {
            Ok(Flip {
                no: row.get(0)?,
                account: AccountNo(row.get(1)?),
                chunk: ChunkNo(row.get(2)?),
                rule: RuleNo(row.get(3)?),
                at: Timestamp(row.get(4)?),
                bytes: row.get(5)?,
            })
        })
    }

    fn archive(&self, account: AccountNo) -> Result<Option<Archive>> {
        let sql = "SELECT body FROM archive WHERE account = ?1";
        let body = self.one(sql, [account.0], |row| row.get::<_, String>(0))?;
        body.map(|body| serde_json::from_str(&body).map_err(no_json)).transpose()
    }

    fn due_archives(&self, now: Timestamp, limit: usize) -> Result<Vec<AccountNo>> {
        let sql = "SELECT account FROM archive WHERE due <= ?1 ORDER BY due, account LIMIT ?2";
        self.all(sql, [now.0, number(limit)], |row| Ok(AccountNo(row.get(0)?)))
    }
}

impl WriteNotifications for Tx<'_> {
    fn insert_notification(&self, of: &Notification) -> Result<i64> {
        let sql = "INSERT INTO notification (account, topic, subject, archive, created, delivery,
                   body) VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6)";
        let Notification { account, topic, subject, archive, created, body, .. } = of;
        self.execute(sql, params![account.0, topic, subject, archive, created.0, body])?;
        Ok(self.inserted_row())
    }

    fn finish_notification(&self, no: i64) -> Result<()> {
        let gone = "DELETE FROM notification WHERE no = ?1 AND archive IS NULL";
        if self.execute(gone, [no])? == 0 {
            self.execute("UPDATE notification SET delivery = 'delivered' WHERE no = ?1", [no])?;
        }
        Ok(())
    }

    fn give_up_notification(&self, no: i64) -> Result<()> {
        self.execute("UPDATE notification SET delivery = 'dead' WHERE no = ?1", [no]).map(drop)
    }

    fn give_up_older(
        &self,
        account: AccountNo,
        topic: &str,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize> {
        let sql = "UPDATE notification SET delivery = 'dead' WHERE no IN (
                       SELECT no FROM notification WHERE account = ?1 AND topic = ?2
                       AND delivery = 'waiting' AND created < ?3 ORDER BY no LIMIT ?4)";
        self.execute(sql, params![account.0, topic, before.0, number(limit)])
    }

    fn ensure_lane(&self, account: AccountNo, topic: &str) -> Result<()> {
        let sql = "INSERT INTO delivery_lane (account, topic) VALUES (?1, ?2)
                   ON CONFLICT (account, topic) DO NOTHING";
        self.execute(sql, params![account.0, topic]).map(drop)
    }

    fn update_lane(&self, lane: &DeliveryLane) -> Result<()> {
        let sql = "UPDATE delivery_lane SET due = ?3, attempts = ?4, delivered = ?5,
                   last_delivered = ?6, last_failed = ?7, last_error = ?8
                   WHERE account = ?1 AND topic = ?2";
        self.execute(
            sql,
            params![
                lane.account.0,
                lane.topic,
                lane.due.0,
                lane.attempts,
                lane.delivered,
                lane.last_delivered.map(|at| at.0),
                lane.last_failed.map(|at| at.0),
                lane.last_error
            ],
        )
        .map(drop)
    }

    fn prune_notifications(
        &self,
        account: AccountNo,
        through: i64,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize> {
        let archived = "DELETE FROM notification WHERE no IN (
                            SELECT no FROM notification WHERE account = ?1 AND archive IS NOT NULL
                            AND no <= ?2 AND (delivery = 'delivered'
                                OR (delivery = 'dead' AND created < ?3)) LIMIT ?4)";
        let dead = "DELETE FROM notification WHERE no IN (
                        SELECT no FROM notification WHERE account = ?1 AND delivery = 'dead'
                        AND archive IS NULL AND created < ?2 LIMIT ?3)";
        let limit = number(limit);
        let gone = self.execute(archived, [account.0, through, before.0, limit])?;
        Ok(gone + self.execute(dead, [account.0, before.0, limit])?)
    }

    fn insert_flip(&self, flip: &Flip) -> Result<()> {
        let sql = "INSERT INTO flip (account, chunk, rule, at, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
        let Flip { account, chunk, rule, at, bytes, .. } = flip;
        self.execute(sql, params![account.0, chunk.0, rule.0, at.0, bytes]).map(drop)
    }

    fn shorten_flip(&self, no: i64, bytes: &[u8]) -> Result<()> {
        self.execute("UPDATE flip SET bytes = ?2 WHERE no = ?1", params![no, bytes]).map(drop)
    }

    fn delete_flip(&self, no: i64) -> Result<()> {
        self.execute("DELETE FROM flip WHERE no = ?1", [no]).map(drop)
    }

    fn put_archive(&self, account: AccountNo, archive: &Archive) -> Result<()> {
        let sql = "INSERT INTO archive (account, due, body) VALUES (?1, ?2, ?3)
                   ON CONFLICT (account) DO UPDATE SET due = excluded.due, body = excluded.body";
        let body = serde_json::to_string(archive).map_err(no_json)?;
        self.execute(sql, params![account.0, archive.next().map(|at| at.0), body]).map(drop)
    }
}
