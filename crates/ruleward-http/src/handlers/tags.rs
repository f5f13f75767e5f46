//! Tags of the service's own resources, of which rules are the only ones so far. The account is that of
//! the signature: these paths name none.

use ruleward_core::Access;
use ruleward_types::{Error, ErrorCode, PolicyAssignmentId, Result};

use crate::call::{Answer, Call};
use crate::validation::one_of;
use crate::wire::tags::{
    InstanceAnswer, InstanceList, InstancesRequest, RemovalRequest, TagAnswer, TagList,
    TagsRequest, TotalCount, ValuesAnswer, ValuesList,
};

/// Most items of one page.
const PAGE: usize = 1000;

/// What the path says the tags are of; whether there is such a thing yet.
const TYPES: &[(bool, &str)] = &[
    (true, "config:policyAssignments"),
    (false, "config:aggregators"),
    (false, "config:aggregationAuthorizations"),
];

/// Refuses what is no rule.
fn of_rules(call: &Call) -> Result<()> {
    let name = call.parameter("resource_type")?;
    if one_of("resource_type", name, TYPES)? {
        return Ok(());
    }
    Err(Error::with(ErrorCode::NotImplemented, format!("There is nothing of the type {name} yet.")))
}

fn rule_id(call: &Call) -> Result<PolicyAssignmentId> {
    of_rules(call)?;
    call.resource_id()?.parse()
}

/// The items from `offset` on, at most `limit`.
fn part<T>(call: &Call, items: Vec<T>) -> Result<Vec<T>> {
    let query = call.query()?;
    Ok(items.into_iter().skip(query.offset()?).take(query.limit(PAGE)?).collect())
}

pub(crate) fn filter(call: &Call, access: &Access) -> Result<Answer> {
    of_rules(call)?;
    let request: InstancesRequest = call.json()?;
    let found = call.service().policy_assignments_by_tag(access, &request.into_query()?)?;
    let total_count = found.len();
    let found = part(call, found)?;
    let resources = found.iter().map(|rule| InstanceAnswer::from(&**rule)).collect();
    Answer::json(&InstanceList { resources, total_count })
}

pub(crate) fn count(call: &Call, access: &Access) -> Result<Answer> {
    of_rules(call)?;
    let request: InstancesRequest = call.json()?;
    let found = call.service().policy_assignments_by_tag(access, &request.into_query()?)?;
    Answer::json(&TotalCount { total_count: found.len() })
}

pub(crate) fn of_type(call: &Call, access: &Access) -> Result<Answer> {
    of_rules(call)?;
    let found = call.service().policy_assignment_tags(access)?;
    let total_count = found.len();
    let tags = part(call, found)?.into_iter().map(ValuesAnswer::from).collect();
    Answer::json(&ValuesList { tags, total_count })
}

pub(crate) fn of_resource(call: &Call, access: &Access) -> Result<Answer> {
    let rule = call.service().policy_assignment(access, &rule_id(call)?)?;
    Answer::json(&TagList { tags: rule.tags.iter().map(TagAnswer::from).collect() })
}

pub(crate) fn create(call: &Call, access: &Access) -> Result<Answer> {
    let id = rule_id(call)?;
    let request: TagsRequest = call.json()?;
    call.service().tag_policy_assignment(access, &id, request.into_tags()?)?;
    Ok(Answer::empty())
}

pub(crate) fn delete(call: &Call, access: &Access) -> Result<Answer> {
    let id = rule_id(call)?;
    let request: RemovalRequest = call.json()?;
    call.service().untag_policy_assignment(access, &id, request.into_removals()?)?;
    Ok(Answer::empty())
}
