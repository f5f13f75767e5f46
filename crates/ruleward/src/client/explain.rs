//! `ruleward explain`: why a rule judges a resource as it does.

use std::fmt::Write as _;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{ConnectionArgs, Request, rule, segment};
use crate::output::{Format, Listing, OutputArgs, cell, line, plain, printable};

/// Deepest tree that is drawn; policies are far flatter.
const DEEPEST: usize = 64;

/// Why a rule judges a resource as it does.
///
/// Prints the conditions of the policy as a tree: which matched (a match is a violation), what
/// they read, and what they compared. `*` marks the conditions that decided.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Id or name of the rule.
    rule: String,
    /// Id of the resource; the account's id for rules that judge the account.
    resource: String,
    /// Type of the resource, where several have the id.
    #[arg(long = "type", value_name = "PROVIDER.TYPE")]
    resource_type: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Prints the explanation.
pub fn run(args: &ExplainArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let id = rule::id(&api, &args.rule)?;
    let path = api.own_path(&format!(
        "/policy-assignments/{}/policy-states/{}/explanation",
        segment(&id),
        segment(&args.resource)
    ));
    let request = Request::new(Method::GET, path).query_if("type", args.resource_type.as_deref());
    let told = api.send(&request)?;
    match args.output.output {
        Format::Table => line(text(&told).trim_end()),
        format => conditions(&told).print(format, &told),
    }
}

fn text(told: &Value) -> String {
    let mut out = String::new();
    let stored = cell(told, "stored_state");
    let _ = writeln!(
        out,
        "{stored}: resource {} by rule {}",
        printable(&cell(told, "resource_id")),
        printable(&cell(told, "policy_assignment_name"))
    );
    if told.get("agrees") == Some(&Value::Bool(false)) {
        let _ = writeln!(
            out,
            "judged now it is {}: the stored verdict is older than rule, resource or clock",
            cell(told, "current_state")
        );
    }
    if let Some(reported) = told.get("reported").filter(|reported| reported.is_object()) {
        let _ = writeln!(
            out,
            "reported as {} at {}",
            cell(reported, "compliance_state"),
            cell(reported, "evaluation_time")
        );
    }
    if let Some(explanation) = told.get("explanation") {
        if let Some(reason) = explanation.get("reason").filter(|reason| !reason.is_null()) {
            let _ = writeln!(out, "no verdict: {}", printable(&plain(reason)));
        }
        if let Some(node) = explanation.get("rule") {
            out.push('\n');
            draw(node, 0, &mut out);
        }
    }
    out
}

/// The conditions of an explanation as a tree.
pub fn tree(explanation: &Value) -> String {
    let mut out = String::new();
    if let Some(node) = explanation.get("rule") {
        draw(node, 0, &mut out);
    }
    out
}

fn draw(node: &Value, depth: usize, out: &mut String) {
    if depth > DEEPEST {
        return;
    }
    let indent = "  ".repeat(depth);
    let mark = if node.get("decisive") == Some(&Value::Bool(true)) { '*' } else { ' ' };
    let matched = match node.get("matched").and_then(Value::as_bool) {
        Some(true) => "matches",
        Some(false) => "does not match",
        None => "open",
    };
    let kind = match cell(node, "kind").as_str() {
        "allOf" => "all of",
        "anyOf" => "any of",
        "not" => "not",
        _ => "",
    };
    if kind.is_empty() {
        let _ = writeln!(
            out,
            "{mark} {indent}{matched}: {} {} {}",
            printable(&cell(node, "value")),
            cell(node, "comparator"),
            printable(&cell(node, "pattern"))
        );
        for (name, value) in facts(node) {
            let _ = writeln!(out, "  {indent}    {name:<10} {}", printable(&value));
        }
    } else {
        let _ = writeln!(out, "{mark} {indent}{kind} ({matched})");
    }
    for part in node.get("parts").and_then(Value::as_array).into_iter().flatten() {
        draw(part, depth + 1, out);
    }
}

/// What a condition saw.
fn facts(condition: &Value) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for read in condition.get("reads").and_then(Value::as_array).into_iter().flatten() {
        let value = if read.get("present") == Some(&Value::Bool(false)) {
            "is missing".to_owned()
        } else {
            format!("is {}", json(read.get("value")))
        };
        facts.push(("read".to_owned(), format!("{} {value}", cell(read, "path"))));
    }
    if condition.get("matched").is_some_and(|matched| !matched.is_null()) {
        facts.push(("actual".to_owned(), json(condition.get("actual"))));
        facts.push(("expected".to_owned(), json(condition.get("expected"))));
    }
    if let Some(reason) = condition.get("reason").filter(|reason| !reason.is_null()) {
        facts.push(("reason".to_owned(), plain(reason)));
    }
    facts
}

fn json(value: Option<&Value>) -> String {
    value.unwrap_or(&Value::Null).to_string()
}

/// The conditions as rows.
fn conditions(told: &Value) -> Listing {
    let mut listing = Listing::new(&[
        "pointer",
        "matched",
        "decisive",
        "value",
        "comparator",
        "pattern",
        "actual",
        "expected",
    ]);
    let mut open: Vec<&Value> = told.pointer("/explanation/rule").into_iter().collect();
    while let Some(node) = open.pop() {
        if let Some(parts) = node.get("parts").and_then(Value::as_array) {
            open.extend(parts.iter().rev());
        }
        if cell(node, "kind") == "condition" {
            let fields = [
                "pointer",
                "matched",
                "decisive",
                "value",
                "comparator",
                "pattern",
                "actual",
                "expected",
            ];
            listing.push(fields.iter().map(|field| cell(node, field)).collect());
        }
    }
    listing
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_tree_tells_path_actual_and_expected() {
        let told = json!({
            "policy_assignment_name": "disk in use",
            "resource_id": "v1",
            "stored_state": "NonCompliant",
            "current_state": "Compliant",
            "agrees": false,
            "explanation": {
                "outcome": "non_compliant",
                "decisive": ["/allOf/0"],
                "rule": {
                    "pointer": "", "kind": "allOf", "matched": true, "decisive": true,
                    "parts": [{
                        "pointer": "/allOf/0", "kind": "condition", "matched": true,
                        "decisive": true, "value": "${resource().properties.status}",
                        "comparator": "equals", "pattern": "available",
                        "reads": [{"path": "properties.status", "present": true,
                                   "value": "available"}],
                        "actual": "available", "expected": "available"
                    }]
                }
            }
        });
        let text = text(&told);
        for words in
            ["NonCompliant", "properties.status is \"available\"", "all of (matches)", "judged now"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
