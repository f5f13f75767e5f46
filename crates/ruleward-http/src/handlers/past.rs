//! What was compliant at a moment, and what changed between two.

use ruleward_core::{Access, PastQuery};
use ruleward_types::{ComplianceState, Error, Result, Timestamp};

use crate::call::{Answer, Call};
use crate::query::Query;
use crate::validation;
use crate::wire::List;
use crate::wire::past::{PastStateAnswer, StateChangeAnswer};
use crate::wire::policy_summaries::DomainSummaryAnswer;

/// Most items of one page.
const PAGE: usize = 200;

fn needed(query: &Query, name: &'static str) -> Result<Timestamp> {
    query.moment(name)?.ok_or_else(|| Error::invalid(format!("`{name}` is needed: a moment.")))
}

fn narrowed(query: &Query) -> Result<PastQuery> {
    let rule = query.one("policy_assignment_id")?;
    validation::up_to(36).check_optional("policy_assignment_id", rule)?;
    let state = query.one("compliance_state")?;
    if let Some(state) = state.filter(|state| *state != "Undetermined") {
        ComplianceState::parse(state)?;
    }
    Ok(PastQuery {
        resource_id: query.resource_id()?.map(str::to_owned),
        policy_assignment_id: rule.map(str::to_owned),
        state: state.map(str::to_owned),
    })
}

pub(crate) fn summary(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let summary = call.service().summary_at(access, &query.tags()?, needed(&query, "at")?)?;
    Answer::json(&DomainSummaryAnswer::from(&summary))
}

pub(crate) fn list(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let (at, page) = (needed(&query, "at")?, call.page(&query, PAGE)?);
    let found = call.service().policy_states_at(access, &narrowed(&query)?, at, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    Answer::json(&List {
        value: found.items.iter().map(PastStateAnswer::from).collect(),
        page_info,
    })
}

pub(crate) fn changes(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let (from, to) = (needed(&query, "from")?, needed(&query, "to")?);
    let page = call.page(&query, PAGE)?;
    let found = call.service().policy_state_changes(access, &narrowed(&query)?, from, to, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    Answer::json(&List {
        value: found.items.iter().map(StateChangeAnswer::from).collect(),
        page_info,
    })
}
