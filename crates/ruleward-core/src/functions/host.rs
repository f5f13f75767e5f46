//! Whoever runs functions, as the jobs see it.

use std::fmt;
use std::time::Duration;

use ruleward_types::{Function, Result};
use secrecy::SecretString;
use serde_json::Value;

use super::FunctionCredentials;

/// One call.
#[derive(Debug)]
pub struct FunctionCall {
    /// Names the call.
    pub request_id: String,
    /// What is to run.
    pub function: Function,
    /// Its secret, where it has one.
    pub secret: Option<SecretString>,
    /// The URN that the rule names, with its version.
    pub function_urn: String,
    /// The event, as documented.
    pub event: Value,
    /// On whose behalf.
    pub domain_id: String,
    /// What the function signs its own requests with.
    pub credentials: FunctionCredentials,
    /// How long it may take.
    pub deadline: Duration,
}

/// What became of a call.
#[derive(Debug)]
pub enum CallOutcome {
    /// It came to its end here.
    Finished {
        /// What it returned.
        returned: Option<Value>,
        /// What it wrote.
        output: String,
        /// How long it took.
        took: Duration,
    },
    /// It was handed over and reports from elsewhere.
    Accepted {
        /// How long that took.
        took: Duration,
    },
    /// It failed.
    Failed {
        /// A word for it, such as `timed_out`.
        kind: &'static str,
        /// Why, for people.
        words: String,
        /// Whether another call may do better.
        transient: bool,
        /// What it wrote.
        output: String,
    },
    /// Nobody knows: the host went away. It is called again.
    Abandoned,
}

/// Runs functions.
pub trait FunctionHost: Send + Sync + fmt::Debug {
    /// Refuses a function that it cannot run.
    fn check(&self, function: &Function) -> Result<()>;
    /// Starts a call and returns at once; `done` is told its end, on any thread that may block.
    fn start(&self, call: FunctionCall, done: CallDone);
    /// A function is gone: its processes can go.
    fn forget(&self, function: &Function);
}

type Told = Box<dyn FnOnce(CallOutcome) + Send>;

/// Takes the outcome of a call. Dropped without one, the call counts as abandoned.
pub struct CallDone(Option<Told>);

impl CallDone {
    pub(crate) fn new(told: impl FnOnce(CallOutcome) + Send + 'static) -> Self {
        Self(Some(Box::new(told)))
    }

    /// The call ended. Blocks until that is written down.
    pub fn tell(mut self, outcome: CallOutcome) {
        if let Some(told) = self.0.take() {
            told(outcome);
        }
    }
}

impl Drop for CallDone {
    fn drop(&mut self) {
        if let Some(told) = self.0.take() {
            told(CallOutcome::Abandoned);
        }
    }
}

impl fmt::Debug for CallDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallDone")
    }
}
