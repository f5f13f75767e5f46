//! Verdicts of the engine against those of the tree walker.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use ruleward_oracle::{Verdict, World, evaluate};
use ruleward_policy::ast::{Comparator, Function, Quantifier};
use ruleward_policy::{Environment, Outcome, Policy, ProgramSet, Scratch, explain};
use serde_json::{Map, Value, json};

use crate::support::{Tape, config, spelled, tape};

/// The same world, as the engine asks for it.
struct Asked<'w>(&'w World);

impl Environment for Asked<'_> {
    fn now_ms(&self) -> i64 {
        self.0.now_ms
    }

    fn recorder_enabled(&self) -> Option<bool> {
        self.0.recorder.as_ref()?["enabled"].as_bool()
    }

    fn recorder(&self) -> Option<Arc<[u8]>> {
        self.0.recorder.as_ref().map(body)
    }

    fn account(&self) -> Option<Arc<[u8]>> {
        self.0.account.as_ref().map(body)
    }

    fn resources(&self, provider_type: &str) -> Result<Arc<[Arc<[u8]>]>, String> {
        let found = self.0.inventory.get(provider_type).ok_or("not available")?;
        Ok(found.iter().map(body).collect())
    }
}

fn body(value: &Value) -> Arc<[u8]> {
    Arc::from(value.to_string().into_bytes())
}

const KEYS: [&str; 7] = ["a", "b", "tags", "type", "q\"\\\n", "é", ""];
const TEXTS: [&str; 20] = [
    "a",
    "b",
    "ab",
    "",
    "é",
    "1",
    "q\"\\\n",
    "2026-01-10T23:59:59.999Z",
    "A b ",
    "true",
    "-1.5",
    "10.0.0.0/8",
    "10.1.2.3",
    "::ffff:1.2.3.4",
    "20-30,80",
    "8.0.28",
    "v8.1-r2",
    "*a?",
    "%b_",
    "{\"a\": [1, null]}",
];
const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "1.0",
    "-0",
    "1e0",
    "2",
    "0.5",
    "9007199254740993",
    "9007199254740992",
    "123456789012345678901234567890",
    "1e400",
    "1000000000000",
    "-3.5",
];
const NOW_MS: i64 = 1_768_089_599_999;

pub(crate) fn scalar(tape: &mut Tape) -> Value {
    match tape.below(6) {
        0 | 1 => Value::String((tape.pick(&TEXTS)).to_owned()),
        2 | 3 => serde_json::from_str(tape.pick(&NUMBERS)).unwrap(),
        4 => Value::Bool(tape.below(2) == 0),
        _ => Value::Null,
    }
}

fn value(tape: &mut Tape, depth: usize) -> Value {
    match tape.below(if depth == 0 { 3 } else { 7 }) {
        0..=2 => scalar(tape),
        3 | 4 => {
            let length = tape.below(4);
            Value::Array((0..length).map(|_| value(tape, depth - 1)).collect())
        }
        _ => object(tape, depth - 1),
    }
}

fn object(tape: &mut Tape, depth: usize) -> Value {
    let length = tape.below(5);
    (0..length)
        .map(|_| ((tape.pick(&KEYS)).to_owned(), value(tape, depth)))
        .collect::<Map<_, _>>()
        .into()
}

fn resource(tape: &mut Tape) -> Value {
    let mut resource = object(tape, 3);
    resource["properties"] = value(tape, 3);
    if !tape.once_in(5) {
        resource["provider"] = json!(tape.pick(&["ecs", "evs"]));
        resource["type"] = json!(tape.pick(&["servers", "volumes"]));
    }
    resource
}

fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}

fn path(tape: &mut Tape, variables: &[String]) -> String {
    let mut path = if variables.is_empty() || tape.below(2) == 0 {
        (tape.pick(&["resource().properties", "resource()", "parameters('p')"])).to_owned()
    } else {
        tape.pick(variables)
    };
    for _ in 0..tape.below(3) {
        let key = tape.pick(&KEYS);
        if key.is_ascii() && !key.is_empty() && !key.contains('"') {
            path = format!("{path}.{key}");
        } else {
            path = format!("{path}[{}]", quoted(key));
        }
    }
    path
}

fn expression(tape: &mut Tape, depth: usize, variables: &mut Vec<String>) -> String {
    if depth == 0 || tape.below(3) == 0 {
        return match tape.below(9) {
            0..=4 => path(tape, variables),
            5 => quoted(tape.pick(&TEXTS)),
            6 => (tape.pick(&NUMBERS)).to_owned(),
            7 => (tape.pick(&["true", "false", "null", "parameters('t')"])).to_owned(),
            _ => (tape.pick(&[
                "recorder().enabled",
                "recorder()",
                "account().id",
                "account()",
                "resources('a.b')",
                "resources('no.where')",
            ]))
            .to_owned(),
        };
    }
    let mut inner = |tape: &mut Tape| expression(tape, depth - 1, variables);
    match tape.below(19) {
        13..=15 => {
            let function = tape.pick(Function::ALL);
            let (least, most) = function.arguments();
            let count = least.max(most.min(2));
            let parts: Vec<_> = (0..count).map(|_| inner(tape)).collect();
            format!("{}({})", function.name(), parts.join(", "))
        }
        16 => {
            let parts: Vec<_> = (0..tape.below(3)).map(|_| inner(tape)).collect();
            format!("[{}]", parts.join(", "))
        }
        17 | 18 => {
            let list = inner(tape);
            let quantifier = tape.pick(&Quantifier::ALL).name();
            variables.push("z".to_owned());
            let body = expression(tape, depth - 1, variables);
            variables.pop();
            format!("{quantifier}({list}, lambda z: {body})")
        }
        0 | 1 => format!("length({})", inner(tape)),
        2 => format!("not({})", inner(tape)),
        3 => format!("needed({})", inner(tape)),
        4 => format!("daysSince({})", inner(tape)),
        5 => format!("getValue({}, {})", inner(tape), inner(tape)),
        6 | 7 => {
            let name = tape.pick(&["and", "or", "coalesce"]);
            let parts: Vec<_> = (0..=tape.below(3)).map(|_| inner(tape)).collect();
            format!("{name}({})", parts.join(", "))
        }
        8 | 9 => {
            let list = inner(tape);
            // An inner variable may hide an outer one.
            let variable = (tape.pick(&["x", "y"])).to_owned();
            variables.push(variable.clone());
            let body = expression(tape, depth - 1, variables);
            variables.pop();
            format!("filter({list}, lambda {variable}: {body})")
        }
        _ => {
            let comparator = tape.pick(&Comparator::ALL);
            let right = match comparator {
                Comparator::Match | Comparator::NotMatch => pattern(tape),
                _ => inner(tape),
            };
            format!("{}({}, {right})", comparator.name(), inner(tape))
        }
    }
}

fn pattern(tape: &mut Tape) -> String {
    match tape.below(16) {
        12 | 13 => return "parameters('r')".to_owned(),
        14 => return "parameters('r').missing".to_owned(),
        15 => return "needed(parameters('r').missing)".to_owned(),
        _ => {}
    }
    quoted(tape.pick(&["^a", "b$", "^.$", "[0-9]+", "", "(?i)A"]))
}

fn condition(tape: &mut Tape) -> Value {
    let comparator = tape.pick(&Comparator::ALL);
    let side = |tape: &mut Tape| {
        if tape.below(3) == 0 {
            value(tape, 2)
        } else {
            Value::String(format!("${{{}}}", expression(tape, 3, &mut Vec::new())))
        }
    };
    let value = side(tape);
    let pattern = match comparator {
        Comparator::Match | Comparator::NotMatch => {
            Value::String(format!("${{{}}}", pattern(tape)))
        }
        _ => side(tape),
    };
    json!({"value": value, "comparator": comparator.name(), "pattern": pattern})
}

fn guard(tape: &mut Tape, field: &str, of: &[&str]) -> Value {
    json!({"value": format!("${{resource().{field}}}"), "comparator": "equals", "pattern": tape.pick(of)})
}

fn rule(tape: &mut Tape, depth: usize) -> Value {
    match tape.below(if depth == 0 { 2 } else { 7 }) {
        0 | 1 => condition(tape),
        2 => {
            let parts: Vec<_> = (0..=tape.below(3)).map(|_| rule(tape, depth - 1)).collect();
            json!({ "anyOf": parts })
        }
        3 => json!({"not": rule(tape, depth - 1)}),
        4 => {
            let parts: Vec<_> = (0..=tape.below(3)).map(|_| rule(tape, depth - 1)).collect();
            json!({ "allOf": parts })
        }
        _ => {
            let mut parts = vec![
                guard(tape, "provider", &["ecs", "evs"]),
                guard(tape, "type", &["servers", "volumes"]),
            ];
            if tape.below(2) == 0 {
                parts.reverse();
            }
            parts.extend((0..=tape.below(2)).map(|_| rule(tape, depth - 1)));
            json!({ "allOf": parts })
        }
    }
}

fn world(tape: &mut Tape) -> World {
    let mut inventory = BTreeMap::new();
    let length = tape.below(4);
    inventory.insert("a.b".to_owned(), (0..length).map(|_| object(tape, 2)).collect());
    let recorder =
        tape.pick(&[Some(json!({"enabled": true})), Some(json!({"enabled": false, "a": 1})), None]);
    let account = tape.pick(&[Some(json!({"id": "a", "b": ["é"]})), None]);
    World { now_ms: NOW_MS, recorder, account, inventory }
}

fn verdict(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Compliant => Verdict::Compliant,
        Outcome::NonCompliant => Verdict::NonCompliant,
        Outcome::Undetermined(_) => Verdict::Undetermined,
    }
}

/// What the engine alone says, in an empty world.
pub(crate) fn judge(program: ruleward_policy::Program, resource: &[u8]) -> Outcome {
    let mut outcomes = Vec::new();
    let set = ProgramSet::new(&[Arc::new(program)]);
    set.evaluate(&mut Scratch::new(), resource, &Asked(&World::default()), &mut outcomes);
    outcomes[0]
}

/// Judges by both, alone and in a set, and explains.
pub(crate) fn agree(
    policies: &[(&str, &Policy, Map<String, Value>)],
    resource: &Value,
    text: &str,
    world: &World,
) -> Result<(), TestCaseError> {
    let asked = Asked(world);
    let programs: Vec<_> = policies
        .iter()
        .map(|(_, policy, parameters)| Arc::new(policy.compile(parameters).unwrap()))
        .collect();
    let mut outcomes = Vec::new();
    ProgramSet::new(&programs).evaluate(
        &mut Scratch::new(),
        text.as_bytes(),
        &asked,
        &mut outcomes,
    );
    for (((name, policy, parameters), program), outcome) in
        policies.iter().zip(&programs).zip(&outcomes)
    {
        let expected = evaluate(policy, parameters, resource, world);
        prop_assert_eq!(
            verdict(*outcome),
            expected,
            "{} with {:?} on {} in {:?}",
            name,
            parameters,
            resource,
            world
        );
        let explained = explain(program, text.as_bytes(), &asked).outcome;
        let found = match expected {
            Verdict::Compliant => "compliant",
            Verdict::NonCompliant => "non_compliant",
            Verdict::Undetermined => "undetermined",
        };
        prop_assert_eq!(explained, found, "{} with {:?} on {}", name, parameters, resource);
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn random_policies_on_random_resources(mut tape in tape(160)) {
        let world = world(&mut tape);
        let resource = resource(&mut tape);
        let text = spelled(&resource, &mut tape);
        let text = text.trim_start();
        let parameters = json!({
            "p": value(&mut tape, 2),
            "t": tape.pick(&TEXTS),
            "r": tape.pick(&["^a", "b"]),
        });
        let parameters = parameters.as_object().unwrap();
        let rules: Vec<_> = (0..3).map(|_| rule(&mut tape, 2).to_string()).collect();
        let needs = [vec![], vec!["properties.a".to_owned()], vec!["tags".to_owned(), "b".to_owned()]];
        let policies: Vec<_> = rules.iter().map(|text| match Policy::parse(text) {
            Ok(policy) => policy.with_needs(&tape.pick(&needs)).unwrap(),
            Err(error) => panic!("{error}: {text}"),
        }).collect();
        let bound: Vec<_> = rules
            .iter()
            .zip(&policies)
            .map(|(text, policy)| (text.as_str(), policy, parameters.clone()))
            .collect();
        agree(&bound, &resource, text, &world)?;
    }
}
