//! Policy assignments, their kept numbers, their schedule and their reported results.

use std::sync::Arc;

use ruleward_types::{
    AccountNo, ComplianceCounts, ComplianceState, PolicyAssignment, PolicyAssignmentId,
    ResourceKey, Result, RuleNo, Timestamp,
};

/// A result that a function reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedResult {
    /// The hash of the event it answers.
    pub evaluation_hash: String,
    /// The time the function gave.
    pub evaluation_time: Timestamp,
    /// The verdict.
    pub compliance_state: ComplianceState,
}

/// Reading them.
pub trait ReadAssignments {
    /// All rules of an account, oldest first.
    fn rules(&self, account: AccountNo) -> Result<Vec<Arc<PolicyAssignment>>>;
    /// The rule of that row, with its account.
    fn rule(&self, no: RuleNo) -> Result<Option<(AccountNo, PolicyAssignment)>>;
    /// The rule of that id.
    fn rule_by_id(
        &self,
        account: AccountNo,
        id: &PolicyAssignmentId,
    ) -> Result<Option<PolicyAssignment>>;
    /// The kept numbers of all rules of an account.
    fn rule_counts(&self, account: AccountNo) -> Result<Vec<(RuleNo, ComplianceCounts)>>;
    /// Periodic rules whose time has come, with that time, at most `limit`.
    fn due_rules(&self, now: Timestamp, limit: usize) -> Result<Vec<(RuleNo, Timestamp)>>;
    /// When the next periodic rule is due.
    fn next_due(&self) -> Result<Option<Timestamp>>;
    /// The result reported for a resource.
    fn reported_result(&self, rule: RuleNo, key: ResourceKey) -> Result<Option<ReportedResult>>;
}

/// Changing them.
pub trait WriteAssignments {
    /// Adds a rule and sets its `no`. The name has to be free in the account.
    fn insert_rule(&self, account: AccountNo, rule: &mut PolicyAssignment) -> Result<()>;
    /// Replaces a rule.
    fn update_rule(&self, rule: &PolicyAssignment) -> Result<()>;
    /// Removes a rule with its runs and reported results.
    fn delete_rule(&self, no: RuleNo) -> Result<()>;
    /// Moves the kept numbers of rules. One that is gone has none.
    fn add_rule_counts(&self, deltas: &[((AccountNo, RuleNo), ComplianceCounts)]) -> Result<()>;
    /// Sets when the clock starts the rule next.
    fn set_next_run(&self, no: RuleNo, at: Option<Timestamp>) -> Result<()>;
    /// Sets the result reported for a resource.
    fn put_reported_result(
        &self,
        rule: RuleNo,
        key: ResourceKey,
        result: &ReportedResult,
    ) -> Result<()>;
    /// Forgets what was reported on a resource, by one rule or by all.
    fn delete_reported_results(&self, key: ResourceKey, rule: Option<RuleNo>) -> Result<()>;
}
