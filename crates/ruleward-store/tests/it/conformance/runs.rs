//! Evaluation runs.

use ruleward_types::{EvaluationRun, RunNo, RunState, RunTrigger, Timestamp};

use super::Place;

pub(crate) fn runs_in_order(place: Place) {
    let account = place.account("a");
    let (rule, other) = (place.rule(account, "x").no, place.rule(account, "y").no);
    let triggers = [
        RunTrigger::Created,
        RunTrigger::Updated,
        RunTrigger::Enabled,
        RunTrigger::Manual,
        RunTrigger::Period,
        RunTrigger::PolicyUpgraded,
    ];
    let made = place.store().write(move |tx| {
        let mut made = Vec::new();
        for trigger in triggers {
            let mut run = EvaluationRun {
                no: RunNo(0),
                rule,
                trigger,
                state: RunState::Running,
                started: Timestamp(5),
                ended: None,
                chunks: 3,
                chunks_done: 0,
                calls: 0,
                calls_done: 0,
                judged: 0,
                undetermined: 0,
                reason: None,
            };
            tx.insert_run(&mut run)?;
            made.push(run);
        }
        Ok(made)
    });
    let made = made.unwrap();
    assert!(made.windows(2).all(|pair| pair[0].no < pair[1].no));
    place
        .store()
        .read(|tx| {
            for run in &made {
                assert_eq!(tx.run(run.no)?.as_ref(), Some(run));
            }
            assert_eq!(tx.last_run(rule)?.as_ref(), made.last());
            assert_eq!(tx.last_completed_run(rule)?, None);
            assert_eq!(tx.last_run(other)?, None);
            assert_eq!(tx.run(RunNo(999))?, None);
            Ok(())
        })
        .unwrap();
    let done = EvaluationRun {
        state: RunState::Succeeded,
        ended: Some(Timestamp(9)),
        chunks_done: 3,
        judged: 100,
        undetermined: 2,
        reason: Some("a value that the policy needs is missing".to_owned()),
        ..made[1].clone()
    };
    let cancelled = EvaluationRun { state: RunState::Cancelled, ..made[5].clone() };
    let written = [done.clone(), cancelled.clone()];
    place.store().write(move |tx| written.iter().try_for_each(|run| tx.update_run(run))).unwrap();
    let place = place.reopen();
    let found = place.store().read(|tx| Ok((tx.last_completed_run(rule)?, tx.last_run(rule)?)));
    assert_eq!(found.unwrap(), (Some(done), Some(cancelled)));
}
