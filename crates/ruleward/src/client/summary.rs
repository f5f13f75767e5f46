//! `ruleward summary`: are we compliant, and where not?

mod organization;

use clap::Args;
use reqwest::Method;
use ruleward_types::Timestamp;
use serde_json::Value;

use super::moment::{moment, written};
use super::{ConnectionArgs, Request};
use crate::output::{Format, Listing, OutputArgs, cell, line};

/// The account in numbers, the worst rules first.
#[derive(Debug, Args)]
pub struct SummaryArgs {
    /// The whole organization in numbers, the worst accounts first: for the management account
    /// and delegated administrators. Without an id: the organization of the account.
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "",
          conflicts_with = "tag")]
    organization: Option<String>,
    /// As it was at this moment: 2026-03-01T00:00:00Z, or a day.
    #[arg(long, value_name = "MOMENT", value_parser = moment, conflicts_with = "organization")]
    at: Option<Timestamp>,
    /// Only rules that carry this tag themselves; several: any of them. Can be repeated.
    #[arg(long, value_name = "KEY[=VALUE]")]
    tag: Vec<String>,
    /// Show at most so many rules, or accounts.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Prints the numbers.
pub fn run(args: &SummaryArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    if let Some(id) = &args.organization {
        return organization::run(&api, id, args.limit, args.output.output);
    }
    let rest = "/policy-states/summary";
    let path = if args.at.is_some() { api.own_path(rest) } else { api.path(rest) };
    let mut request =
        Request::new(Method::GET, path).query_if("at", args.at.map(written).as_deref());
    for tag in &args.tag {
        request = request.query("tags", tag.clone());
    }
    let summary = api.send(&request)?;
    let mut rules: Vec<&Value> =
        summary.get("policy_assignments").and_then(Value::as_array).into_iter().flatten().collect();
    rules.sort_by_key(|rule| {
        let bad = count(rule, "resource_details", "non_compliant_count");
        let name = rule.get("policy_assignment").map(|rule| cell(rule, "name"));
        (std::cmp::Reverse(bad), name)
    });
    rules.truncate(args.limit.unwrap_or(usize::MAX));
    let mut listing =
        Listing::new(&["name", "compliance_state", "non_compliant", "compliant", "state", "id"]);
    for rule in rules {
        let assignment = rule.get("policy_assignment").unwrap_or(&Value::Null);
        listing.push(vec![
            cell(assignment, "name"),
            cell(rule, "compliance_state"),
            count(rule, "resource_details", "non_compliant_count").to_string(),
            count(rule, "resource_details", "compliant_count").to_string(),
            cell(assignment, "state"),
            cell(assignment, "id"),
        ]);
    }
    if args.output.output == Format::Table {
        for (what, field) in [("resources", "resource_details"), ("rules", "assignment_details")] {
            line(&format!(
                "{what:<10} {:>8} non-compliant {:>8} compliant",
                count(&summary, field, "non_compliant_count"),
                count(&summary, field, "compliant_count")
            ))?;
        }
        line("")?;
    }
    listing.print(args.output.output, &summary)
}

fn count(of: &Value, unit: &str, field: &str) -> i64 {
    of.get("results")
        .and_then(|results| results.get(unit)?.get(field)?.as_i64())
        .unwrap_or_default()
}
