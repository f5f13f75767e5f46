//! `ruleward diff`: which verdicts changed between two moments, and because of what.

use clap::Args;
use reqwest::Method;
use ruleward_types::{Clock as _, SystemClock, Timestamp};
use serde_json::Value;

use super::moment::{moment, written};
use super::{ConnectionArgs, Request, rule};
use crate::output::{Format, Listing, OutputArgs, cell, printable};

/// Which verdicts changed between two moments, and the change that caused each.
///
/// Compares the verdicts at both moments: what flipped and flipped back between them is not shown.
/// Deleted rules and resources are part of the past in which they were there.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The earlier moment: 2026-03-01T00:00:00Z, or a day.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    from: Timestamp,
    /// The later moment; now if it is left out.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    to: Option<Timestamp>,
    /// Only verdicts of this rule, by id or name; of one that is gone, by id.
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only verdicts on the resource with this id.
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Lists them.
pub fn run(args: &DiffArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let rule = args.rule.as_deref().map(|rule| rule::past_id(&api, rule)).transpose()?;
    let to = args.to.unwrap_or_else(|| SystemClock.now());
    let request = Request::new(Method::GET, api.own_path("/policy-states/changes"))
        .query("from", written(args.from))
        .query("to", written(to))
        .query_if("policy_assignment_id", rule.as_deref())
        .query_if("resource_id", args.resource.as_deref());
    let found = api.list(&request, args.limit)?;
    if found.is_empty() && args.output.output == Format::Table {
        eprintln!("no verdict changed");
    }
    let mut listing = Listing::new(&[
        "changed",
        "policy_assignment_name",
        "resource_id",
        "resource_name",
        "before",
        "after",
        "cause",
    ]);
    for change in &found {
        listing.push(vec![
            cell(change, "changed"),
            cell(change, "policy_assignment_name"),
            cell(change, "resource_id"),
            cell(change, "resource_name"),
            state(change, "before"),
            state(change, "after"),
            cause(change),
        ]);
    }
    listing.print(args.output.output, &Value::Array(found))
}

fn state(change: &Value, field: &str) -> String {
    let state = cell(change, field);
    if state.is_empty() { "-".to_owned() } else { state }
}

/// Who did what, in words.
pub fn cause(of: &Value) -> String {
    let Some(cause) = of.get("cause").filter(|cause| cause.is_object()) else {
        return String::new();
    };
    let what = match cell(cause, "kind").as_str() {
        "resource" => "the resource changed",
        "policy-assignment" => "the rule changed",
        "report" => "a function reported",
        "recorder" => "the recorder changed",
        "organization" => "the organization deployed",
        _ => "the rule ran",
    };
    match cell(cause, "user_name") {
        name if name.is_empty() => what.to_owned(),
        name => format!("{what}, by {}", printable(&name)),
    }
}
