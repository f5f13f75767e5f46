//! The service's side of an import: a session that takes batches by offset.

use std::fmt;
use std::thread;
use std::time::Duration;

use reqwest::Method;
use ruleward_types::{ImportReport, Refusal};
use serde::Deserialize;
use serde_json::{Value, json};

use super::batch::Batch;
use super::report::Progress;
use crate::client::{Api, Request, Trouble, segment};

/// How often something is tried that may pass.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// The service went away; what it has acknowledged stays.
#[derive(Debug)]
pub struct Interrupted(u64);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the import stopped after {} lines", self.0)
    }
}

impl std::error::Error for Interrupted {}

/// What the service says of the session.
#[derive(Debug, Clone, Deserialize)]
struct State {
    id: String,
    next_offset: u64,
    report: ImportReport,
}

/// How a session ended.
#[derive(Debug)]
pub struct Told {
    /// What became of the lines.
    pub report: ImportReport,
    /// Why nothing was deleted, where that was asked for.
    pub not_deleted: Option<String>,
}

/// An open session.
#[derive(Debug)]
pub struct Session<'a> {
    api: &'a Api,
    state: State,
    progress: &'a Progress,
}

impl<'a> Session<'a> {
    /// Opens a session, or finds the open one of the same source.
    pub fn open(
        api: &'a Api,
        source: &str,
        replace: &[String],
        progress: &'a Progress,
    ) -> anyhow::Result<Self> {
        let body = serde_json::to_vec(&json!({"source": source, "replace": replace}))?;
        let request = Request::new(Method::POST, api.own_path("/imports")).body(body);
        let answer = persist(
            progress,
            || api.send(&request),
            |trouble| {
                // A service that was never there is told at once.
                trouble.code().is_some() && trouble.may_pass()
            },
        )?;
        let state = read(&answer)?;
        Ok(Self { api, state, progress })
    }

    /// How many lines the service has.
    pub fn next_offset(&self) -> u64 {
        self.state.next_offset
    }

    /// What was refused so far.
    pub fn refusals(&self) -> &[Refusal] {
        &self.state.report.refusals
    }

    /// Whether the service is on this machine.
    pub fn is_local(&self) -> bool {
        self.api.is_local()
    }

    fn path(&self, rest: &str) -> String {
        self.api.own_path(&format!("/imports/{}{rest}", segment(&self.state.id)))
    }

    /// Sends a batch and waits until the service has it.
    pub fn send(&mut self, batch: &Batch) -> anyhow::Result<()> {
        let request = Request::new(Method::POST, self.path("/batches"))
            .query("offset", batch.offset.to_string())
            .body(batch.body.clone())
            .gzip(batch.packed);
        let end = batch.offset + batch.lines;
        let answer = persist(
            self.progress,
            || match self.api.send(&request) {
                // An answer that got lost: the batch may have been taken.
                Err(trouble) if trouble.code() == Some("RULEWARD.ImportOffset") => {
                    let told = self.api.get(self.path(""))?;
                    match told.get("next_offset").and_then(Value::as_u64) {
                        Some(offset) if offset == end => Ok(told),
                        _ => Err(trouble),
                    }
                }
                other => other,
            },
            Trouble::may_pass,
        );
        self.state = read(&answer.map_err(|trouble| self.stopped(trouble))?)?;
        if self.state.next_offset != end {
            anyhow::bail!(
                "the service counts {} lines where {end} were sent; is another import of this \
                 file running?",
                self.state.next_offset
            );
        }
        Ok(())
    }

    /// Ends the session: what is not named any more is deleted now.
    pub fn complete(mut self, force: bool) -> anyhow::Result<Told> {
        let body = serde_json::to_vec(&json!({"force": force}))?;
        let request = Request::new(Method::POST, self.path("/complete")).body(body);
        let answer = persist(
            self.progress,
            || match self.api.send(&request) {
                // An answer that got lost: the session may have ended well.
                Err(trouble) if trouble.code() == Some("RULEWARD.ImportClosed") => {
                    self.api.get(self.path(""))
                }
                Err(trouble) => match (trouble.code(), &trouble) {
                    (Some("RULEWARD.ImportIncomplete"), Trouble::Refused(refused)) => {
                        // Another run of the same file begins anew.
                        let _ = self.api.send(&Request::new(Method::DELETE, self.path("")));
                        Ok(Value::String(refused.to_string()))
                    }
                    (Some("RULEWARD.ImportDeletesMost"), Trouble::Refused(refused)) => {
                        Ok(Value::String(refused.to_string()))
                    }
                    _ => Err(trouble),
                },
                told => told,
            },
            Trouble::may_pass,
        );
        match answer.map_err(|trouble| self.stopped(trouble))? {
            Value::String(reason) => {
                Ok(Told { report: self.state.report, not_deleted: Some(reason) })
            }
            told => {
                self.state = read(&told)?;
                Ok(Told { report: self.state.report, not_deleted: None })
            }
        }
    }

    fn stopped(&self, trouble: Trouble) -> anyhow::Error {
        let interrupted = trouble.may_pass();
        let error = anyhow::Error::from(trouble);
        if interrupted { error.context(Interrupted(self.state.next_offset)) } else { error }
    }
}

fn read(told: &Value) -> anyhow::Result<State> {
    State::deserialize(told)
        .map_err(|error| anyhow::anyhow!("the answer of the service is not a session: {error}"))
}

/// Tries again what may pass, with longer and longer pauses.
fn persist(
    progress: &Progress,
    mut attempt: impl FnMut() -> Result<Value, Trouble>,
    may_pass: impl Fn(&Trouble) -> bool,
) -> Result<Value, Trouble> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match attempt() {
            Err(trouble) if may_pass(&trouble) => {
                progress.waiting(&trouble);
                thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            done => return done,
        }
    }
    attempt()
}
