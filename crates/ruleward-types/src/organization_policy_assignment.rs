//! Organization rules, and how their deployment to the members goes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    AccountNo, AssignmentKind, CustomPolicy, Error, ErrorCode, OrganizationDeploymentNo,
    OrganizationNo, OrganizationRuleNo, Period, PolicyAssignmentId, PolicyFilter, PolicyFilterV2,
    Result, RuleNo, Timestamp,
};

/// What the name of an organization rule begins with in the members.
pub const DEPLOYED_NAME_PREFIX: &str = "Org-";
/// What `created_by` of a deployed rule begins with; the organization's id follows.
const DEPLOYED_BY_PREFIX: &str = "organization:";

/// `created_by` of the rules that an organization deploys.
pub fn deployed_by(organization_id: &str) -> String {
    format!("{DEPLOYED_BY_PREFIX}{organization_id}")
}

/// The organization that `created_by` tells of.
pub(crate) fn deploying_organization(created_by: &str) -> Option<&str> {
    created_by.strip_prefix(DEPLOYED_BY_PREFIX)
}

/// What is done to the members' rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DeploymentKind {
    /// The rule is made.
    Create,
    /// The rule is changed.
    Update,
    /// The rule is removed.
    Delete,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeploymentState {
    /// To be done.
    InProgress,
    /// Done.
    Successful,
    /// Could not be done; is tried again.
    Failed,
}

/// Both, as the wire has them in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeploymentStatus {
    /// What is done.
    pub kind: DeploymentKind,
    /// How far it is.
    pub state: DeploymentState,
}

impl DeploymentStatus {
    /// All nine with their names on the wire.
    pub const ALL: &'static [(Self, &'static str)] = {
        use DeploymentKind::{Create, Delete, Update};
        use DeploymentState::{Failed, InProgress, Successful};
        const fn of(kind: DeploymentKind, state: DeploymentState) -> DeploymentStatus {
            DeploymentStatus { kind, state }
        }
        &[
            (of(Create, InProgress), "CREATE_IN_PROGRESS"),
            (of(Create, Successful), "CREATE_SUCCESSFUL"),
            (of(Create, Failed), "CREATE_FAILED"),
            (of(Update, InProgress), "UPDATE_IN_PROGRESS"),
            (of(Update, Successful), "UPDATE_SUCCESSFUL"),
            (of(Update, Failed), "UPDATE_FAILED"),
            (of(Delete, InProgress), "DELETE_IN_PROGRESS"),
            (of(Delete, Successful), "DELETE_SUCCESSFUL"),
            (of(Delete, Failed), "DELETE_FAILED"),
        ]
    };

    /// Its name on the wire.
    pub fn wire(self) -> &'static str {
        Self::ALL.iter().find(|(known, _)| *known == self).map_or("", |(_, name)| name)
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name).map(|(status, _)| *status);
        found.ok_or_else(|| Error::internal("read a deployment", format!("status {name}")))
    }
}

/// An organization rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrganizationPolicyAssignment {
    /// Its row.
    pub no: OrganizationRuleNo,
    /// Whose.
    pub organization: OrganizationNo,
    /// The administering account that made it.
    pub owner: AccountNo,
    /// Its public id: 32 lower-case hex digits.
    pub id: String,
    /// Unique in the organization.
    pub name: String,
    /// Whose policy it binds.
    pub kind: AssignmentKind,
    /// Free text.
    pub description: Option<String>,
    /// The filter of the first form.
    pub filter: PolicyFilter,
    /// The filter of the second form.
    pub filter_v2: Option<PolicyFilterV2>,
    /// How often it runs.
    pub period: Option<Period>,
    /// The predefined policy, for managed rules.
    pub policy_definition_id: Option<String>,
    /// The function, for custom rules.
    pub custom_policy: Option<CustomPolicy>,
    /// Values by parameter name, as given.
    pub parameters: Map<String, Value>,
    /// The accounts (by public id) that do not get it.
    pub excluded_accounts: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// What was last asked for. A rule to be deleted stands until no member has it any more.
    pub last: DeploymentKind,
}

impl OrganizationPolicyAssignment {
    /// Whether it is being removed: it is not shown any more, but for its status.
    pub fn is_deleted(&self) -> bool {
        self.last == DeploymentKind::Delete
    }

    /// Whether an account is excluded.
    pub fn excludes(&self, domain_id: &str) -> bool {
        self.excluded_accounts.iter().any(|excluded| excluded == domain_id)
    }

    /// Its name in the members.
    pub fn deployed_name(&self) -> String {
        format!("{DEPLOYED_NAME_PREFIX}{}", self.name)
    }
}

/// Why a member does not have a rule as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentFailure {
    /// The code on the wire.
    pub code: String,
    /// In words.
    pub message: String,
}

impl From<ErrorCode> for DeploymentFailure {
    fn from(code: ErrorCode) -> Self {
        Self { code: code.wire().to_owned(), message: code.text().to_owned() }
    }
}

impl From<&Error> for DeploymentFailure {
    fn from(error: &Error) -> Self {
        Self { code: error.code().wire().to_owned(), message: error.message().to_owned() }
    }
}

/// An organization rule in one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationDeployment {
    /// Its row.
    pub no: OrganizationDeploymentNo,
    /// The organization rule.
    pub rule: OrganizationRuleNo,
    /// The member.
    pub account: AccountNo,
    /// The member's public id.
    pub domain_id: String,
    /// What is done and how far it is.
    pub status: DeploymentStatus,
    /// The member's own rule, where it has one.
    pub assignment: Option<(RuleNo, PolicyAssignmentId)>,
    /// Why it failed.
    pub failure: Option<DeploymentFailure>,
    /// How often it failed in a row.
    pub attempts: i64,
    /// When it is to be worked on; [`AT_ONCE`] for work that did not wait yet.
    pub due: Option<Timestamp>,
    /// When it was first asked for.
    pub created: Timestamp,
    /// When the status last changed.
    pub updated: Timestamp,
}

/// The time of work that is to be done at once.
pub const AT_ONCE: Timestamp = Timestamp(0);

/// The members of an organization rule, counted by how their deployment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeploymentCounts {
    /// To be done.
    pub in_progress: i64,
    /// Could not be done.
    pub failed: i64,
    /// Done.
    pub successful: i64,
}

impl DeploymentCounts {
    /// How the whole goes.
    pub fn state(self) -> DeploymentState {
        if self.in_progress > 0 {
            DeploymentState::InProgress
        } else if self.failed > 0 {
            DeploymentState::Failed
        } else {
            DeploymentState::Successful
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_names() {
        assert_eq!(DeploymentStatus::ALL.len(), 9);
        for (status, name) in DeploymentStatus::ALL {
            assert_eq!(status.wire(), *name);
            assert_eq!(DeploymentStatus::parse(name).unwrap(), *status);
        }
        assert!(DeploymentStatus::parse("create_failed").is_err());
    }

    #[test]
    fn the_whole_is_as_far_as_its_slowest_part() {
        let counts = |in_progress, failed, successful| {
            DeploymentCounts { in_progress, failed, successful }.state()
        };
        assert_eq!(counts(0, 0, 0), DeploymentState::Successful);
        assert_eq!(counts(0, 1, 9), DeploymentState::Failed);
        assert_eq!(counts(1, 1, 9), DeploymentState::InProgress);
    }

    #[test]
    fn who_made_a_rule() {
        assert_eq!(deploying_organization(&deployed_by("o-1")), Some("o-1"));
        assert_eq!(deploying_organization("custom"), None);
    }
}
