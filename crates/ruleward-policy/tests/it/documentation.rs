//! What `docs/policy-language.md` says, tried out.

use ruleward_policy::ast::{Comparator, Function, Quantifier};
use ruleward_policy::{Outcome, PolicyDefinition, Severity, format, run_cases};
use serde_json::json;

use crate::support::{World, compile, run};

const TEXT: &str = include_str!("../../../../docs/policy-language.md");

/// The pairs `expression` → `value` of the tables.
fn examples() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    for line in TEXT.lines().filter(|line| line.contains("` → `")) {
        let (before, after) = line.split_once("` → `").unwrap();
        let expression = before.rsplit_once('`').unwrap().1;
        found.push((expression, after.split_once('`').unwrap().0));
    }
    found
}

#[test]
fn every_example_is_true() {
    let mut world = World { now_ms: 1_767_312_000_000, recorder: Some(true), ..World::default() }
        .with("cbr.vault", &json!([{"id": "v"}]));
    world.account = Some(json!({"id": "acc-1"}));
    let resource = json!({"name": "web-1", "tags": {"env": "prod", "owner": "web"}}).to_string();
    let parameters = json!({"teams": ["web", "data"]});
    assert!(examples().len() > 60, "{}", examples().len());
    for (expression, value) in examples() {
        let rule = json!({
            "value": format!("${{equals({expression}, {value})}}"), "comparator": "equals", "pattern": true
        });
        let outcome = run(&compile(&rule, &parameters), resource.as_bytes(), &world);
        assert_eq!(outcome, Outcome::NonCompliant, "{expression} → {value}");
    }
}

#[test]
fn every_policy_on_the_page_works() {
    let mut count = 0;
    for block in TEXT.split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let definition = PolicyDefinition::from_yaml(text).unwrap();
        let report = run_cases(&definition, definition.cases());
        assert!(report.passed(), "{report:#?}");
        let lints = definition.lint();
        assert!(lints.iter().all(|lint| lint.severity < Severity::Error), "{lints:#?}");
        assert_eq!(format(text).unwrap(), text);
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn everything_has_its_line() {
    let (_, functions) = TEXT.split_once("## Functions").unwrap();
    for name in Function::ALL.iter().map(|function| function.name()) {
        assert!(functions.contains(&format!("`{name}(")), "{name}");
    }
    for name in Quantifier::ALL.iter().map(|quantifier| quantifier.name()) {
        assert!(functions.contains(&format!("| `{name}(list, lambda x: …)` |")), "{name}");
    }
    let (_, comparators) = TEXT.split_once("## Comparators").unwrap();
    for name in Comparator::ALL.iter().map(|comparator| comparator.name()) {
        assert!(comparators.contains(&format!("`{name}`")), "{name}");
    }
}
