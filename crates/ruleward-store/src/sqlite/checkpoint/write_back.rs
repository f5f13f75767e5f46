//! Copying the log back without a burst of writes.
//!
//! SQLite's own checkpoint copies pages and then has the disk write all of them at once; whoever commits
//! meanwhile waits for that. Here it copies without that, a little at a time, and the pages are
//! written afterwards, some every millisecond, each once however often it was copied in between. Until
//! they are durable a snapshot is held, so that the log cannot start over: as long as it is there, what is
//! in it is what counts after a power cut, whatever became of the pages in the database's file.

use std::fs::File;
use std::num::NonZeroU64;
use std::path::Path;
use std::time::{Duration, Instant};

use ruleward_types::{Error, Result};
use rusqlite::Connection;
use rustix::fs::{Advice, fadvise};

use super::log_pages::LogPages;
use super::{Checkpoint, checkpoint};
use crate::sqlite::{PAGE_BYTES, failed, run};

/// How often pages are copied, and under an import, which makes many of them at a time: whoever copies takes
/// a processor from the others.
const COPY_EVERY: Duration = Duration::from_millis(10);
const COPY_RARELY: Duration = Duration::from_millis(100);
const COPY_PAUSES: u32 = 30;
/// For how long copied pages are kept before the disk is asked to write them: what is changed again
/// meanwhile is written once.
const KEEP: Duration = Duration::from_secs(1);
/// How often some of them are written, and how many at a time: the disk takes 30 to 40 microseconds for
/// each, for which a commit may have to wait.
const WRITE_EVERY: Duration = Duration::from_millis(1);
const SOME: usize = 4;
/// Of many pages more are written at a time, so that there is an end in so many times.
const TIMES: usize = 300;
/// Before the log starts over they are written faster than more are changed, each time what came during the time
/// before, until so few are left that all of them can be synced at once.
const SOME_AT_THE_END: usize = 4 * SOME;
const FEW: usize = 48;
/// Where a commit has so many there is an import: nobody waits for single commits, and the system joins pages
/// that lie side by side when it writes all of them.
const FLOOD: usize = 256;
/// How much longer the log may become then: the writer stands still for as long as its last commit takes
/// to be copied and synced.
const FLOOD_LENGTHS: i64 = 2;

/// When there is something to do: after so long, and where there are no `news` yet not before some.
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    pub(super) news: bool,
    pub(super) pause: Duration,
}

/// The pages between the log and the disk.
pub(super) struct WriteBack {
    /// Copies, and has nothing synced.
    connection: Connection,
    /// Hold snapshots, one at a time; the next one is there before the one before it goes.
    pins: [Connection; 2],
    pub(super) held: Option<usize>,
    log: LogPages,
    /// Copied pages, as they came.
    copied: Vec<u32>,
    oldest: Instant,
    pub(super) next_copy: Instant,
    /// Pages to be written next, from the end.
    queue: Vec<u32>,
    at_a_time: usize,
    /// The log is long, and nothing is copied but what came while the pages before it were written.
    is_ending: bool,
    is_flood: bool,
    /// Pages in the log, those of them that are copied, and at how many it should start over.
    length: i64,
    copied_length: i64,
    too_long: i64,
    /// The database, for the system's calls about its pages. Must go last: closing it takes SQLite's locks
    /// on the file from all connections of this process.
    database: File,
}

impl WriteBack {
    /// Of the database at `path`, with connections to it. The log should start over at `too_long` pages.
    pub(super) fn new(path: &Path, connections: [Connection; 3], too_long: i64) -> Result<Self> {
        let [connection, one, other] = connections;
        connection
            .pragma_update(None, "synchronous", "off")
            .map_err(failed("configure the store"))?;
        let now = Instant::now();
        Ok(Self {
            connection,
            pins: [one, other],
            held: None,
            log: LogPages::new(path),
            copied: Vec::new(),
            oldest: now,
            next_copy: now,
            queue: Vec::new(),
            at_a_time: SOME,
            is_ending: false,
            is_flood: false,
            length: 0,
            copied_length: 0,
            too_long,
            database: File::open(path).map_err(|e| Error::internal("open the store", e))?,
        })
    }

    /// When there is something to do.
    pub(super) fn due(&self) -> Due {
        if !self.queue.is_empty() {
            return Due { news: false, pause: WRITE_EVERY };
        }
        if self.copied.is_empty() {
            return Due { news: true, pause: COPY_EVERY };
        }
        let next = self.next_copy.min(self.oldest + KEEP);
        Due { news: false, pause: next.saturating_duration_since(Instant::now()).max(WRITE_EVERY) }
    }

    /// Does what is due: `has_news` says whether something was committed since it was asked last. Answers
    /// whether the log is to start over now, while nobody holds it.
    pub(super) fn step(&mut self, has_news: &mut dyn FnMut() -> bool) -> Result<bool> {
        let now = Instant::now();
        if !self.is_ending && now >= self.next_copy {
            if has_news() {
                self.copy(now)?;
            }
            let pause = now.elapsed() * COPY_PAUSES;
            self.next_copy = now + pause.clamp(COPY_EVERY, COPY_RARELY);
        }
        self.write_some();
        if !self.queue.is_empty() {
            return Ok(false);
        }
        if self.is_ending {
            return self.end();
        }
        if self.copied.is_empty() {
            if self.held.is_some() {
                self.settle();
                self.release()?;
            }
            return Ok(false);
        }
        // Where most of a long log cannot be copied somebody reads for long, and it could not start over.
        self.is_ending = self.is_long() && self.copied_length >= self.length / 2;
        if self.is_ending || now >= self.oldest + KEEP {
            self.take_up();
        }
        Ok(false)
    }

    /// Goes on to what came while pages of a long log were written, or ends with a sync where that is little.
    fn end(&mut self) -> Result<bool> {
        self.is_ending = false;
        self.copy(Instant::now())?;
        self.take_up();
        self.is_ending = self.queue.len() > FEW && !self.is_flood && !self.is_far_too_long();
        if self.is_ending {
            return Ok(false);
        }
        self.queue.clear();
        self.settle();
        self.release()?;
        Ok(true)
    }

    fn too_long(&self) -> i64 {
        if self.is_flood { self.too_long * FLOOD_LENGTHS } else { self.too_long }
    }

    fn is_long(&self) -> bool {
        self.length >= self.too_long()
    }

    fn is_far_too_long(&self) -> bool {
        self.length >= self.too_long() + self.too_long / 2
    }

    /// Copies what is in the log, so that what was there at the moment of the call is in the file.
    fn copy(&mut self, now: Instant) -> Result<()> {
        if self.held.is_none() {
            self.pin()?;
        }
        let mut done = self.checkpoint()?;
        // A pin keeps from copying what is newer. One that finds the log all copied pins nothing, so the one
        // before stays until there is more.
        if done.pages > done.copied {
            self.pin()?;
            done = self.checkpoint()?;
        }
        (self.length, self.copied_length) = (done.pages, done.copied);
        let before = self.copied.len();
        let frames = u64::try_from(done.copied).unwrap_or(0);
        match self.log.up_to(frames, &mut self.copied) {
            Ok(0) => {}
            Ok(commits) => self.is_flood = (self.copied.len() - before) / commits > FLOOD,
            // They are synced all the same, only not a few at a time.
            Err(e) => tracing::warn!(error.cause = %e, "the log's pages could not be read"),
        }
        if before == 0 {
            self.oldest = now;
        }
        Ok(())
    }

    fn checkpoint(&self) -> Result<Checkpoint> {
        checkpoint(&self.connection, "PRAGMA wal_checkpoint(PASSIVE)").map_err(failed("checkpoint"))
    }

    /// Holds a snapshot of now in place of the one before.
    fn pin(&mut self) -> Result<()> {
        let before = self.held;
        let next = before.map_or(0, |held| 1 - held);
        let pin = self.pins.get(next).ok_or_else(|| Error::internal("hold the log", "no pin"))?;
        // A snapshot begins with the first read.
        let read = || {
            run(pin, "BEGIN")?;
            pin.prepare_cached("SELECT 1 FROM sqlite_schema")?.exists([])
        };
        if let Err(e) = read() {
            let _ = run(pin, "ROLLBACK");
            return Err(failed("hold the log")(e));
        }
        self.held = Some(next);
        self.let_go(before)
    }

    fn let_go(&self, pin: Option<usize>) -> Result<()> {
        match pin.and_then(|pin| self.pins.get(pin)) {
            Some(pin) => run(pin, "ROLLBACK").map(drop).map_err(failed("let the log go")),
            None => Ok(()),
        }
    }

    /// Lets the log start over. All that was copied has to be durable.
    fn release(&mut self) -> Result<()> {
        let held = self.held.take();
        self.let_go(held)
    }

    /// Takes up what was copied, to be written.
    fn take_up(&mut self) {
        std::mem::swap(&mut self.queue, &mut self.copied);
        self.queue.sort_unstable_by(|a, b| b.cmp(a));
        self.queue.dedup();
        self.at_a_time = self.queue.len() / TIMES;
    }

    /// Has the system begin to write some pages.
    fn write_some(&mut self) {
        if self.is_flood || self.is_far_too_long() {
            if !self.queue.is_empty() {
                self.queue.clear();
                self.settle();
            }
            return;
        }
        let least = if self.is_ending { SOME_AT_THE_END } else { SOME };
        let left = self.queue.len().saturating_sub(self.at_a_time.max(least));
        for number in self.queue.drain(left..).rev() {
            let start = u64::from(number).saturating_sub(1) * u64::from(PAGE_BYTES);
            // Of a range that is given up the system writes what has to be written, at once and without
            // waiting for it, and then forgets those of its own pages that lie in it as a whole. None does:
            // the range is short of a byte at both ends.
            let inner = NonZeroU64::new(u64::from(PAGE_BYTES) - 2);
            // Where it fails they are written when they are synced.
            let _ = fadvise(&self.database, start + 1, inner, Advice::DontNeed);
        }
    }

    /// Waits until all that was copied and taken up is durable.
    fn settle(&self) {
        if let Err(e) = self.database.sync_data() {
            // The system counts these pages as written now, so no later sync could tell. The log has
            // them all: whoever opens the store next copies them again.
            tracing::error!(error.cause = %e, "the database cannot be written; the server stops");
            std::process::abort();
        }
    }

    /// Leaves a log that is empty; what is in it is durable either way.
    pub(super) fn finish(mut self) -> Result<()> {
        self.settle();
        self.release()?;
        // Where another process has the store open it is that one's log: to wait for its readers would keep
        // it from writing.
        self.connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| self.connection.pragma_update(None, "synchronous", "full"))
            .and_then(|()| checkpoint(&self.connection, "PRAGMA wal_checkpoint(TRUNCATE)"))
            .map_err(failed("checkpoint"))
            .map(drop)
    }
}
