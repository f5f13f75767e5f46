//! Import sessions.

use ruleward_types::{AccountNo, ChunkNo, ImportSession, Result};

/// Reading them.
pub trait ReadImports {
    /// The session of that id.
    fn import_session(&self, account: AccountNo, id: &str) -> Result<Option<ImportSession>>;
    /// The open session of that source.
    fn open_import(&self, account: AccountNo, source: &str) -> Result<Option<ImportSession>>;
    /// Slots of a chunk that the session has met, as bits; empty if none.
    fn import_seen(&self, session: &str, chunk: ChunkNo) -> Result<Vec<u8>>;
}

/// Changing them.
pub trait WriteImports {
    /// Adds or replaces a session.
    fn put_import_session(&self, account: AccountNo, session: &ImportSession) -> Result<()>;
    /// Sets the slots of a chunk that the session has met.
    fn put_import_seen(&self, session: &str, chunk: ChunkNo, slots: &[u8]) -> Result<()>;
    /// Forgets what the session has met.
    fn clear_import_seen(&self, session: &str) -> Result<()>;
}
