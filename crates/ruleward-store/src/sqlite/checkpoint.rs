//! Our own checkpointer. SQLite's automatic one runs in the committing thread and stalls it; a
//! passive one beside it alone never lets the log start over under a steady stream. So: a
//! thread copies pages back all the time, and when the log has grown past a limit the writer
//! restarts it between two commits, with little left to copy.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use ruleward_types::{Error, Result};
use rusqlite::Connection;

use super::BUSY;

/// Pages (of 8 KiB) in the log at which the writer restarts it: 128 MiB.
const RESTART_PAGES: i64 = 16384;
/// How often the writer tries that, and how long it waits in between.
const RESTART_TRIES: usize = 50;
const RESTART_PAUSE: Duration = Duration::from_micros(50);
/// How long the thread waits between two times, and how many times as long as the last took. Few pages
/// at a time are no burst that keeps the disk from the commits.
const PAUSE: Duration = Duration::from_millis(20);
const PAUSES: u32 = 2;
/// How often the thread goes on at once, until so little is left that it takes no longer than this.
const LAST_PASSES: usize = 8;
const SHORT_PASS: Duration = Duration::from_millis(2);

#[derive(Debug, Default)]
struct State {
    stop: bool,
    /// Something was committed that was not looked at.
    dirty: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    pages: AtomicI64,
}

impl Shared {
    /// Something was committed. Wakes the thread where it waits for that, not with every commit.
    fn committed(&self) {
        let was_dirty = std::mem::replace(&mut self.state.lock().dirty, true);
        if !was_dirty {
            self.changed.notify_one();
        }
    }

    fn stop(&self) {
        self.state.lock().stop = true;
        self.changed.notify_one();
    }

    /// Waits until something was committed, and for what is committed soon after; false where
    /// everything stops.
    fn wait(&self, pause: Duration) -> bool {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| !state.dirty && !state.stop);
        self.changed.wait_while_for(&mut state, |state| !state.stop, pause);
        state.dirty = false;
        !state.stop
    }
}

/// What the writer knows of the log.
#[derive(Debug, Clone)]
pub(super) struct Wal(Arc<Shared>);

impl Wal {
    /// Called by the writer between two commits.
    pub(super) fn after_commit(&self, connection: &Connection) {
        self.0.committed();
        if self.0.pages.load(Ordering::Acquire) < RESTART_PAGES {
            return;
        }
        // Where somebody reads for longer, the next look of the checkpointer asks again.
        self.0.pages.store(0, Ordering::Release);
        // Most snapshots end within a tenth of a millisecond, and the log starts over at the first
        // moment at which there is none of before. SQLite's own waiting would sleep longer each time.
        let _ = connection.busy_timeout(Duration::ZERO);
        for _ in 0..RESTART_TRIES {
            match checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)") {
                Ok(Checkpoint { is_done: true, .. }) => break,
                Ok(_) => std::thread::sleep(RESTART_PAUSE),
                Err(e) => {
                    tracing::warn!(error.cause = %e, "checkpoint failed");
                    break;
                }
            }
        }
        let _ = connection.busy_timeout(BUSY);
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
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, shared: &Shared) {
    let mut pause = PAUSE;
    while shared.wait(pause) {
        let begun = Instant::now();
        match copy_back(connection) {
            Ok(pages) => shared.pages.store(pages, Ordering::Release),
            Err(e) => tracing::warn!(error.cause = %e, "checkpoint failed"),
        }
        pause = PAUSE.max(begun.elapsed() * PAUSES);
    }
    // Leave a log that is empty; what is in it is durable either way.
    let _ = checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Copies back what is in the log; how many pages that are. Where the writer is to restart the log, again
/// and again, each time only what was written during the time before: the rest is the writer's, and
/// everybody waits for that.
fn copy_back(connection: &Connection) -> rusqlite::Result<i64> {
    let mut passes = 0;
    loop {
        let begun = Instant::now();
        let Checkpoint { pages, .. } = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
        passes += 1;
        if pages < RESTART_PAGES || begun.elapsed() < SHORT_PASS || passes > LAST_PASSES {
            return Ok(pages);
        }
    }
}

/// What a checkpoint came to.
struct Checkpoint {
    /// Whether nobody kept it from doing all that was asked.
    is_done: bool,
    /// Pages in the log.
    pages: i64,
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<Checkpoint> {
    connection.query_row(sql, [], |row| {
        Ok(Checkpoint { is_done: row.get::<_, i64>(0)? == 0, pages: row.get(1)? })
    })
}
