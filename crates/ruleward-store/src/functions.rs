//! Functions of custom rules, and the queue of their calls.

use ruleward_types::{
    AccountNo, Function, FunctionCounts, FunctionJob, FunctionJobCounts, FunctionJobNo, FunctionNo,
    ResourceKey, Result, RuleNo, RunNo, Timestamp,
};

/// A run of a custom rule that is still making its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionExpansion {
    /// The rule; one of each.
    pub rule: RuleNo,
    /// Whose.
    pub account: AccountNo,
    /// The run that the jobs count in.
    pub run: RunNo,
    /// The resources up to this key have their jobs.
    pub after: ResourceKey,
    /// Resources whose version is later have jobs of their own.
    pub started: Timestamp,
}

/// Reading them.
pub trait ReadFunctions {
    /// Functions from after one on, in order: all, or those that serve an account.
    fn functions(
        &self,
        account: Option<AccountNo>,
        after: FunctionNo,
        limit: usize,
    ) -> Result<Vec<Function>>;
    /// The function of that id.
    fn function_by_id(&self, id: &str) -> Result<Option<Function>>;
    /// A function's secret, sealed.
    fn function_secret(&self, no: FunctionNo) -> Result<Option<Vec<u8>>>;
    /// What became of a function's calls.
    fn function_counts(&self, no: FunctionNo) -> Result<FunctionCounts>;
    /// The job of that row.
    fn function_job(&self, no: FunctionJobNo) -> Result<Option<FunctionJob>>;
    /// The job of a rule on a subject.
    fn function_job_of(&self, rule: RuleNo, key: ResourceKey) -> Result<Option<FunctionJob>>;
    /// All jobs on a resource.
    fn function_jobs_of_key(&self, key: ResourceKey) -> Result<Vec<FunctionJob>>;
    /// The first account after one for which a job waits, due or not.
    fn next_account_with_function_jobs(&self, after: AccountNo) -> Result<Option<AccountNo>>;
    /// The first rule of an account after one for which a job waits, due or not.
    fn next_rule_with_function_jobs(
        &self,
        account: AccountNo,
        after: RuleNo,
    ) -> Result<Option<RuleNo>>;
    /// Jobs of a rule whose time has come, those first that are due longest.
    fn due_function_jobs(
        &self,
        account: AccountNo,
        rule: RuleNo,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<FunctionJob>>;
    /// Jobs that run elsewhere and whose result did not come in time.
    fn overdue_function_jobs(&self, now: Timestamp, limit: usize) -> Result<Vec<FunctionJob>>;
    /// Jobs that were given up, of one account or of all, from after a place on, in order.
    fn dead_function_jobs(
        &self,
        account: Option<AccountNo>,
        after: (AccountNo, FunctionJobNo),
        limit: usize,
    ) -> Result<Vec<FunctionJob>>;
    /// How many jobs are where, of one rule or of all.
    fn function_job_counts(&self, rule: Option<RuleNo>) -> Result<FunctionJobCounts>;
    /// A job of a rule that was given up, the first one.
    fn dead_function_job_of(&self, rule: RuleNo) -> Result<Option<FunctionJob>>;
    /// The first run after that of a rule that still makes its jobs.
    fn next_function_expansion(&self, after: RuleNo) -> Result<Option<FunctionExpansion>>;
}

/// Changing them.
pub trait WriteFunctions {
    /// Adds a function and sets its `no`. Its URN has to be free among those of its account.
    fn insert_function(&self, function: &mut Function, sealed_secret: Option<&[u8]>) -> Result<()>;
    /// Removes a function.
    fn delete_function(&self, no: FunctionNo) -> Result<()>;
    /// Moves a function's numbers.
    fn add_function_counts(&self, no: FunctionNo, delta: FunctionCounts) -> Result<()>;
    /// Has a function called for an event. A job of the same rule and subject becomes this one and
    /// keeps its run where this one has none; its `no` is chosen here.
    fn put_function_job(&self, job: &FunctionJob) -> Result<()>;
    /// Replaces a job's row.
    fn update_function_job(&self, job: &FunctionJob) -> Result<()>;
    /// Ends a job.
    fn delete_function_job(&self, no: FunctionJobNo) -> Result<()>;
    /// Ends all jobs of a rule, and the making of more.
    fn delete_function_jobs_of_rule(&self, rule: RuleNo) -> Result<()>;
    /// Lets jobs wait again whose caller is gone; how many.
    fn release_function_jobs(&self) -> Result<usize>;
    /// Notes how far a run is with making its jobs; takes the place of the rule's earlier one.
    fn put_function_expansion(&self, expansion: &FunctionExpansion) -> Result<()>;
    /// All jobs of the run are made.
    fn delete_function_expansion(&self, rule: RuleNo) -> Result<()>;
}
