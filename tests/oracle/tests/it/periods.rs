//! Rules that the clock starts.

use std::time::{Duration, Instant};

use ruleward_core::NewPolicyAssignment;
use ruleward_types::{
    EvaluationRun, Period, PolicyAssignment, PolicyAssignmentId, Recorder, RunState, RunTrigger,
};

use crate::product::{Product, builtin};

fn last_run(product: &Product, id: &PolicyAssignmentId) -> EvaluationRun {
    product.service.evaluation_state(&product.access, id).unwrap().1
}

fn periodic(product: &Product, period: Option<Period>) -> PolicyAssignment {
    let new = NewPolicyAssignment { period, ..builtin("p", "tracker-config-enabled-check") };
    let rule = product.create(new);
    product.service.work_off().unwrap();
    rule
}

/// Starts what is due and does its work: how many rules.
fn tick(product: &Product) -> usize {
    let started = product.service.run_due_rules().unwrap();
    product.service.work_off().unwrap();
    started
}

#[test]
fn every_period_runs_once_for_each_due_time() {
    for (period, name) in Period::ALL {
        let mut product = Product::new();
        let rule = periodic(&product, Some(*period));
        let first = last_run(&product, &rule.id);
        assert_eq!((first.trigger, first.state), (RunTrigger::Created, RunState::Succeeded));
        let length = period.seconds();
        product.clock.advance(length - 1);
        assert_eq!(tick(&product), 0, "{name}: too early");
        product.clock.advance(2);
        assert_eq!(tick(&product), 1, "{name}");
        let run = last_run(&product, &rule.id);
        assert_eq!(
            (run.trigger, run.state, run.judged),
            (RunTrigger::Period, RunState::Succeeded, 1)
        );
        assert!(run.no > first.no);
        assert_eq!(tick(&product), 0, "{name}: twice");
        product = product.reopen();
        assert_eq!(tick(&product), 0, "{name}: twice, after a restart");
        assert_eq!(last_run(&product, &rule.id), run);
        // Down for three and a half periods: one run, then the old rhythm.
        product.clock.advance(3 * length + length / 2);
        product = product.reopen();
        assert_eq!(tick(&product), 1, "{name}: catches up");
        assert_eq!(tick(&product), 0, "{name}: catches up once");
        product.clock.advance(length / 2 - 10);
        assert_eq!(tick(&product), 0, "{name}: keeps its rhythm");
        product.clock.advance(20);
        assert_eq!(tick(&product), 1, "{name}: keeps its rhythm");
    }
}

#[test]
fn a_due_run_survives_a_restart_before_its_work() {
    let mut product = Product::new();
    let rule = periodic(&product, Some(Period::OneHour));
    product.clock.advance(3700);
    assert_eq!(product.service.run_due_rules().unwrap(), 1);
    assert_eq!(last_run(&product, &rule.id).state, RunState::Running);
    product = product.reopen();
    assert_eq!(product.service.run_due_rules().unwrap(), 0);
    product.service.work_off().unwrap();
    assert_eq!(last_run(&product, &rule.id).state, RunState::Succeeded);
}

#[test]
fn without_a_period_it_runs_daily() {
    let product = Product::new();
    let rule = periodic(&product, None);
    assert_eq!(rule.period, Some(Period::TwentyFourHours));
    product.clock.advance(24 * 3600 - 1);
    assert_eq!(tick(&product), 0);
    product.clock.advance(2);
    assert_eq!(tick(&product), 1);
}

#[test]
fn a_disabled_rule_is_not_due_and_starts_anew_when_enabled() {
    let product = Product::new();
    let rule = periodic(&product, Some(Period::OneHour));
    let (service, access) = (&product.service, &product.access);
    service.disable_policy_assignment(access, &rule.id).unwrap();
    product.clock.advance(10_000);
    assert_eq!(tick(&product), 0);
    service.enable_policy_assignment(access, &rule.id).unwrap();
    service.work_off().unwrap();
    product.clock.advance(3599);
    assert_eq!(tick(&product), 0);
    product.clock.advance(2);
    assert_eq!(tick(&product), 1);
}

#[test]
fn the_policy_about_the_recorder_runs_while_that_is_off() {
    let product = Product::new();
    let rule = periodic(&product, Some(Period::OneHour));
    let other = NewPolicyAssignment {
        period: Some(Period::OneHour),
        parameters: serde_json::from_str(r#"{"trackBucket": "logs"}"#).unwrap(),
        ..builtin("q", "cts-obs-bucket-track")
    };
    let other = product.create(other);
    product.service.work_off().unwrap();
    let domain_id = &product.account.domain_id;
    product.service.set_recorder(domain_id, Recorder::OFF).unwrap();
    product.clock.advance(3700);
    tick(&product);
    let summary = |id| product.service.summary_by_assignment(&product.access, id, None).unwrap();
    assert_eq!(summary(&rule.id).resources.non_compliant, 1);
    assert_eq!(last_run(&product, &other.id).trigger, RunTrigger::Created);
    product.service.set_recorder(domain_id, Recorder::ON).unwrap();
    product.service.work_off().unwrap();
    assert_eq!(summary(&rule.id).resources.compliant, 1);
}

#[test]
fn the_running_service_watches_the_clock() {
    let product = Product::new();
    let rule = periodic(&product, Some(Period::OneHour));
    let workers = product.service.start().unwrap();
    product.clock.advance(3700);
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let run = last_run(&product, &rule.id);
        if run.trigger == RunTrigger::Period && run.state == RunState::Succeeded {
            break;
        }
        assert!(Instant::now() < until, "{run:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(workers);
}
