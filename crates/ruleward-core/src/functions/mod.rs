//! Custom rules: the users' own functions, called by durable jobs.
//!
//! ```text
//! a resource changes ─┐                          ┌─► result reported, or returned: accepted
//! a rule changes ─────┼─► job ─► call (the host) ┤
//! the clock ──────────┘   ▲                      ├─► failed: again a little later
//!                         └──────────────────────┴─► given up: undetermined, a dead letter
//! ```
//!
//! A job ([`jobs`]) is written in the transaction of what caused it; a rule that is to ask about many
//! resources makes its jobs a portion at a time ([`expansion`]). [`dispatch`] takes what is due, in
//! turn over accounts and rules, and hands it to the [`FunctionHost`]; [`outcome`] writes what became
//! of it. How a function is run is the host's business: here is no process and no network.

pub(crate) mod credentials;
mod dead_letters;
pub(crate) mod dispatch;
mod expansion;
mod host;
pub(crate) mod jobs;
mod outcome;
mod rate;
mod registry;
pub(crate) mod resolve;
mod trial;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use ruleward_types::{FunctionNo, Timestamp};

pub use dead_letters::DeadLetter;
pub use host::{CallDone, CallOutcome, FunctionCall, FunctionHost};
pub use registry::{FunctionDraft, ManagedFunction};
pub use trial::{Trial, TrialOutcome};

pub use credentials::FunctionCredentials;

/// What can be set of functions.
#[derive(Debug, Clone, Copy)]
pub struct FunctionOptions {
    /// Whether administrators may configure functions for their own account: code of theirs then
    /// runs on the server's machine.
    pub administrators: bool,
    /// Calls at the same time.
    pub concurrent_calls: usize,
    /// Of these, calls for one account.
    pub concurrent_calls_per_account: usize,
    /// Of these, calls of one function that names no number of its own.
    pub concurrent_calls_per_function: usize,
    /// Calls for one event until it is given up.
    pub attempts: u32,
    /// Wait before the second call, in seconds; it doubles with each.
    pub first_retry_s: i64,
    /// Longest wait between two calls, in seconds.
    pub last_retry_s: i64,
    /// How long a function that runs elsewhere may take to report, in seconds.
    pub result_deadline_s: i64,
    /// Results that one account may report a second, in the long run.
    pub reports_per_second: u32,
    /// Results that one account may report at once.
    pub reports_burst: u32,
}

impl Default for FunctionOptions {
    fn default() -> Self {
        Self {
            administrators: false,
            concurrent_calls: 64,
            concurrent_calls_per_account: 16,
            concurrent_calls_per_function: 4,
            attempts: 5,
            first_retry_s: 2,
            last_retry_s: 300,
            result_deadline_s: 900,
            reports_per_second: 500,
            reports_burst: 1000,
        }
    }
}

/// Calls of a function that are remembered.
const REMEMBERED: usize = 100;
/// Bytes of a call's output that are kept.
const OUTPUT_BYTES: usize = 4096;

/// One call that ended, as it is remembered until the server stops.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// When it ended.
    pub at: Timestamp,
    /// Names the call in the function's own output.
    pub request_id: String,
    /// The account.
    pub domain_id: String,
    /// The rule; none where the function was tried by hand.
    pub policy_assignment_id: Option<String>,
    /// The resource, or the account.
    pub resource_id: Option<String>,
    /// `finished`, `accepted`, or how it failed.
    pub outcome: String,
    /// Why it failed.
    pub words: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// The end of what it wrote.
    pub output: String,
}

/// What is counted since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) calls: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) given_up: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) unchanged: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) limited: AtomicU64,
}

/// Moves a counter.
pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What the process knows of functions beside what is stored.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    host: OnceLock<Arc<dyn FunctionHost>>,
    flight: Mutex<dispatch::Flight>,
    pub(crate) credentials: credentials::Credentials,
    pub(crate) limiter: rate::Limiter,
    records: Mutex<HashMap<FunctionNo, VecDeque<CallRecord>>>,
    pub(crate) counters: Counters,
    trials: AtomicUsize,
}

impl Functions {
    fn record(&self, function: FunctionNo, record: CallRecord) {
        let mut records = self.records.lock();
        let of = records.entry(function).or_default();
        if of.len() >= REMEMBERED {
            of.pop_front();
        }
        of.push_back(record);
    }
}

/// The end of a text, at most so many bytes of it.
fn tail(text: &str) -> String {
    let mut from = text.len().saturating_sub(OUTPUT_BYTES);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..).unwrap_or_default().to_owned()
}
