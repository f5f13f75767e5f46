//! `ruleward rules preview`.

use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::{ConnectionArgs, Request, policies, rule};
use super::create::{RuleArgs, body};
use crate::output::{Format, Listing, OutputArgs, cell, line};

/// What a rule keeps where a preview says nothing else.
const KEPT: [&str; 6] =
    ["name", "description", "policy_filter", "policy_filter_v2", "period", "parameters"];

/// Try a rule, or a change of one: what would it find? Nothing is changed.
///
/// Takes the options of `rules create`. With --instead-of, what is not given is as that rule has
/// it, and the numbers say what would change.
#[derive(Debug, Args)]
pub struct PreviewArgs {
    /// A name, which only shows in refusals.
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Name or id of the predefined policy; `ruleward policies list` shows them.
    #[arg(long, value_name = "POLICY", required_unless_present = "instead_of")]
    policy: Option<String>,

    /// Id or name of a rule that would become this one.
    #[arg(long, value_name = "RULE")]
    instead_of: Option<String>,

    #[command(flatten)]
    rule: RuleArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Tries the rule and prints what it would find.
pub fn run(args: &PreviewArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let stored = args.instead_of.as_ref().map(|name| rule::find(&api, name)).transpose()?;
    let named = stored.as_ref().map(|rule| cell(rule, "policy_definition_id"));
    let wanted = args.policy.clone().or(named).unwrap_or_default();
    let policy = policies::find(&api, &wanted)?;
    let mut begun = Map::from_iter([("name".to_owned(), json!("preview"))]);
    if let Some(Value::Object(stored)) = &stored {
        let same_policy = stored.get("policy_definition_id") == policy.get("id");
        let kept = KEPT.iter().filter(|field| same_policy || **field != "parameters");
        begun.extend(kept.filter_map(|field| {
            let value = stored.get(*field).filter(|value| !value.is_null())?;
            Some(((*field).to_owned(), value.clone()))
        }));
    }
    if let Some(name) = &args.name {
        begun.insert("name".to_owned(), json!(name));
    }
    let body = serde_json::to_vec(&body(&args.rule, &policy, begun)?)?;
    let id = stored.as_ref().map(|rule| cell(rule, "id"));
    let request = Request::new(Method::POST, api.own_path("/policy-assignments/preview"))
        .query_if("instead_of", id.as_deref())
        .body(body);
    print(&api.send(&request)?, args.output.output)
}

fn print(told: &Value, format: Format) -> anyhow::Result<()> {
    let mut listing =
        Listing::new(&["from", "to", "resource_type", "resource_id", "resource_name"]);
    let changes = told.get("changes").and_then(Value::as_array);
    for change in changes.into_iter().flatten() {
        let fields = ["from", "to", "resource_type", "resource_id", "resource_name"];
        listing.push(fields.iter().map(|field| cell(change, field)).collect());
    }
    if format != Format::Table {
        return listing.print(format, told);
    }
    for (what, field) in [("now", "now"), ("then", "then")] {
        let count = |name: &str| told.pointer(&format!("/{field}/{name}")).map(Value::to_string);
        line(&format!(
            "{what:<5} {:>8} non-compliant {:>8} compliant {:>8} undetermined",
            count("non_compliant").unwrap_or_default(),
            count("compliant").unwrap_or_default(),
            count("undetermined").unwrap_or_default()
        ))?;
    }
    let shown = changes.map_or(0, Vec::len);
    let total = told.get("changed").and_then(Value::as_u64).unwrap_or_default();
    line(&format!("{total} resources would change"))?;
    if shown > 0 {
        line("")?;
        listing.print_table()?;
    }
    let more = total.saturating_sub(shown as u64);
    if more > 0 {
        line(&format!("\nand {more} more"))?;
    }
    Ok(())
}
