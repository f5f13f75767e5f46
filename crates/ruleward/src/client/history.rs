//! `ruleward history`: what a resource was, and what changed when.

use std::fmt::Write as _;

use clap::Args;
use reqwest::Method;
use ruleward_types::Timestamp;
use serde_json::Value;

use super::moment::{moment, written};
use super::{ConnectionArgs, Request, segment};
use crate::output::{Format, Listing, OutputArgs, cell, line, printable};

/// What a resource was, and what changed when, by whom.
///
/// Shows every version with its differences from the one before, oldest first; a resource that is
/// gone keeps its history.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Id of the resource.
    resource: String,
    /// Type of the resource, where several have the id; else the one that changed last.
    #[arg(long = "type", value_name = "PROVIDER.TYPE")]
    resource_type: Option<String>,
    /// Only versions from this moment on: 2026-03-01T00:00:00Z, or a day.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    from: Option<Timestamp>,
    /// Only versions up to this moment.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    to: Option<Timestamp>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Prints it.
pub fn run(args: &HistoryArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let path = api.own_path(&format!("/resources/{}/history", segment(&args.resource)));
    let request = Request::new(Method::GET, path)
        .query("chronological_order", "Forward")
        .query_if("type", args.resource_type.as_deref())
        .query_if("from", args.from.map(written).as_deref())
        .query_if("to", args.to.map(written).as_deref());
    let found = api.list(&request, None)?;
    if found.is_empty() && args.output.output == Format::Table {
        eprintln!("nothing is known of it");
    }
    if args.output.output == Format::Table {
        return line(text(&found).trim_end());
    }
    let mut listing =
        Listing::new(&["capture_time", "status", "resource_type", "user_name", "differences"]);
    let mut before = None;
    for item in &found {
        let user = item.get("cause").map(|cause| cell(cause, "user_name")).unwrap_or_default();
        listing.push(vec![
            cell(item, "capture_time"),
            cell(item, "status"),
            cell(item, "resource_type"),
            user,
            changes(before, item).join("; "),
        ]);
        before = Some(item);
    }
    listing.print(args.output.output, &Value::Array(found))
}

fn text(items: &[Value]) -> String {
    let mut out = String::new();
    let mut before = None;
    for item in items {
        let status = cell(item, "status");
        let what = match status.as_str() {
            "ResourceChanged.CREATE" => "created",
            "ResourceChanged.UPDATE" => "changed",
            "ResourceChanged.DELETE" => "deleted",
            "ResourceRelationChanged.CHANGE" => "relations changed",
            other => other,
        };
        let _ = write!(out, "{}  {what}", cell(item, "capture_time"));
        if let Some(cause) = item.get("cause").filter(|cause| cause.is_object()) {
            let user = cell(cause, "user_name");
            if !user.is_empty() {
                let _ = write!(out, " by {}", printable(&user));
            }
            let request = cell(cause, "request_id");
            if !request.is_empty() {
                let _ = write!(out, "  (request {})", printable(&request));
            }
        }
        out.push('\n');
        for change in changes(before, item) {
            let _ = writeln!(out, "    {}", printable(&change));
        }
        before = Some(item);
    }
    out
}

/// The differences of an entry from the one before, a line each.
fn changes(before: Option<&Value>, item: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let is_end = cell(item, "status").ends_with(".DELETE");
    let (Some(before), false) = (before, is_end) else { return lines };
    if cell(before, "status").ends_with(".DELETE") {
        return lines;
    }
    for field in ["resource", "relations"] {
        let name = if field == "resource" { "" } else { field };
        let (old, new) = (before.get(field), item.get(field));
        compare(name, old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null), &mut lines);
    }
    lines
}

/// Objects are compared field by field, all else as a whole.
fn compare(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let inner = |key: &str| {
                if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
            };
            for (key, value) in old {
                match new.get(key) {
                    Some(other) => compare(&inner(key), value, other, lines),
                    None => lines.push(format!("- {}: {value}", inner(key))),
                }
            }
            for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
                lines.push(format!("+ {}: {value}", inner(key)));
            }
        }
        (Value::Array(old), Value::Array(new)) if old != new => {
            for value in old.iter().filter(|value| !new.contains(value)) {
                lines.push(format!("- {path}[]: {value}"));
            }
            for value in new.iter().filter(|value| !old.contains(value)) {
                lines.push(format!("+ {path}[]: {value}"));
            }
        }
        _ if old != new => lines.push(format!("  {path}: {old} -> {new}")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_told_field_by_field() {
        let version = |status: &str, resource: Value| {
            json!({"status": format!("ResourceChanged.{status}"), "capture_time": "t",
                   "relations": [], "resource": resource})
        };
        let items = [
            version(
                "CREATE",
                json!({"name": "a", "tags": {"x": "1"}, "properties": {"n": [1, 2]}}),
            ),
            version("UPDATE", json!({"name": "b", "tags": {"y": ""}, "properties": {"n": [2, 3]}})),
            version("DELETE", json!({"name": "b"})),
            version("CREATE", json!({"name": "c"})),
        ];
        let expected = "\
t  created
t  changed
      name: \"a\" -> \"b\"
    - tags.x: \"1\"
    + tags.y: \"\"
    - properties.n[]: 1
    + properties.n[]: 3
t  deleted
t  created
";
        assert_eq!(text(&items), expected);
    }
}
