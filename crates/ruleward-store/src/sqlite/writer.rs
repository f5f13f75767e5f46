//! The one writer: a thread that runs jobs in the order of their arrival and commits several
//! together. A job that fails takes back what it wrote itself; all are answered after the synced
//! commit.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use ruleward_types::{Error, Result};
use rusqlite::Connection;

use super::checkpoint::Wal;
use super::decoded_rules::DecodedRules;
use super::{Tx, failed};
use crate::{Told, WriteJob};

/// Jobs of one commit at most.
const GROUP: usize = 256;
/// A commit collects jobs for so many times as long as the last one took to be synced, so that most of
/// the time is work and not waiting for the disk. Not longer: where all clients wait for one commit,
/// nobody prepares what the next is to hold.
const COMMITS: u32 = 2;
/// It is never less than this, or more.
const LEAST_GROUP_TIME: Duration = Duration::from_millis(2);
const MOST_GROUP_TIME: Duration = Duration::from_millis(20);

struct Request {
    job: WriteJob,
    told: Told<()>,
}

/// The handle of the writer's thread.
pub(super) struct Writer {
    requests: Mutex<Option<Sender<Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        id_hash_key: [u8; 16],
        rules: Arc<DecodedRules>,
        wal: Wal,
    ) -> Result<Self> {
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                serve(&Tx { connection: &connection, id_hash_key, rules: &rules }, &receiver, &wal);
            })
            .map_err(|e| Error::internal("start the writer", e))?;
        Ok(Self { requests: Mutex::new(Some(sender)), thread: Some(thread) })
    }

    /// Runs a job when its turn comes, and tells when it is durable, or undone.
    pub(super) fn submit(&self, job: WriteJob, told: Told<()>) {
        let request = Request { job, told };
        let refused = match self.requests.lock().as_ref() {
            Some(requests) => requests.send(request).err().map(|unsent| unsent.0),
            None => Some(request),
        };
        if let Some(Request { told, .. }) = refused {
            told(Err(Error::internal("store", "the writer has stopped")));
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.requests.lock().take();
        // Who was told last may have been the last to hold the store.
        let is_own = |thread: &JoinHandle<()>| thread.thread().id() == std::thread::current().id();
        if let Some(thread) = self.thread.take().filter(|thread| !is_own(thread)) {
            // A panic there was already reported to whoever waited.
            let _ = thread.join();
        }
    }
}

fn serve(tx: &Tx<'_>, requests: &Receiver<Request>, wal: &Wal) {
    let mut collect = LEAST_GROUP_TIME;
    while let Ok(first) = requests.recv() {
        let mut answers = Vec::new();
        let committed = group(tx, first, requests, collect, &mut answers);
        if let Ok(took) = committed {
            collect = (took * COMMITS).clamp(LEAST_GROUP_TIME, MOST_GROUP_TIME);
        }
        for (told, outcome) in answers {
            let outcome = outcome.and_then(|()| committed.clone().map(drop));
            // Whatever comes over who is told, the write stands and the next is taken.
            let _ = catch_unwind(AssertUnwindSafe(|| told(outcome)));
        }
        wal.after_commit(tx.connection);
    }
}

type Answers = Vec<(Told<()>, Result<()>)>;

fn group(
    tx: &Tx<'_>,
    first: Request,
    requests: &Receiver<Request>,
    collect: Duration,
    answers: &mut Answers,
) -> Result<Duration> {
    let begun = Instant::now();
    let execute = |sql: &'static str| {
        tx.connection.prepare_cached(sql).and_then(|mut s| s.execute([])).map_err(failed(sql))
    };
    if let Err(error) = execute("BEGIN IMMEDIATE") {
        answers.push((first.told, Err(error)));
        return Ok(Duration::ZERO);
    }
    let mut next = Some(first);
    let mut is_empty = true;
    while let Some(Request { job, told }) = next.take() {
        let run = || {
            catch_unwind(AssertUnwindSafe(|| job(tx)))
                .unwrap_or_else(|_| Err(Error::internal("store", "a write job panicked")))
        };
        // A savepoint copies every page that is changed after it; where nothing of another job
        // is to be kept, the whole transaction can go.
        let outcome = if is_empty {
            run().or_else(|error| {
                execute("ROLLBACK")?;
                execute("BEGIN IMMEDIATE")?;
                Err(error)
            })
        } else {
            execute("SAVEPOINT job").and_then(|_| {
                let outcome = run();
                if outcome.is_err() {
                    execute("ROLLBACK TO job")?;
                }
                execute("RELEASE job")?;
                outcome
            })
        };
        // Where the disk failed the whole transaction is gone, and with it what other jobs wrote:
        // there is nothing to commit, and all are told so.
        let is_gone = outcome.is_err() && tx.connection.is_autocommit();
        is_empty &= outcome.is_err();
        answers.push((told, outcome));
        if is_gone {
            break;
        }
        if answers.len() < GROUP && begun.elapsed() < collect {
            next = requests.try_recv().ok();
        }
    }
    let begun = Instant::now();
    if let Err(error) = execute("COMMIT") {
        tracing::error!(error.cause = error.cause(), "commit failed");
        let _ = execute("ROLLBACK");
        return Err(error);
    }
    Ok(begun.elapsed())
}
