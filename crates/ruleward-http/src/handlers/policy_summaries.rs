//! Summaries and statistics.

use ruleward_core::Access;
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::wire::List;
use crate::wire::policy_summaries::{
    AssignmentSummaryAnswer, DomainSummaryAnswer, ResourceSummaryAnswer, StatisticsAnswer,
};

/// Most resources of one page.
const PAGE: usize = 200;

pub(crate) fn by_domain(call: &Call, access: &Access) -> Result<Answer> {
    let summary = call.service().summary_by_domain(access, &call.query()?.tags()?)?;
    Answer::json(&DomainSummaryAnswer::from(&summary))
}

pub(crate) fn by_assignment(call: &Call, access: &Access) -> Result<Answer> {
    let id = call.policy_assignment_id()?;
    let query = call.query()?;
    let summary = call.service().summary_by_assignment(access, &id, query.resource_name()?)?;
    Answer::json(&AssignmentSummaryAnswer::from(&summary))
}

pub(crate) fn by_resource(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let page = call.page(&query, PAGE)?;
    let (id, name) = (query.resource_id()?, query.resource_name()?);
    let found = call.service().summary_by_resource(access, id, name, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let value = found.items.iter().map(ResourceSummaryAnswer::from).collect();
    Answer::json(&List { value, page_info })
}

pub(crate) fn statistics(call: &Call, access: &Access) -> Result<Answer> {
    let days = call.service().statistics(access)?;
    Answer::json(&StatisticsAnswer::from(days.as_slice()))
}
