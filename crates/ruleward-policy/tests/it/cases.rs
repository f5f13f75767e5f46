//! The cases that stand with each policy in the catalogue.

use std::sync::Arc;

use ruleward_policy::{Outcome, catalogue, explain};
use serde_json::{Map, Value};

use crate::support::{World, run};

fn world(case: &Value) -> World {
    let mut world = World { recorder: case["recorder"].as_bool(), ..World::default() };
    if let Some(now) = case["now"].as_str() {
        world.now_ms = now.parse::<jiff::Timestamp>().unwrap().as_millisecond();
    }
    for (provider_type, resources) in case["inventory"].as_object().unwrap_or(&Map::new()) {
        world = world.with(provider_type, resources);
    }
    world
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Compliant => "compliant",
        Outcome::NonCompliant => "non-compliant",
        Outcome::Undetermined(_) => "undetermined",
    }
}

#[test]
fn every_case_of_every_policy_holds() {
    let policies: Vec<Value> =
        serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/cases.json"))).unwrap();
    assert_eq!(policies.len(), catalogue().list().len());
    let mut faults = Vec::new();
    for policy in &policies {
        let policy_name = policy["policy"].as_str().unwrap();
        let definition = catalogue().by_name(policy_name).unwrap();
        let mut seen = Vec::new();
        for case in policy["cases"].as_array().unwrap() {
            let known = ["name", "now", "recorder", "parameters", "resource", "inventory"];
            for key in case.as_object().unwrap().keys() {
                assert!(
                    known.contains(&key.as_str()) || key == "unavailable" || key == "expect",
                    "{policy_name}: unknown key {key}"
                );
            }
            let given = case["parameters"].as_object().cloned().unwrap_or_default();
            let bound = definition.bind_parameters(&given).unwrap();
            let program = Arc::new(definition.policy.compile(&bound).unwrap());
            let resource = case["resource"].to_string();
            let world = world(case);
            let outcome = name(run(&program, resource.as_bytes(), &world));
            let expected = case["expect"].as_str().unwrap();
            seen.push(expected);
            if outcome != expected {
                faults.push(format!("{policy_name}: {}: {outcome}, not {expected}", case["name"]));
            }
            let explained = explain(&program, resource.as_bytes(), &world);
            assert_eq!(explained.outcome.replace('_', "-"), outcome, "{policy_name}: {case}");
            assert!(!explained.decisive.is_empty(), "{policy_name}: {case}");
        }
        for needed in ["compliant", "non-compliant"] {
            assert!(seen.contains(&needed), "{policy_name}: no case is {needed}");
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
