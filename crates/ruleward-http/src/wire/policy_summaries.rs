//! Summaries. What does not apply is null; a state where nothing could be determined is null.

use ruleward_types::{
    AssignmentSummary, ComplianceCounts, DailyStatistics, DomainSummary, ResourceSummary, Timestamp,
};
use serde::Serialize;

use super::policy_assignments::PolicyAssignmentAnswer;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

#[derive(Debug, Serialize)]
struct Unit {
    compliant_count: i64,
    non_compliant_count: i64,
}

impl From<ComplianceCounts> for Unit {
    fn from(counts: ComplianceCounts) -> Self {
        Self { compliant_count: counts.compliant, non_compliant_count: counts.non_compliant }
    }
}

#[derive(Debug, Serialize)]
struct Results {
    resource_details: Option<Unit>,
    assignment_details: Option<Unit>,
}

fn state(counts: ComplianceCounts) -> Option<&'static str> {
    (counts.compliant > 0 || counts.non_compliant > 0).then(|| counts.state().wire())
}

/// An account.
#[derive(Debug, Serialize)]
pub(crate) struct DomainSummaryAnswer<'a> {
    results: Results,
    policy_assignments: Vec<AssignmentSummaryAnswer<'a>>,
}

impl<'a> From<&'a DomainSummary> for DomainSummaryAnswer<'a> {
    fn from(summary: &'a DomainSummary) -> Self {
        Self {
            results: Results {
                resource_details: Some(summary.resources.into()),
                assignment_details: Some(summary.assignments.into()),
            },
            policy_assignments: summary.policy_assignments.iter().map(From::from).collect(),
        }
    }
}

/// A rule.
#[derive(Debug, Serialize)]
pub(crate) struct AssignmentSummaryAnswer<'a> {
    compliance_state: Option<&'static str>,
    policy_assignment: PolicyAssignmentAnswer<'a>,
    results: Results,
}

impl<'a> From<&'a AssignmentSummary> for AssignmentSummaryAnswer<'a> {
    fn from(summary: &'a AssignmentSummary) -> Self {
        Self {
            compliance_state: state(summary.resources),
            policy_assignment: (&*summary.policy_assignment).into(),
            results: Results {
                resource_details: Some(summary.resources.into()),
                assignment_details: None,
            },
        }
    }
}

#[derive(Debug, Serialize)]
struct SummaryResource<'a> {
    domain_id: &'a str,
    region_id: Option<&'a str>,
    resource_id: &'a str,
    resource_name: Option<&'a str>,
    resource_provider: Option<&'a str>,
    resource_type: Option<&'a str>,
}

/// A resource.
#[derive(Debug, Serialize)]
pub(crate) struct ResourceSummaryAnswer<'a> {
    compliance_state: Option<&'static str>,
    resource: SummaryResource<'a>,
    results: Results,
}

impl<'a> From<&'a ResourceSummary> for ResourceSummaryAnswer<'a> {
    fn from(summary: &'a ResourceSummary) -> Self {
        Self {
            compliance_state: state(summary.assignments),
            resource: SummaryResource {
                domain_id: &summary.domain_id,
                region_id: summary.region_id.as_deref(),
                resource_id: &summary.resource_id,
                resource_name: summary.resource_name.as_deref(),
                resource_provider: summary.resource_provider.as_deref(),
                resource_type: summary.resource_type.as_deref(),
            },
            results: Results {
                resource_details: None,
                assignment_details: Some(summary.assignments.into()),
            },
        }
    }
}

/// The days of an account. The one list without a page.
#[derive(Debug, Serialize)]
pub(crate) struct StatisticsAnswer {
    value: Vec<Day>,
}

#[derive(Debug, Serialize)]
struct Day {
    statistic_date: String,
    total_resource_count: i64,
    non_compliant_resource_count: i64,
    total_policy_count: i64,
    non_compliant_policy_count: i64,
}

impl From<&[DailyStatistics]> for StatisticsAnswer {
    fn from(days: &[DailyStatistics]) -> Self {
        let day = |day: &DailyStatistics| Day {
            statistic_date: Timestamp(day.day.saturating_mul(DAY_US)).to_date(),
            total_resource_count: day.resources,
            non_compliant_resource_count: day.non_compliant_resources,
            total_policy_count: day.assignments,
            non_compliant_policy_count: day.non_compliant_assignments,
        };
        Self { value: days.iter().map(day).collect() }
    }
}
