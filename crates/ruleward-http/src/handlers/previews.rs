//! Trying before doing: nothing is changed.

use ruleward_core::{Access, NAMED_BY_PREVIEW};
use ruleward_types::{PolicyAssignmentId, Result};

use crate::call::{Answer, Call};
use crate::wire::policy_assignments::PolicyAssignmentRequest;
use crate::wire::previews::{PreviewAnswer, ProactiveAnswer};

pub(crate) fn preview(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let instead_of = query.one("instead_of")?.map(str::parse::<PolicyAssignmentId>).transpose()?;
    let named = query.limit(NAMED_BY_PREVIEW)?;
    let request: PolicyAssignmentRequest = call.json()?;
    let new = request.into_new()?;
    let preview =
        call.service().preview_policy_assignment(access, new, instead_of.as_ref(), named)?;
    Answer::json(&PreviewAnswer::from(&preview))
}

pub(crate) fn evaluate(call: &Call, access: &Access) -> Result<Answer> {
    let states = call.service().evaluate_proactively(access, &call.body)?;
    Answer::json(&ProactiveAnswer::from(states.as_slice()))
}
