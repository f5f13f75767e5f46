//! Rules.

use ruleward_core::{Access, PolicyAssignmentQuery};
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::wire::List;
use crate::wire::policy_assignments::{PolicyAssignmentAnswer, PolicyAssignmentRequest};

/// Most rules of one page.
const PAGE: usize = 500;

pub(crate) fn create(call: &Call, access: &Access) -> Result<Answer> {
    let request: PolicyAssignmentRequest = call.json()?;
    let made = call.service().create_policy_assignment(access, request.into_new()?)?;
    Answer::json(&PolicyAssignmentAnswer::from(&made))
}

pub(crate) fn list(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let name = query.policy_assignment_name()?.map(str::to_owned);
    let narrowed = PolicyAssignmentQuery { name, ..PolicyAssignmentQuery::default() };
    let page = call.page(&query, PAGE)?;
    let found = call.service().policy_assignments(access, &narrowed, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let value = found.items.iter().map(|rule| PolicyAssignmentAnswer::from(&**rule)).collect();
    Answer::json(&List { value, page_info })
}

pub(crate) fn show(call: &Call, access: &Access) -> Result<Answer> {
    let found = call.service().policy_assignment(access, &call.policy_assignment_id()?)?;
    Answer::json(&PolicyAssignmentAnswer::from(&found))
}

pub(crate) fn update(call: &Call, access: &Access) -> Result<Answer> {
    let id = call.policy_assignment_id()?;
    let request: PolicyAssignmentRequest = call.json()?;
    let changed = call.service().update_policy_assignment(access, &id, request.into_update()?)?;
    Answer::json(&PolicyAssignmentAnswer::from(&changed))
}

pub(crate) fn delete(call: &Call, access: &Access) -> Result<Answer> {
    call.service().delete_policy_assignment(access, &call.policy_assignment_id()?)?;
    Ok(Answer::empty())
}

pub(crate) fn enable(call: &Call, access: &Access) -> Result<Answer> {
    call.service().enable_policy_assignment(access, &call.policy_assignment_id()?)?;
    Ok(Answer::empty())
}

pub(crate) fn disable(call: &Call, access: &Access) -> Result<Answer> {
    call.service().disable_policy_assignment(access, &call.policy_assignment_id()?)?;
    Ok(Answer::empty())
}
