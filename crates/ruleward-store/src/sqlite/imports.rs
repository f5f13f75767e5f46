//! Import sessions.

use ruleward_types::{AccountNo, ChunkNo, Error, ImportSession, Result};
use rusqlite::params;

use super::Tx;
use crate::{ReadImports, WriteImports};

fn decode(body: Option<String>) -> Result<Option<ImportSession>> {
    body.map(|body| {
        serde_json::from_str(&body).map_err(|e| Error::internal("read an import session", e))
    })
    .transpose()
}

impl ReadImports for Tx<'_> {
    fn import_session(&self, account: AccountNo, id: &str) -> Result<Option<ImportSession>> {
        let sql = "SELECT body FROM import_session WHERE account = ?1 AND id = ?2";
        decode(self.one(sql, params![account.0, id], |row| row.get(0))?)
    }

    fn open_import(&self, account: AccountNo, source: &str) -> Result<Option<ImportSession>> {
        let sql = "SELECT body FROM import_session
                   WHERE account = ?1 AND source = ?2 AND closed = 0 ORDER BY id LIMIT 1";
        decode(self.one(sql, params![account.0, source], |row| row.get(0))?)
    }

    fn import_seen(&self, session: &str, chunk: ChunkNo) -> Result<Vec<u8>> {
        let sql = "SELECT slots FROM import_seen WHERE session = ?1 AND chunk = ?2";
        Ok(self.one(sql, params![session, chunk.0], |row| row.get(0))?.unwrap_or_default())
    }
}

impl WriteImports for Tx<'_> {
    fn put_import_session(&self, account: AccountNo, session: &ImportSession) -> Result<()> {
        let body = serde_json::to_string(session)
            .map_err(|e| Error::internal("write an import session", e))?;
        let sql = "INSERT INTO import_session (id, account, source, closed, body)
                   VALUES (?1, ?2, ?3, ?4, ?5)
                   ON CONFLICT (id) DO UPDATE SET closed = excluded.closed, body = excluded.body";
        self.execute(sql, params![session.id, account.0, session.source, session.closed, body])
            .map(drop)
    }

    fn put_import_seen(&self, session: &str, chunk: ChunkNo, slots: &[u8]) -> Result<()> {
        let sql = "INSERT INTO import_seen (session, chunk, slots) VALUES (?1, ?2, ?3)
                   ON CONFLICT (session, chunk) DO UPDATE SET slots = excluded.slots";
        self.execute(sql, params![session, chunk.0, slots]).map(drop)
    }

    fn clear_import_seen(&self, session: &str) -> Result<()> {
        self.execute("DELETE FROM import_seen WHERE session = ?1", [session]).map(drop)
    }
}
