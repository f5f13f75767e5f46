//! Events with their hashes, and the results that functions bring back.

use ruleward_core::{NewPolicyAssignment, PolicyAssignmentUpdate, ReportedState};
use ruleward_types::{
    AssignmentKind, ComplianceState, ErrorCode, Period, PolicyAssignment, PolicyFilter, TriggerType,
};
use serde_json::{Value, json};

use crate::support::{House, builtin, code, custom, volume};

fn answer(event: &Value, state: ComplianceState, resource: Option<&str>) -> ReportedState {
    ReportedState {
        policy_assignment_id: event["policy_assignment_id"].as_str().unwrap().parse().unwrap(),
        trigger_type: match event["trigger_type"].as_str().unwrap() {
            "resource" => TriggerType::Resource,
            _ => TriggerType::Period,
        },
        compliance_state: state,
        evaluation_time_ms: event["evaluation_time"].as_i64().unwrap(),
        evaluation_hash: event["evaluation_hash"].as_str().unwrap().to_owned(),
        resource_id: resource.map(str::to_owned),
        resource_provider: None,
        resource_type: None,
    }
}

fn ask(house: &House, rule: &PolicyAssignment, id: Option<&str>) -> Value {
    house.service.evaluation_event(&house.access, &rule.id, id).unwrap()
}

fn report(house: &House, reported: ReportedState) -> ruleward_types::Result<()> {
    house.service.report_policy_state(&house.access, reported).map(drop)
}

const GOOD: ComplianceState = ComplianceState::Compliant;
const BAD: ComplianceState = ComplianceState::NonCompliant;

#[test]
fn an_event_holds_what_a_function_is_asked() {
    let house = House::new();
    house.put(&volume("v", "in-use"));
    let parameters = json!({"most": 3}).as_object().unwrap().clone();
    let rule = house.create(NewPolicyAssignment { parameters, ..custom("f") });
    let event = ask(&house, &rule, Some("v"));
    assert_eq!(event["domain_id"], house.account.domain_id.as_str());
    assert_eq!(event["policy_assignment_id"], rule.id.as_str());
    assert_eq!(event["policy_assignment_name"], "f");
    assert_eq!(event["function_urn"], "urn:fss:r1:1:function:default:check:latest");
    assert_eq!(event["trigger_type"], "resource");
    assert!(event["evaluation_time"].is_i64());
    assert_eq!(event["evaluation_hash"].as_str().unwrap().len(), 32);
    assert_eq!(event["rule_parameter"], json!({"most": {"value": 3}}));
    assert_eq!(event["invoking_event"]["id"], "v");
    assert_eq!(event["invoking_event"]["properties"]["status"], "in-use");
    let (service, access) = (&house.service, &house.access);
    assert_eq!(code(service.evaluation_event(access, &rule.id, None)), ErrorCode::InvalidParameter);
    assert_eq!(code(service.evaluation_event(access, &rule.id, Some("x"))), ErrorCode::NotFound);
    let other = house.create(builtin("b", "volume-unused-check"));
    assert_eq!(code(service.evaluation_event(access, &other.id, Some("v"))), ErrorCode::NotCustom);
    let filter = PolicyFilter { resource_id: Some("w".to_owned()), ..PolicyFilter::default() };
    let narrow = house.create(NewPolicyAssignment { filter, ..custom("g") });
    assert_eq!(
        code(service.evaluation_event(access, &narrow.id, Some("v"))),
        ErrorCode::InvalidParameter
    );
}

#[test]
fn a_result_is_taken_once() {
    let house = House::new();
    house.put(&volume("v", "in-use"));
    let rule = house.create(custom("f"));
    let event = ask(&house, &rule, Some("v"));
    let state =
        house.service.report_policy_state(&house.access, answer(&event, BAD, Some("v"))).unwrap();
    assert_eq!(state.compliance_state, BAD);
    assert_eq!(state.policy_definition_id, None);
    assert_eq!(state.resource_type.as_deref(), Some("volumes"));
    assert_eq!(state.evaluation_time.ms(), event["evaluation_time"].as_i64().unwrap());
    assert_eq!(house.states(), [("f".to_owned(), "v".to_owned(), "NonCompliant")]);
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert_eq!((summary.resources.non_compliant, summary.assignments.non_compliant), (1, 1));
    // The same again is fine, another state for the same event is not.
    report(&house, answer(&event, BAD, Some("v"))).unwrap();
    assert_eq!(code(report(&house, answer(&event, GOOD, Some("v")))), ErrorCode::ResultConflict);
    // A later event may say otherwise; then the earlier one comes too late.
    house.clock.advance(1);
    let later = ask(&house, &rule, Some("v"));
    report(&house, answer(&later, GOOD, Some("v"))).unwrap();
    assert_eq!(house.states(), [("f".to_owned(), "v".to_owned(), "Compliant")]);
    assert_eq!(code(report(&house, answer(&event, BAD, Some("v")))), ErrorCode::ResultConflict);
    assert_eq!(house.states(), [("f".to_owned(), "v".to_owned(), "Compliant")]);
}

#[test]
fn forged_and_stale_hashes_are_refused() {
    let house = House::new();
    house.put(&volume("v", "in-use"));
    house.put(&volume("w", "in-use"));
    let rule = house.create(custom("f"));
    let other = house.create(custom("g"));
    let event = ask(&house, &rule, Some("v"));
    let refused = |reported| assert_eq!(code(report(&house, reported)), ErrorCode::EvaluationHash);
    let fine = answer(&event, GOOD, Some("v"));
    refused(ReportedState { evaluation_hash: "0".repeat(32), ..fine.clone() });
    refused(ReportedState { evaluation_hash: String::new(), ..fine.clone() });
    refused(ReportedState { evaluation_time_ms: fine.evaluation_time_ms + 1, ..fine.clone() });
    refused(ReportedState { policy_assignment_id: other.id.clone(), ..fine.clone() });
    refused(ReportedState { trigger_type: TriggerType::Period, ..fine.clone() });
    refused(ReportedState { resource_id: Some("w".to_owned()), ..fine.clone() });
    refused(ReportedState { resource_id: None, ..fine.clone() });
    assert_eq!(house.states(), []);
    // Another version of the resource: the answer is about something that is gone.
    house.put(&volume("v", "available"));
    refused(fine);
    let event = ask(&house, &rule, Some("v"));
    let parameters = json!({"new": true}).as_object().unwrap().clone();
    let update = PolicyAssignmentUpdate {
        kind: Some(AssignmentKind::Custom),
        name: None,
        description: None,
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: None,
        policy_definition_id: None,
        custom_policy: None,
        parameters,
        tags: None,
    };
    house.service.update_policy_assignment(&house.access, &rule.id, update).unwrap();
    refused(answer(&event, GOOD, Some("v")));
    let event = ask(&house, &rule, Some("v"));
    report(&house, answer(&event, GOOD, Some("v"))).unwrap();
}

#[test]
fn only_enabled_custom_rules_take_results_on_known_resources() {
    let house = House::new();
    house.put(&volume("v", "in-use"));
    let rule = house.create(custom("f"));
    let event = ask(&house, &rule, Some("v"));
    let fine = answer(&event, GOOD, Some("v"));
    let refused = |reported, wanted| assert_eq!(code(report(&house, reported)), wanted);
    let unknown = ReportedState { resource_id: Some("x".to_owned()), ..fine.clone() };
    refused(unknown, ErrorCode::NotFound);
    let unknown = "5fb76a24aa1e6afc05a3d0a7".parse().unwrap();
    refused(ReportedState { policy_assignment_id: unknown, ..fine.clone() }, ErrorCode::NotFound);
    let predefined = house.create(builtin("b", "volume-unused-check"));
    refused(
        ReportedState { policy_assignment_id: predefined.id, ..fine.clone() },
        ErrorCode::NotCustom,
    );
    house.service.disable_policy_assignment(&house.access, &rule.id).unwrap();
    refused(fine, ErrorCode::RuleDisabled);
}

#[test]
fn a_periodic_function_answers_for_the_account_or_any_resource() {
    let house = House::new();
    house.put(&volume("v", "in-use"));
    let period = Some(Period::OneHour);
    let rule = house.create(NewPolicyAssignment { period, ..custom("f") });
    assert_eq!(rule.trigger, TriggerType::Period);
    let event = ask(&house, &rule, None);
    assert_eq!(event["trigger_type"], "period");
    assert_eq!(event["invoking_event"]["name"], "Account");
    report(&house, answer(&event, BAD, None)).unwrap();
    report(&house, answer(&event, GOOD, Some("v"))).unwrap();
    let account = house.account.domain_id.clone();
    let mut expected = vec![
        ("f".to_owned(), account.clone(), "NonCompliant"),
        ("f".to_owned(), "v".to_owned(), "Compliant"),
    ];
    expected.sort();
    assert_eq!(house.states(), expected);
    // The account's own id names the account, too.
    report(&house, answer(&event, BAD, Some(&account))).unwrap();
    house.service.delete_resource(&house.access, "v", None).unwrap();
    assert_eq!(house.states(), [("f".to_owned(), account, "NonCompliant")]);
}

#[test]
fn what_was_reported_ends_with_its_resource() {
    let house = House::new();
    house.put(&volume("v", "in-use"));
    let rule = house.create(custom("f"));
    let event = ask(&house, &rule, Some("v"));
    report(&house, answer(&event, BAD, Some("v"))).unwrap();
    house.service.delete_resource(&house.access, "v", None).unwrap();
    assert_eq!(house.states(), []);
    house.put(&volume("v", "in-use"));
    assert_eq!(house.states(), []);
    assert_eq!(code(report(&house, answer(&event, BAD, Some("v")))), ErrorCode::EvaluationHash);
    let summary = house.service.summary_by_domain(&house.access, &[]).unwrap();
    assert!(summary.resources.is_zero() && summary.assignments.is_zero());
}
