//! Evaluation runs.

use ruleward_types::{EvaluationRun, Result, RuleNo, RunNo};

/// Reading them.
pub trait ReadRuns {
    /// The run of that row.
    fn run(&self, no: RunNo) -> Result<Option<EvaluationRun>>;
    /// A rule's last run.
    fn last_run(&self, rule: RuleNo) -> Result<Option<EvaluationRun>>;
    /// A rule's last run that was completed.
    fn last_completed_run(&self, rule: RuleNo) -> Result<Option<EvaluationRun>>;
}

/// Changing them.
pub trait WriteRuns {
    /// Adds a run and sets its `no`.
    fn insert_run(&self, run: &mut EvaluationRun) -> Result<()>;
    /// Replaces a run.
    fn update_run(&self, run: &EvaluationRun) -> Result<()>;
}
