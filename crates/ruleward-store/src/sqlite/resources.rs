//! Resource bodies.

use ruleward_types::{AccountNo, ChunkNo, Error, ResourceKey, Result, SLOTS_PER_CHUNK, TypeNo};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Tx, failed};
use crate::resources::Visit;
use crate::{NameChange, ReadResources, StoredResource, WriteResources};

/// Key, version and body.
fn stored(row: &Row<'_>) -> rusqlite::Result<StoredResource> {
    Ok(StoredResource { key: ResourceKey(row.get(0)?), version: row.get(1)?, body: row.get(2)? })
}

const BY_KEY: &str = "SELECT key, version, body FROM resource WHERE key = ?1";

impl Tx<'_> {
    fn keys_by_id(&self, account: AccountNo, id: &str, recorded: bool) -> Result<Vec<ResourceKey>> {
        // The hash may collide, so the id is compared; the account is part of the hash and
        // compared through the chunk.
        let sql = "SELECT r.key FROM resource_by_id i JOIN resource r ON r.key = i.key
                   JOIN chunk c ON c.no = i.key >> 12
                   WHERE i.hash = ?1 AND r.id = ?2 AND c.account = ?3 AND c.recorded = ?4
                   ORDER BY r.key";
        self.all(sql, params![self.id_hash(account, id), id, account.0, recorded], |row| {
            row.get(0).map(ResourceKey)
        })
    }
}

impl ReadResources for Tx<'_> {
    fn resources_by_id(&self, account: AccountNo, id: &str) -> Result<Vec<ResourceKey>> {
        self.keys_by_id(account, id, true)
    }

    fn told_resources_by_id(&self, account: AccountNo, id: &str) -> Result<Vec<ResourceKey>> {
        self.keys_by_id(account, id, false)
    }

    fn resource_of_type(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        id: &str,
        recorded: bool,
    ) -> Result<Option<StoredResource>> {
        let sql = "SELECT r.key, r.version, r.body
                   FROM resource_by_id i JOIN resource r ON r.key = i.key
                   JOIN chunk c ON c.no = i.key >> 12
                   WHERE i.hash = ?1 AND r.id = ?2 AND c.account = ?3 AND c.type = ?4
                   AND c.recorded = ?5";
        let hash = self.id_hash(account, id);
        self.one(sql, params![hash, id, account.0, type_no.0, recorded], stored)
    }

    fn resources_by_name(
        &self,
        account: AccountNo,
        name: &str,
        after: ResourceKey,
        limit: usize,
    ) -> Result<Vec<ResourceKey>> {
        let sql = "SELECT key FROM resource_by_name WHERE hash = ?1 AND key > ?2
                   ORDER BY key LIMIT ?3";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(sql, [self.id_hash(account, name), after.0, limit], |row| {
            row.get(0).map(ResourceKey)
        })
    }

    fn resources_from(
        &self,
        chunk: ChunkNo,
        from_slot: usize,
        limit: usize,
    ) -> Result<Vec<StoredResource>> {
        // Added: the slot after the last one is the next chunk's first, and past the end.
        let from = ResourceKey::new(chunk, 0).0 + i64::try_from(from_slot).unwrap_or(0);
        let end = ResourceKey::new(ChunkNo(chunk.0 + 1), 0).0;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(
            "SELECT key, version, body FROM resource WHERE key >= ?1 AND key < ?2
             ORDER BY key LIMIT ?3",
            [from, end, limit],
            stored,
        )
    }

    fn resource(&self, key: ResourceKey) -> Result<Option<StoredResource>> {
        self.one(BY_KEY, [key.0], stored)
    }

    fn resources(&self, keys: &[ResourceKey]) -> Result<Vec<StoredResource>> {
        let context = failed("read resources");
        let mut statement = self.connection.prepare_cached(BY_KEY).map_err(&context)?;
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let one = statement.query_row([key.0], stored);
            found.extend(one.optional().map_err(&context)?);
        }
        Ok(found)
    }

    fn resource_version(&self, key: ResourceKey) -> Result<Option<i64>> {
        self.one("SELECT version FROM resource WHERE key = ?1", [key.0], |row| row.get(0))
    }

    fn scan_chunk(
        &self,
        chunk: ChunkNo,
        from_slot: usize,
        after_version: i64,
        visit: Visit<'_>,
    ) -> Result<()> {
        let context = failed("scan a chunk");
        let first = ResourceKey::new(chunk, 0).0;
        let from = first + i64::try_from(from_slot).unwrap_or(0);
        let to = first + i64::try_from(SLOTS_PER_CHUNK).unwrap_or(0);
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT key, version, body FROM resource
                 WHERE key >= ?1 AND key < ?2 AND version > ?3 ORDER BY key",
            )
            .map_err(&context)?;
        let mut rows = statement.query([from, to, after_version]).map_err(&context)?;
        while let Some(row) = rows.next().map_err(&context)? {
            let key = ResourceKey(row.get(0).map_err(&context)?);
            let version = row.get(1).map_err(&context)?;
            let body = row
                .get_ref(2)
                .map_err(&context)?
                .as_blob()
                .map_err(|e| Error::internal("scan a chunk", e))?;
            visit(key.slot(), version, body)?;
        }
        Ok(())
    }

    fn highest_version(&self) -> Result<i64> {
        let highest = self.one("SELECT max(version) FROM chunk", [], |row| row.get(0))?;
        Ok(highest.flatten().unwrap_or(0))
    }
}

impl WriteResources for Tx<'_> {
    fn insert_resource(
        &self,
        account: AccountNo,
        key: ResourceKey,
        version: i64,
        id: &str,
        body: &[u8],
    ) -> Result<()> {
        self.execute(
            "INSERT INTO resource (key, version, id, body, created) VALUES (?1, ?2, ?3, ?4, ?2)",
            params![key.0, version, id, body],
        )?;
        self.execute(
            "INSERT INTO resource_by_id (hash, key) VALUES (?1, ?2)",
            [self.id_hash(account, id), key.0],
        )
        .map(drop)
    }

    fn update_resource(&self, key: ResourceKey, version: i64, body: &[u8]) -> Result<()> {
        self.execute(
            "UPDATE resource SET version = ?2, body = ?3 WHERE key = ?1",
            params![key.0, version, body],
        )
        .map(drop)
    }

    fn change_resource_names(&self, account: AccountNo, changes: &[NameChange]) -> Result<()> {
        let mut changes: Vec<_> = changes
            .iter()
            .filter(|of| !of.name.is_empty())
            .map(|of| (self.id_hash(account, &of.name), of.key.0, of.has))
            .collect();
        // In the order of the index its pages are met once; what is about the same name and
        // resource stays in its order.
        changes.sort_by_key(|(hash, key, _)| (*hash, *key));
        for (hash, key, has) in changes {
            let sql = if has {
                "INSERT OR IGNORE INTO resource_by_name (hash, key) VALUES (?1, ?2)"
            } else {
                "DELETE FROM resource_by_name WHERE hash = ?1 AND key = ?2"
            };
            self.execute(sql, [hash, key])?;
        }
        Ok(())
    }

    fn delete_resource(&self, account: AccountNo, key: ResourceKey, id: &str) -> Result<()> {
        self.execute("DELETE FROM resource WHERE key = ?1", [key.0])?;
        self.execute(
            "DELETE FROM resource_by_id WHERE hash = ?1 AND key = ?2",
            [self.id_hash(account, id), key.0],
        )
        .map(drop)
    }
}
