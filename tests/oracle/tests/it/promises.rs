//! Promises that were once broken, or are: each test states one.

use std::collections::BTreeMap;

use ruleward_core::{NewPolicyAssignment, PolicyAssignmentUpdate, ReportedState};
use ruleward_policy::Policy;
use ruleward_types::{
    AssignmentKind, AssignmentState, ComplianceState, CustomPolicy, ErrorCode, PolicyAssignment,
    PolicyFilter, Recorder, ResourceType, RunTrigger, StateQuery, TriggerType,
};
use serde_json::{Map, Value, json};

use crate::product::{Product, builtin};

fn custom(product: &Product) -> PolicyAssignment {
    product.create(NewPolicyAssignment {
        kind: AssignmentKind::Custom,
        policy_definition_id: None,
        custom_policy: Some(CustomPolicy {
            function_urn: "urn:fss:r1:1:function:default:check".to_owned(),
            auth_type: "agency".to_owned(),
            auth_value: Map::new(),
        }),
        ..builtin("custom", "volume-unused-check")
    })
}

fn report(product: &Product, rule: &PolicyAssignment, id: &str) -> ruleward_types::Result<()> {
    let (service, access) = (&product.service, &product.access);
    let event = service.evaluation_event(access, &rule.id, Some(id))?;
    let reported = ReportedState {
        policy_assignment_id: rule.id.clone(),
        trigger_type: TriggerType::Resource,
        compliance_state: ComplianceState::NonCompliant,
        evaluation_time_ms: event["evaluation_time"].as_i64().unwrap(),
        evaluation_hash: event["evaluation_hash"].as_str().unwrap().to_owned(),
        resource_id: Some(id.to_owned()),
        resource_provider: None,
        resource_type: None,
    };
    service.report_policy_state(access, reported).map(drop)
}

fn update(rule: &PolicyAssignment) -> PolicyAssignmentUpdate {
    PolicyAssignmentUpdate {
        kind: Some(rule.kind),
        name: None,
        description: None,
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: rule.period,
        policy_definition_id: None,
        custom_policy: None,
        parameters: rule.parameters.clone(),
        tags: None,
    }
}

fn volume(id: &str) -> Value {
    json!({"id": id, "provider": "evs", "type": "volumes", "properties": {}})
}

#[test]
fn every_update_of_a_periodic_rule_judges_anew() {
    let product = Product::new();
    product.put(&json!({
        "id": "u", "provider": "iam", "type": "users", "properties": {"credentials":
            [{"status": "active", "create_time": "2026-02-01T00:00:00Z"}]},
    }));
    let rule = product.create(builtin("keys", "access-keys-rotated"));
    product.service.work_off().unwrap();
    let summary = || {
        let summary = product.service.summary_by_assignment(&product.access, &rule.id, None);
        summary.unwrap().resources
    };
    assert_eq!(summary().compliant, 1);
    product.clock.advance(100 * 24 * 3600);
    product.service.update_policy_assignment(&product.access, &rule.id, update(&rule)).unwrap();
    product.service.work_off().unwrap();
    assert_eq!(summary().non_compliant, 1, "the key is older than ninety days now");
}

#[test]
fn a_periodic_rule_judges_on_its_own_runs_only() {
    let product = Product::new();
    let rule = product.create(builtin("keys", "access-keys-rotated"));
    product.clock.advance(60);
    product.put(&json!({
        "id": "u", "provider": "iam", "type": "users", "properties": {"credentials": []},
    }));
    product.clock.advance(60);
    let mut other = builtin("tags", "required-tag-check");
    other.parameters.insert("specifiedTagKey".to_owned(), json!("env"));
    product.create(other);
    product.service.work_off().unwrap();
    let (_, run) = product.service.evaluation_state(&product.access, &rule.id).unwrap();
    assert_eq!(run.trigger, RunTrigger::Created);
    let summary = product.service.summary_by_assignment(&product.access, &rule.id, None).unwrap();
    assert_eq!(summary.resources.compliant, 0, "its last run was before there was any user");
}

#[test]
fn a_type_keeps_the_spelling_first_seen() {
    let product = Product::new();
    product.put(&json!({"id": "a", "provider": "obs", "type": "buckets"}));
    product.put(&json!({"id": "b", "provider": "OBS", "type": "Buckets"}));
    let mut rule = builtin("tags", "required-tag-check");
    rule.parameters.insert("specifiedTagKey".to_owned(), json!("env"));
    product.create(rule);
    product.service.work_off().unwrap();
    let (service, access) = (&product.service, &product.access);
    let page = ruleward_core::Page { limit: 200, after: None };
    let states = service.policy_states_by_domain(access, &StateQuery::default(), page).unwrap();
    let types: Vec<_> = states.items.iter().map(|of| of.resource_type.as_deref()).collect();
    assert_eq!(types, [Some("buckets"), Some("buckets")]);
}

#[test]
fn nothing_is_judged_while_the_recorder_is_off_not_even_by_functions() {
    let product = Product::new();
    product.put(&volume("a"));
    let rule = custom(&product);
    let domain_id = &product.account.domain_id;
    product.service.set_recorder(domain_id, Recorder::OFF).unwrap();
    assert_eq!(report(&product, &rule, "a").unwrap_err().code(), ErrorCode::RecorderOff);
}

#[test]
fn what_is_needed_of_a_parameter_may_be_missing_too() {
    let rule = json!({
        "value": "${needed(parameters('p').a)}", "comparator": "equals", "pattern": 1,
    });
    let policy = Policy::parse(&rule.to_string()).unwrap();
    let parameters = json!({"p": {}});
    let program = policy.compile(parameters.as_object().unwrap()).unwrap();
    let found = crate::engine::judge(program, b"{}");
    assert!(matches!(found, ruleward_policy::Outcome::Undetermined(_)), "{found:?}");
}

#[test]
fn a_resource_counts_once_by_its_worst_verdict() {
    let product = Product::new();
    // Not determined by one rule, judged by another: violated, fine, and not determined only.
    for (id, tags) in [("a", json!({})), ("b", json!({"env": "prod"}))] {
        product.put(&json!({
            "id": id, "provider": "iam", "type": "users", "tags": tags, "properties": {},
        }));
    }
    product.create(builtin("keys", "access-keys-rotated"));
    let mut tags = builtin("tags", "required-tag-check");
    tags.parameters.insert("specifiedTagKey".to_owned(), json!("env"));
    let tags = product.create(tags);
    product.service.work_off().unwrap();
    let counts = || {
        let summary = product.service.summary_by_domain(&product.access, &[]).unwrap();
        let of = summary.resources;
        (of.compliant, of.non_compliant, of.undetermined)
    };
    assert_eq!(counts(), (0, 1, 1));
    product.service.disable_policy_assignment(&product.access, &tags.id).unwrap();
    assert_eq!(counts(), (0, 0, 2));
}

/// The states of a rule, by id of the resource.
fn states(product: &Product, rule: &PolicyAssignment) -> BTreeMap<String, ComplianceState> {
    let page = ruleward_core::Page { limit: 200, after: None };
    let query = StateQuery::default();
    let found =
        product.service.policy_states_by_assignment(&product.access, &rule.id, &query, page);
    found.unwrap().items.into_iter().map(|of| (of.resource_id, of.compliance_state)).collect()
}

fn vault(held: &[&str]) -> Value {
    let held: Vec<_> = held.iter().map(|id| json!({ "id": id })).collect();
    json!({"id": "v", "provider": "CBR", "type": "Vault", "properties": {"resources": held}})
}

#[test]
fn a_change_of_another_resource_is_followed() {
    use ComplianceState::{Compliant, NonCompliant};
    let product = Product::new();
    product.put(&volume("a"));
    product.put(&volume("b"));
    let rule = product.create(builtin("backup", "evs-protected-by-cbr"));
    let work_off = || {
        product.service.work_off().unwrap();
        assert_eq!(product.service.gauges().unwrap().tickets_pending, 0);
        assert_eq!(product.rule(&rule.id).state, AssignmentState::Enabled);
    };
    let of = |pairs: &[(&str, ComplianceState)]| -> BTreeMap<String, ComplianceState> {
        pairs.iter().map(|(id, state)| ((*id).to_owned(), *state)).collect()
    };
    work_off();
    assert_eq!(states(&product, &rule), of(&[("a", NonCompliant), ("b", NonCompliant)]));
    // The first resource of the type, a change, an end.
    product.put(&vault(&["a", "c"]));
    assert_eq!(product.rule(&rule.id).state, AssignmentState::Enabled, "no run is going on");
    work_off();
    assert_eq!(states(&product, &rule), of(&[("a", Compliant), ("b", NonCompliant)]));
    product.put(&vault(&["b", "c"]));
    work_off();
    assert_eq!(states(&product, &rule), of(&[("a", NonCompliant), ("b", Compliant)]));
    // A new resource has no state before the work is done.
    product.put(&volume("c"));
    assert_eq!(states(&product, &rule), of(&[("a", NonCompliant), ("b", Compliant)]));
    work_off();
    let held = [("a", NonCompliant), ("b", Compliant), ("c", Compliant)];
    assert_eq!(states(&product, &rule), of(&held));
    // Nothing waits where nothing changed, nor for what nobody looks up.
    product.put(&vault(&["b", "c"]));
    product.put(&json!({"id": "b", "provider": "obs", "type": "buckets"}));
    assert_eq!(product.service.gauges().unwrap().tickets_pending, 0);
    let kind = ResourceType::new("cbr", "vault");
    product.service.delete_resource(&product.access, "v", Some(&kind)).unwrap();
    work_off();
    let held = [("a", NonCompliant), ("b", NonCompliant), ("c", NonCompliant)];
    assert_eq!(states(&product, &rule), of(&held));
}

#[test]
fn periodic_rules_do_not_follow() {
    let product = Product::new();
    let rule = product.create(builtin("trackers", "cts-tracker-exists"));
    product.service.work_off().unwrap();
    let found = || states(&product, &rule).into_values().collect::<Vec<_>>();
    assert_eq!(found(), [ComplianceState::NonCompliant]);
    product.put(&json!({
        "id": "t", "provider": "cts", "type": "trackers", "properties": {"status": "enabled"},
    }));
    product.service.work_off().unwrap();
    assert_eq!(found(), [ComplianceState::NonCompliant], "before its next run");
    product.service.run_evaluation(&product.access, &rule.id).unwrap();
    product.service.work_off().unwrap();
    assert_eq!(found(), [ComplianceState::Compliant]);
}
