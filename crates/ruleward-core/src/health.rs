//! How the service is.

use std::sync::atomic::{AtomicU64, Ordering};

use ruleward_store::ReadTx;
use ruleward_types::{FunctionJobCounts, Result};

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
    /// Functions of custom rules.
    pub functions: FunctionGauges,
}

/// Numbers about functions; those of what happened are since the start.
#[derive(Debug, Clone, Copy, Default)]
pub struct FunctionGauges {
    /// Where the jobs are.
    pub jobs: FunctionJobCounts,
    /// Calls, repeated ones included.
    pub calls: u64,
    /// Calls for an event that had been called for before.
    pub repeated: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Events that were given up.
    pub given_up: u64,
    /// Results that were accepted.
    pub accepted: u64,
    /// Results that were accepted before, as repeated calls bring them.
    pub unchanged: u64,
    /// Results that were refused.
    pub refused: u64,
    /// Results that came too fast.
    pub limited: u64,
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
                functions: self.function_gauges(tx)?,
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

    fn function_gauges(&self, tx: &dyn ReadTx) -> Result<FunctionGauges> {
        let counters = &self.functions.counters;
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Ok(FunctionGauges {
            jobs: tx.function_job_counts(None)?,
            calls: now(&counters.calls),
            repeated: now(&counters.repeated),
            failed: now(&counters.failed),
            given_up: now(&counters.given_up),
            accepted: now(&counters.accepted),
            unchanged: now(&counters.unchanged),
            refused: now(&counters.refused),
            limited: now(&counters.limited),
        })
    }
}
