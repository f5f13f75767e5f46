//! The last evaluation of a rule.

use ruleward_types::{EvaluationRun, PolicyAssignment, RunState, Timestamp};
use serde::Serialize;

/// An evaluation as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct EvaluationStateAnswer<'a> {
    policy_assignment_id: &'a str,
    start_time: String,
    end_time: Option<String>,
    state: &'static str,
    error_message: Option<&'a str>,
}

impl<'a> EvaluationStateAnswer<'a> {
    pub(crate) fn new(assignment: &'a PolicyAssignment, run: &'a EvaluationRun) -> Self {
        Self {
            policy_assignment_id: assignment.id.as_str(),
            start_time: run.started.to_wire(),
            end_time: run.ended.map(Timestamp::to_wire),
            state: match run.state {
                RunState::Running => "Running",
                RunState::Succeeded => "Succeeded",
                RunState::Cancelled => "Cancelled",
                RunState::Failed => "Failed",
            },
            error_message: run.reason.as_deref(),
        }
    }
}
