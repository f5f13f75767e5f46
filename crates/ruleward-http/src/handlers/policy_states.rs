//! Verdicts.

use ruleward_core::{Access, Paged};
use ruleward_types::{PolicyState, Result};

use crate::call::{Answer, Call};
use crate::query::Query;
use crate::wire::List;
use crate::wire::policy_states::{PolicyStateAnswer, PolicyStateRequest};

/// Most states of one page.
const PAGE: usize = 200;

fn answer(call: &Call, query: &Query, found: &Paged<PolicyState>) -> Result<Answer> {
    let page_info = call.page_info(query, found.items.len(), found.next);
    Answer::json(&List {
        value: found.items.iter().map(PolicyStateAnswer::from).collect(),
        page_info,
    })
}

pub(crate) fn list_by_assignment(call: &Call, access: &Access) -> Result<Answer> {
    let id = call.policy_assignment_id()?;
    let query = call.query()?;
    let (narrowed, page) = (query.states()?, call.page(&query, PAGE)?);
    let found = call.service().policy_states_by_assignment(access, &id, &narrowed, page)?;
    answer(call, &query, &found)
}

pub(crate) fn list_by_domain(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let (narrowed, page) = (query.states()?, call.page(&query, PAGE)?);
    let found = call.service().policy_states_by_domain(access, &narrowed, page)?;
    answer(call, &query, &found)
}

pub(crate) fn list_by_resource(call: &Call, access: &Access) -> Result<Answer> {
    let id = call.resource_id()?;
    let query = call.query()?;
    let (state, page) = (query.compliance_state()?, call.page(&query, PAGE)?);
    let found = call.service().policy_states_by_resource(access, id, state, page)?;
    answer(call, &query, &found)
}

pub(crate) fn report(call: &Call, access: &Access) -> Result<Answer> {
    let request: PolicyStateRequest = call.json()?;
    let state = call.service().report_policy_state(access, request.into_reported()?)?;
    Answer::json(&PolicyStateAnswer::from(&state))
}
