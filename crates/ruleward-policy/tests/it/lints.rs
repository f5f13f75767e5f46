//! What the linter finds.

use ruleward_policy::{Policy, PolicyDefinition, Severity, catalogue};
use serde_json::Value;

#[test]
fn the_table_holds() {
    let rows: Value = serde_json::from_str(include_str!("../data/lints.json")).unwrap();
    let mut faults = Vec::new();
    for row in rows.as_array().unwrap() {
        let found = Policy::parse(&row[0].to_string()).unwrap().lint();
        let expected = row[1].as_array().unwrap();
        let as_expected = found.len() == expected.len()
            && expected.iter().all(|one| {
                let (pointer, part) = (one[0].as_str().unwrap(), one[1].as_str().unwrap());
                found.iter().any(|lint| lint.pointer == pointer && lint.message.contains(part))
            });
        if !as_expected {
            faults.push(format!("{}: {found:#?}", row[0]));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn findings_name_their_place() {
    let rule = "{\"allOf\": [\n  {\"value\": \"${resource().a}\", \"comparator\": \"in\", \"pattern\": []}\n]}";
    let found = Policy::parse(rule).unwrap().lint();
    assert_eq!((found[1].line, found[1].column, found[1].severity), (2, 3, Severity::Error));
    assert_eq!(serde_json::to_value(&found[1]).unwrap()["severity"], "error");
}

#[test]
fn the_catalogue_has_no_errors() {
    let mut faults = Vec::new();
    for definition in catalogue().list() {
        for lint in definition.lint() {
            if lint.severity == Severity::Error {
                faults.push(format!("{}: {} {}", definition.name, lint.pointer, lint.message));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

const FILE: &str = "
name: my-policy
display_name: Mine
description: Mine
trigger_type: resource
default_resource_types: [{provider: ecs, type: cloudservers}]
parameters:
  days: {type: Integer, description: Days}
policy_rule:
  allOf:
    - {value: '${resource().provider}', comparator: equals, pattern: ecs}
    - {value: '${resource().type}', comparator: equals, pattern: cloudservers}
    - {value: \"${resource().properties.days}\", comparator: equals, pattern: \"${parameters('days')}\"}
cases:
  - {name: a, parameters: {days: 1}, resource: {}, expect: compliant}
";

#[test]
fn definitions_are_looked_at_as_a_whole() {
    let found = |from: &str, to: &str| {
        assert!(FILE.contains(from), "{from}");
        let lints = PolicyDefinition::from_yaml(&FILE.replace(from, to)).unwrap().lint();
        lints.into_iter().map(|lint| lint.message).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(found("Mine", "Mine"), "");
    let rows = [
        ("type: cloudservers}]", "type: servers}]", "asks for ecs.cloudservers"),
        ("type: cloudservers}]", "type: servers}]", "ecs.servers is a default resource type"),
        ("pattern: ecs}", "pattern: evs}", "asks for evs.cloudservers"),
        (
            "comparator: equals, pattern: \"",
            "comparator: in, pattern: \"",
            "`in` of any value and a number",
        ),
        (
            "trigger_type: resource",
            "trigger_type: resource\nsubject: account",
            "has no resource types",
        ),
        ("trigger_type: resource", "trigger_type: resource\nneeds: [tags.a]", "`tags.a` is needed"),
        (
            "trigger_type: resource",
            "trigger_type: resource\nprovenance: assumed",
            "it should say what it needs",
        ),
        (
            "resource().properties.days",
            "daysSince(resource().created)",
            "trigger type should be period",
        ),
        (
            "resource().properties.days",
            "length(resources('ecs.cloudservers'))",
            "looks up ecs.cloudservers",
        ),
        (
            "cases:\n  - {name: a, parameters: {days: 1}, resource: {}, expect: compliant}\n",
            "",
            "has no cases",
        ),
    ];
    for (from, to, message) in rows {
        let told = found(from, to);
        assert!(told.contains(message), "{to}: {told}");
    }
    let needs = found("trigger_type: resource", "trigger_type: resource\nneeds: [properties.days]");
    assert_eq!(needs, "");
}
