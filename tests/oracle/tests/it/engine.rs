//! Verdicts of the engine against those of the tree walker.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;
use ruleward_oracle::{Verdict, World, evaluate};
use ruleward_policy::ast::Comparator;
use ruleward_policy::{
    Environment, Outcome, ParameterType, Policy, ProgramSet, Scratch, catalogue, explain,
};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use crate::support::{Tape, config, spelled, tape};

/// The same world, as the engine asks for it.
struct Asked<'w>(&'w World);

impl Environment for Asked<'_> {
    fn now_ms(&self) -> i64 {
        self.0.now_ms
    }

    fn recorder_enabled(&self) -> Option<bool> {
        self.0.recorder
    }

    fn resources(&self, provider_type: &str) -> Result<Arc<[Arc<[u8]>]>, String> {
        let found = self.0.inventory.get(provider_type).ok_or("not available")?;
        Ok(found.iter().map(|body| Arc::from(body.to_string().into_bytes())).collect())
    }
}

const KEYS: [&str; 7] = ["a", "b", "tags", "type", "q\"\\\n", "é", ""];
const TEXTS: [&str; 8] = ["a", "b", "ab", "", "é", "1", "q\"\\\n", "2026-01-10T23:59:59.999Z"];
const NUMBERS: [&str; 14] = [
    "0", "1", "-1", "1.0", "-0", "1e0", "2", "0.5", "9007199254740993", "9007199254740992",
    "123456789012345678901234567890", "1e400", "1000000000000", "-3.5",
];
const NOW_MS: i64 = 1_768_089_599_999;

fn scalar(tape: &mut Tape) -> Value {
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
                "recorder().enabled", "recorder()", "resources('a.b')", "resources('no.where')",
            ]))
            .to_owned(),
        };
    }
    let mut inner = |tape: &mut Tape| expression(tape, depth - 1, variables);
    match tape.below(13) {
        0 | 1 => format!("length({})", inner(tape)),
        2 => format!("not({})", inner(tape)),
        3 => {
            // What is missing of a constant folds to null, so only what is read may be needed.
            let read = match tape.below(3) {
                0 => format!("daysSince({})", inner(tape)),
                1 => format!("getValue(resource().properties, {})", inner(tape)),
                _ => format!("resource().properties.{}", tape.pick(&["a", "b", "tags"])),
            };
            format!("needed({read})")
        }
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
    if tape.once_in(4) {
        return "parameters('r')".to_owned();
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
    World { now_ms: NOW_MS, recorder: tape.pick(&[Some(true), Some(false), None]), inventory }
}

fn verdict(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Compliant => Verdict::Compliant,
        Outcome::NonCompliant => Verdict::NonCompliant,
        Outcome::Undetermined(_) => Verdict::Undetermined,
    }
}

/// Judges by both, alone and in a set, and explains.
fn agree(
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
    ProgramSet::new(&programs).evaluate(&mut Scratch::new(), text.as_bytes(), &asked, &mut outcomes);
    for (((name, policy, parameters), program), outcome) in policies.iter().zip(&programs).zip(&outcomes) {
        let expected = evaluate(policy.ast(), parameters, resource, world);
        prop_assert_eq!(verdict(*outcome), expected, "{} with {:?} on {}", name, parameters, resource);
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
        let policies: Vec<_> = rules.iter().map(|text| match Policy::parse(text) {
            Ok(policy) => policy,
            Err(error) => panic!("{error}: {text}"),
        }).collect();
        let bound: Vec<_> = rules
            .iter()
            .zip(&policies)
            .map(|(text, policy)| (text.as_str(), policy, parameters.clone()))
            .collect();
        agree(&bound, &resource, text, &world)?;
    }

    #[test]
    fn the_catalogue_on_resources_near_its_cases(mut tape in tape(120)) {
        let cases = cases();
        let case = near(cases, &mut tape).clone();
        let mut resource = case["resource"].clone();
        let names: Vec<_> = catalogue().list().iter().map(|of| of.name.as_str()).collect();
        for _ in 0..tape.below(4) {
            let mut changed = resource.clone();
            mutate(&mut changed, cases, &mut tape);
            if changed.is_object() {
                resource = changed;
            }
        }
        let mut world = world_of(&case);
        for body in world.inventory.values_mut().flatten() {
            let mut changed = body.clone();
            mutate(&mut changed, cases, &mut tape);
            if changed.is_object() {
                *body = changed;
            }
        }
        let mut bound = Vec::new();
        for _ in 0..3 {
            let definition = catalogue().by_name(tape.pick(&names)).unwrap();
            let mut given = Map::new();
            for declaration in &definition.parameters {
                let value = parameter(declaration.kind, cases, &mut tape);
                given.insert(declaration.name.clone(), value);
            }
            if let Ok(values) = definition.bind_parameters(&given) {
                bound.push((definition.name.as_str(), &definition.policy, values));
            }
        }
        let text = spelled(&resource, &mut tape);
        agree(&bound, &resource, text.trim_start(), &world)?;
    }
}

fn parameter(kind: ParameterType, cases: &[(String, Value)], tape: &mut Tape) -> Value {
    let given = &near(cases, tape)["parameters"];
    let given: Vec<&Value> = given.as_object().into_iter().flatten().map(|(_, of)| of).collect();
    if !given.is_empty() && tape.below(2) == 0 {
        return tape.pick(&given).clone();
    }
    match kind {
        ParameterType::Array => {
            let length = tape.below(6);
            (0..length).map(|_| json!(tape.pick(&["SSD", "c6.large.2", "f", "prod", "", "x"]))).collect()
        }
        ParameterType::Boolean => json!(tape.below(2) == 0),
        ParameterType::Integer => json!(tape.below(100)),
        ParameterType::Float => json!(0.5),
        ParameterType::String => json!(tape.pick(&["v-1", "logs", "env"])),
        ParameterType::DateTime => json!("2026-01-11T00:00:00Z"),
    }
}

/// Changes one place of a resource.
fn mutate(value: &mut Value, cases: &[(String, Value)], tape: &mut Tape) {
    let deeper = !tape.once_in(3);
    match value {
        Value::Object(object) if deeper && !object.is_empty() => {
            let place = tape.below(object.len());
            return mutate(object.values_mut().nth(place).unwrap(), cases, tape);
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let place = tape.below(items.len());
            return mutate(&mut items[place], cases, tape);
        }
        _ => {}
    }
    match (tape.below(6), value) {
        (0, Value::Object(object)) if !object.is_empty() => {
            let place = tape.below(object.len());
            let key = object.keys().nth(place).unwrap().clone();
            object.shift_remove(&key);
        }
        (1, Value::Object(object)) => {
            object.insert("status".to_owned(), scalar(tape));
        }
        (2, Value::Array(items)) => items.push(scalar(tape)),
        (_, Value::Object(object)) if object.contains_key("provider") || object.contains_key("id") => {
            // A resource stays an object; another case's properties are a good change.
            let other = &near(cases, tape)["resource"]["properties"];
            object.insert("properties".to_owned(), other.clone());
        }
        (3, place) => *place = Value::Null,
        (4, place) => *place = value_of_a_case(cases, tape),
        (_, place) => *place = scalar(tape),
    }
}

fn near<'c>(cases: &'c [(String, Value)], tape: &mut Tape) -> &'c Value {
    &cases[tape.below(cases.len())].1
}

fn value_of_a_case(cases: &[(String, Value)], tape: &mut Tape) -> Value {
    let properties = &near(cases, tape)["resource"]["properties"];
    match properties.as_object() {
        Some(object) if !object.is_empty() => {
            object.values().nth(tape.below(object.len())).unwrap().clone()
        }
        _ => Value::Null,
    }
}

#[test]
fn the_oracle_reads_the_catalogues_cases_as_meant() {
    let cases = cases();
    assert!(cases.len() > 80, "{}", cases.len());
    for (name, case) in cases {
        let definition = catalogue().by_name(name).unwrap();
        let given = case["parameters"].as_object().cloned().unwrap_or_default();
        let bound = definition.bind_parameters(&given).unwrap();
        let found = evaluate(definition.policy.ast(), &bound, &case["resource"], &world_of(case));
        let found = match found {
            Verdict::Compliant => "compliant",
            Verdict::NonCompliant => "non-compliant",
            Verdict::Undetermined => "undetermined",
        };
        assert_eq!(found, case["expect"], "{name}: {}", case["name"]);
    }
}

fn world_of(case: &Value) -> World {
    let mut world = World { recorder: case["recorder"].as_bool(), ..World::default() };
    if let Some(now) = case["now"].as_str() {
        world.now_ms = now.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    }
    for (of, bodies) in case["inventory"].as_object().into_iter().flatten() {
        world.inventory.insert(of.clone(), bodies.as_array().unwrap().clone());
    }
    world
}

/// All cases of the catalogue, each with its policy's name.
fn cases() -> &'static [(String, Value)] {
    static CASES: std::sync::LazyLock<Vec<(String, Value)>> = std::sync::LazyLock::new(|| {
        let mut files = Vec::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies"), &mut files);
        files.sort();
        let mut cases = Vec::new();
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let policy = convert(&Yaml::load_from_str(&text).unwrap()[0]);
            for case in policy["cases"].as_array().unwrap() {
                cases.push((policy["name"].as_str().unwrap().to_owned(), case.clone()));
            }
        }
        cases
    });
    &CASES
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
}

fn convert(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(truth)) => Value::Bool(*truth),
        Yaml::Value(Scalar::Integer(number)) => Value::from(*number),
        Yaml::Value(Scalar::FloatingPoint(number)) => Value::from(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => Value::String(text.to_string()),
        Yaml::Sequence(items) => items.iter().map(convert).collect(),
        Yaml::Mapping(entries) => {
            let entry = |(key, value): (&Yaml<'_>, &Yaml<'_>)| {
                (key.as_str().unwrap().to_owned(), convert(value))
            };
            Value::Object(entries.iter().map(entry).collect())
        }
        other => panic!("{other:?}"),
    }
}
