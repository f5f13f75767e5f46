//! Organization rules: made, changed and removed by an administering account; what follows in
//! the members is written down here and done by [`crate::deployments`].

use std::sync::Arc;

use ruleward_policy::Catalogue;
use ruleward_store::ReadTx;
use ruleward_types::ids::random_hex;
use ruleward_types::organization_policy_assignment::deployed_by;
use ruleward_types::{
    AccountNo, AssignmentKind, CustomPolicy, DeploymentCounts, DeploymentFailure, DeploymentKind,
    DeploymentStatus, Error, ErrorCode, Organization, OrganizationDeployment,
    OrganizationDeploymentNo, OrganizationMember, OrganizationNo, OrganizationPolicyAssignment,
    OrganizationRuleNo, Period, PolicyAssignment, PolicyFilter, PolicyFilterV2, Result, Timestamp,
    limits,
};
use serde_json::{Map, Value};

use crate::Service;
use crate::access::Access;
use crate::drafts::{self, NewPolicyAssignment};
use crate::organizations::administered;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::policy_assignments::recorder_is_on;
use crate::service::Writing;

/// How many deployments are read at a time.
const READ: usize = 500;

/// An organization rule to be made or changed.
#[derive(Debug, Clone)]
pub struct OrganizationPolicyAssignmentDraft {
    /// Unique in the organization.
    pub name: String,
    /// The accounts that do not get it. Absent: kept.
    pub excluded_accounts: Option<Vec<String>>,
    /// Whose policy it binds; cannot change.
    pub kind: AssignmentKind,
    /// Free text.
    pub description: Option<String>,
    /// The filter of the first form.
    pub filter: PolicyFilter,
    /// Absent: kept. `Some(None)`: removed.
    pub filter_v2: Option<Option<PolicyFilterV2>>,
    /// How often it runs.
    pub period: Option<Period>,
    /// The predefined policy, for managed rules; cannot change.
    pub policy_definition_id: Option<String>,
    /// The function, for custom rules.
    pub custom_policy: Option<CustomPolicy>,
    /// Values by parameter name.
    pub parameters: Map<String, Value>,
}

/// What a list of organization rules or of their statuses is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct OrganizationPolicyAssignmentQuery {
    /// Only the rule of this id.
    pub id: Option<String>,
    /// Only the rule of this name.
    pub name: Option<String>,
}

/// An organization rule as its owner sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnedOrganizationRule {
    /// The rule.
    pub rule: OrganizationPolicyAssignment,
    /// The organization's id.
    pub organization_id: String,
    /// The owner's id.
    pub owner_id: String,
}

/// How the deployment of an organization rule goes as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct OrganizationRuleStatus {
    /// The rule.
    pub rule: OrganizationPolicyAssignment,
    /// As far as its slowest member.
    pub status: DeploymentStatus,
    /// Why it failed in a member that it failed in.
    pub failure: Option<DeploymentFailure>,
    /// The members by how far they are.
    pub counts: DeploymentCounts,
}

impl Service {
    /// Makes an organization rule; where the caller has one of that name, changes it.
    pub fn put_organization_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        organization_id: &str,
        draft: OrganizationPolicyAssignmentDraft,
    ) -> Result<OwnedOrganizationRule> {
        let (access, id) = (access.clone(), organization_id.to_owned());
        self.write(move |writing| {
            let organization = administered(writing.tx, &access, &id)?;
            recorder_is_on(writing, access.account())?;
            let rules = writing.tx.organization_rules(organization.no)?;
            let known = rules.iter().find(|rule| !rule.is_deleted() && rule.name == draft.name);
            let rule = match known {
                Some(known) if known.owner == access.account() => {
                    change(writing, &organization, known.clone(), draft)?
                }
                Some(_) => {
                    let words = "Another administering account has an organization rule of this \
                                 name; in the members there could not be both.";
                    return Err(Error::with(ErrorCode::DuplicateName, words));
                }
                None => {
                    let standing = rules.iter().filter(|rule| !rule.is_deleted()).count();
                    if standing >= limits::ORGANIZATION_POLICY_ASSIGNMENTS {
                        let words = "The organization has reached its quota of rules.";
                        return Err(Error::with(ErrorCode::QuotaExceeded, words));
                    }
                    make(writing, &organization, access.account(), draft)?
                }
            };
            Ok(owned(&access, &organization, rule))
        })
    }

    /// Changes an organization rule.
    pub fn update_organization_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        organization_id: &str,
        id: &str,
        draft: OrganizationPolicyAssignmentDraft,
    ) -> Result<OwnedOrganizationRule> {
        let (access, organization_id) = (access.clone(), organization_id.to_owned());
        let id = id.to_owned();
        self.write(move |writing| {
            let organization = administered(writing.tx, &access, &organization_id)?;
            recorder_is_on(writing, access.account())?;
            let known = find(writing.tx, &organization, access.account(), &id)?;
            let rule = change(writing, &organization, known, draft)?;
            Ok(owned(&access, &organization, rule))
        })
    }

    /// An organization rule.
    pub fn organization_policy_assignment(
        &self,
        access: &Access,
        organization_id: &str,
        id: &str,
    ) -> Result<OwnedOrganizationRule> {
        self.read(|tx| {
            let organization = administered(tx, access, organization_id)?;
            let rule = find(tx, &organization, access.account(), id)?;
            Ok(owned(access, &organization, rule))
        })
    }

    /// The organization rules that the caller's account made, oldest first.
    pub fn organization_policy_assignments(
        &self,
        access: &Access,
        organization_id: &str,
        query: &OrganizationPolicyAssignmentQuery,
        page: Page,
    ) -> Result<Paged<OwnedOrganizationRule>> {
        self.read(|tx| {
            let organization = administered(tx, access, organization_id)?;
            let mut found = Collector::new(page);
            for rule in queried(tx, &organization, access, query, page)? {
                if !rule.is_deleted() {
                    found.push(Cursor(rule.no.0, 0), owned(access, &organization, rule));
                }
            }
            Ok(found.finish())
        })
    }

    /// Removes an organization rule: at once for who looks, then from the members.
    pub fn delete_organization_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        organization_id: &str,
        id: &str,
    ) -> Result<()> {
        let (access, organization_id) = (access.clone(), organization_id.to_owned());
        let id = id.to_owned();
        self.write(move |writing| {
            let organization = administered(writing.tx, &access, &organization_id)?;
            let rule = find(writing.tx, &organization, access.account(), &id)?;
            remove_rule(writing, rule)
        })
    }

    /// How the deployment of the caller's organization rules goes; a rule that is being removed
    /// is listed until no member has it any more.
    pub fn organization_policy_assignment_statuses(
        &self,
        access: &Access,
        organization_id: &str,
        query: &OrganizationPolicyAssignmentQuery,
        page: Page,
    ) -> Result<Paged<OrganizationRuleStatus>> {
        self.read(|tx| {
            let organization = administered(tx, access, organization_id)?;
            let mut found = Collector::new(page);
            for rule in queried(tx, &organization, access, query, page)? {
                if found.is_full() {
                    break;
                }
                let counts = tx.deployment_counts(rule.no)?;
                let failure = match counts.failed {
                    0 => None,
                    _ => tx.failed_deployment(rule.no)?.and_then(|failed| failed.failure),
                };
                let status = DeploymentStatus { kind: rule.last, state: counts.state() };
                let at = Cursor(rule.no.0, 0);
                found.push(at, OrganizationRuleStatus { rule, status, failure, counts });
            }
            Ok(found.finish())
        })
    }

    /// How it goes in each member, by rule.
    pub fn organization_policy_assignment_deployments(
        &self,
        access: &Access,
        organization_id: &str,
        query: &OrganizationPolicyAssignmentQuery,
        domain_id: Option<&str>,
        status: Option<DeploymentStatus>,
        page: Page,
    ) -> Result<Paged<(OrganizationPolicyAssignment, OrganizationDeployment)>> {
        self.read(|tx| {
            let organization = administered(tx, access, organization_id)?;
            let mut found = Collector::new(page);
            let after = page.after.unwrap_or(Cursor(0, 0));
            // The rule of the last item may have more.
            let from = Page { after: Some(Cursor(after.0 - 1, 0)), ..page };
            for rule in queried(tx, &organization, access, query, from)? {
                let mut last = if rule.no.0 == after.0 { after.1 } else { 0 };
                loop {
                    let read = tx.deployments(rule.no, OrganizationDeploymentNo(last), READ)?;
                    let Some(end) = read.last().map(|one| one.no.0) else { break };
                    last = end;
                    for one in read {
                        if domain_id.is_none_or(|wanted| one.domain_id == wanted)
                            && status.is_none_or(|wanted| one.status == wanted)
                        {
                            found.push(Cursor(rule.no.0, one.no.0), (rule.clone(), one));
                        }
                    }
                    if found.is_full() {
                        return Ok(found.finish());
                    }
                }
            }
            Ok(found.finish())
        })
    }
}

/// What a rule looks like in the members, but for what is each member's own.
pub(crate) fn template(
    rule: &OrganizationPolicyAssignment,
    organization: &Organization,
    catalogue: &Catalogue,
) -> Result<PolicyAssignment> {
    let new = NewPolicyAssignment {
        kind: rule.kind,
        name: rule.deployed_name(),
        description: rule.description.clone(),
        filter: rule.filter.clone(),
        filter_v2: rule.filter_v2.clone(),
        period: rule.period,
        policy_definition_id: rule.policy_definition_id.clone(),
        custom_policy: rule.custom_policy.clone(),
        parameters: rule.parameters.clone(),
        tags: Vec::new(),
    };
    let created_by = deployed_by(&organization.id);
    Ok(PolicyAssignment { created_by, ..drafts::checked(new, catalogue, rule.updated)? })
}

/// Asks for the rules of an organization to be deployed to a member.
pub(crate) fn deploy_all(writing: &Writing<'_>, member: &OrganizationMember) -> Result<()> {
    for rule in writing.tx.organization_rules(member.organization)? {
        if !rule.is_deleted() && !rule.excludes(&member.domain_id) {
            writing.tx.ask_for_deployment(rule.no, member.account, writing.now)?;
        }
    }
    writing.service.signal.wake_after_commit();
    Ok(())
}

/// Asks for the rules of an organization to be removed from an account that leaves it.
pub(crate) fn remove_all(
    writing: &Writing<'_>,
    organization: OrganizationNo,
    account: AccountNo,
) -> Result<()> {
    for rule in writing.tx.organization_rules(organization)? {
        writing.tx.ask_for_removal(rule.no, Some(account), writing.now)?;
    }
    writing.service.signal.wake_after_commit();
    Ok(())
}

/// Asks for an organization rule to be removed everywhere. One that no member has is gone.
pub(crate) fn remove_rule(
    writing: &Writing<'_>,
    mut rule: OrganizationPolicyAssignment,
) -> Result<()> {
    rule.last = DeploymentKind::Delete;
    rule.updated = writing.now;
    writing.tx.update_organization_rule(&rule)?;
    writing.tx.ask_for_removal(rule.no, None, writing.now)?;
    forget_removed(writing, rule.no)?;
    writing.service.signal.wake_after_commit();
    Ok(())
}

/// Forgets a removed rule once no member has it any more.
pub(crate) fn forget_removed(writing: &Writing<'_>, no: OrganizationRuleNo) -> Result<()> {
    if writing.tx.deployments(no, OrganizationDeploymentNo(0), 1)?.is_empty() {
        writing.tx.delete_organization_rule(no)?;
    }
    Ok(())
}

fn make(
    writing: &Writing<'_>,
    organization: &Organization,
    owner: AccountNo,
    draft: OrganizationPolicyAssignmentDraft,
) -> Result<OrganizationPolicyAssignment> {
    let rule = OrganizationPolicyAssignment {
        no: OrganizationRuleNo(0),
        organization: organization.no,
        owner,
        id: random_hex(16)?,
        name: draft.name,
        kind: draft.kind,
        description: draft.description,
        filter: draft.filter,
        filter_v2: draft.filter_v2.flatten(),
        period: draft.period,
        policy_definition_id: draft.policy_definition_id,
        custom_policy: draft.custom_policy,
        parameters: draft.parameters,
        excluded_accounts: draft.excluded_accounts.unwrap_or_default(),
        created: writing.now,
        updated: writing.now,
        last: DeploymentKind::Create,
    };
    let mut rule = checked(writing, organization, rule)?;
    writing.tx.insert_organization_rule(&mut rule)?;
    ask_members(writing, &rule)?;
    Ok(rule)
}

fn change(
    writing: &Writing<'_>,
    organization: &Organization,
    stored: OrganizationPolicyAssignment,
    draft: OrganizationPolicyAssignmentDraft,
) -> Result<OrganizationPolicyAssignment> {
    if draft.kind != stored.kind {
        let words = "A managed organization rule stays managed, a custom one custom.";
        return Err(Error::with(ErrorCode::RuleImmutable, words));
    }
    if draft.policy_definition_id != stored.policy_definition_id {
        let words = "policy_definition_id cannot be changed.";
        return Err(Error::with(ErrorCode::RuleImmutable, words));
    }
    let rule = OrganizationPolicyAssignment {
        name: draft.name,
        description: draft.description,
        filter: draft.filter,
        filter_v2: draft.filter_v2.unwrap_or(stored.filter_v2),
        period: draft.period,
        custom_policy: draft.custom_policy,
        parameters: draft.parameters,
        excluded_accounts: draft.excluded_accounts.unwrap_or(stored.excluded_accounts),
        updated: writing.now,
        last: DeploymentKind::Update,
        ..stored
    };
    let rule = checked(writing, organization, rule)?;
    writing.tx.update_organization_rule(&rule)?;
    ask_members(writing, &rule)?;
    Ok(rule)
}

/// Checks a rule as each member's own rule would be, and completes its period.
fn checked(
    writing: &Writing<'_>,
    organization: &Organization,
    rule: OrganizationPolicyAssignment,
) -> Result<OrganizationPolicyAssignment> {
    let deployed = template(&rule, organization, writing.service.catalogue)?;
    Ok(OrganizationPolicyAssignment {
        period: deployed.period,
        policy_definition_id: deployed.policy_definition_id,
        ..rule
    })
}

fn ask_members(writing: &Writing<'_>, rule: &OrganizationPolicyAssignment) -> Result<()> {
    let mut after = AccountNo(0);
    loop {
        let members = writing.tx.organization_members(rule.organization, after, READ)?;
        let Some(last) = members.last() else { break };
        after = last.account;
        for member in members.iter().filter(|member| member.has_joined()) {
            if rule.excludes(&member.domain_id) {
                writing.tx.ask_for_removal(rule.no, Some(member.account), writing.now)?;
            } else {
                writing.tx.ask_for_deployment(rule.no, member.account, writing.now)?;
            }
        }
    }
    writing.service.signal.wake_after_commit();
    Ok(())
}

fn owned(
    access: &Access,
    organization: &Organization,
    rule: OrganizationPolicyAssignment,
) -> OwnedOrganizationRule {
    OwnedOrganizationRule {
        rule,
        organization_id: organization.id.clone(),
        owner_id: access.domain_id().to_owned(),
    }
}

fn find(
    tx: &dyn ReadTx,
    organization: &Organization,
    owner: AccountNo,
    id: &str,
) -> Result<OrganizationPolicyAssignment> {
    let found = tx
        .organization_rules(organization.no)?
        .into_iter()
        .find(|rule| rule.id == id && rule.owner == owner && !rule.is_deleted());
    found.ok_or_else(|| Error::with(ErrorCode::NotFound, "No organization rule has this id."))
}

/// The rules that the caller made and asks for, after the page's place.
fn queried(
    tx: &dyn ReadTx,
    organization: &Organization,
    access: &Access,
    query: &OrganizationPolicyAssignmentQuery,
    page: Page,
) -> Result<Vec<OrganizationPolicyAssignment>> {
    let after = page.after.map_or(0, |Cursor(no, _)| no);
    let same = |wanted: &Option<String>, actual: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted == actual)
    };
    let mut rules = tx.organization_rules(organization.no)?;
    rules.retain(|rule| {
        rule.owner == access.account()
            && rule.no.0 > after
            && same(&query.id, &rule.id)
            && same(&query.name, &rule.name)
    });
    Ok(rules)
}

/// When what failed so often is tried again.
pub(crate) fn retry_at(now: Timestamp, attempts: i64) -> Timestamp {
    const FIRST_S: i64 = 30;
    const LONGEST_S: i64 = 3600;
    let doubled = u32::try_from(attempts.clamp(0, 16)).unwrap_or(0);
    now.plus_seconds((FIRST_S << doubled).min(LONGEST_S))
}
