//! Evaluation runs of rules.

use ruleward_core::Access;
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::wire::evaluations::EvaluationStateAnswer;

pub(crate) fn run(call: &Call, access: &Access) -> Result<Answer> {
    call.service().run_evaluation(access, &call.policy_assignment_id()?)?;
    Ok(Answer::empty())
}

pub(crate) fn show(call: &Call, access: &Access) -> Result<Answer> {
    let id = call.policy_assignment_id()?;
    let (assignment, run) = call.service().evaluation_state(access, &id)?;
    Answer::json(&EvaluationStateAnswer::new(&assignment, &run))
}
