//! Summaries: are we compliant, and where not?

use std::sync::Arc;

use crate::{ComplianceState, MemberState, PolicyAssignment};

/// Kept numbers. `undetermined` and `exempt` never show as compliant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ComplianceCounts {
    /// Found compliant.
    pub compliant: i64,
    /// Found non-compliant.
    pub non_compliant: i64,
    /// Could not be determined.
    pub undetermined: i64,
    /// Excused; nothing is yet.
    pub exempt: i64,
}

impl ComplianceCounts {
    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.compliant += other.compliant;
        self.non_compliant += other.non_compliant;
        self.undetermined += other.undetermined;
        self.exempt += other.exempt;
    }

    /// This less another count.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self {
            compliant: self.compliant - other.compliant,
            non_compliant: self.non_compliant - other.non_compliant,
            undetermined: self.undetermined - other.undetermined,
            exempt: self.exempt - other.exempt,
        }
    }

    /// Whether all numbers are zero.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// The verdict of the whole: non-compliant if anything is, compliant if nothing is.
    pub fn state(self) -> ComplianceState {
        if self.non_compliant > 0 {
            ComplianceState::NonCompliant
        } else {
            ComplianceState::Compliant
        }
    }
}

/// One rule in numbers of resources.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignmentSummary {
    /// The rule.
    pub policy_assignment: Arc<PolicyAssignment>,
    /// Its resources.
    pub resources: ComplianceCounts,
}

/// An account in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct DomainSummary {
    /// Resources, each counted once.
    pub resources: ComplianceCounts,
    /// Rules that have a state.
    pub assignments: ComplianceCounts,
    /// Every enabled rule.
    pub policy_assignments: Vec<AssignmentSummary>,
}

/// One resource in numbers of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSummary {
    /// The account.
    pub domain_id: String,
    /// Region.
    pub region_id: Option<String>,
    /// Id.
    pub resource_id: String,
    /// Name.
    pub resource_name: Option<String>,
    /// Provider.
    pub resource_provider: Option<String>,
    /// Type.
    pub resource_type: Option<String>,
    /// Its rules.
    pub assignments: ComplianceCounts,
}

/// An account of an organization in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSummary {
    /// The account.
    pub domain_id: String,
    /// Its name.
    pub name: String,
    /// How it stands to the organization; none for the management account.
    pub state: Option<MemberState>,
    /// Resources, each counted once.
    pub resources: ComplianceCounts,
    /// Rules that have a state.
    pub assignments: ComplianceCounts,
}

/// An organization in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationSummary {
    /// The organization.
    pub organization_id: String,
    /// Resources of all accounts.
    pub resources: ComplianceCounts,
    /// Rules of all accounts that have a state.
    pub assignments: ComplianceCounts,
    /// The management account and all members, the worst first.
    pub accounts: Vec<AccountSummary>,
}

/// One UTC day of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DailyStatistics {
    /// Days since the epoch.
    pub day: i64,
    /// Resources with a verdict.
    pub resources: i64,
    /// Of these, non-compliant ones.
    pub non_compliant_resources: i64,
    /// Rules with a verdict.
    pub assignments: i64,
    /// Of these, non-compliant ones.
    pub non_compliant_assignments: i64,
}
