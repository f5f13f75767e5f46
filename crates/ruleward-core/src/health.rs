//! How the service is.

use ruleward_types::Result;

use crate::Service;

/// Numbers for whoever watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gauges {
    /// Chunks that wait to be judged.
    pub tickets_pending: i64,
    /// Organization rules that members are still to get, change or lose.
    pub deployments_pending: i64,
    /// Accounts.
    pub accounts: i64,
    /// Rules of all accounts.
    pub policy_assignments: i64,
    /// Resources with a verdict, of all accounts.
    pub judged_resources: i64,
}

impl Service {
    /// Whether the store answers.
    pub fn ready(&self) -> Result<()> {
        self.read(|tx| tx.ticket_count().map(drop))
    }

    /// Numbers for whoever watches.
    pub fn gauges(&self) -> Result<Gauges> {
        self.read(|tx| {
            let mut gauges = Gauges {
                tickets_pending: tx.ticket_count()?,
                deployments_pending: tx.deployments_in_progress()?,
                ..Gauges::default()
            };
            for account in tx.accounts()? {
                let counts = tx.account_counts(account.no)?;
                gauges.accounts += 1;
                gauges.policy_assignments +=
                    i64::try_from(tx.rule_counts(account.no)?.len()).unwrap_or(i64::MAX);
                gauges.judged_resources +=
                    counts.compliant + counts.non_compliant + counts.undetermined;
            }
            Ok(gauges)
        })
    }
}
