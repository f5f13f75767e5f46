//! The table of functions, each row in every form in which it can be written.

use ruleward_policy::ast::{Function, Quantifier};
use ruleward_policy::{Outcome, explain};
use serde_json::{Value, json};

use crate::support::{World, compile, run};

/// 2026-01-01T00:00:00Z
const NOW_MS: i64 = 1_767_225_600_000;

fn is_missing(value: &Value) -> bool {
    value.get("$").is_some()
}

/// The calls of one row, each with a name.
fn calls(function: &str, arguments: &[Value]) -> Vec<(&'static str, String)> {
    if function == "lambda" {
        let call = arguments[0].as_str().unwrap();
        let with = |x: &str| {
            // `x` stands alone as a word.
            let mut text = String::new();
            let mut before = ' ';
            let mut letters = call.chars().peekable();
            while let Some(letter) = letters.next() {
                let word = |c: char| c.is_alphanumeric() || c == '\'';
                let after = letters.peek().copied().unwrap_or(' ');
                if letter == 'x' && !word(before) && !word(after) {
                    text.push_str(x);
                } else {
                    text.push(letter);
                }
                before = letter;
            }
            text
        };
        return vec![
            ("read", with("resource().a1")),
            ("parameter", with("parameters('a1')")),
            ("within a lambda", format!("at(map([1], lambda one: {}), 0)", with("resource().a1"))),
        ];
    }
    let with = |root: &dyn Fn(usize) -> String| {
        let arguments: Vec<_> = (0..arguments.len()).map(root).collect();
        format!("{function}({})", arguments.join(", "))
    };
    let read = with(&|number| format!("resource().a{number}"));
    vec![
        ("read", read.clone()),
        ("parameter", with(&|number| format!("parameters('a{number}')"))),
        ("coalesced", with(&|number| format!("coalesce(resource().a{number})"))),
        ("within a lambda", format!("at(map([1], lambda one: {read}), 0)")),
    ]
}

#[test]
fn the_table_holds_in_every_form() {
    let table: Value = serde_json::from_str(include_str!("../data/functions.json")).unwrap();
    let world = World { now_ms: NOW_MS, ..World::default() };
    let mut faults = Vec::new();
    for (function, rows) in table.as_object().unwrap().iter().filter(|(name, _)| *name != "about") {
        for row in rows.as_array().unwrap() {
            let arguments = row[0].as_array().unwrap();
            let mut resource = json!({"id": "x"});
            let mut parameters = json!({});
            for (number, argument) in arguments.iter().enumerate() {
                let name = format!("a{number}");
                parameters[&name] =
                    if is_missing(argument) { Value::Null } else { argument.clone() };
                if !is_missing(argument) {
                    resource[&name] = argument.clone();
                }
            }
            let body = resource.to_string();
            for (form, call) in calls(function, arguments) {
                let rule = if is_missing(&row[1]) {
                    json!({"value": format!("${{isNull({call})}}"), "comparator": "equals", "pattern": true})
                } else {
                    json!({"value": format!("${{{call}}}"), "comparator": "equals", "pattern": row[1]})
                };
                let program = compile(&rule, &parameters);
                if run(&program, body.as_bytes(), &world) != Outcome::NonCompliant {
                    let shown = json!({"value": format!("${{{call}}}"), "comparator": "equals", "pattern": row[1]});
                    let program = compile(&shown, &parameters);
                    let told = explain(&program, body.as_bytes(), &world);
                    let condition = told.rule.and_then(|rule| rule.condition);
                    let actual = condition.map(|condition| condition.actual);
                    faults.push(format!("{function} {row} as {form}: {} {actual:?}", told.outcome));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_has_every_function() {
    let table: Value = serde_json::from_str(include_str!("../data/functions.json")).unwrap();
    let elsewhere = ["length", "getValue", "and", "or", "not", "coalesce", "needed"];
    for function in Function::ALL {
        let name = function.name();
        assert!(elsewhere.contains(&name) || table.get(name).is_some(), "no row for {name}");
        assert_eq!(Function::from_name(name), Some(*function));
    }
    let lambdas = table["lambda"].to_string();
    for quantifier in Quantifier::ALL {
        assert!(lambdas.contains(&format!("{}(", quantifier.name())));
    }
}

#[test]
fn what_is_made_is_bounded() {
    // Doubled again and again, a text would fill the memory.
    let double = (0..6).fold("resource().t".to_owned(), |inner, _| {
        format!("any([{inner}], lambda a: any([concat(a, a)], lambda b: equals(b, 'x')))")
    });
    let rule = json!({"value": format!("${{{double}}}"), "comparator": "equals", "pattern": true});
    let long = json!({"t": "a".repeat(200_000)}).to_string();
    run(&compile(&rule, &Value::Null), long.as_bytes(), &World::default());
    let mut text = "resource().t".to_owned();
    for _ in 0..4 {
        text = format!("concat({text}, {text}, {text})");
    }
    let rule =
        json!({"value": format!("${{length({text})}}"), "comparator": "greater", "pattern": 0});
    let outcome = run(&compile(&rule, &Value::Null), long.as_bytes(), &World::default());
    assert!(matches!(outcome, Outcome::Undetermined(_)), "{outcome:?}");
    // Many small pieces end without nesting.
    let many = json!({"l": (0..10_000).collect::<Vec<_>>()}).to_string();
    let rule = json!({"value": "${length(map(resource().l, lambda n: string(add(n, 1))))}", "comparator": "equals", "pattern": 10_000});
    let outcome = run(&compile(&rule, &Value::Null), many.as_bytes(), &World::default());
    assert_eq!(outcome, Outcome::NonCompliant);
}
