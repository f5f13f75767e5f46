//! `ruleward rules`: list, show, create, preview, enable, disable, delete, run.

mod create;
mod organization;
mod preview;

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use self::create::CreateArgs;
use self::preview::PreviewArgs;
use super::organization::OrganizationArgs;
use super::{Api, ConnectionArgs, Request, rule, segment};
use crate::output::{Format, Listing, OutputArgs, cell, line, plain, print_json, printable};

const POLL: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// List, make, change and run rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List the rules of the account.
    List(ListArgs),
    /// Show a rule.
    Show(OneArgs),
    Create(Box<CreateArgs>),
    Preview(Box<PreviewArgs>),
    /// Enable a rule; everything is judged by it again.
    Enable(SwitchArgs),
    /// Disable a rule; its last verdicts stay readable but are not counted.
    Disable(OneArgs),
    /// Delete a rule and its verdicts. Only a disabled rule can be deleted, or one of the
    /// organization.
    Delete(DeleteArgs),
    /// Judge everything by a rule now.
    Run(SwitchArgs),
}

/// The options of `rules list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    organization: OrganizationArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// A rule to be deleted.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    #[command(flatten)]
    organization: OrganizationArgs,
    #[command(flatten)]
    one: OneArgs,
}

/// A rule.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// Id or name of the rule.
    rule: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// A rule that will be judged.
#[derive(Debug, Args)]
pub struct SwitchArgs {
    /// Wait until the rule is done judging.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    one: OneArgs,
}

/// Does what was asked for.
pub fn run(command: &RulesCommand) -> anyhow::Result<()> {
    match command {
        RulesCommand::List(args) => list(args),
        RulesCommand::Show(args) => {
            let found = rule::find(&args.connection.connect()?, &args.rule)?;
            show(&found, args.output.output)
        }
        RulesCommand::Create(args) => create::run(args),
        RulesCommand::Preview(args) => preview::run(args),
        RulesCommand::Enable(args) => switch(args, "/enable"),
        RulesCommand::Run(args) => switch(args, "/policy-states/run-evaluation"),
        RulesCommand::Disable(args) => {
            let api = args.connection.connect()?;
            let id = rule::id(&api, &args.rule)?;
            post(&api, &id, "/disable")?;
            show(&rule::find(&api, &id)?, args.output.output)
        }
        RulesCommand::Delete(args) => delete(args),
    }
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    if args.organization.organization.is_some() {
        return organization::list(&api, &args.organization, args.output.output);
    }
    let found = rule::all(&api, args.limit)?;
    let mut listing =
        Listing::new(&["name", "state", "trigger", "policy_definition_id", "id", "updated"]);
    for rule in &found {
        listing.push(vec![
            cell(rule, "name"),
            cell(rule, "state"),
            trigger(rule),
            cell(rule, "policy_definition_id"),
            cell(rule, "id"),
            cell(rule, "updated"),
        ]);
    }
    listing.print(args.output.output, &Value::Array(found))
}

fn trigger(rule: &Value) -> String {
    match cell(rule, "period") {
        period if period.is_empty() => "resource".to_owned(),
        period => period,
    }
}

/// Prints a rule with all that is set.
fn show(rule: &Value, format: Format) -> anyhow::Result<()> {
    let Some(fields) = rule.as_object() else { bail!("the service shows no rule") };
    let mut listing = Listing::new(&["field", "value"]);
    for (name, value) in fields {
        let shown = described(value);
        if !shown.is_empty() {
            listing.push(vec![name.clone(), shown]);
        }
    }
    listing.print(format, rule)
}

/// A value without its nulls and empty parts.
fn described(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let parts: Vec<String> = fields
                .iter()
                .map(|(name, value)| (name, described(value)))
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            parts.join(" ")
        }
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(described).collect();
            parts.join(", ")
        }
        other => plain(other),
    }
}

fn post(api: &Api, id: &str, action: &str) -> anyhow::Result<()> {
    let path = api.path(&format!("/policy-assignments/{}{action}", segment(id)));
    api.send(&Request::new(Method::POST, path))?;
    Ok(())
}

fn switch(args: &SwitchArgs, action: &str) -> anyhow::Result<()> {
    let api = args.one.connection.connect()?;
    let id = rule::id(&api, &args.one.rule)?;
    post(&api, &id, action)?;
    let found = if args.wait { wait(&api, &id)? } else { rule::find(&api, &id)? };
    show(&found, args.one.output.output)
}

/// Waits until a rule is done judging.
fn wait(api: &Api, id: &str) -> anyhow::Result<Value> {
    let began = Instant::now();
    loop {
        let found = rule::find(api, id)?;
        if !matches!(cell(&found, "state").as_str(), "Evaluating" | "Submitting") {
            return Ok(found);
        }
        if began.elapsed() > LONGEST_WAIT {
            bail!("the rule is still judging after {} minutes", LONGEST_WAIT.as_secs() / 60);
        }
        std::thread::sleep(POLL);
    }
}

fn delete(args: &DeleteArgs) -> anyhow::Result<()> {
    let DeleteArgs { organization, one: args } = args;
    let api = args.connection.connect()?;
    let (found, name) = if let Some(path) = organization.path(&api, "/policy-assignments")? {
        (organization::delete(&api, &path, &args.rule)?, "organization_policy_assignment_name")
    } else {
        let found = rule::find(&api, &args.rule)?;
        let path = api.path(&format!("/policy-assignments/{}", segment(&cell(&found, "id"))));
        api.send(&Request::new(Method::DELETE, path))?;
        (found, "name")
    };
    match args.output.output {
        Format::Json => print_json(&found),
        Format::Table | Format::Csv => line(&format!("deleted {}", printable(&cell(&found, name)))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_without_their_nulls() {
        let value = json!({"a": null, "b": {"value": ["x", "y"]}, "c": {"d": null}, "e": []});
        assert_eq!(described(&value), "b=value=x, y");
    }
}
