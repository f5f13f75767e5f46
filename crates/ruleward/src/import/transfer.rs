//! Several batches on their way at a time, acknowledged in order.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::batch::Batch;
use super::line_map::LineMap;
use super::report::Progress;
use super::session::{Session, State};

/// How long a sender waits for the next batch before it looks whether another has failed.
const GLANCE: Duration = Duration::from_millis(200);

/// What the senders share.
#[derive(Debug)]
pub struct Transfer<'a> {
    session: &'a Session<'a>,
    progress: &'a Progress,
    batches: Mutex<Receiver<anyhow::Result<Batch>>>,
    done: Mutex<Done>,
}

#[derive(Debug)]
struct Done {
    /// What the service said last.
    state: State,
    lines: LineMap,
    /// The first that went wrong.
    failure: Option<anyhow::Error>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Transfer<'a> {
    /// A transfer that begins where the session stands.
    pub fn new(
        session: &'a Session<'a>,
        state: State,
        batches: Receiver<anyhow::Result<Batch>>,
        progress: &'a Progress,
    ) -> Self {
        let done = Done { state, lines: LineMap::default(), failure: None };
        Self { session, progress, batches: Mutex::new(batches), done: Mutex::new(done) }
    }

    /// Sends batches until there are no more, or until one fails.
    pub fn send_all(&self) {
        while let Some(batch) = self.next() {
            match self.session.send(&batch) {
                Ok(state) => self.acknowledge(state),
                Err(error) => self.fail(error),
            }
        }
    }

    /// The next batch; its gaps are noted in the order of the lines.
    fn next(&self) -> Option<Batch> {
        loop {
            let batches = lock(&self.batches);
            let batch = batches.recv_timeout(GLANCE);
            let mut done = lock(&self.done);
            if done.failure.is_some() {
                return None;
            }
            match batch {
                // Whoever writes to standard input takes its time.
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
                Ok(Err(error)) => done.failure = Some(error),
                Ok(Ok(batch)) => {
                    done.lines.add(&batch.gaps);
                    if batch.lines > 0 {
                        return Some(batch);
                    }
                }
            }
        }
    }

    fn acknowledge(&self, state: State) {
        let mut done = lock(&self.done);
        if state.next_offset > done.state.next_offset {
            self.progress.lines(state.next_offset);
            done.lines.resolve(&state.report.refusals, state.next_offset);
            done.state = state;
        }
    }

    fn fail(&self, error: anyhow::Error) {
        let mut done = lock(&self.done);
        done.failure.get_or_insert(error);
    }

    /// How it went: where the session stands, and the lines of what was refused.
    pub fn finish(self) -> anyhow::Result<(State, LineMap)> {
        let mut done = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = done.failure {
            return Err(failure);
        }
        done.lines.resolve(&done.state.report.refusals, done.state.next_offset);
        Ok((done.state, done.lines))
    }
}
