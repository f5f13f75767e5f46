//! `ruleward states`: verdicts.

use clap::{Args, ValueEnum};
use reqwest::Method;
use ruleward_types::Timestamp;
use serde_json::Value;

use super::moment::{moment as parsed, written};
use super::{ConnectionArgs, Request, rule, segment};
use crate::output::{Format, Listing, OutputArgs, cell};

/// A verdict.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Not found to violate.
    #[value(alias = "Compliant")]
    Compliant,
    /// Violates.
    #[value(alias = "NonCompliant", alias = "noncompliant")]
    NonCompliant,
}

impl State {
    fn wire(self) -> &'static str {
        match self {
            Self::Compliant => "Compliant",
            Self::NonCompliant => "NonCompliant",
        }
    }
}

/// List verdicts: which resource meets which rule, and which does not.
#[derive(Debug, Args)]
pub struct StatesArgs {
    /// As they were at this moment: 2026-03-01T00:00:00Z, or a day.
    #[arg(long, value_name = "MOMENT", value_parser = parsed, conflicts_with = "resource_name")]
    at: Option<Timestamp>,
    /// Only verdicts of this rule, by id or name.
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only verdicts on the resource with this id.
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    /// Only verdicts on resources with this name.
    #[arg(long, value_name = "NAME")]
    resource_name: Option<String>,
    /// Only these verdicts.
    #[arg(long, value_enum, value_name = "STATE")]
    state: Option<State>,
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Lists them.
pub fn run(args: &StatesArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let mut of_rule = None;
    let path = match &args.rule {
        _ if args.at.is_some() => {
            of_rule = args.rule.as_deref().map(|rule| rule::past_id(&api, rule)).transpose()?;
            api.own_path("/policy-states")
        }
        Some(rule) => {
            let id = rule::id(&api, rule)?;
            api.path(&format!("/policy-assignments/{}/policy-states", segment(&id)))
        }
        None => api.path("/policy-states"),
    };
    let request = Request::new(Method::GET, path)
        .query_if("at", args.at.map(written).as_deref())
        .query_if("policy_assignment_id", of_rule.as_deref())
        .query_if("compliance_state", args.state.map(State::wire))
        .query_if("resource_id", args.resource.as_deref())
        .query_if("resource_name", args.resource_name.as_deref());
    let found = api.list(&request, args.limit)?;
    if found.is_empty() && args.output.output == Format::Table {
        eprintln!("no verdicts");
    }
    let mut listing = Listing::new(&[
        "compliance_state",
        "policy_assignment_name",
        "type",
        "resource_id",
        "resource_name",
        "region_id",
        "evaluation_time",
    ]);
    for state in &found {
        listing.push(vec![
            cell(state, "compliance_state"),
            cell(state, "policy_assignment_name"),
            type_name(state),
            cell(state, "resource_id"),
            cell(state, "resource_name"),
            cell(state, "region_id"),
            moment(&cell(state, "evaluation_time")),
        ]);
    }
    listing.print(args.output.output, &Value::Array(found))
}

fn type_name(state: &Value) -> String {
    match (cell(state, "resource_provider"), cell(state, "resource_type")) {
        (provider, name) if provider.is_empty() && name.is_empty() => "account".to_owned(),
        (provider, name) => format!("{provider}.{name}"),
    }
}

/// Milliseconds as a time that people read.
fn moment(ms: &str) -> String {
    ms.parse().map_or_else(|_| ms.to_owned(), |ms| Timestamp::from_ms(ms).to_wire())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(moment("1577836800000"), "2020-01-01T00:00:00.000Z");
        assert_eq!(moment(""), "");
    }
}
