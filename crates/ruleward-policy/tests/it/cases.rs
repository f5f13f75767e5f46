//! The cases that stand with each policy in the catalogue.

use ruleward_policy::{Case, Verdict, catalogue, run_cases};
use serde_json::{Value, json};

#[test]
fn every_case_of_every_policy_holds() {
    let policies: Vec<Value> =
        serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/cases.json"))).unwrap();
    let mut faults = Vec::new();
    for policy in &policies {
        let name = policy["policy"].as_str().unwrap();
        let Some(definition) = catalogue().by_name(name) else {
            faults.push(format!("{name}: not in the catalogue"));
            continue;
        };
        let cases: Vec<Case> = match serde_json::from_value(policy["cases"].clone()) {
            Ok(cases) => cases,
            Err(error) => {
                faults.push(format!("{name}: {error}"));
                continue;
            }
        };
        assert_eq!(definition.cases(), cases, "{name}");
        let report = run_cases(definition, &cases);
        for case in report.cases.iter().filter(|case| !case.passed()) {
            faults.push(match (&case.got, &case.fault) {
                (Some(got), _) => {
                    format!("{name}: {}: {got}, not {}", case.name, case.expected)
                }
                (None, fault) => format!("{name}: {}: {}", case.name, fault.as_deref().unwrap()),
            });
        }
        for condition in report.uncovered() {
            let never = if condition.seen_true { "false" } else { "true" };
            let (pointer, text) = (&condition.pointer, &condition.condition);
            faults.push(format!("{name}: no case shows `{text}` ({pointer}) {never}"));
        }
        for needed in [Verdict::Compliant, Verdict::NonCompliant] {
            if !cases.iter().any(|case| case.expect == needed) {
                faults.push(format!("{name}: no case is {needed}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_report_tells_what_went_wrong() {
    let definition = catalogue().by_name("volume-unused-check").unwrap();
    let case = |expect: &str, parameters: Value| -> Case {
        let resource =
            json!({"provider": "evs", "type": "volumes", "properties": {"status": "available"}});
        let case =
            json!({"name": "n", "resource": resource, "expect": expect, "parameters": parameters});
        serde_json::from_value(case).unwrap()
    };
    let wrong = run_cases(definition, &[case("compliant", json!({}))]);
    assert!(!wrong.passed());
    assert_eq!(wrong.cases[0].got, Some(Verdict::NonCompliant));
    assert_eq!(wrong.cases[0].explanation.as_ref().unwrap().outcome, "non_compliant");
    let half = run_cases(definition, &[case("non-compliant", json!({}))]);
    assert!(half.cases[0].passed() && half.cases[0].explanation.is_none() && !half.passed());
    let uncovered: Vec<_> = half.uncovered().map(|one| one.pointer.as_str()).collect();
    assert_eq!(uncovered, ["/allOf/2"]);
    assert!(half.conditions[0].guard && half.conditions[0].seen_true);
    let refused = run_cases(definition, &[case("compliant", json!({"x": 1}))]);
    assert_eq!(refused.cases[0].got, None);
    let fault = refused.cases[0].fault.as_ref().unwrap();
    assert_eq!(fault, "parameter `x`: the policy has no such parameter");
    assert!(serde_json::to_string(&refused).unwrap().contains("no such parameter"));
}
