//! The service's side of an import: a session that takes batches by offset.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::bail;
use reqwest::Method;
use ruleward_types::ImportReport;
use serde::Deserialize;
use serde_json::{Value, json};

use super::batch::Batch;
use super::patience::persist;
use super::report::Progress;
use crate::client::{Api, Request, Trouble, segment};

/// The service went away; what it has acknowledged stays.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the import stopped")
    }
}

impl std::error::Error for Interrupted {}

/// What the service says of the session.
#[derive(Debug, Clone, Deserialize)]
pub struct State {
    id: String,
    /// Lines that it has.
    pub next_offset: u64,
    /// What became of them.
    pub report: ImportReport,
}

/// How a session ended.
#[derive(Debug)]
pub struct Told {
    /// What became of the lines.
    pub report: ImportReport,
    /// Why nothing was deleted, where that was asked for.
    pub not_deleted: Option<String>,
    /// The same import can go on in another run.
    pub is_open: bool,
}

/// An open session.
#[derive(Debug)]
pub struct Session<'a> {
    api: &'a Api,
    id: String,
    progress: &'a Progress,
    /// Set when the import cannot go on: nobody tries anything again.
    stopped: AtomicBool,
}

impl<'a> Session<'a> {
    /// Opens a session, or finds the open one of the same source.
    pub fn open(
        api: &'a Api,
        source: &str,
        replace: &[String],
        progress: &'a Progress,
    ) -> anyhow::Result<(Self, State)> {
        let body = serde_json::to_vec(&json!({"source": source, "replace": replace}))?;
        let request = Request::new(Method::POST, api.own_path("/imports")).body(body);
        // A service that was never there is told at once.
        let may_pass = |trouble: &Trouble| trouble.code().is_some() && trouble.may_pass();
        let state =
            read(&persist(|trouble| progress.waiting(trouble), || api.send(&request), may_pass)?)?;
        let id = state.id.clone();
        Ok((Self { api, id, progress, stopped: AtomicBool::new(false) }, state))
    }

    /// Whether the service is on this machine.
    pub fn is_local(&self) -> bool {
        self.api.is_local()
    }

    fn path(&self, rest: &str) -> String {
        self.api.own_path(&format!("/imports/{}{rest}", segment(&self.id)))
    }

    fn persist(&self, attempt: impl FnMut() -> Result<Value, Trouble>) -> Result<Value, Trouble> {
        let may_pass =
            |trouble: &Trouble| trouble.may_pass() && !self.stopped.load(Ordering::Relaxed);
        persist(|trouble| self.progress.waiting(trouble), attempt, may_pass)
    }

    /// Sends a batch and waits until the service has it.
    pub fn send(&self, batch: &Batch) -> anyhow::Result<State> {
        let request = Request::new(Method::POST, self.path("/batches"))
            .query("offset", batch.offset.to_string())
            .body(batch.body.clone())
            .gzip(batch.packed);
        let attempt = || match self.api.send(&request) {
            Err(trouble) if trouble.code() == Some("RULEWARD.ImportOffset") => {
                self.misplaced(batch, trouble)
            }
            other => other,
        };
        let answer = self.persist(attempt);
        let state = match answer {
            Ok(answer) => read(&answer)?,
            Err(trouble) => {
                self.stopped.store(true, Ordering::Relaxed);
                return Err(interrupted(trouble));
            }
        };
        if state.next_offset < batch.end() {
            bail!(
                "the service counts {} lines where {} were sent; is another import of this file \
                 running?",
                state.next_offset,
                batch.end()
            );
        }
        Ok(state)
    }

    /// The service does not expect this batch: its answer got lost, or it came before its turn.
    fn misplaced(&self, batch: &Batch, trouble: Trouble) -> Result<Value, Trouble> {
        let told = self.api.get(self.path(""))?;
        match told.get("next_offset").and_then(Value::as_u64) {
            Some(offset) if offset >= batch.end() => Ok(told),
            Some(offset) if offset < batch.offset => {
                Err(Trouble::Unreachable(anyhow::anyhow!("the batch before is not stored yet")))
            }
            _ => Err(trouble),
        }
    }

    /// Ends the session: what is not named any more is deleted now.
    pub fn complete(&self, force: bool, last: State) -> anyhow::Result<Told> {
        let body = serde_json::to_vec(&json!({"force": force}))?;
        let request = Request::new(Method::POST, self.path("/complete")).body(body);
        let attempt = || match self.api.send(&request) {
            // An answer that got lost: the session has ended well.
            Err(trouble) if trouble.code() == Some("RULEWARD.ImportClosed") => {
                self.api.get(self.path(""))
            }
            other => other,
        };
        let (trouble, cancel) = match self.persist(attempt) {
            Ok(answer) => {
                let report = read(&answer)?.report;
                return Ok(Told { report, not_deleted: None, is_open: false });
            }
            Err(trouble) => match trouble.code() {
                Some("RULEWARD.ImportIncomplete") => (trouble, true),
                Some("RULEWARD.ImportDeletesMost") => (trouble, false),
                _ => return Err(interrupted(trouble)),
            },
        };
        if cancel {
            // Another run of the same file begins anew; one with --force need not.
            let _ = self.api.send(&Request::new(Method::DELETE, self.path("")));
        }
        let reason = anyhow::Error::from(trouble).to_string();
        Ok(Told { report: last.report, not_deleted: Some(reason), is_open: !cancel })
    }
}

fn interrupted(trouble: Trouble) -> anyhow::Error {
    let interrupted = trouble.may_pass();
    let error = anyhow::Error::from(trouble);
    if interrupted { error.context(Interrupted) } else { error }
}

fn read(told: &Value) -> anyhow::Result<State> {
    State::deserialize(told)
        .map_err(|error| anyhow::anyhow!("the answer of the service is not a session: {error}"))
}
