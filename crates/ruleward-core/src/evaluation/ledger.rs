//! What a write job adds to numbers that many chunks share: kept numbers and runs. Written once.

use std::collections::BTreeMap;

use ruleward_store::WriteTx;
use ruleward_types::{AccountNo, ComplianceCounts, Result, RuleNo, Timestamp};

use super::runs::{self, Progress};

/// The sums of a write job. Nothing is complete without [`Ledger::write`].
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    accounts: BTreeMap<AccountNo, ComplianceCounts>,
    rules: BTreeMap<(AccountNo, RuleNo), ComplianceCounts>,
    runs: BTreeMap<RuleNo, Progress>,
}

impl Ledger {
    pub(crate) fn add_account(&mut self, account: AccountNo, delta: ComplianceCounts) {
        self.accounts.entry(account).or_default().add(delta);
    }

    pub(crate) fn add_rule(&mut self, account: AccountNo, rule: RuleNo, delta: ComplianceCounts) {
        self.rules.entry((account, rule)).or_default().add(delta);
    }

    /// A chunk has come to the mark of a rule.
    pub(crate) fn advance(&mut self, rule: RuleNo, progress: Progress) {
        self.runs.entry(rule).or_default().add(progress);
    }

    /// Moves the numbers and the runs.
    pub(crate) fn write(self, tx: &dyn WriteTx, now: Timestamp) -> Result<()> {
        for (account, delta) in self.accounts {
            tx.add_account_counts(account, delta)?;
        }
        let moved = self.rules.into_iter().filter(|(_, delta)| !delta.is_zero());
        tx.add_rule_counts(&moved.collect::<Vec<_>>())?;
        for (rule, progress) in self.runs {
            runs::advance(tx, rule, progress, now)?;
        }
        Ok(())
    }
}
