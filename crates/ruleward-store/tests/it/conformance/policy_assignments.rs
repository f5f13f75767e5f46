//! Policy assignments with all that hangs on them.

use std::sync::Arc;

use ruleward_store::{ReadTx, ReportedResult};
use ruleward_types::{
    AccountNo, AssignmentState, ComplianceCounts, ComplianceState, Error, ErrorCode, EvaluationRun,
    Period, PolicyAssignment, ResourceKey, RuleNo, RunNo, RunState, RunTrigger, Timestamp,
};

use super::{Place, rule};

pub(super) fn rules(tx: &dyn ReadTx, account: AccountNo) -> Vec<PolicyAssignment> {
    tx.rules(account).unwrap().into_iter().map(Arc::unwrap_or_clone).collect()
}

/// Rules may be kept decoded, but never beyond what a snapshot has.
pub(crate) fn every_snapshot_has_its_own_rules(place: Place) {
    let account = place.account("a");
    let before = place.rule(account, "x");
    let changed = PolicyAssignment { name: "y".to_owned(), ..before.clone() };
    let write = |rule: &PolicyAssignment, fails: bool| {
        let rule = rule.clone();
        place.store().write(move |tx| {
            tx.update_rule(&rule)?;
            assert_eq!(rules(tx, account), std::slice::from_ref(&rule));
            if fails { Err(Error::new(ErrorCode::DuplicateName)) } else { Ok(()) }
        })
    };
    let of_now = || place.store().read(|tx| Ok(rules(tx, account))).unwrap();
    assert!(write(&changed, true).is_err());
    assert_eq!(of_now(), std::slice::from_ref(&before));
    place
        .store()
        .read(|tx| {
            assert_eq!(rules(tx, account), std::slice::from_ref(&before));
            write(&changed, false)?;
            assert_eq!(rules(tx, account), std::slice::from_ref(&before));
            assert_eq!(of_now(), std::slice::from_ref(&changed));
            Ok(())
        })
        .unwrap();
    assert_eq!(of_now(), std::slice::from_ref(&changed));
}

pub(crate) fn rules_are_found(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let (first, second) = (place.rule(account, "x"), place.rule(account, "y"));
    let theirs = place.rule(other, "x");
    assert!(first.no < second.no && second.no < theirs.no);
    let mut changed = first.clone();
    changed.state = AssignmentState::Evaluating;
    changed.name = "z".to_owned();
    changed.period = Some(Period::SixHours);
    changed.run = Some(RunNo(5));
    changed.mark = u32::MAX;
    let written = changed.clone();
    place.store().write(move |tx| tx.update_rule(&written)).unwrap();
    let place = place.reopen();
    place
        .store()
        .read(|tx| {
            assert_eq!(rules(tx, account), [changed.clone(), second.clone()]);
            assert_eq!(rules(tx, other), std::slice::from_ref(&theirs));
            assert_eq!(tx.rule(changed.no)?, Some((account, changed.clone())));
            assert_eq!(tx.rule(theirs.no)?.unwrap().0, other);
            assert_eq!(tx.rule_by_id(account, &second.id)?, Some(second.clone()));
            assert_eq!(tx.rule_by_id(other, &second.id)?, None);
            assert_eq!(tx.rule(RuleNo(999))?, None);
            Ok(())
        })
        .unwrap();
}

pub(crate) fn a_name_is_free_or_refused(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    place.rule(account, "x");
    place.rule(other, "x");
    let renamed = place.rule(account, "y");
    let mut same = rule("x");
    let refused = place.store().write(move |tx| tx.insert_rule(account, &mut same)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::DuplicateName);
    let mut taken = renamed.clone();
    taken.name = "x".to_owned();
    let refused = place.store().write(move |tx| tx.update_rule(&taken)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::DuplicateName);
    let names: Vec<_> = place.store().read(|tx| tx.rules(account)).unwrap();
    let names: Vec<_> = names.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["x", "y"]);
    place.store().write(move |tx| tx.delete_rule(renamed.no)).unwrap();
    place.rule(account, "y");
}

pub(crate) fn numbers_of_rules_are_not_reused(place: Place) {
    let account = place.account("a");
    let first = place.rule(account, "x");
    place.store().write(move |tx| tx.delete_rule(first.no)).unwrap();
    let place = place.reopen();
    assert!(place.rule(account, "x").no > first.no);
}

pub(crate) fn kept_numbers_of_rules(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let (x, y) = (place.rule(account, "x"), place.rule(account, "y"));
    let theirs = place.rule(other, "x");
    let one = ComplianceCounts { compliant: 3, non_compliant: 2, undetermined: 1, exempt: 1 };
    let less = ComplianceCounts { compliant: -3, ..ComplianceCounts::default() };
    let (no, updated) = (x.no, x.clone());
    place
        .store()
        .write(move |tx| {
            tx.add_rule_counts(&[((account, no), one)])?;
            // Changing the rule leaves its numbers alone.
            tx.update_rule(&updated)?;
            tx.add_rule_counts(&[((account, no), less)])?;
            // A rule that is gone has none.
            tx.add_rule_counts(&[((account, RuleNo(999)), one)])
        })
        .unwrap();
    let sum = ComplianceCounts { compliant: 0, ..one };
    let zero = ComplianceCounts::default();
    let found = place.store().read(|tx| Ok((tx.rule_counts(account)?, tx.rule_counts(other)?)));
    assert_eq!(found.unwrap(), (vec![(x.no, sum), (y.no, zero)], vec![(theirs.no, zero)]));
    place.store().write(move |tx| tx.delete_rule(x.no)).unwrap();
    let found = place.store().read(|tx| Ok((tx.rule_counts(account)?, tx.rule_counts(other)?)));
    assert_eq!(found.unwrap(), (vec![(y.no, zero)], vec![(theirs.no, zero)]));
}

pub(crate) fn schedule(place: Place) {
    let account = place.account("a");
    let rules = ["x", "y", "z"].map(|name| place.rule(account, name));
    let store = place.store();
    assert_eq!(store.read(|tx| tx.next_due()).unwrap(), None);
    let numbers = rules.clone().map(|rule| rule.no);
    let updated = rules[0].clone();
    store
        .write(move |tx| {
            tx.set_next_run(numbers[0], Some(Timestamp(30)))?;
            tx.set_next_run(numbers[1], Some(Timestamp(10)))?;
            tx.set_next_run(numbers[2], Some(Timestamp(20)))?;
            // Changing the rule leaves its plan alone.
            tx.update_rule(&updated)
        })
        .unwrap();
    let due = |now, limit| store.read(|tx| tx.due_rules(Timestamp(now), limit)).unwrap();
    assert!(due(9, 10).is_empty());
    assert_eq!(due(10, 10), [(numbers[1], Timestamp(10))]);
    assert_eq!(due(99, 2), [(numbers[1], Timestamp(10)), (numbers[2], Timestamp(20))]);
    assert_eq!(due(99, 10).len(), 3);
    assert_eq!(store.read(|tx| tx.next_due()).unwrap(), Some(Timestamp(10)));
    store
        .write(move |tx| {
            tx.set_next_run(numbers[1], None)?;
            tx.delete_rule(numbers[2])
        })
        .unwrap();
    assert_eq!(due(99, 10), [(numbers[0], Timestamp(30))]);
    assert_eq!(store.read(|tx| tx.next_due()).unwrap(), Some(Timestamp(30)));
}

fn result(hash: &str, state: ComplianceState) -> ReportedResult {
    ReportedResult {
        evaluation_hash: hash.to_owned(),
        evaluation_time: Timestamp(6),
        compliance_state: state,
    }
}

pub(crate) fn reported_results(place: Place) {
    let account = place.account("a");
    let (x, y) = (place.rule(account, "x").no, place.rule(account, "y").no);
    let (first, second) = (ResourceKey(1), ResourceKey(2));
    place
        .store()
        .write(move |tx| {
            let (good, bad) = (ComplianceState::Compliant, ComplianceState::NonCompliant);
            tx.put_reported_result(x, first, &result("1", good))?;
            tx.put_reported_result(x, first, &result("2", bad))?;
            tx.put_reported_result(x, second, &result("3", good))?;
            tx.put_reported_result(y, first, &result("4", good))?;
            tx.put_reported_result(y, second, &result("5", good))?;
            assert_eq!(tx.reported_result(x, first)?, Some(result("2", bad)));
            tx.delete_reported_results(first, Some(x))?;
            assert_eq!(tx.reported_result(x, first)?, None);
            assert_eq!(tx.reported_result(y, first)?, Some(result("4", good)));
            tx.delete_reported_results(second, None)?;
            assert_eq!(tx.reported_result(x, second)?, None);
            assert_eq!(tx.reported_result(y, second)?, None);
            assert!(tx.reported_result(y, first)?.is_some());
            Ok(())
        })
        .unwrap();
}

pub(crate) fn a_deleted_rule_takes_its_own_along(place: Place) {
    let account = place.account("a");
    let (x, y) = (place.rule(account, "x").no, place.rule(account, "y").no);
    place
        .store()
        .write(move |tx| {
            for rule in [x, y] {
                tx.put_reported_result(
                    rule,
                    ResourceKey(1),
                    &result("1", ComplianceState::Compliant),
                )?;
                let mut run = EvaluationRun {
                    no: RunNo(0),
                    rule,
                    trigger: RunTrigger::Created,
                    state: RunState::Succeeded,
                    started: Timestamp(1),
                    ended: None,
                    chunks: 0,
                    chunks_done: 0,
                    calls: 0,
                    calls_done: 0,
                    judged: 0,
                    undetermined: 0,
                    reason: None,
                };
                tx.insert_run(&mut run)?;
            }
            tx.delete_rule(x)?;
            assert!(tx.rule(x)?.is_none() && tx.rule(y)?.is_some());
            assert!(tx.last_run(x)?.is_none() && tx.last_run(y)?.is_some());
            assert!(tx.reported_result(x, ResourceKey(1))?.is_none());
            assert!(tx.reported_result(y, ResourceKey(1))?.is_some());
            Ok(())
        })
        .unwrap();
}
