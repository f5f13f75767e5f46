//! Our own checkpointer. SQLite's automatic one runs in the committing thread and stalls it; a
//! passive one beside it alone never lets the log start over under a steady stream. So: a
//! thread copies pages back all the time, and when the log has grown past a limit the writer
//! starts it over between two commits, with little left to copy.

mod log_pages;
mod write_back;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use ruleward_types::{Error, Result};
use rusqlite::Connection;

use self::write_back::{Due, WriteBack};
use super::BUSY;

/// Pages (of 8 KiB) in the log at which it should start over: 144 MiB.
const TOO_LONG: i64 = 18432;
/// How often the writer tries that, and how long it waits in between.
const RESTART_TRIES: usize = 50;
const RESTART_PAUSE: Duration = Duration::from_micros(50);

#[derive(Debug, Default)]
struct State {
    stop: bool,
    /// Something was committed that was not looked at.
    dirty: bool,
    /// The log is to start over with the next commit.
    restart: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    /// Something was committed; whether the log is to start over. Wakes the thread where it waits for
    /// that, not with every commit.
    fn committed(&self) -> bool {
        let mut state = self.state.lock();
        if !std::mem::replace(&mut state.dirty, true) {
            self.changed.notify_one();
        }
        state.restart
    }

    fn stop(&self) {
        self.state.lock().stop = true;
        self.changed.notify_one();
    }

    /// Waits for so long, where there are no `news` first until something is committed; false where
    /// everything stops.
    fn wait(&self, Due { news, pause }: Due) -> bool {
        let mut state = self.state.lock();
        if news {
            self.changed.wait_while(&mut state, |state| !state.dirty && !state.stop);
        }
        self.changed.wait_while_for(&mut state, |state| !state.stop, pause);
        !state.stop
    }

    /// Whether something was committed since this was asked last.
    fn has_news(&self) -> bool {
        std::mem::take(&mut self.state.lock().dirty)
    }

    /// Has the writer start the log over after its next commit, and waits until it has tried.
    fn restart(&self) {
        let mut state = self.state.lock();
        state.restart = true;
        self.changed.wait_while(&mut state, |state| state.restart && !state.stop);
    }

    fn has_tried(&self) {
        self.state.lock().restart = false;
        self.changed.notify_one();
    }
}

/// What a writer knows of the log.
#[derive(Debug, Clone)]
pub struct Wal(Arc<Shared>);

impl Wal {
    /// Called by the writer between two commits, with its connection: starts the log over where it is time.
    pub fn after_commit(&self, connection: &Connection) {
        if !self.0.committed() {
            return;
        }
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
        // Where somebody reads for longer the thread asks again.
        self.0.has_tried();
    }
}

/// The thread that copies pages back. It ends when this is dropped, after the writer, and leaves an empty
/// log.
#[derive(Debug)]
pub struct Checkpointer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts it for the database at `path`, of pages of 8 KiB, whose writer never checkpoints by itself, with connections to
    /// it that nobody else uses.
    ///
    /// # Errors
    /// Where the file cannot be opened, or there is no thread to be had.
    pub fn start(path: &Path, connections: [Connection; 3]) -> Result<Self> {
        Self::start_at(path, connections, TOO_LONG)
    }

    fn start_at(path: &Path, connections: [Connection; 3], too_long: i64) -> Result<Self> {
        let back = WriteBack::new(path, connections, too_long)?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(back, &theirs))
            .map_err(|e| Error::internal("start the checkpointer", e))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// For the writer.
    pub fn wal(&self) -> Wal {
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

fn run(mut back: WriteBack, shared: &Shared) {
    while shared.wait(back.due()) {
        match back.step(&mut || shared.has_news()) {
            Ok(true) => shared.restart(),
            Ok(false) => {}
            Err(e) => tracing::warn!(error.cause = e.cause(), "checkpoint failed"),
        }
    }
    if let Err(e) = back.finish() {
        tracing::warn!(error.cause = e.cause(), "checkpoint failed");
    }
}

/// What a checkpoint came to.
struct Checkpoint {
    /// Whether nobody kept it from doing all that was asked.
    is_done: bool,
    /// Pages in the log.
    pages: i64,
    /// Of them those that are in the database's file.
    copied: i64,
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<Checkpoint> {
    connection.query_row(sql, [], |row| {
        Ok(Checkpoint {
            is_done: row.get::<_, i64>(0)? == 0,
            pages: row.get(1)?,
            copied: row.get(2)?,
        })
    })
}

#[cfg(test)]
mod tests;
