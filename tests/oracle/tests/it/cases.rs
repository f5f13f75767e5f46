//! The catalogue's policies near their own cases, and the tables of the language.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use ruleward_oracle::{Verdict, World, evaluate};
use ruleward_policy::{ParameterType, Policy, catalogue};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use crate::engine::{agree, scalar};
use crate::support::{Tape, config, spelled, tape};

proptest! {
    #![proptest_config(config(10_000))]

    #[test]
    fn the_catalogue_on_resources_near_its_cases(mut tape in tape(120)) {
        let cases = cases();
        let (name, case) = tape.pick(cases);
        let own = catalogue().by_name(&name).unwrap();
        let mut resource = case["resource"].clone();
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
        for what in [&mut world.recorder, &mut world.account] {
            if let Some(known) = what {
                mutate(known, cases, &mut tape);
            }
            if tape.once_in(4) || !what.as_ref().is_some_and(Value::is_object) {
                *what = None;
            }
        }
        world.inventory.retain(|_, _| !tape.once_in(8));
        let mut bound = Vec::new();
        let akin: Vec<_> = catalogue()
            .list()
            .iter()
            .filter(|of| of.default_resource_types == own.default_resource_types)
            .collect();
        let any = &catalogue().list()[tape.below(catalogue().list().len())];
        for definition in [own, tape.pick(&akin), any] {
            let of_it: Vec<_> = cases.iter().filter(|(of, _)| *of == definition.name).collect();
            let mut given = match &tape.pick(&of_it).1["parameters"] {
                Value::Object(given) => given.clone(),
                _ => Map::new(),
            };
            for declaration in &definition.parameters {
                if tape.once_in(4) {
                    let value = parameter(declaration.kind, cases, &mut tape);
                    given.insert(declaration.name.clone(), value);
                }
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
            (0..length)
                .map(|_| json!(tape.pick(&["SSD", "c6.large.2", "f", "prod", "", "x"])))
                .collect()
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
        (_, Value::Object(object))
            if object.contains_key("provider") || object.contains_key("id") =>
        {
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
        let found = evaluate(&definition.policy, &bound, &case["resource"], &world_of(case));
        let found = match found {
            Verdict::Compliant => "compliant",
            Verdict::NonCompliant => "non-compliant",
            Verdict::Undetermined => "undetermined",
        };
        assert_eq!(found, case["expect"], "{name}: {}", case["name"]);
    }
}

fn world_of(case: &Value) -> World {
    let recorder = match &case["recorder"] {
        Value::Null => None,
        Value::Bool(enabled) => Some(json!({ "enabled": enabled })),
        other => Some(other.clone()),
    };
    let account = case.get("account").cloned();
    let mut world = World { recorder, account, ..World::default() };
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

#[test]
fn the_oracle_reads_the_tables_as_meant() {
    let data =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/ruleward-policy/tests/data");
    let table = |name: &str| -> Map<String, Value> {
        serde_json::from_str(&std::fs::read_to_string(data.join(name)).unwrap()).unwrap()
    };
    let world = World { now_ms: 1_767_225_600_000, ..World::default() };
    let holds = |rule: Value, resource: &Value| {
        let policy = Policy::parse(&rule.to_string()).unwrap();
        evaluate(&policy, &Map::new(), resource, &world) == Verdict::NonCompliant
    };
    let resource_of = |values: &[Value]| -> Value {
        let given = values.iter().enumerate().filter(|(_, value)| value.get("$").is_none());
        given.map(|(n, value)| (format!("a{n}"), value.clone())).collect::<Map<_, _>>().into()
    };
    let mut faults = Vec::new();
    for (comparator, rows) in table("comparators.json").iter().filter(|(of, _)| *of != "about") {
        for row in rows.as_array().unwrap() {
            let rule = json!({
                "value": "${resource().a0}", "comparator": comparator, "pattern": row[1],
            });
            if holds(rule, &resource_of(&row.as_array().unwrap()[..1])) != row[2] {
                faults.push(format!("{comparator} {row}"));
            }
        }
    }
    for (function, rows) in table("functions.json").iter().filter(|(of, _)| *of != "about") {
        for row in rows.as_array().unwrap() {
            let arguments = row[0].as_array().unwrap();
            let (call, resource) = if function == "lambda" {
                let text = arguments[0].as_str().unwrap();
                let call = word(text, "x", "resource().a0");
                (call, resource_of(&arguments[1..]))
            } else {
                let names: Vec<_> =
                    (0..arguments.len()).map(|n| format!("resource().a{n}")).collect();
                (format!("{function}({})", names.join(", ")), resource_of(arguments))
            };
            let rule = if row[1].get("$").is_some() {
                json!({"value": format!("${{isNull({call})}}"), "comparator": "equals", "pattern": true})
            } else {
                json!({"value": format!("${{{call}}}"), "comparator": "equals", "pattern": row[1]})
            };
            if !holds(rule, &resource) {
                faults.push(format!("{function} {row}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The text with one word in another's place.
fn word(text: &str, from: &str, to: &str) -> String {
    let part = |c: char| c.is_alphanumeric() || c == '\'';
    let mut out = String::new();
    for piece in text.split_inclusive(|c| !part(c)) {
        let (name, sign) = match piece.strip_suffix(|c| !part(c)) {
            Some(name) => (name, piece.strip_prefix(name).unwrap()),
            None => (piece, ""),
        };
        out.push_str(if name == from { to } else { name });
        out.push_str(sign);
    }
    out
}
