//! Functions and the queue of their calls.

use std::collections::BTreeMap;

use ruleward_store::FunctionExpansion;
use ruleward_types::{
    AccountNo, ErrorCode, Function, FunctionCounts, FunctionJob, FunctionJobCounts, FunctionJobNo,
    FunctionJobState, FunctionNo, FunctionRunner, ResourceKey, RuleNo, RunNo, Timestamp,
};

use super::Place;

fn function(id: &str, account: Option<AccountNo>, urn: &str) -> Function {
    Function {
        no: FunctionNo(0),
        id: id.to_owned(),
        account,
        urn: urn.to_owned(),
        runner: FunctionRunner::Remote {
            endpoint: "https://x".to_owned(),
            access_key: "AK".to_owned(),
        },
        timeout_s: 30,
        memory_mib: 256,
        concurrency: Some(3),
        user_data: BTreeMap::from([("k".to_owned(), "é".to_owned())]),
        created: Timestamp(5),
        updated: Timestamp(6),
    }
}

pub(crate) fn functions_are_found(place: Place) {
    let (a, b) = (place.account("a"), place.account("b"));
    let of_all = [("1", None, "u"), ("2", Some(a), "u"), ("3", Some(b), "v")];
    let made = of_all.map(|(id, account, urn)| {
        let mut made = function(id, account, urn);
        let secret = (id == "2").then_some(b"sealed".as_slice());
        place
            .store()
            .write(move |tx| {
                tx.insert_function(&mut made, secret)?;
                Ok(made)
            })
            .unwrap()
    });
    for account in [None, Some(a)] {
        let mut taken = function("4", account, "u");
        let refused = place.store().write(move |tx| tx.insert_function(&mut taken, None));
        assert_eq!(refused.unwrap_err().code(), ErrorCode::DuplicateName);
    }
    let place = place.reopen();
    let [all, of_a, of_b] = made;
    place
        .store()
        .read(|tx| {
            let list = |account, after, limit| tx.functions(account, after, limit);
            assert_eq!(list(None, FunctionNo(0), 9)?, [all.clone(), of_a.clone(), of_b.clone()]);
            assert_eq!(list(Some(a), FunctionNo(0), 9)?, [all.clone(), of_a.clone()]);
            assert_eq!(list(None, FunctionNo(0), 1)?, std::slice::from_ref(&all));
            assert_eq!(list(None, all.no, 1)?, std::slice::from_ref(&of_a));
            assert_eq!(tx.function_by_id("3")?, Some(of_b.clone()));
            assert_eq!(tx.function_by_id("x")?, None);
            assert_eq!(tx.function_secret(of_a.no)?.as_deref(), Some(b"sealed".as_slice()));
            assert_eq!(tx.function_secret(all.no)?, None);
            assert_eq!(tx.function_counts(all.no)?, FunctionCounts::default());
            Ok(())
        })
        .unwrap();
    let one = FunctionCounts { calls: 5, repeated: 4, failed: 3, accepted: 2, refused: 1 };
    let (no, gone) = (of_a.no, all.no);
    let counted = place.store().write(move |tx| {
        tx.add_function_counts(no, one)?;
        tx.add_function_counts(no, one)?;
        tx.delete_function(gone)?;
        tx.function_counts(no)
    });
    let twice = FunctionCounts { calls: 10, repeated: 8, failed: 6, accepted: 4, refused: 2 };
    assert_eq!(counted.unwrap(), twice);
    assert_eq!(place.store().read(|tx| tx.function_by_id("1")).unwrap(), None);
}

fn job(account: AccountNo, rule: RuleNo, key: i64, due: i64) -> FunctionJob {
    FunctionJob {
        no: FunctionJobNo(0),
        account,
        rule,
        key: ResourceKey(key),
        version: 7,
        time: Timestamp(1000),
        run: Some(RunNo(3)),
        state: FunctionJobState::Waiting,
        attempts: 0,
        due: Timestamp(due),
        answered: false,
        words: None,
        output: None,
    }
}

fn put(place: &Place, jobs: Vec<FunctionJob>) {
    let store = place.store();
    store.write(move |tx| jobs.iter().try_for_each(|job| tx.put_function_job(job))).unwrap();
}

pub(crate) fn a_newer_event_takes_the_place_of_an_older(place: Place) {
    let (account, rule) = (AccountNo(1), RuleNo(2));
    put(&place, vec![job(account, rule, 9, 10)]);
    let found =
        || place.store().read(|tx| tx.function_job_of(rule, ResourceKey(9))).unwrap().unwrap();
    let first = found();
    assert_eq!(first, FunctionJob { no: first.no, ..job(account, rule, 9, 10) });
    let mut failed = first.clone();
    failed.state = FunctionJobState::Dead;
    (failed.attempts, failed.answered) = (4, true);
    (failed.words, failed.output) = (Some("w".to_owned()), Some("o".to_owned()));
    let written = failed.clone();
    place.store().write(move |tx| tx.update_function_job(&written)).unwrap();
    assert_eq!(found(), failed);
    assert_eq!(place.store().read(|tx| tx.function_job(first.no)).unwrap(), Some(failed));
    let newer =
        FunctionJob { run: None, version: 8, time: Timestamp(2000), ..job(account, rule, 9, 20) };
    put(&place, vec![newer.clone()]);
    // It counts in the run of the one whose place it takes.
    assert_eq!(found(), FunctionJob { no: first.no, run: Some(RunNo(3)), ..newer });
    put(&place, vec![FunctionJob { run: Some(RunNo(4)), ..job(account, rule, 9, 20) }]);
    assert_eq!(found().run, Some(RunNo(4)));
    place.store().write(move |tx| tx.delete_function_job(first.no)).unwrap();
    assert_eq!(place.store().read(|tx| tx.function_job(first.no)).unwrap(), None);
}

pub(crate) fn the_queue_is_walked_by_accounts_and_rules(place: Place) {
    let jobs = [(1, 5, 1, 30), (1, 5, 2, 10), (1, 6, 1, 10), (3, 7, 1, 10), (3, 7, 2, 10)];
    let all = jobs.map(|(account, rule, key, due)| job(AccountNo(account), RuleNo(rule), key, due));
    put(&place, all.to_vec());
    let place = place.reopen();
    place
        .store()
        .read(|tx| {
            let account = |after| tx.next_account_with_function_jobs(AccountNo(after));
            assert_eq!(account(0)?, Some(AccountNo(1)));
            assert_eq!(account(1)?, Some(AccountNo(3)));
            assert_eq!(account(3)?, None);
            let rule = |after| tx.next_rule_with_function_jobs(AccountNo(1), RuleNo(after));
            assert_eq!((rule(0)?, rule(5)?, rule(6)?), (Some(RuleNo(5)), Some(RuleNo(6)), None));
            let due = |now, limit| -> Vec<i64> {
                let found =
                    tx.due_function_jobs(AccountNo(1), RuleNo(5), Timestamp(now), limit).unwrap();
                found.iter().map(|job| job.key.0).collect()
            };
            assert_eq!(
                (due(9, 9), due(10, 9), due(30, 9), due(30, 1)),
                (vec![], vec![2], vec![2, 1], vec![2])
            );
            assert_eq!(tx.function_jobs_of_key(ResourceKey(1))?.len(), 3);
            let counts = FunctionJobCounts { waiting: 5, running: 0, dead: 0 };
            assert_eq!(tx.function_job_counts(None)?, counts);
            Ok(())
        })
        .unwrap();
}

pub(crate) fn states_of_jobs(place: Place) {
    use FunctionJobState::{Called, Dead, Running, Waiting};
    let states = [(1, Running), (2, Called), (3, Dead), (4, Dead), (5, Waiting)];
    let all = states.map(|(key, state)| {
        let account = AccountNo(if key == 4 { 2 } else { 1 });
        FunctionJob { state, ..job(account, RuleNo(account.0), key, key) }
    });
    put(&place, all.to_vec());
    let store = place.store();
    let keys = |jobs: Vec<FunctionJob>| jobs.iter().map(|job| job.key.0).collect::<Vec<_>>();
    store
        .read(|tx| {
            assert_eq!(keys(tx.overdue_function_jobs(Timestamp(1), 9)?), [0; 0]);
            assert_eq!(keys(tx.overdue_function_jobs(Timestamp(2), 9)?), [2]);
            let begin = (AccountNo(0), FunctionJobNo(0));
            let dead = |of: Option<i64>, after, limit| {
                tx.dead_function_jobs(of.map(AccountNo), after, limit).unwrap()
            };
            assert_eq!(keys(dead(None, begin, 9)), [3, 4]);
            let first = dead(None, begin, 1).remove(0);
            assert_eq!(keys(dead(None, (first.account, first.no), 9)), [4]);
            assert_eq!(keys(dead(Some(2), begin, 9)), [4]);
            assert_eq!(keys(dead(Some(1), (first.account, first.no), 9)), [0; 0]);
            assert_eq!(tx.dead_function_job_of(RuleNo(1))?.unwrap().key, ResourceKey(3));
            assert_eq!(tx.dead_function_job_of(RuleNo(9))?, None);
            let of_rule = FunctionJobCounts { waiting: 1, running: 2, dead: 1 };
            assert_eq!(tx.function_job_counts(Some(RuleNo(1)))?, of_rule);
            Ok(())
        })
        .unwrap();
    // Whose caller is gone waits again; what runs elsewhere goes on.
    assert_eq!(store.write(|tx| tx.release_function_jobs()).unwrap(), 1);
    let released = store.read(|tx| tx.function_job_of(RuleNo(1), ResourceKey(1))).unwrap();
    assert_eq!(released.unwrap().state, Waiting);
    store.write(|tx| tx.delete_function_jobs_of_rule(RuleNo(1))).unwrap();
    let left = FunctionJobCounts { waiting: 0, running: 0, dead: 1 };
    assert_eq!(store.read(|tx| tx.function_job_counts(None)).unwrap(), left);
}

pub(crate) fn runs_that_still_make_their_jobs(place: Place) {
    let one = |rule: i64, run| FunctionExpansion {
        rule: RuleNo(rule),
        account: AccountNo(1),
        run: RunNo(run),
        after: ResourceKey(-1),
        started: Timestamp(4),
    };
    let store = place.store();
    store
        .write(move |tx| {
            for expansion in [one(1, 1), one(4, 2), one(1, 3)] {
                tx.put_function_expansion(&expansion)?;
            }
            Ok(())
        })
        .unwrap();
    let next = |after| store.read(|tx| tx.next_function_expansion(RuleNo(after))).unwrap();
    assert_eq!((next(0), next(1), next(4)), (Some(one(1, 3)), Some(one(4, 2)), None));
    store.write(|tx| tx.delete_function_expansion(RuleNo(1))).unwrap();
    assert_eq!(next(0), Some(one(4, 2)));
    store.write(|tx| tx.delete_function_jobs_of_rule(RuleNo(4))).unwrap();
    assert_eq!(next(0), None);
}

pub(crate) fn a_deleted_rule_takes_its_jobs_along(place: Place) {
    let account = place.account("a");
    let rule = place.rule(account, "x").no;
    put(&place, vec![job(account, rule, 1, 1), job(account, RuleNo(99), 1, 1)]);
    place.store().write(move |tx| tx.delete_rule(rule)).unwrap();
    let left = place.store().read(|tx| tx.function_jobs_of_key(ResourceKey(1))).unwrap();
    assert_eq!(left.iter().map(|job| job.rule).collect::<Vec<_>>(), [RuleNo(99)]);
}
