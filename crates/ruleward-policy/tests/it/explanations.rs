//! Explanations as they go out.

use ruleward_policy::{catalogue, explain};
use serde_json::{Value, json};

use crate::support::{World, compile};

fn explained(policy: &str, given: &Value, resource: &Value) -> Value {
    let definition = catalogue().by_name(policy).unwrap();
    let bound = definition.bind_parameters(given.as_object().unwrap()).unwrap();
    let program = definition.policy.compile(&bound).unwrap();
    let body = resource.to_string();
    serde_json::to_value(explain(&program, body.as_bytes(), &World::default())).unwrap()
}

#[test]
fn a_violation_names_its_condition_and_the_value_seen() {
    let given = json!({"specifiedTagKey": "env", "specifiedTagValue": ["prod"]});
    let tree = explained("required-tag-check", &given, &json!({"tags": {"env": "test"}}));
    assert_eq!(tree["outcome"], "non_compliant");
    assert_eq!(tree["decisive"], json!(["/anyOf/1/allOf/0", "/anyOf/1/allOf/1"]));
    let rule = &tree["rule"];
    assert_eq!(rule["kind"], "anyOf");
    assert_eq!(rule["parts"][0]["matched"], false);
    let deciding = &rule["parts"][1]["parts"][1];
    assert_eq!(
        *deciding,
        json!({
            "pointer": "/anyOf/1/allOf/1", "kind": "condition", "matched": true, "decisive": true,
            "value": "getValue(resource().tags, parameters('specifiedTagKey'))",
            "reads": [{"path": "tags.env", "present": true, "value": "test"}],
            "actual": "test", "comparator": "notIn",
            "pattern": "parameters('specifiedTagValue')", "expected": ["prod"]
        })
    );
}

#[test]
fn what_is_not_reached_is_null() {
    let tree = explained("eip-unbound-check", &json!({}), &json!({"provider": "evs", "type": "x"}));
    assert_eq!(tree["outcome"], "compliant");
    assert_eq!(tree["decisive"], json!(["/allOf/0"]));
    let parts = &tree["rule"]["parts"];
    assert_eq!((&parts[0]["matched"], &parts[0]["actual"]), (&json!(false), &json!("evs")));
    assert_eq!((&parts[2]["matched"], &parts[2]["actual"]), (&Value::Null, &Value::Null));
}

#[test]
fn an_open_verdict_says_why() {
    let tree = explained("cts-obs-bucket-track", &json!({"trackBucket": "a"}), &json!({}));
    assert_eq!(tree["outcome"], "undetermined");
    assert_eq!(tree["reason"], "lookup_unavailable");
    assert_eq!(tree["decisive"], json!([""]));
    assert_eq!(tree["rule"]["reason"], "lookup_unavailable");
    let program =
        compile(&json!({"not": {"value": 1, "comparator": "equals", "pattern": 1}}), &Value::Null);
    let broken = explain(&program, b"nonsense", &World::default());
    assert_eq!((broken.outcome, broken.rule), ("undetermined", None));
}

#[test]
fn lists_found_by_filter_are_shown() {
    let rule = json!({"not": {
        "value": "${filter(resource().list, lambda x: greater(x, 1))}", "comparator": "equals", "pattern": []
    }});
    let program = compile(&rule, &Value::Null);
    let tree = explain(&program, br#"{"list": [1, 2, 3.50]}"#, &World::default());
    let tree = serde_json::to_value(tree).unwrap();
    assert_eq!(tree["outcome"], "non_compliant");
    let part = &tree["rule"]["parts"][0];
    assert_eq!(part["pointer"], "/not");
    assert_eq!(part["actual"].to_string(), "[2,3.50]");
}
