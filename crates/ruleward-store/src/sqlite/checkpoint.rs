//! Our own checkpointer. SQLite's automatic one runs in the committing thread and stalls it; a
//! passive one beside it alone never lets the log start over under a steady stream. So: a
//! thread copies pages back all the time, and when the log has grown past a limit the writer
//! restarts it between two commits, with little left to copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ruleward_types::{Error, Result};
use rusqlite::Connection;

/// Pages (of 8 KiB) in the log at which the writer restarts it: 64 MiB.
const RESTART_PAGES: i64 = 8192;
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    dirty: AtomicBool,
    pages: AtomicI64,
}

/// What the writer knows of the log.
#[derive(Debug, Clone)]
pub(super) struct Wal(Arc<Shared>);

impl Wal {
    /// Called by the writer between two commits.
    pub(super) fn after_commit(&self, connection: &Connection) {
        self.0.dirty.store(true, Ordering::Release);
        if self.0.pages.load(Ordering::Acquire) < RESTART_PAGES {
            return;
        }
        // Readers hold their snapshots for milliseconds; where one holds longer, the next
        // commit tries again.
        let _ = connection.busy_timeout(Duration::from_millis(50));
        match checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)") {
            Ok(_) => self.0.pages.store(0, Ordering::Release),
            Err(e) => tracing::warn!(error.cause = %e, "checkpoint failed"),
        }
        let _ = connection.busy_timeout(Duration::from_secs(10));
    }
}

/// The thread that copies pages back.
#[derive(Debug)]
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(connection: Connection) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&connection, &theirs))
            .map_err(|e| Error::internal("start the checkpointer", e))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn wal(&self) -> Wal {
        Wal(Arc::clone(&self.shared))
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, shared: &Shared) {
    while !shared.stop.load(Ordering::Acquire) {
        std::thread::park_timeout(PAUSE);
        if shared.dirty.swap(false, Ordering::AcqRel) {
            match checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
                Ok(pages) => shared.pages.store(pages, Ordering::Release),
                Err(e) => tracing::warn!(error.cause = %e, "checkpoint failed"),
            }
        }
    }
    // Leave a log that is empty; what is in it is durable either way.
    let _ = checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Pages in the log.
fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<i64> {
    connection.query_row(sql, [], |row| row.get(1))
}
