//! Functions of custom rules: when they are called, for what, and what becomes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ruleward_core::{
    Access, CallDone, CallOutcome, FunctionCall, FunctionDraft, FunctionHost, FunctionOptions,
    NewPolicyAssignment, Options, PolicyAssignmentUpdate, ReportedState, TrialOutcome,
};
use ruleward_types::{
    AssignmentKind, AssignmentState, ComplianceState, ErrorCode, Function, FunctionRunner, Period,
    PolicyAssignment, PolicyFilter, Recorder, Result, RunState, TriggerType,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{House, code, custom, first_page, volume};

/// A function: answers at once, or holds the call.
type Act = Box<dyn FnMut(&FunctionCall) -> Option<CallOutcome> + Send>;

#[derive(Default)]
struct InProcess {
    act: Mutex<Option<Act>>,
    held: Mutex<Vec<(FunctionCall, CallDone)>>,
    /// Resource and function of every call.
    called: Mutex<Vec<(String, String)>>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl FunctionHost for InProcess {
    fn check(&self, _: &Function) -> Result<()> {
        Ok(())
    }

    fn start(&self, call: FunctionCall, done: CallDone) {
        let id = call.event["invoking_event"]["id"].as_str().unwrap().to_owned();
        self.called.lock().push((id, call.function.urn.clone()));
        let outcome = self.act.lock().as_mut().and_then(|act| act(&call));
        match outcome {
            Some(outcome) => done.tell(outcome),
            None => self.held.lock().push((call, done)),
        }
    }

    fn forget(&self, _: &Function) {}
}

impl InProcess {
    fn act(&self, act: impl FnMut(&FunctionCall) -> Option<CallOutcome> + Send + 'static) {
        *self.act.lock() = Some(Box::new(act));
    }

    fn called(&self) -> Vec<String> {
        std::mem::take(&mut *self.called.lock()).into_iter().map(|(id, _)| id).collect()
    }

    fn held(&self) -> Vec<(FunctionCall, CallDone)> {
        std::mem::take(&mut *self.held.lock())
    }
}

fn finished(returned: Option<Value>) -> CallOutcome {
    CallOutcome::Finished { returned, output: "hello\n".to_owned(), took: Duration::from_millis(3) }
}

fn failed(transient: bool) -> CallOutcome {
    let (words, output) = ("it broke".to_owned(), "trace".to_owned());
    CallOutcome::Failed { kind: "threw", words, transient, output }
}

/// Judges disks as the sample does: those in use are compliant.
fn judge(call: &FunctionCall) -> CallOutcome {
    let fine = call.event["invoking_event"]["properties"]["status"] == "in-use";
    let state = if fine { "Compliant" } else { "NonCompliant" };
    finished(Some(json!({ "compliance_state": state })))
}

const URN: &str = "urn:fss:r1:1:function:default:check";

fn draft(urn: &str) -> FunctionDraft {
    FunctionDraft {
        urn: urn.to_owned(),
        runner: FunctionRunner::Wasm { file: "/nowhere".to_owned() },
        timeout_s: 10,
        memory_mib: 64,
        concurrency: None,
        user_data: BTreeMap::new(),
        secret: None,
    }
}

fn options() -> Options {
    let functions = FunctionOptions { attempts: 3, ..FunctionOptions::default() };
    Options { functions, ..Options::default() }
}

fn house() -> (House, Arc<InProcess>) {
    house_with(options())
}

fn house_with(options: Options) -> (House, Arc<InProcess>) {
    let house = House::with_options(options);
    let host = hosted(&house);
    (house, host)
}

fn hosted(house: &House) -> Arc<InProcess> {
    let host = Arc::new(InProcess::default());
    house.service.set_function_host(Arc::clone(&host) as _);
    host
}

fn run(house: &House) {
    house.service.work_off_calls().unwrap();
}

fn evaluation(house: &House, rule: &PolicyAssignment) -> (RunState, Option<String>) {
    let (_, run) = house.service.evaluation_state(&house.access, &rule.id).unwrap();
    (run.state, run.reason)
}

fn counts(house: &House) -> ruleward_types::FunctionCounts {
    house.service.functions(&house.access, first_page()).unwrap().items[0].counts
}

fn state(name: &str, id: &str, verdict: &'static str) -> (String, String, &'static str) {
    (name.to_owned(), id.to_owned(), verdict)
}

fn answer(event: &Value, state: ComplianceState) -> ReportedState {
    let period = event["trigger_type"] == "period";
    ReportedState {
        policy_assignment_id: event["policy_assignment_id"].as_str().unwrap().parse().unwrap(),
        trigger_type: if period { TriggerType::Period } else { TriggerType::Resource },
        compliance_state: state,
        evaluation_time_ms: event["evaluation_time"].as_i64().unwrap(),
        evaluation_hash: event["evaluation_hash"].as_str().unwrap().to_owned(),
        resource_id: event["invoking_event"]["id"].as_str().map(str::to_owned),
        resource_provider: None,
        resource_type: None,
    }
}

#[test]
fn a_rule_asks_about_everything_in_its_scope_and_then_about_changes() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    host.act(|call| Some(judge(call)));
    for n in 0..600 {
        house.put(&volume(&format!("v{n:03}"), if n % 3 == 0 { "available" } else { "in-use" }));
    }
    let rule = house.service.create_policy_assignment(&house.access, custom("f")).unwrap();
    assert_eq!(rule.state, AssignmentState::Submitting);
    run(&house);
    let mut called = host.called();
    called.sort();
    assert_eq!(called.len(), 600);
    called.dedup();
    assert_eq!(called.len(), 600);
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
    assert_eq!(evaluation(&house, &rule), (RunState::Succeeded, None));
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert_eq!((summary.resources.compliant, summary.resources.non_compliant), (400, 200));
    assert_eq!((counts(&house).calls, counts(&house).accepted), (600, 600));
    // A change asks about what changed; the same again about nothing.
    house.put(&volume("v000", "in-use"));
    house.put(&volume("v000", "in-use"));
    house.put(&volume("new", "available"));
    run(&house);
    assert_eq!(host.called(), ["v000", "new"]);
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert_eq!((summary.resources.compliant, summary.resources.non_compliant), (401, 200));
}

#[test]
fn the_event_and_what_comes_with_it() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    let rule = house.create(custom("f"));
    run(&house);
    let (call, done) = host.held().pop().unwrap();
    let wanted = house.service.evaluation_event(&house.access, &rule.id, Some("v")).unwrap();
    let fields =
        |event: &Value| -> Vec<String> { event.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(fields(&call.event), fields(&wanted));
    assert_eq!(call.event["function_urn"], format!("{URN}:latest"));
    assert_eq!(call.function_urn, format!("{URN}:latest"));
    assert_eq!(call.event["invoking_event"], wanted["invoking_event"]);
    let mut invoking = fields(&call.event["invoking_event"]);
    invoking.sort();
    assert_eq!(
        invoking,
        [
            "created",
            "ep_id",
            "id",
            "name",
            "project_id",
            "properties",
            "provider",
            "provisioning_state",
            "region_id",
            "tags",
            "type",
            "updated"
        ]
    );
    // The credentials report and read, and nothing else; they end with the call.
    let (key, token) = (&call.credentials.access_key, &call.credentials.security_token);
    let service = &house.service;
    assert_eq!(code(service.access_key_secret(key, None)), ErrorCode::Unauthenticated);
    assert_eq!(code(service.access_key_secret(key, Some("x"))), ErrorCode::Unauthenticated);
    let (caller, secret) = service.access_key_secret(key, Some(token.expose_secret())).unwrap();
    assert_eq!(secret.expose_secret(), call.credentials.secret_key.expose_secret().as_bytes());
    assert_eq!(caller.account.domain_id, house.account.domain_id);
    let by_token = service.caller_by_token(call.credentials.token.expose_secret()).unwrap();
    assert_eq!(by_token.user.id, caller.user.id);
    let domain = Some(house.account.domain_id.as_str());
    for allowed in ["rms:policyStates:update", "rms:policyStates:get", "rms:resources:list"] {
        service.authorize(&caller, allowed, domain).unwrap();
    }
    for denied in ["rms:policyAssignments:create", "rms:policyAssignments:get", "x"] {
        assert_eq!(code(service.authorize(&caller, denied, domain)), ErrorCode::AccessDenied);
    }
    assert!(service.users(&house.account).unwrap().is_empty());
    let secret_key = call.credentials.secret_key.expose_secret();
    assert_eq!(code(service.issue_token_by_key(key, secret_key)), ErrorCode::Unauthenticated);
    done.tell(judge(&call));
    let ended = service.access_key_secret(key, Some(token.expose_secret()));
    assert_eq!(code(ended), ErrorCode::Unauthenticated);
    let ended = service.caller_by_token(call.credentials.token.expose_secret());
    assert_eq!(code(ended), ErrorCode::Unauthenticated);
    assert_eq!(house.states(), [state("f", "v", "Compliant")]);
}

#[test]
fn credentials_end_with_their_time() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    house.create(custom("f"));
    run(&house);
    let (call, _done) = host.held().pop().unwrap();
    let token = call.credentials.security_token.expose_secret();
    let find = || house.service.access_key_secret(&call.credentials.access_key, Some(token));
    assert!(find().is_ok());
    house.clock.advance(71);
    assert_eq!(code(find()), ErrorCode::Unauthenticated);
}

#[test]
fn failures_are_repeated_then_given_up_then_called_again_by_hand() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    for id in ["good", "bad"] {
        house.put(&volume(id, "in-use"));
    }
    let bad = |call: &FunctionCall| call.event["invoking_event"]["id"] == "bad";
    host.act(move |call| Some(if bad(call) { failed(true) } else { judge(call) }));
    let rule = house.create(custom("f"));
    run(&house);
    assert_eq!(house.rule(&rule).state, AssignmentState::Evaluating);
    assert_eq!(evaluation(&house, &rule).0, RunState::Running);
    host.called();
    for _ in 0..2 {
        run(&house);
        assert_eq!(host.called(), [""; 0], "not before its time");
        house.clock.advance(10);
        run(&house);
        assert_eq!(host.called(), ["bad"]);
    }
    house.clock.advance(1000);
    run(&house);
    assert_eq!(host.called(), [""; 0]);
    // The rule is done, the resource is undetermined: in no column, and in no list.
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
    let (told, words) = evaluation(&house, &rule);
    assert_eq!(told, RunState::Failed);
    let words = words.unwrap();
    assert!(words.contains("1 of the resources") && words.contains("it broke"), "{words}");
    assert_eq!(house.states(), [state("f", "good", "Compliant")]);
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert_eq!((summary.resources.compliant, summary.resources.undetermined), (1, 1));
    assert_eq!((counts(&house).calls, counts(&house).repeated, counts(&house).failed), (4, 2, 3));
    let letters = house.service.dead_letters(&house.access, first_page()).unwrap().items;
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].resource_id.as_str(), letters[0].attempts), ("bad", 3));
    assert_eq!((letters[0].words.as_str(), letters[0].output.as_str()), ("it broke", "trace"));
    // Mended.
    host.act(|call| Some(judge(call)));
    assert_eq!(house.service.redrive(&house.access, Some(&[999])).unwrap(), 0);
    assert_eq!(house.service.redrive(&house.access, None).unwrap(), 1);
    run(&house);
    assert!(house.service.dead_letters(&house.access, first_page()).unwrap().items.is_empty());
    assert_eq!(evaluation(&house, &rule), (RunState::Succeeded, None));
    assert_eq!(house.states(), [state("f", "bad", "Compliant"), state("f", "good", "Compliant")]);
}

#[test]
fn a_failure_that_will_not_mend_itself_is_given_up_at_once() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    host.act(|_| Some(failed(false)));
    let rule = house.create(custom("f"));
    run(&house);
    assert_eq!(host.called().len(), 1);
    assert_eq!(evaluation(&house, &rule).0, RunState::Failed);
}

#[test]
fn a_result_of_before_does_not_stand_for_what_failed() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    host.act(|call| Some(judge(call)));
    house.create(custom("f"));
    run(&house);
    assert_eq!(house.states(), [state("f", "v", "Compliant")]);
    host.act(|_| Some(failed(false)));
    house.put(&volume("v", "available"));
    // Until the function has answered or failed, the last result stands.
    assert_eq!(house.states(), [state("f", "v", "Compliant")]);
    run(&house);
    assert_eq!(house.states(), []);
}

#[test]
fn a_function_that_says_nothing_has_failed_unless_the_clock_asked() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    host.act(|_| Some(finished(Some(json!({"statusCode": 200})))));
    let rule = house.create(custom("f"));
    let periodic = NewPolicyAssignment { period: Some(Period::OneHour), ..custom("p") };
    let periodic = house.create(periodic);
    for _ in 0..4 {
        run(&house);
        house.clock.advance(60);
    }
    let (told, words) = evaluation(&house, &rule);
    assert_eq!(told, RunState::Failed);
    assert!(words.unwrap().contains("reported no result"));
    assert_eq!(evaluation(&house, &periodic), (RunState::Succeeded, None));
    assert_eq!(house.rule(&periodic).state, AssignmentState::Enabled);
}

#[test]
fn the_clock_asks_about_the_account() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    host.act(|_| Some(finished(Some(json!({"compliance_state": "NonCompliant"})))));
    let period = Some(Period::OneHour);
    let rule = house.create(NewPolicyAssignment { period, ..custom("f") });
    assert_eq!(rule.state, AssignmentState::Evaluating);
    run(&house);
    let account = house.account.domain_id.clone();
    assert_eq!(host.called(), std::slice::from_ref(&account));
    assert_eq!(house.states(), [state("f", &account, "NonCompliant")]);
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
    house.put(&volume("v", "available"));
    run(&house);
    assert!(host.called().is_empty());
    host.act(|_| Some(finished(Some(json!({"compliance_state": "Compliant"})))));
    house.clock.advance(3601);
    house.service.run_due_rules().unwrap();
    run(&house);
    assert_eq!(host.called(), std::slice::from_ref(&account));
    assert_eq!(house.states(), [state("f", &account, "Compliant")]);
}

#[test]
fn a_periodic_function_may_report_on_many_and_fail_then() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    house.put(&volume("w", "in-use"));
    let period = Some(Period::OneHour);
    let rule = house.create(NewPolicyAssignment { period, ..custom("f") });
    run(&house);
    let (call, done) = host.held().pop().unwrap();
    for id in ["v", "w"] {
        let reported = ReportedState {
            resource_id: Some(id.to_owned()),
            ..answer(&call.event, ComplianceState::Compliant)
        };
        house.service.report_policy_state(&house.access, reported).unwrap();
    }
    assert_eq!(house.rule(&rule).state, AssignmentState::Evaluating);
    done.tell(finished(None));
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
    assert_eq!(house.states().len(), 2);
}

#[test]
fn a_newer_version_takes_the_place_of_a_waiting_one_and_refuses_late_answers() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    let rule = house.create(custom("f"));
    house.put(&volume("v", "in-use"));
    house.put(&volume("v", "available"));
    run(&house);
    assert_eq!(host.called(), ["v"]);
    let (old, old_done) = host.held().pop().unwrap();
    assert_eq!(old.event["invoking_event"]["properties"]["status"], "available");
    // The resource changes while the function works.
    house.put(&volume("v", "in-use"));
    run(&house);
    assert_eq!(host.called(), ["v"]);
    let late = answer(&old.event, ComplianceState::NonCompliant);
    let refused = house.service.report_policy_state(&house.access, late);
    assert_eq!(code(refused), ErrorCode::EvaluationHash);
    old_done.tell(judge(&old));
    assert_eq!(house.states(), []);
    let (new, new_done) = host.held().pop().unwrap();
    new_done.tell(judge(&new));
    assert_eq!(house.states(), [state("f", "v", "Compliant")]);
    assert_eq!((counts(&house).accepted, counts(&house).refused), (1, 2));
    run(&house);
    assert!(host.called().is_empty());
    let _ = rule;
}

#[test]
fn what_was_reported_in_time_is_done_however_the_call_ends() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    let rule = house.create(custom("f"));
    run(&house);
    let (call, done) = host.held().pop().unwrap();
    let reported = answer(&call.event, ComplianceState::NonCompliant);
    house.service.report_policy_state(&house.access, reported).unwrap();
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
    done.tell(failed(true));
    house.clock.advance(100);
    run(&house);
    assert_eq!(host.called().len(), 1);
    assert_eq!(house.states(), [state("f", "v", "NonCompliant")]);
}

#[test]
fn a_function_that_runs_elsewhere_has_time_to_report() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    for id in ["soon", "never"] {
        house.put(&volume(id, "in-use"));
    }
    host.act(|_| Some(CallOutcome::Accepted { took: Duration::ZERO }));
    let rule = house.create(custom("f"));
    run(&house);
    assert_eq!(host.called().len(), 2);
    let event = house.service.evaluation_event(&house.access, &rule.id, Some("soon")).unwrap();
    let reported = answer(&event, ComplianceState::Compliant);
    house.service.report_policy_state(&house.access, reported).unwrap();
    house.clock.advance(800);
    run(&house);
    assert!(host.called().is_empty());
    for _ in 0..6 {
        house.clock.advance(1200);
        run(&house);
    }
    assert_eq!(host.called(), ["never", "never"]);
    let (told, words) = evaluation(&house, &rule);
    assert_eq!(told, RunState::Failed);
    assert!(words.unwrap().contains("in time"));
    assert_eq!(house.states(), [state("f", "soon", "Compliant")]);
}

#[test]
fn a_slow_function_holds_up_no_other() {
    let (house, host) = house();
    let two = FunctionDraft { concurrency: Some(2), ..draft(URN) };
    house.service.create_function(&house.access, two).unwrap();
    house.service.create_function(&house.access, draft("other")).unwrap();
    for n in 0..50 {
        house.put(&volume(&format!("v{n}"), "in-use"));
    }
    let is_slow = |call: &FunctionCall| call.function.urn == URN;
    host.act(move |call| if is_slow(call) { None } else { Some(judge(call)) });
    let slow = house.create(custom("slow"));
    let mut quick = custom("quick");
    quick.custom_policy.as_mut().unwrap().function_urn = "other".to_owned();
    let quick = house.create(quick);
    run(&house);
    // All of the quick one is done while two calls of the slow one go on and 48 wait.
    assert_eq!(house.rule(&quick).state, AssignmentState::Enabled);
    assert_eq!(house.rule(&slow).state, AssignmentState::Evaluating);
    assert_eq!(house.states().len(), 50);
    let held = host.held();
    assert_eq!(held.len(), 2);
    for (call, done) in held {
        done.tell(judge(&call));
    }
    run(&house);
    assert_eq!(host.held().len(), 2);
}

#[test]
fn accounts_have_their_turns() {
    let functions = FunctionOptions {
        concurrent_calls: 6,
        concurrent_calls_per_account: 4,
        concurrent_calls_per_function: 100,
        ..FunctionOptions::default()
    };
    let (house, host) = house_with(Options { functions, ..Options::default() });
    house.service.create_function(&house.access, draft(URN)).unwrap();
    let recorder = Recorder::ON;
    let other = house.service.create_account("other", None, recorder).unwrap();
    let others = Access::operator(&other);
    for n in 0..40 {
        house.put(&volume(&format!("a{n}"), "in-use"));
    }
    let body = volume("b", "in-use").to_string();
    house.service.put_resource(&others, "b", None, body.as_bytes()).unwrap();
    house.create(custom("f"));
    house.service.create_policy_assignment(&others, custom("f")).unwrap();
    run(&house);
    let of_other = |held: &[(FunctionCall, CallDone)]| {
        held.iter().filter(|(call, _)| call.domain_id == other.domain_id).count()
    };
    let held = host.held();
    assert_eq!((held.len(), of_other(&held)), (5, 1));
}

#[test]
fn calls_of_a_process_that_was_killed_are_repeated() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    for n in 0..3 {
        house.put(&volume(&format!("v{n}"), "in-use"));
    }
    let rule = house.create(custom("f"));
    run(&house);
    let held = host.held();
    assert_eq!(held.len(), 3);
    let hashes: Vec<_> =
        held.iter().map(|(call, _)| call.event["evaluation_hash"].clone()).collect();
    // The process dies: nobody is told anything.
    held.into_iter().for_each(std::mem::forget);
    drop(host);
    let house = house.after_a_crash(options());
    let host = hosted(&house);
    let workers = house.service.start().unwrap();
    while host.held.lock().len() < 3 {
        std::thread::yield_now();
    }
    drop(workers);
    let again = host.held();
    let mut repeated: Vec<_> =
        again.iter().map(|(call, _)| call.event["evaluation_hash"].clone()).collect();
    repeated.sort_by_key(ToString::to_string);
    let mut hashes = hashes;
    hashes.sort_by_key(ToString::to_string);
    assert_eq!(repeated, hashes, "the same events");
    for (call, done) in again {
        done.tell(judge(&call));
    }
    assert_eq!(house.states().len(), 3);
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
    assert_eq!((counts(&house).calls, counts(&house).repeated, counts(&house).accepted), (6, 3, 3));
}

#[test]
fn a_killed_process_goes_on_making_the_calls_of_a_run() {
    let (house, _host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    for n in 0..300 {
        house.put(&volume(&format!("v{n}"), "in-use"));
    }
    let rule = house.create(custom("f"));
    assert_eq!(rule.state, AssignmentState::Submitting);
    let house = house.after_a_crash(options());
    let host = hosted(&house);
    host.act(|call| Some(judge(call)));
    run(&house);
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert_eq!(summary.resources.compliant, 300);
}

#[test]
fn a_host_that_goes_away_is_asked_again() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    house.create(custom("f"));
    run(&house);
    drop(host.held());
    host.act(|call| Some(judge(call)));
    run(&house);
    assert_eq!(house.states(), [state("f", "v", "Compliant")]);
}

#[test]
fn nobody_is_asked_about_what_is_gone() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    for id in ["v", "w"] {
        house.put(&volume(id, "in-use"));
    }
    let rule = house.service.create_policy_assignment(&house.access, custom("f")).unwrap();
    house.service.delete_resource(&house.access, "v", None).unwrap();
    host.act(|call| Some(judge(call)));
    run(&house);
    assert_eq!(host.called(), ["w"]);
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
    // Deleted with its job waiting, and given up.
    host.act(|_| Some(failed(false)));
    house.put(&volume("w", "available"));
    run(&house);
    house.put(&volume("x", "available"));
    house.service.delete_resource(&house.access, "x", None).unwrap();
    house.service.delete_resource(&house.access, "w", None).unwrap();
    run(&house);
    assert!(house.service.dead_letters(&house.access, first_page()).unwrap().items.is_empty());
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert!(summary.resources.is_zero());
}

#[test]
fn what_left_the_scope_while_the_function_worked_is_not_undetermined() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    let rule = house.create(custom("f"));
    run(&house);
    let (_, done) = host.held().pop().unwrap();
    let update = PolicyAssignmentUpdate {
        kind: Some(AssignmentKind::Custom),
        name: None,
        description: None,
        filter: PolicyFilter { resource_id: Some("w".to_owned()), ..PolicyFilter::default() },
        filter_v2: None,
        period: None,
        policy_definition_id: None,
        custom_policy: None,
        parameters: serde_json::Map::new(),
        tags: None,
    };
    house.service.update_policy_assignment(&house.access, &rule.id, update).unwrap();
    done.tell(failed(false));
    run(&house);
    assert!(house.service.dead_letters(&house.access, first_page()).unwrap().items.is_empty());
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert!(summary.resources.is_zero());
    assert_eq!(house.rule(&rule).state, AssignmentState::Enabled);
}

#[test]
fn a_rule_that_is_off_asks_nobody() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    let rule = house.create(custom("f"));
    house.service.disable_policy_assignment(&house.access, &rule.id).unwrap();
    house.put(&volume("v", "available"));
    run(&house);
    assert!(host.called().is_empty());
    host.act(|call| Some(judge(call)));
    house.service.enable_policy_assignment(&house.access, &rule.id).unwrap();
    run(&house);
    assert_eq!(house.states(), [state("f", "v", "NonCompliant")]);
    // The recorder the same.
    host.called();
    house.recorder(false);
    house.put(&volume("v", "in-use"));
    run(&house);
    assert!(host.called().is_empty());
    house.recorder(true);
    // What was told meanwhile is recorded first.
    house.service.work_off().unwrap();
    run(&house);
    assert_eq!(host.called(), ["v"]);
    assert_eq!(house.states(), [state("f", "v", "Compliant")]);
    house.service.disable_policy_assignment(&house.access, &rule.id).unwrap();
    house.service.delete_policy_assignment(&house.access, &rule.id).unwrap();
    run(&house);
    assert!(house.states().is_empty());
}

#[test]
fn a_run_by_hand_asks_again() {
    let (house, host) = house();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    host.act(|call| Some(judge(call)));
    let rule = house.create(custom("f"));
    run(&house);
    // The clock stands still: the new event has a time of its own all the same.
    host.act(|_| Some(finished(Some(json!({"compliance_state": "NonCompliant"})))));
    house.service.run_evaluation(&house.access, &rule.id).unwrap();
    run(&house);
    assert_eq!(house.states(), [state("f", "v", "NonCompliant")]);
    assert_eq!(evaluation(&house, &rule), (RunState::Succeeded, None));
}

#[test]
fn rules_come_before_and_after_their_functions() {
    let (house, host) = house();
    host.act(|call| Some(judge(call)));
    house.put(&volume("v", "in-use"));
    let rule = house.create(custom("f"));
    assert_eq!(rule.state, AssignmentState::Enabled);
    let (told, words) = evaluation(&house, &rule);
    assert_eq!(told, RunState::Failed);
    assert!(words.unwrap().contains(&format!("No runner is configured for the function {URN}")));
    house.put(&volume("v", "available"));
    run(&house);
    assert!(host.called().is_empty());
    let made = house.service.create_function(&house.access, draft("urn:fss:*:check")).unwrap();
    run(&house);
    assert_eq!(house.states(), [state("f", "v", "NonCompliant")]);
    // A more particular one takes over.
    host.called();
    house.service.create_function(&house.access, draft(URN)).unwrap();
    assert_eq!(
        code(house.service.create_function(&house.access, draft(URN))),
        ErrorCode::DuplicateName
    );
    run(&house);
    assert_eq!(*host.called.lock(), [("v".to_owned(), URN.to_owned())]);
    for of in house.service.functions(&house.access, first_page()).unwrap().items {
        house.service.delete_function(&house.access, &of.function.id).unwrap();
    }
    assert_eq!(code(house.service.function(&house.access, &made.function.id)), ErrorCode::NotFound);
    assert_eq!(evaluation(&house, &rule).0, RunState::Failed);
    host.called();
    house.put(&volume("v", "in-use"));
    run(&house);
    assert!(host.called().is_empty());
    assert_eq!(house.states(), [state("f", "v", "NonCompliant")]);
}

#[test]
fn a_function_is_called_by_hand() {
    let (house, host) = house();
    let made = house.service.create_function(&house.access, draft(URN)).unwrap();
    house.put(&volume("v", "in-use"));
    let periodic = NewPolicyAssignment { period: Some(Period::OneHour), ..custom("f") };
    house.create(periodic);
    host.act(|call| Some(judge(call)));
    let trial = house.service.try_function(&house.access, &made.function.id, None).unwrap();
    let returned = json!({"compliance_state": "NonCompliant"});
    match trial.outcome {
        TrialOutcome::Finished { returned: Some(value), took_ms: 3 } => assert_eq!(value, returned),
        other => panic!("{other:?}"),
    }
    assert_eq!(trial.output, "hello\n");
    run(&house);
    let rule = house.create(custom("g"));
    house.put(&volume("w", "in-use"));
    let trial = house.service.invoke_function(&house.access, &rule.id, Some("w")).unwrap();
    assert!(matches!(trial.outcome, TrialOutcome::Finished { .. }), "{trial:?}");
    assert!(house.states().contains(&state("g", "w", "Compliant")));
    let records = house.service.function_records(&house.access, &made.function.id).unwrap();
    assert_eq!(records[0].outcome, "finished");
    assert_eq!(records[0].output, "hello\n");
    host.act(|_| Some(failed(true)));
    let trial = house.service.invoke_function(&house.access, &rule.id, Some("w")).unwrap();
    assert!(matches!(trial.outcome, TrialOutcome::Failed { kind: "threw", .. }), "{trial:?}");
}

#[test]
fn results_that_come_too_fast_are_told_when_to_come_again() {
    let functions =
        FunctionOptions { reports_per_second: 1, reports_burst: 2, ..FunctionOptions::default() };
    let (house, _) = house_with(Options { functions, ..Options::default() });
    house.put(&volume("v", "in-use"));
    let rule = house.create(custom("f"));
    let event = house.service.evaluation_event(&house.access, &rule.id, Some("v")).unwrap();
    let report = || {
        let reported = answer(&event, ComplianceState::Compliant);
        house.service.report_policy_state(&house.access, reported)
    };
    report().unwrap();
    report().unwrap();
    let refused = report().unwrap_err();
    assert_eq!(refused.code(), ErrorCode::TooManyRequests);
    assert_eq!(refused.retry_after_s(), Some(2));
    house.clock.advance(2);
    report().unwrap();
}

#[test]
fn functions_that_are_refused() {
    let (house, _) = house();
    let refused = |draft| {
        let refused = house.service.create_function(&house.access, draft);
        assert_eq!(code(refused), ErrorCode::FunctionIllegal);
    };
    refused(draft(""));
    refused(draft("a b"));
    refused(FunctionDraft { timeout_s: 0, ..draft(URN) });
    refused(FunctionDraft { timeout_s: 901, ..draft(URN) });
    refused(FunctionDraft { memory_mib: 1, ..draft(URN) });
    refused(FunctionDraft { concurrency: Some(0), ..draft(URN) });
    let big = BTreeMap::from([("a".to_owned(), "x".repeat(20_000))]);
    refused(FunctionDraft { user_data: big, ..draft(URN) });
    let runner = FunctionRunner::Wasm { file: "relative".to_owned() };
    refused(FunctionDraft { runner, ..draft(URN) });
    let runner = FunctionRunner::Webhook { endpoint: "ftp://x".to_owned() };
    refused(FunctionDraft { runner, ..draft(URN) });
    let (endpoint, access_key) = ("https://x".to_owned(), "AK".to_owned());
    let runner = FunctionRunner::Remote { endpoint, access_key };
    refused(FunctionDraft { runner, ..draft(URN) });
    let mut empty = custom("f");
    empty.custom_policy.as_mut().unwrap().function_urn = String::new();
    let refused = house.service.create_policy_assignment(&house.access, empty);
    assert_eq!(code(refused), ErrorCode::InvalidParameter);
}
