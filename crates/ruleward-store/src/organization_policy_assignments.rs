//! Organization rules and the queue of their deployment.

use ruleward_types::{
    AccountNo, DeploymentCounts, OrganizationDeployment, OrganizationDeploymentNo, OrganizationNo,
    OrganizationPolicyAssignment, OrganizationRuleNo, Result, Timestamp,
};

/// Reading them.
pub trait ReadOrganizationAssignments {
    /// All rules of an organization, those that are being removed included, oldest first.
    fn organization_rules(
        &self,
        organization: OrganizationNo,
    ) -> Result<Vec<OrganizationPolicyAssignment>>;
    /// The rule of that row.
    fn organization_rule(
        &self,
        no: OrganizationRuleNo,
    ) -> Result<Option<OrganizationPolicyAssignment>>;
    /// How many members are how far.
    fn deployment_counts(&self, rule: OrganizationRuleNo) -> Result<DeploymentCounts>;
    /// A deployment that failed, the first one.
    fn failed_deployment(&self, rule: OrganizationRuleNo)
    -> Result<Option<OrganizationDeployment>>;
    /// The deployments of a rule from after one on, in order.
    fn deployments(
        &self,
        rule: OrganizationRuleNo,
        after: OrganizationDeploymentNo,
        limit: usize,
    ) -> Result<Vec<OrganizationDeployment>>;
    /// The deployment of that row.
    fn deployment(&self, no: OrganizationDeploymentNo) -> Result<Option<OrganizationDeployment>>;
    /// Deployments whose time has come, fresh work first, that of one account together.
    fn due_deployments(&self, now: Timestamp, limit: usize) -> Result<Vec<OrganizationDeployment>>;
    /// How many deployments are in progress.
    fn deployments_in_progress(&self) -> Result<i64>;
}

/// Changing them.
pub trait WriteOrganizationAssignments {
    /// Adds a rule and sets its `no`. The name has to be free in the organization.
    fn insert_organization_rule(&self, rule: &mut OrganizationPolicyAssignment) -> Result<()>;
    /// Replaces a rule.
    fn update_organization_rule(&self, rule: &OrganizationPolicyAssignment) -> Result<()>;
    /// Removes a rule that no member has any more.
    fn delete_organization_rule(&self, no: OrganizationRuleNo) -> Result<()>;
    /// Asks for a rule to be made or changed in a member, at once.
    fn ask_for_deployment(
        &self,
        rule: OrganizationRuleNo,
        account: AccountNo,
        now: Timestamp,
    ) -> Result<()>;
    /// Asks for a rule to be removed from a member, or from all that have it, at once.
    fn ask_for_removal(
        &self,
        rule: OrganizationRuleNo,
        account: Option<AccountNo>,
        now: Timestamp,
    ) -> Result<()>;
    /// Tries what failed in a member again, at once.
    fn retry_deployments(&self, account: AccountNo) -> Result<()>;
    /// Writes what became of a deployment.
    fn update_deployment(&self, deployment: &OrganizationDeployment) -> Result<()>;
    /// Forgets a deployment whose rule is removed.
    fn delete_deployment(&self, no: OrganizationDeploymentNo) -> Result<()>;
}
