//! The table of comparators, each row in every form in which it can be written.

use ruleward_policy::Outcome;
use ruleward_policy::ast::Comparator;
use serde_json::{Value, json};

use crate::support::{World, compile, run};

fn negated(name: &str) -> Option<&'static str> {
    Some(match name {
        "equals" => "notEquals",
        "in" => "notIn",
        "containsKey" => "notContainsKey",
        "contains" => "notContains",
        "match" => "notMatch",
        _ => return None,
    })
}

fn verdict(rule: &Value, parameters: &Value, resource: &Value) -> bool {
    match run(&compile(rule, parameters), resource.to_string().as_bytes(), &World::default()) {
        Outcome::NonCompliant => true,
        Outcome::Compliant => false,
        Outcome::Undetermined(reason) => panic!("{rule}: {reason}"),
    }
}

/// The answers of all forms, each with a name.
fn answers(comparator: &str, value: &Value, pattern: &Value) -> Vec<(&'static str, bool)> {
    let missing = value.get("$").is_some();
    let mut resource = json!({"id": "x", "q": pattern, "z": 1});
    if !missing {
        resource["p"] = value.clone();
    }
    let parameters = json!({"p": value, "q": pattern});
    let condition = |value: &str, pattern: Value| json!({"value": value, "comparator": comparator, "pattern": pattern});
    let function = |text: String| json!({"value": text, "comparator": "equals", "pattern": true});
    let mut forms = vec![
        ("literal", condition("${resource().p}", pattern.clone())),
        ("parameter", condition("${resource().p}", json!("${parameters('q')}"))),
        ("function", function(format!("${{{comparator}(resource().p, parameters('q'))}}"))),
        (
            "in a filter",
            json!({
                "value": format!("${{length(filter(parameters('one'), lambda x: {comparator}(resource().p, parameters('q'))))}}"),
                "comparator": "equals", "pattern": 1
            }),
        ),
    ];
    if !missing {
        forms.push(("folded", condition("${parameters('p')}", json!("${parameters('q')}"))));
    }
    if !comparator.to_lowercase().ends_with("match") {
        forms.push(("both read", condition("${resource().p}", json!("${resource().q}"))));
        forms.push((
            "both read, function",
            function(format!("${{{comparator}(coalesce(resource().p), coalesce(resource().q))}}")),
        ));
    }
    let mut parameters = parameters;
    parameters["one"] = json!([1]);
    forms.into_iter().map(|(name, rule)| (name, verdict(&rule, &parameters, &resource))).collect()
}

#[test]
fn the_table_holds_in_every_form() {
    let table: Value = serde_json::from_str(include_str!("../data/comparators.json")).unwrap();
    let table = table.as_object().unwrap();
    for comparator in Comparator::ALL {
        let (positive, _) = comparator.positive();
        assert!(table.contains_key(positive.name()), "no row for {}", positive.name());
    }
    let mut faults = Vec::new();
    for (comparator, rows) in table.iter().filter(|(name, _)| *name != "about") {
        for row in rows.as_array().unwrap() {
            let expected = row[2].as_bool().unwrap();
            for (form, answer) in answers(comparator, &row[0], &row[1]) {
                if answer != expected {
                    faults.push(format!("{comparator} {row} as {form}: {answer}"));
                }
            }
            let Some(negated) = negated(comparator) else { continue };
            for (form, answer) in answers(negated, &row[0], &row[1]) {
                if answer == expected {
                    faults.push(format!("{negated} {row} as {form}: {answer}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
