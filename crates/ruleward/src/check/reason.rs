//! Why a verdict is as it is, in one line.

use ruleward_policy::{ExplainedCondition, ExplainedNode, Explanation};
use serde_json::Value;

/// A value longer than this is cut.
const LONGEST: usize = 120;

/// What decided, from an explanation.
pub fn words(explanation: &Explanation) -> String {
    let mut parts = Vec::new();
    if let Some(reason) = explanation.reason {
        parts.push(reason.to_string());
    }
    for path in &explanation.missing {
        parts.push(format!("{path} is missing"));
    }
    if let Some(rule) = &explanation.rule {
        decisive(rule, &mut parts);
    }
    let mut known: Vec<String> = Vec::with_capacity(parts.len());
    for part in parts {
        if !known.contains(&part) {
            known.push(part);
        }
    }
    known.join("; ")
}

fn decisive(node: &ExplainedNode, parts: &mut Vec<String>) {
    if let Some(condition) = node.condition.as_ref().filter(|_| node.decisive) {
        if condition.reads.is_empty() {
            parts.push(bare(condition));
        }
        parts.extend(condition.reads.iter().filter(|read| !is_type(&read.path)).map(|read| {
            if read.present {
                format!("{} is {}", read.path, short(&read.value))
            } else {
                format!("{} is missing", read.path)
            }
        }));
    }
    node.parts.iter().for_each(|part| decisive(part, parts));
}

/// Guards decide, too; that a disk is a disk is no news.
fn is_type(path: &str) -> bool {
    path == "provider" || path == "type"
}

fn bare(condition: &ExplainedCondition) -> String {
    format!("{} {} {}", condition.value, condition.comparator, short(&condition.expected))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
