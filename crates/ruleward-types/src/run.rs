//! Evaluation runs: one pass of a rule over what is in its scope.

use serde::{Deserialize, Serialize};

use crate::{RuleNo, RunNo, Timestamp};

/// Why a run was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunTrigger {
    /// The rule was made.
    Created,
    /// The rule was changed.
    Updated,
    /// The rule was enabled.
    Enabled,
    /// Somebody asked for it.
    Manual,
    /// The clock.
    Period,
    /// The policy's definition or the language changed with the program.
    PolicyUpgraded,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// Going on.
    Running,
    /// Done.
    Succeeded,
    /// Ended before it was done: the rule was changed, disabled or deleted meanwhile.
    Cancelled,
    /// Done, but the function of the custom rule failed, or there is none.
    Failed,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationRun {
    /// Its row.
    pub no: RunNo,
    /// The rule.
    pub rule: RuleNo,
    /// Why.
    pub trigger: RunTrigger,
    /// How far.
    pub state: RunState,
    /// When it was started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Chunks to bring up to date.
    pub chunks: i64,
    /// Chunks that are up to date.
    pub chunks_done: i64,
    /// Calls of a custom rule's function.
    pub calls: i64,
    /// Calls that ended, well or not.
    pub calls_done: i64,
    /// Resources judged.
    pub judged: i64,
    /// Of these, verdicts that could not be determined.
    pub undetermined: i64,
    /// Why they could not, in words; the first reason met.
    pub reason: Option<String>,
}
