//! Periodic rules: the clock starts them, also over restarts, never twice for one moment, and
//! once after a downtime.

use std::sync::Arc;

use ruleward_types::{
    AssignmentKind, PolicyAssignment, Result, RunTrigger, Timestamp, TriggerType,
};

use crate::Service;
use crate::evaluation::chunk_run::reads_recorder;
use crate::evaluation::runs;
use crate::service::Writing;

/// Rules that one look at the clock starts at most.
const BATCH: usize = 100;

/// Plans a rule's next run after it was made, changed or switched.
pub(crate) fn plan(writing: &Writing<'_>, rule: &PolicyAssignment) -> Result<()> {
    let next = match rule.period {
        Some(period) if rule.judges() && rule.trigger == TriggerType::Period => {
            Some(writing.now.plus_seconds(period.seconds()))
        }
        _ => None,
    };
    writing.tx.set_next_run(rule.no, next)
}

/// The first moment of a rule's rhythm after `now`.
fn following(due: Timestamp, period_s: i64, now: Timestamp) -> Timestamp {
    let missed = (now.0 - due.0).div_euclid(period_s * 1_000_000).max(0);
    due.plus_seconds((missed + 1) * period_s)
}

impl Service {
    /// Starts every periodic rule whose time has come; how many.
    pub fn run_due_rules(self: &Arc<Self>) -> Result<usize> {
        let now = self.clock().now();
        let due = self.read(|tx| tx.due_rules(now, BATCH))?;
        let count = due.len();
        for (no, at) in due {
            self.write(move |writing| {
                // A rule that was changed since it was found due has another time now.
                if !writing.tx.due_rules(now, BATCH)?.contains(&(no, at)) {
                    return Ok(());
                }
                let Some((account, mut rule)) = writing.tx.rule(no)? else { return Ok(()) };
                let Some(period) = rule.period else { return writing.tx.set_next_run(no, None) };
                writing.tx.set_next_run(no, Some(following(at, period.seconds(), writing.now)))?;
                if !rule.judges() {
                    return Ok(());
                }
                let recorder = writing.tx.account(account)?.is_some_and(|of| of.recorder.enabled);
                let is_custom = rule.kind == AssignmentKind::Custom;
                if !is_custom {
                    rule.mark = rule.mark.wrapping_add(1);
                }
                let compiled = writing.compiled(account, rule)?;
                if !(recorder || reads_recorder(&compiled)) {
                    return Ok(());
                }
                if !is_custom {
                    writing.tx.bump_rules_version(account)?;
                }
                runs::start(writing, account, &compiled, RunTrigger::Period).map(drop)
            })?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_downtime_is_caught_up_once() {
        let at = |hours: i64| Timestamp(hours * 3_600_000_000);
        assert_eq!(following(at(1), 3600, at(1)), at(2));
        assert_eq!(following(at(1), 3600, at(9)), at(10));
        assert_eq!(following(at(1), 3 * 3600, Timestamp(at(9).0 + 1)), at(10));
    }
}
