//! Explanations: which conditions decided, and whether what is stored is still so.

use ruleward_types::{ErrorCode, ResourceType};
use serde_json::{Value, json};

use crate::support::{House, builtin, code, custom, volume};

fn explain(house: &House, rule: &ruleward_types::PolicyAssignment, id: &str) -> Value {
    house.service.explanation(&house.access, &rule.id, id, None).unwrap()
}

#[test]
fn a_violation_names_property_actual_and_expected_value() {
    let house = House::new();
    house.put(&volume("v", "available"));
    let rule = house.create(builtin("a", "volume-unused-check"));
    let found = explain(&house, &rule, "v");
    assert_eq!(found["policy_assignment_id"], rule.id.as_str());
    assert_eq!(found["policy_assignment_revision"], rule.revision.as_str());
    assert_eq!(found["policy_assignment_state"], "Enabled");
    assert_eq!(found["resource_id"], "v");
    assert!(found["resource_version"].is_i64());
    assert_eq!(found["stored_state"], "NonCompliant");
    assert_eq!(found["current_state"], "NonCompliant");
    assert_eq!(found["agrees"], true);
    let text = found["explanation"].to_string();
    for word in ["non_compliant", "status", "available"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn it_says_when_what_is_stored_is_older() {
    let house = House::new();
    house.put(&volume("v", "available"));
    let rule = house.create(builtin("a", "volume-unused-check"));
    house.service.disable_policy_assignment(&house.access, &rule.id).unwrap();
    house.put(&volume("v", "in-use"));
    let found = explain(&house, &rule, "v");
    assert_eq!(found["stored_state"], "NonCompliant");
    assert_eq!(found["current_state"], "Compliant");
    assert_eq!(found["agrees"], false);
    assert_eq!(found["policy_assignment_state"], "Disabled");
}

#[test]
fn out_of_scope_and_undetermined_have_their_names() {
    let house = House::new();
    house.put(&json!({"id": "u", "provider": "iam", "type": "users", "properties": {}}));
    house.put(&volume("v", "available"));
    let keys = house.create(builtin("k", "access-keys-rotated"));
    let found = explain(&house, &keys, "u");
    assert_eq!(found["stored_state"], "Undetermined");
    assert_eq!(found["current_state"], "Undetermined");
    assert!(found["explanation"].to_string().contains("credentials"));
    let found = explain(&house, &keys, "v");
    assert_eq!((&found["stored_state"], &found["agrees"]), (&json!("OutOfScope"), &json!(true)));
    assert_eq!(house.states(), [], "what is not determined has no state");
    let (_, run) = house.service.evaluation_state(&house.access, &keys.id).unwrap();
    assert_eq!((run.judged, run.undetermined), (1, 1));
    assert!(run.reason.is_some_and(|reason| reason.contains("missing")));
}

#[test]
fn the_account_can_be_explained() {
    let house = House::new();
    let rule = house.create(builtin("t", "tracker-config-enabled-check"));
    let found = explain(&house, &rule, &house.account.domain_id.clone());
    assert_eq!(found["stored_state"], "Compliant");
    assert_eq!(found["agrees"], true);
}

#[test]
fn reported_states_are_told_as_such() {
    let house = House::new();
    house.put(&volume("v", "available"));
    let rule = house.create(custom("f"));
    let found = explain(&house, &rule, "v");
    assert_eq!((&found["stored_state"], &found["reported"]), (&json!("OutOfScope"), &Value::Null));
}

#[test]
fn an_ambiguous_id_needs_its_type() {
    let house = House::new();
    house.put(&volume("v", "available"));
    house.put(&json!({"id": "v", "provider": "obs", "type": "buckets"}));
    let rule = house.create(builtin("a", "volume-unused-check"));
    let (service, access) = (&house.service, &house.access);
    assert_eq!(
        code(service.explanation(access, &rule.id, "v", None)),
        ErrorCode::ResourceAmbiguous
    );
    let kind = ResourceType::new("evs", "VOLUMES");
    let found = service.explanation(access, &rule.id, "v", Some(&kind)).unwrap();
    assert_eq!(found["stored_state"], "NonCompliant");
    assert_eq!(code(service.explanation(access, &rule.id, "x", None)), ErrorCode::NotFound);
}
