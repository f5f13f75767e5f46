//! Functions of custom rules: where their code is, and the calls that wait for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AccountNo, FunctionJobNo, FunctionNo, ResourceKey, RuleNo, RunNo, Timestamp};

/// How a function is run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "runner", rename_all = "lowercase")]
pub enum FunctionRunner {
    /// A Python file on the server's machine.
    Python {
        /// Its absolute path.
        file: String,
        /// The function in it.
        handler: String,
        /// The interpreter; the configured one where none is named.
        interpreter: Option<String>,
    },
    /// A WebAssembly module on the server's machine.
    Wasm {
        /// Its absolute path.
        file: String,
    },
    /// An endpoint that gets the event by POST.
    Webhook {
        /// Its URL.
        endpoint: String,
    },
    /// An endpoint that speaks the asynchronous invocation of FunctionGraph.
    Remote {
        /// Its base URL.
        endpoint: String,
        /// The access key that signs the request; its secret key is sealed beside.
        access_key: String,
    },
}

impl FunctionRunner {
    /// Its name in answers and options.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Python { .. } => "python",
            Self::Wasm { .. } => "wasm",
            Self::Webhook { .. } => "webhook",
            Self::Remote { .. } => "remote",
        }
    }
}

/// A function: a URN, or a pattern of URNs, and what runs for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Its row.
    pub no: FunctionNo,
    /// Its public id: 32 lower-case hex digits.
    pub id: String,
    /// The account that it serves; none for all.
    pub account: Option<AccountNo>,
    /// The URN; `*` stands for any characters.
    pub urn: String,
    /// How it is run.
    #[serde(flatten)]
    pub runner: FunctionRunner,
    /// How long one call may take, in seconds.
    pub timeout_s: u32,
    /// Memory of a local process, in MiB.
    pub memory_mib: u32,
    /// Calls at the same time; the configured number where none is named.
    pub concurrency: Option<u32>,
    /// What `getUserData` answers.
    pub user_data: BTreeMap<String, String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// What became of a function's calls, since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FunctionCounts {
    /// Calls, repeated ones included.
    pub calls: i64,
    /// Calls for an event that had been called for before.
    pub repeated: i64,
    /// Calls that failed.
    pub failed: i64,
    /// Results that were accepted.
    pub accepted: i64,
    /// Results that were refused: the rule or the resource had changed, or another result stood.
    pub refused: i64,
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionJobState {
    /// To be called when it is due.
    Waiting,
    /// Called; the process that called waits for the end.
    Running,
    /// Called; it runs elsewhere and reports its result until it is due.
    Called,
    /// Given up; a person can have it called again.
    Dead,
}

/// One event that a function is to be called for, until a result is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionJob {
    /// Its row.
    pub no: FunctionJobNo,
    /// Whose.
    pub account: AccountNo,
    /// The rule whose function is called.
    pub rule: RuleNo,
    /// The resource, or the account pseudo-resource.
    pub key: ResourceKey,
    /// The resource's version; zero for the account.
    pub version: i64,
    /// The event's time, in whole milliseconds: a repeated call sends the same event.
    pub time: Timestamp,
    /// The run that it counts in.
    pub run: Option<RunNo>,
    /// Where it is in its life.
    pub state: FunctionJobState,
    /// Calls so far.
    pub attempts: u32,
    /// When it is called next; for one that runs elsewhere, until when its result is awaited.
    pub due: Timestamp,
    /// Whether a result came in (a periodic function may report many).
    pub answered: bool,
    /// Why the last call failed.
    pub words: Option<String>,
    /// What the function wrote then.
    pub output: Option<String>,
}

/// How many jobs are where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FunctionJobCounts {
    /// To be called.
    pub waiting: i64,
    /// Being called, here or elsewhere.
    pub running: i64,
    /// Given up.
    pub dead: i64,
}
