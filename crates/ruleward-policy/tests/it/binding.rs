//! Values for parameters.

use ruleward_policy::catalogue;
use serde_json::{Map, Value, json};

fn bind(policy: &str, given: Value) -> Result<Value, String> {
    let Value::Object(given) = given else { panic!("an object") };
    let definition = catalogue().by_name(policy).unwrap();
    definition.bind_parameters(&given).map(Value::Object).map_err(|error| error.to_string())
}

#[test]
fn integers_come_in_three_spellings() {
    for spelling in [json!(30), json!("30"), json!("\"30\"")] {
        let bound = bind("access-keys-rotated", json!({"maxAccessKeyAge": spelling})).unwrap();
        assert_eq!(bound, json!({"maxAccessKeyAge": 30}));
    }
    assert_eq!(bind("access-keys-rotated", json!({})).unwrap(), json!({"maxAccessKeyAge": 90}));
    let null = json!({"maxAccessKeyAge": null});
    assert_eq!(bind("access-keys-rotated", null).unwrap(), json!({"maxAccessKeyAge": 90}));
    for wrong in [json!("abc"), json!(1.5), json!(true), json!([30]), json!(0), json!("")] {
        assert!(bind("access-keys-rotated", json!({"maxAccessKeyAge": wrong})).is_err());
    }
}

#[test]
fn lists_come_as_lists_or_as_text() {
    for (given, expected) in [
        (json!(["a", "b"]), json!(["a", "b"])),
        (json!("[\"a\", \"b\"]"), json!(["a", "b"])),
        (json!("[a, b]"), json!(["a", "b"])),
        (json!("[a-1.x]"), json!(["a-1.x"])),
        (json!("[]"), json!([])),
        (json!([]), json!([])),
    ] {
        let bound = bind("allowed-ecs-flavors", json!({"listOfAllowedFlavors": given})).unwrap();
        assert_eq!(bound["listOfAllowedFlavors"], expected);
    }
    for wrong in [
        json!("a, b"),
        json!("[a,,b]"),
        json!("[a"),
        json!("[\"a]"),
        json!({"a": 1}),
        json!([["a"]]),
        json!([null]),
        json!((0..11).collect::<Vec<_>>()),
        json!(7),
    ] {
        let given = json!({"listOfAllowedFlavors": wrong});
        assert!(bind("allowed-ecs-flavors", given.clone()).is_err(), "{given}");
    }
}

#[test]
fn names_are_checked_and_values_required() {
    let unknown = bind("ecs-instance-in-vpc", json!({"vpcId": "a", "vpcid": "b"})).unwrap_err();
    assert_eq!(unknown, "parameter `vpcid`: the policy has no such parameter");
    let required = bind("ecs-instance-in-vpc", json!({})).unwrap_err();
    assert_eq!(required, "parameter `vpcId`: a value is required");
    assert!(bind("ecs-instance-in-vpc", json!({"vpcId": 7})).is_err());
    let optional = bind("required-tag-check", json!({"specifiedTagKey": "a"})).unwrap();
    assert_eq!(optional, json!({"specifiedTagKey": "a", "specifiedTagValue": null}));
    let none = catalogue().by_name("eip-unbound-check").unwrap();
    assert_eq!(none.bind_parameters(&Map::new()).unwrap(), Map::new());
}
