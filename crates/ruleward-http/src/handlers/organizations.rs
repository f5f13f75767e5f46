//! Organizations, through operations of our own.

use ruleward_core::{Access, Entry};
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::validation::{DOMAIN_ID, required};
use crate::wire::List;
use crate::wire::organizations::{
    MemberAnswer, MemberRequest, MoveRequest, OrganizationAnswer, OrganizationRequest,
    OrganizationSummaryAnswer, UnitAnswer, UnitRequest, Whole,
};

/// Most members of one page.
const PAGE: usize = 200;
/// Most accounts of a summary; all that an organization can have, for who does not say less.
const ACCOUNTS: usize = 1_000_000;

pub(crate) fn create(call: &Call, access: &Access) -> Result<Answer> {
    let request: OrganizationRequest = call.json()?;
    let name = required("name", request.name)?;
    let management = request.management_domain_id.as_deref();
    let made = call.service().create_organization(access, &name, management)?;
    Answer::json(&OrganizationAnswer::from(&made))
}

pub(crate) fn list(call: &Call, access: &Access) -> Result<Answer> {
    let found = call.service().organizations(access)?;
    Answer::json(&Whole { value: found.iter().map(OrganizationAnswer::from).collect() })
}

pub(crate) fn show(call: &Call, access: &Access) -> Result<Answer> {
    let found = call.service().organization(access, call.organization_id()?)?;
    Answer::json(&OrganizationAnswer::from(&found))
}

pub(crate) fn members(call: &Call, access: &Access) -> Result<Answer> {
    let (id, query) = (call.organization_id()?, call.query()?);
    let page = call.page(&query, PAGE)?;
    let found = call.service().organization_members(access, id, page)?;
    let units = call.service().units(access, id)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let value = found.items.iter().map(|member| MemberAnswer::new(member, &units)).collect();
    Answer::json(&List { value, page_info })
}

pub(crate) fn invite(call: &Call, access: &Access) -> Result<Answer> {
    enter(call, access, Entry::Invited)
}

pub(crate) fn add(call: &Call, access: &Access) -> Result<Answer> {
    enter(call, access, Entry::Added)
}

fn enter(call: &Call, access: &Access, entry: Entry) -> Result<Answer> {
    let (id, request) = (call.organization_id()?, call.json::<MemberRequest>()?);
    let domain_id = required("domain_id", request.domain_id)?;
    DOMAIN_ID.check("domain_id", &domain_id)?;
    let unit = request.unit_id.as_deref();
    let member = call.service().enter_organization(access, id, &domain_id, unit, entry)?;
    let units = call.service().units(access, id)?;
    Answer::json(&MemberAnswer::new(&member, &units))
}

pub(crate) fn accept(call: &Call, access: &Access) -> Result<Answer> {
    call.service().accept_invitation(access, call.organization_id()?)?;
    Ok(Answer::empty())
}

pub(crate) fn remove(call: &Call, access: &Access) -> Result<Answer> {
    call.service().remove_member(access, call.organization_id()?, call.member_id()?)?;
    Ok(Answer::empty())
}

pub(crate) fn suspend(call: &Call, access: &Access) -> Result<Answer> {
    call.service().suspend_member(access, call.organization_id()?, call.member_id()?)?;
    Ok(Answer::empty())
}

pub(crate) fn resume(call: &Call, access: &Access) -> Result<Answer> {
    call.service().resume_member(access, call.organization_id()?, call.member_id()?)?;
    Ok(Answer::empty())
}

pub(crate) fn move_member(call: &Call, access: &Access) -> Result<Answer> {
    let (id, member) = (call.organization_id()?, call.member_id()?);
    let request: MoveRequest = call.json()?;
    call.service().move_member(access, id, member, request.unit_id.as_deref())?;
    Ok(Answer::empty())
}

pub(crate) fn delegate(call: &Call, access: &Access) -> Result<Answer> {
    let (id, member) = (call.organization_id()?, call.member_id()?);
    call.service().delegate_administrator(access, id, member, true)?;
    Ok(Answer::empty())
}

pub(crate) fn undelegate(call: &Call, access: &Access) -> Result<Answer> {
    let (id, member) = (call.organization_id()?, call.member_id()?);
    call.service().delegate_administrator(access, id, member, false)?;
    Ok(Answer::empty())
}

pub(crate) fn units(call: &Call, access: &Access) -> Result<Answer> {
    let units = call.service().units(access, call.organization_id()?)?;
    let value = units.iter().map(|unit| UnitAnswer::new(unit, &units)).collect();
    Answer::json(&Whole { value })
}

pub(crate) fn create_unit(call: &Call, access: &Access) -> Result<Answer> {
    let (id, request) = (call.organization_id()?, call.json::<UnitRequest>()?);
    let name = required("name", request.name)?;
    let parent = request.parent_id.as_deref();
    let made = call.service().create_unit(access, id, &name, parent)?;
    let units = call.service().units(access, id)?;
    Answer::json(&UnitAnswer::new(&made, &units))
}

pub(crate) fn delete_unit(call: &Call, access: &Access) -> Result<Answer> {
    let (id, unit) = (call.organization_id()?, call.parameter("unit_id")?);
    call.service().delete_unit(access, id, unit)?;
    Ok(Answer::empty())
}

pub(crate) fn summary(call: &Call, access: &Access) -> Result<Answer> {
    let limit = call.query()?.limit(ACCOUNTS)?;
    let found = call.service().organization_summary(access, call.organization_id()?, limit)?;
    Answer::json(&OrganizationSummaryAnswer::from(&found))
}
