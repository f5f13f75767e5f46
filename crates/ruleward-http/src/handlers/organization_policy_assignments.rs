//! Organization rules and how their deployment goes.

use ruleward_core::{Access, OrganizationPolicyAssignmentQuery};
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::query::Query;
use crate::wire::List;
use crate::wire::organization_policy_assignments::{
    MemberStatusAnswer, OrganizationPolicyAssignmentAnswer, OrganizationPolicyAssignmentList,
    OrganizationPolicyAssignmentRequest, OrganizationPolicyAssignmentSingle,
    OrganizationStatusAnswer,
};

/// Most items of one page.
const PAGE: usize = 200;

pub(crate) fn put(call: &Call, access: &Access) -> Result<Answer> {
    let organization = call.organization_id()?;
    let request: OrganizationPolicyAssignmentRequest = call.json()?;
    let draft = request.into_draft()?;
    let made = call.service().put_organization_policy_assignment(access, organization, draft)?;
    Answer::json(&OrganizationPolicyAssignmentAnswer::from(&made))
}

pub(crate) fn list(call: &Call, access: &Access) -> Result<Answer> {
    let (organization, query) = (call.organization_id()?, call.query()?);
    let (narrowed, page) = (narrowed(&query)?, call.page(&query, PAGE)?);
    let service = call.service();
    let found = service.organization_policy_assignments(access, organization, &narrowed, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let organization_policy_assignments =
        found.items.iter().map(OrganizationPolicyAssignmentAnswer::from).collect();
    Answer::json(&OrganizationPolicyAssignmentList { organization_policy_assignments, page_info })
}

pub(crate) fn show(call: &Call, access: &Access) -> Result<Answer> {
    let (organization, id) = (call.organization_id()?, call.organization_rule_id()?);
    let found = call.service().organization_policy_assignment(access, organization, id)?;
    Answer::json(&OrganizationPolicyAssignmentSingle::from(&found))
}

pub(crate) fn update(call: &Call, access: &Access) -> Result<Answer> {
    let (organization, id) = (call.organization_id()?, call.organization_rule_id()?);
    let request: OrganizationPolicyAssignmentRequest = call.json()?;
    let (service, draft) = (call.service(), request.into_draft()?);
    let changed = service.update_organization_policy_assignment(access, organization, id, draft)?;
    Answer::json(&OrganizationPolicyAssignmentAnswer::from(&changed))
}

pub(crate) fn delete(call: &Call, access: &Access) -> Result<Answer> {
    let (organization, id) = (call.organization_id()?, call.organization_rule_id()?);
    call.service().delete_organization_policy_assignment(access, organization, id)?;
    Ok(Answer::empty())
}

pub(crate) fn statuses(call: &Call, access: &Access) -> Result<Answer> {
    let (organization, query) = (call.organization_id()?, call.query()?);
    let (narrowed, page) = (narrowed(&query)?, call.page(&query, PAGE)?);
    let service = call.service();
    let found =
        service.organization_policy_assignment_statuses(access, organization, &narrowed, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let value = found.items.iter().map(OrganizationStatusAnswer::from).collect();
    Answer::json(&List { value, page_info })
}

pub(crate) fn detailed_status(call: &Call, access: &Access) -> Result<Answer> {
    let (organization, query) = (call.organization_id()?, call.query()?);
    let (narrowed, page) = (narrowed(&query)?, call.page(&query, PAGE)?);
    let found = call.service().organization_policy_assignment_deployments(
        access,
        organization,
        &narrowed,
        query.domain_id()?,
        query.deployment_status()?,
        page,
    )?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let value = found.items.iter().map(MemberStatusAnswer::from).collect();
    Answer::json(&List { value, page_info })
}

fn narrowed(query: &Query) -> Result<OrganizationPolicyAssignmentQuery> {
    Ok(OrganizationPolicyAssignmentQuery {
        id: query.organization_rule_id()?.map(str::to_owned),
        name: query.organization_rule_name()?.map(str::to_owned),
    })
}
