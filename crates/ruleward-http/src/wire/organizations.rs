//! Organizations, units and members, in a shape of our own.

use ruleward_core::ManagedOrganization;
use ruleward_types::{
    AccountSummary, ComplianceCounts, OrganizationMember, OrganizationSummary, OrganizationUnit,
    OrganizationUnitNo,
};
use serde::{Deserialize, Serialize};

/// What an organization is made of.
#[derive(Debug, Deserialize)]
pub(crate) struct OrganizationRequest {
    pub(crate) name: Option<String>,
    /// The operator's; anybody else makes one for its own account.
    pub(crate) management_domain_id: Option<String>,
}

/// An account to be invited or added.
#[derive(Debug, Deserialize)]
pub(crate) struct MemberRequest {
    pub(crate) domain_id: Option<String>,
    pub(crate) unit_id: Option<String>,
}

/// Where a member moves; null is the root.
#[derive(Debug, Deserialize)]
pub(crate) struct MoveRequest {
    pub(crate) unit_id: Option<String>,
}

/// What a unit is made of.
#[derive(Debug, Deserialize)]
pub(crate) struct UnitRequest {
    pub(crate) name: Option<String>,
    pub(crate) parent_id: Option<String>,
}

/// A list that has no pages.
#[derive(Debug, Serialize)]
pub(crate) struct Whole<T> {
    pub(crate) value: Vec<T>,
}

/// An organization.
#[derive(Debug, Serialize)]
pub(crate) struct OrganizationAnswer<'a> {
    organization_id: &'a str,
    name: &'a str,
    management_domain_id: &'a str,
    created_at: String,
}

impl<'a> From<&'a ManagedOrganization> for OrganizationAnswer<'a> {
    fn from(of: &'a ManagedOrganization) -> Self {
        Self {
            organization_id: &of.organization.id,
            name: &of.organization.name,
            management_domain_id: &of.management.domain_id,
            created_at: of.organization.created.to_wire(),
        }
    }
}

/// A unit.
#[derive(Debug, Serialize)]
pub(crate) struct UnitAnswer<'a> {
    unit_id: &'a str,
    name: &'a str,
    parent_id: Option<&'a str>,
    created_at: String,
}

impl<'a> UnitAnswer<'a> {
    /// One of several units.
    pub(crate) fn new(unit: &'a OrganizationUnit, all: &'a [OrganizationUnit]) -> Self {
        Self {
            unit_id: &unit.id,
            name: &unit.name,
            parent_id: unit.parent.and_then(|no| unit_id(no, all)),
            created_at: unit.created.to_wire(),
        }
    }
}

/// A member or an invited account.
#[derive(Debug, Serialize)]
pub(crate) struct MemberAnswer<'a> {
    domain_id: &'a str,
    name: &'a str,
    state: &'static str,
    delegated_administrator: bool,
    unit_id: Option<&'a str>,
    since: String,
}

impl<'a> MemberAnswer<'a> {
    /// A member; `units` are those of its organization.
    pub(crate) fn new(member: &'a OrganizationMember, units: &'a [OrganizationUnit]) -> Self {
        Self {
            domain_id: &member.domain_id,
            name: &member.name,
            state: member.state.wire(),
            delegated_administrator: member.delegated,
            unit_id: member.unit.and_then(|no| unit_id(no, units)),
            since: member.since.to_wire(),
        }
    }
}

fn unit_id(no: OrganizationUnitNo, units: &[OrganizationUnit]) -> Option<&str> {
    units.iter().find(|unit| unit.no == no).map(|unit| unit.id.as_str())
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the vendor's summaries name them so")]
struct Counts {
    compliant_count: i64,
    non_compliant_count: i64,
    undetermined_count: i64,
}

impl From<ComplianceCounts> for Counts {
    fn from(counts: ComplianceCounts) -> Self {
        Self {
            compliant_count: counts.compliant,
            non_compliant_count: counts.non_compliant,
            undetermined_count: counts.undetermined,
        }
    }
}

#[derive(Debug, Serialize)]
struct Results {
    resource_details: Counts,
    assignment_details: Counts,
}

/// An organization in numbers.
#[derive(Debug, Serialize)]
pub(crate) struct OrganizationSummaryAnswer<'a> {
    organization_id: &'a str,
    results: Results,
    accounts: Vec<AccountSummaryAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct AccountSummaryAnswer<'a> {
    domain_id: &'a str,
    name: &'a str,
    /// `management`, or the member's state.
    state: &'static str,
    results: Results,
}

impl<'a> From<&'a OrganizationSummary> for OrganizationSummaryAnswer<'a> {
    fn from(summary: &'a OrganizationSummary) -> Self {
        Self {
            organization_id: &summary.organization_id,
            results: results(summary.resources, summary.assignments),
            accounts: summary.accounts.iter().map(From::from).collect(),
        }
    }
}

impl<'a> From<&'a AccountSummary> for AccountSummaryAnswer<'a> {
    fn from(summary: &'a AccountSummary) -> Self {
        Self {
            domain_id: &summary.domain_id,
            name: &summary.name,
            state: summary.state.map_or("management", ruleward_types::MemberState::wire),
            results: results(summary.resources, summary.assignments),
        }
    }
}

fn results(resources: ComplianceCounts, assignments: ComplianceCounts) -> Results {
    Results { resource_details: resources.into(), assignment_details: assignments.into() }
}
