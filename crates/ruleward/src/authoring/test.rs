//! `ruleward policies test`: runs the cases that stand with policies.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use ruleward_policy::{CaseReport, CaseResult, run_cases};
use serde_json::{Value, json};

use super::{Named, PolicyFiles};
use crate::client::explain;
use crate::failure;
use crate::output::{line, print_json, printable};

/// Run the cases of policies.
///
/// A policy passes where every case gets its verdict and the cases show every condition true and
/// false; guards, which ask for the type, need not be shown false. Exit code 0: all pass; 1: some
/// do not; 2: a file holds no policy.
#[derive(Debug, Args)]
pub struct TestArgs {
    #[command(flatten)]
    policies: PolicyFiles,

    /// Tell only of what does not pass.
    #[arg(long, short)]
    quiet: bool,

    /// How to print.
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    output: TestFormat,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum TestFormat {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON list of the reports.
    Json,
}

/// Runs them.
pub fn run(args: &TestArgs) -> anyhow::Result<ExitCode> {
    let policies = args.policies.read()?;
    let (mut failed, mut cases) = (0_usize, 0_usize);
    let mut reports = Vec::new();
    for policy in &policies {
        let report = run_cases(&policy.definition, policy.definition.cases());
        cases += report.cases.len();
        let passed = passed(&report);
        failed += usize::from(!passed);
        if args.output == TestFormat::Json {
            reports.push(json!({
                "policy": policy.definition.name, "file": policy.file, "passed": passed,
                "report": report,
            }));
        } else if !passed || !args.quiet {
            line(text(policy, &report).trim_end())?;
        }
    }
    if args.output == TestFormat::Json {
        print_json(&Value::Array(reports))?;
    } else {
        let all = policies.len();
        line(&format!("{all} policies, {cases} cases: {} pass, {failed} fail", all - failed))?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(failure::REFUSED) })
}

/// Whether the cases show all that they have to.
pub(super) fn passed(report: &CaseReport) -> bool {
    report.passed() && !report.cases.is_empty()
}

/// What is wrong with a policy, or that nothing is.
pub(super) fn text(policy: &Named, report: &CaseReport) -> String {
    let mut out = String::new();
    let word = if passed(report) { "ok  " } else { "FAIL" };
    let (cases, conditions) = (report.cases.len(), report.conditions.len());
    let name = printable(&policy.shown());
    let _ = writeln!(out, "{word} {name} ({cases} cases, {conditions} conditions)");
    if report.cases.is_empty() {
        let _ = writeln!(out, "  there are no cases");
    }
    for case in report.cases.iter().filter(|case| !case.passed()) {
        case_text(case, &mut out);
    }
    for condition in report.uncovered() {
        let missing = match (condition.seen_true, condition.seen_false) {
            (false, false) => "true, never false",
            (false, true) => "true",
            _ => "false",
        };
        let written = printable(&condition.condition);
        let _ = writeln!(out, "  never {missing}: {} {written}", condition.pointer);
    }
    out
}

fn case_text(case: &CaseResult, out: &mut String) {
    let _ = writeln!(out, "  case `{}`", printable(&case.name));
    let _ = writeln!(out, "    - {} (expected)", case.expected);
    match (&case.got, &case.fault) {
        (Some(got), _) => {
            let _ = writeln!(out, "    + {got} (got)");
        }
        (None, fault) => {
            let fault = fault.as_deref().unwrap_or("no verdict");
            let _ = writeln!(out, "    + cannot be run: {}", printable(fault));
        }
    }
    let Some(explanation) = &case.explanation else { return };
    if let Some(reason) = explanation.reason {
        let _ = writeln!(out, "    no verdict: {reason}");
    }
    for path in &explanation.missing {
        let _ = writeln!(out, "    {} is needed and missing", printable(path));
    }
    for told in explain::tree(&json!(explanation)).lines() {
        let _ = writeln!(out, "    {told}");
    }
}

#[cfg(test)]
mod tests {
    use ruleward_policy::PolicyDefinition;

    use super::*;

    const POLICY: &str = "\
name: own
display_name: Own
description: Own.
trigger_type: resource
policy_rule:
  anyOf:
    - {value: '${resource().properties.color}', comparator: equals, pattern: red}
    - {value: '${resource().name}', comparator: equals, pattern: x}
cases:
  - name: red
    resource: {properties: {color: red}}
    expect: compliant
  - name: blue
    resource: {properties: {color: blue}}
    expect: compliant
";

    #[test]
    fn failures_are_told_with_their_reasons() {
        let definition = PolicyDefinition::from_yaml(POLICY).unwrap();
        let policy = Named { file: Some("dir/own.yaml".into()), definition };
        let report = run_cases(&policy.definition, policy.definition.cases());
        let text = text(&policy, &report);
        for words in [
            "FAIL dir/own.yaml (2 cases, 2 conditions)",
            "case `red`\n    - compliant (expected)\n    + non-compliant (got)\n",
            "properties.color is \"red\"",
            "never true: /anyOf/1 resource().name equals \"x\"",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("`blue`"), "{text}");
    }
}
