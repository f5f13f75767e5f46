//! Which resources name which.

use std::hash::Hasher;

use ruleward_types::{AccountNo, ResourceKey, Result};
use rusqlite::params;
use siphasher::sip::SipHasher13;

use super::Tx;
use crate::{NamedBy, Namer, ReadRelations, RelationTarget, WriteRelations};

fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl ReadRelations for Tx<'_> {
    fn relation_target(
        &self,
        account: AccountNo,
        folded_type: &str,
        by: NamedBy,
        name: &str,
    ) -> RelationTarget {
        let mut hasher = SipHasher13::new_with_key(&self.id_hash_key);
        hasher.write_i64(account.0);
        // No type holds a byte of these, so the parts cannot run into each other.
        hasher.write(folded_type.as_bytes());
        hasher.write(match by {
            NamedBy::Id => &[0],
            NamedBy::Name => &[1],
            NamedBy::Itself => &[2],
        });
        hasher.write(name.as_bytes());
        RelationTarget(hasher.finish().cast_signed())
    }

    fn namers(
        &self,
        target: RelationTarget,
        at: Option<i64>,
        after: Option<ResourceKey>,
        limit: usize,
    ) -> Result<Vec<Namer>> {
        let after = after.map_or(i64::MIN, |key| key.0);
        let Some(at) = at else {
            let sql = "SELECT key FROM relation WHERE target = ?1 AND key > ?2
                       ORDER BY key LIMIT ?3";
            return self.all(sql, [target.0, after, count(limit)], |row| {
                Ok(Namer { key: ResourceKey(row.get(0)?), past_id: None })
            });
        };
        let sql = "SELECT key, NULL AS id FROM relation
                   WHERE target = ?1 AND key > ?2 AND since <= ?4
                   UNION ALL
                   SELECT key, id FROM relation_past
                   WHERE target = ?1 AND key > ?2 AND since <= ?4 AND until > ?4
                   ORDER BY key LIMIT ?3";
        self.all(sql, [target.0, after, count(limit), at], |row| {
            Ok(Namer { key: ResourceKey(row.get(0)?), past_id: row.get(1)? })
        })
    }

    fn naming_changes(
        &self,
        target: RelationTarget,
        from: i64,
        to: i64,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<i64>> {
        // With the sign turned, descending is ascending, and one text serves both.
        let sign = if newest_first { -1 } else { 1 };
        let sql = include_str!("queries/naming_changes.sql");
        self.all(sql, [target.0, from, to, sign, count(limit)], |row| row.get(0))
    }
}

impl WriteRelations for Tx<'_> {
    fn begin_naming(&self, target: RelationTarget, key: ResourceKey, since: i64) -> Result<()> {
        let sql = "INSERT INTO relation (target, key, since) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO NOTHING";
        self.execute(sql, [target.0, key.0, since]).map(drop)
    }

    fn end_naming(
        &self,
        account: AccountNo,
        target: RelationTarget,
        key: ResourceKey,
        until: i64,
        id: &str,
    ) -> Result<()> {
        let sql = "INSERT INTO relation_past (target, key, since, until, account, id)
                   SELECT target, key, since, ?3, ?4, ?5 FROM relation WHERE target = ?1 AND key = ?2
                   ON CONFLICT DO NOTHING";
        self.execute(sql, params![target.0, key.0, until, account.0, id])?;
        let sql = "DELETE FROM relation WHERE target = ?1 AND key = ?2";
        self.execute(sql, [target.0, key.0]).map(drop)
    }

    fn clear_naming(&self) -> Result<()> {
        self.execute("DELETE FROM relation", []).map(drop)
    }

    fn prune_relations(&self, account: AccountNo, before: i64, limit: usize) -> Result<usize> {
        let sql = "DELETE FROM relation_past WHERE (target, key, since) IN (
                       SELECT target, key, since FROM relation_past
                       WHERE account = ?1 AND until < ?2 ORDER BY until LIMIT ?3)";
        self.execute(sql, [account.0, before, count(limit)])
    }
}
