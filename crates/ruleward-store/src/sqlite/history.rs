//! What was when: changes with their causes, verdicts that flipped, bodies and rules as they were.

use ruleward_types::{
    AccountNo, ChunkNo, Error, PolicyAssignment, ResourceKey, Result, RuleNo, SLOTS_PER_CHUNK,
    Timestamp,
};
use rusqlite::{Row, params};

use super::policy_assignments::{decode, encode};
use super::{Tx, failed};
use crate::history::{PastResource, PastVersion, Span, VisitTransition};
use crate::{ReadHistory, StoredResource, WriteHistory};

fn past_resource(row: &Row<'_>) -> rusqlite::Result<PastResource> {
    let last =
        StoredResource { key: ResourceKey(row.get(0)?), version: row.get(1)?, body: row.get(2)? };
    Ok(PastResource { last, created: row.get(3)?, deleted: row.get(4)? })
}

fn row_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl ReadHistory for Tx<'_> {
    fn past_begins(&self, account: AccountNo) -> Result<Timestamp> {
        let sql = "SELECT past_begins FROM account WHERE no = ?1";
        Ok(Timestamp(self.one(sql, [account.0], |row| row.get(0))?.unwrap_or_default()))
    }

    fn change(&self, account: AccountNo, at: Timestamp) -> Result<Option<(Timestamp, String)>> {
        let sql = "SELECT at, cause FROM change WHERE account = ?1 AND at <= ?2
                   ORDER BY at DESC LIMIT 1";
        self.one(sql, [account.0, at.0], |row| Ok((Timestamp(row.get(0)?), row.get(1)?)))
    }

    fn transitions(&self, chunk: ChunkNo, span: Span, visit: VisitTransition<'_>) -> Result<()> {
        let context = failed("read transitions");
        let sql = "SELECT at, bytes FROM transition WHERE chunk = ?1 AND at BETWEEN ?2 AND ?3
                   ORDER BY at DESC, no DESC";
        let mut statement = self.connection.prepare_cached(sql).map_err(&context)?;
        let mut rows = statement.query([chunk.0, span.from, span.to]).map_err(&context)?;
        while let Some(row) = rows.next().map_err(&context)? {
            let at = Timestamp(row.get(0).map_err(&context)?);
            let bytes = row.get_ref(1).map_err(&context)?.as_blob();
            visit(at, bytes.map_err(|e| Error::internal("read transitions", e))?)?;
        }
        Ok(())
    }

    fn planes_checkpoint(
        &self,
        chunk: ChunkNo,
        after: Timestamp,
    ) -> Result<Option<(Timestamp, Vec<u8>)>> {
        let sql = "SELECT at, bytes FROM planes_checkpoint WHERE chunk = ?1 AND at > ?2
                   ORDER BY at LIMIT 1";
        self.one(sql, [chunk.0, after.0], |row| Ok((Timestamp(row.get(0)?), row.get(1)?)))
    }

    fn resource_created(&self, key: ResourceKey) -> Result<Option<i64>> {
        self.one("SELECT created FROM resource WHERE key = ?1", [key.0], |row| row.get(0))
    }

    fn past_versions(
        &self,
        last: &StoredResource,
        span: Span,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<PastVersion>> {
        if newest_first {
            self.newest_versions(last, span, limit)
        } else {
            self.oldest_versions(last, span, limit)
        }
    }

    fn past_version_at(&self, last: &StoredResource, at: Timestamp) -> Result<Option<PastVersion>> {
        self.version_at(last, at)
    }

    fn past_resource(&self, key: ResourceKey) -> Result<Option<PastResource>> {
        let sql = "SELECT key, version, body, created, deleted FROM past_resource WHERE key = ?1";
        self.one(sql, [key.0], past_resource)
    }

    fn past_resources_by_id(&self, account: AccountNo, id: &str) -> Result<Vec<ResourceKey>> {
        let sql = "SELECT p.key FROM past_resource_by_id i JOIN past_resource p ON p.key = i.key
                   WHERE i.hash = ?1 AND p.id = ?2 AND p.account = ?3 ORDER BY p.key";
        self.all(sql, params![self.id_hash(account, id), id, account.0], |row| {
            row.get(0).map(ResourceKey)
        })
    }

    fn past_resources(
        &self,
        chunk: ChunkNo,
        from_slot: usize,
        limit: usize,
    ) -> Result<Vec<PastResource>> {
        let sql = "SELECT key, version, body, created, deleted FROM past_resource
                   WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3";
        let first = ResourceKey::new(chunk, 0).0;
        let from = first + row_limit(from_slot.min(SLOTS_PER_CHUNK));
        self.all(sql, [from, first + row_limit(SLOTS_PER_CHUNK), row_limit(limit)], past_resource)
    }

    fn rules_at(&self, account: AccountNo, at: Timestamp) -> Result<Vec<PolicyAssignment>> {
        let sql = "SELECT rule, body FROM policy_assignment_version v
                   WHERE account = ?1 AND body IS NOT NULL AND at =
                     (SELECT max(at) FROM policy_assignment_version
                      WHERE account = ?1 AND rule = v.rule AND at <= ?2)
                   ORDER BY rule";
        self.all(sql, [account.0, at.0], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?
            .into_iter()
            .map(|(no, body)| decode(no, &body))
            .collect()
    }

    fn rule_at(
        &self,
        account: AccountNo,
        rule: RuleNo,
        at: Timestamp,
    ) -> Result<Option<PolicyAssignment>> {
        let sql = "SELECT body FROM policy_assignment_version
                   WHERE account = ?1 AND rule = ?2 AND at <= ?3 ORDER BY at DESC LIMIT 1";
        self.one(sql, [account.0, rule.0, at.0], |row| row.get::<_, Option<String>>(0))?
            .flatten()
            .map(|body| decode(rule.0, &body))
            .transpose()
    }

    fn rule_changed(
        &self,
        account: AccountNo,
        rule: RuleNo,
        at: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let sql = "SELECT max(at) FROM policy_assignment_version
                   WHERE account = ?1 AND rule = ?2 AND at <= ?3";
        let last = self.one(sql, [account.0, rule.0, at.0], |row| row.get(0))?;
        Ok(last.flatten().map(Timestamp))
    }
}

impl WriteHistory for Tx<'_> {
    fn insert_change(&self, account: AccountNo, at: Timestamp, cause: &str) -> Result<()> {
        let sql = "INSERT INTO change (account, at, cause) VALUES (?1, ?2, ?3)
                   ON CONFLICT (account, at) DO NOTHING";
        self.execute(sql, params![account.0, at.0, cause]).map(drop)
    }

    fn insert_transition(&self, chunk: ChunkNo, at: Timestamp, bytes: &[u8]) -> Result<()> {
        let sql = "INSERT INTO transition (chunk, at, bytes) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![chunk.0, at.0, bytes]).map(drop)
    }

    fn insert_planes_checkpoint(&self, chunk: ChunkNo, at: Timestamp, bytes: &[u8]) -> Result<()> {
        let sql = "INSERT INTO planes_checkpoint (chunk, at, bytes) VALUES (?1, ?2, ?3)";
        self.execute(sql, params![chunk.0, at.0, bytes]).map(drop)
    }

    fn insert_past_version(
        &self,
        account: AccountNo,
        replaced: &StoredResource,
        until: i64,
    ) -> Result<()> {
        self.put_past_version(account, replaced, until)
    }

    fn insert_past_resource(
        &self,
        account: AccountNo,
        id: &str,
        past: &PastResource,
    ) -> Result<()> {
        let PastResource { last: StoredResource { key, version, body }, created, deleted } = past;
        self.execute(
            "INSERT INTO past_resource (key, account, created, version, deleted, id, body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![key.0, account.0, created, version, deleted, id, body],
        )?;
        self.execute(
            "INSERT INTO past_resource_by_id (hash, key) VALUES (?1, ?2)",
            [self.id_hash(account, id), key.0],
        )
        .map(drop)
    }

    fn insert_rule_version(
        &self,
        account: AccountNo,
        rule: &PolicyAssignment,
        at: Timestamp,
    ) -> Result<()> {
        self.put_rule_version(account, rule.no, at, Some(&encode(rule)?))
    }

    fn insert_rule_end(&self, account: AccountNo, rule: RuleNo, at: Timestamp) -> Result<()> {
        self.put_rule_version(account, rule, at, None)
    }

    fn prune_history(&self, account: AccountNo, before: Timestamp, limit: usize) -> Result<usize> {
        let most = row_limit(limit);
        // A version stands for the past until the next one: the last before that moment stays.
        let rules = "DELETE FROM policy_assignment_version WHERE account = ?1 AND (rule, at) IN
               (SELECT rule, at FROM policy_assignment_version v
                WHERE account = ?1 AND at < ?2 AND
                  (body IS NULL OR EXISTS (SELECT 1 FROM policy_assignment_version n
                    WHERE n.account = ?1 AND n.rule = v.rule AND n.at > v.at AND n.at <= ?2))
                LIMIT ?3)";
        let mut gone = self.execute(rules, [account.0, before.0, most])?;
        gone += self.prune_changes(account, before, limit)?;
        gone += self.prune_past_resources(account, before, most)?;
        let by_chunk: [&'static str; 2] = [
            "DELETE FROM transition WHERE no IN
               (SELECT t.no FROM chunk c JOIN transition t ON t.chunk = c.no
                WHERE c.account = ?1 AND t.at < ?2 LIMIT ?3)",
            "DELETE FROM planes_checkpoint WHERE no IN
               (SELECT p.no FROM chunk c JOIN planes_checkpoint p ON p.chunk = c.no
                WHERE c.account = ?1 AND p.at < ?2 LIMIT ?3)",
        ];
        for sql in by_chunk {
            gone += self.execute(sql, [account.0, before.0, most])?;
        }
        if gone > 0 {
            let sql = "UPDATE account SET past_begins = max(past_begins, ?2) WHERE no = ?1";
            self.execute(sql, [account.0, before.0])?;
        }
        Ok(gone)
    }
}

impl Tx<'_> {
    fn put_rule_version(
        &self,
        account: AccountNo,
        rule: RuleNo,
        at: Timestamp,
        body: Option<&str>,
    ) -> Result<()> {
        // Of several changes in one transaction the last one stands.
        let sql = "INSERT INTO policy_assignment_version (account, rule, at, body)
                   VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (account, rule, at) DO UPDATE SET body = excluded.body";
        self.execute(sql, params![account.0, rule.0, at.0, body]).map(drop)
    }

    fn prune_past_resources(
        &self,
        account: AccountNo,
        before: Timestamp,
        limit: i64,
    ) -> Result<usize> {
        let sql = "SELECT key, id FROM past_resource WHERE account = ?1 AND deleted < ?2
                   ORDER BY deleted LIMIT ?3";
        let gone: Vec<(i64, String)> =
            self.all(sql, [account.0, before.0, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for (key, id) in &gone {
            self.execute("DELETE FROM past_resource WHERE key = ?1", [*key])?;
            self.execute(
                "DELETE FROM past_resource_by_id WHERE hash = ?1 AND key = ?2",
                [self.id_hash(account, id), *key],
            )?;
        }
        Ok(gone.len())
    }
}

#[cfg(test)]
mod tests {
    use ruleward_types::{AccountNo, ResourceKey, Timestamp};
    use rusqlite::Connection;

    use super::super::{SqliteStore, embedded};
    use crate::{ReadTx, Store};

    /// The past of what was there before there was a history begins when the store is opened.
    #[test]
    fn an_older_store_comes_to_its_past() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("old.sqlite");
        let mut connection = Connection::open(&path).unwrap();
        let before_history = refinery::Target::Version(4);
        embedded::migrations::runner().set_target(before_history).run(&mut connection).unwrap();
        let rule = r#"{"no": 0, "id": "5fa36558aa1e6afc05a3d0a7", "kind": "builtin", "name": "r",
            "description": null, "filter": {}, "filter_v2": null, "period": null,
            "trigger": "resource", "state": "Enabled", "created": 1, "updated": 1,
            "policy_definition_id": "x", "custom_policy": null, "parameters": {}, "tags": [],
            "created_by": "custom", "revision": "", "mark": 1, "run": null}"#;
        connection
            .execute_batch(&format!(
                "INSERT INTO account (no, domain_id, name, created, recorder_enabled)
                   VALUES (1, 'd', 'a', 5, 1);
                 INSERT INTO policy_assignment (no, account, id, name, body)
                   VALUES (7, 1, 'i', 'r', '{rule}');
                 INSERT INTO resource (key, version, id, body) VALUES (4096, 77, 'x', x'7b7d');"
            ))
            .unwrap();
        drop(connection);
        let store = SqliteStore::open(&path).unwrap();
        let store: &dyn Store = &*store;
        let account = AccountNo(1);
        let read = |tx: &dyn ReadTx| {
            let begins = tx.past_begins(account)?;
            let before = tx.rules_at(account, Timestamp(begins.0 - 1))?.len();
            Ok((begins, before, tx.rules_at(account, begins)?.len()))
        };
        let (begins, before, since) = store.read(read).unwrap();
        assert!(begins.0 > 0);
        assert_eq!((before, since), (0, 1));
        let created = store.read(|tx| tx.resource_created(ResourceKey(4096))).unwrap();
        assert_eq!(created, Some(77));
    }
}
