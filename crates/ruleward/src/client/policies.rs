//! `ruleward policies`: the policies that rules can use.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::{Api, ConnectionArgs, Refused, Request};
use crate::authoring::add::{self, AddArgs};
use crate::authoring::fmt::{self, FmtArgs};
use crate::authoring::lint::{self, LintArgs};
use crate::authoring::test::{self, TestArgs};
use crate::output::{Format, Listing, OutputArgs, cell, line, plain, print_json, printable};

/// The policies that rules can use.
#[derive(Debug, Subcommand)]
pub enum PoliciesCommand {
    /// List the policies.
    List(ListArgs),
    /// Show a policy: what it finds, its parameters, its text.
    Show(ShowArgs),
    /// List the policies that lack what they need to give a verdict: a path that no resource of
    /// their types has in the account's inventory.
    Coverage(CoverageArgs),
    Test(TestArgs),
    Lint(LintArgs),
    Fmt(FmtArgs),
    Add(AddArgs),
}

/// The options of `policies list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only policies whose name, description or keywords hold this text.
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The options of `policies show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Name or id of the policy.
    policy: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The options of `policies coverage`.
#[derive(Debug, Args)]
pub struct CoverageArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Does what was asked for.
pub fn run(command: &PoliciesCommand) -> anyhow::Result<ExitCode> {
    let done = ExitCode::SUCCESS;
    match command {
        PoliciesCommand::List(args) => list(args).map(|()| done),
        PoliciesCommand::Show(args) => show(args).map(|()| done),
        PoliciesCommand::Coverage(args) => coverage(args).map(|()| done),
        PoliciesCommand::Test(args) => test::run(args),
        PoliciesCommand::Lint(args) => lint::run(args),
        PoliciesCommand::Fmt(args) => fmt::run(args),
        PoliciesCommand::Add(args) => add::run(args),
    }
}

fn coverage(args: &CoverageArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let told = api.send(&Request::new(Method::GET, api.own_path("/policies/coverage")))?;
    let rows: Vec<Value> = told.get("value").and_then(Value::as_array).cloned().unwrap_or_default();
    if rows.is_empty() && args.output.output == Format::Table {
        return line("every policy finds what it needs");
    }
    let words = |row: &Value, field: &str| {
        let list = row.get(field).and_then(Value::as_array);
        list.into_iter().flatten().map(plain).collect::<Vec<_>>().join(", ")
    };
    let mut listing = Listing::new(&["name", "resource_types", "resources", "missing"]);
    for row in &rows {
        listing.push(vec![
            cell(row, "name"),
            words(row, "resource_types"),
            cell(row, "resources"),
            words(row, "missing"),
        ]);
    }
    listing.print(args.output.output, &Value::Array(rows))
}

fn all(api: &Api) -> anyhow::Result<Vec<Value>> {
    api.list(&Request::new(Method::GET, "/v1/resource-manager/policy-definitions"), None)
}

/// The policy of that name or id.
pub fn find(api: &Api, name_or_id: &str) -> anyhow::Result<Value> {
    let found = all(api)?.into_iter().find(|policy| {
        [cell(policy, "name"), cell(policy, "id")].iter().any(|of| of == name_or_id)
    });
    found.ok_or_else(|| {
        Refused {
            status: 404,
            code: "RMS.00010005".to_owned(),
            message: format!(
                "no policy has the name or id `{name_or_id}`; `ruleward policies list` shows all"
            ),
            request_id: None,
            retry_after: None,
        }
        .into()
    })
}

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let mut found = all(&args.connection.connect()?)?;
    if let Some(text) = &args.text {
        let text = text.to_lowercase();
        found.retain(|policy| {
            ["name", "display_name", "description", "keywords"]
                .iter()
                .any(|field| cell(policy, field).to_lowercase().contains(&text))
        });
    }
    found.sort_by_key(|policy| cell(policy, "name"));
    if let Some(most) = args.limit {
        found.truncate(most);
    }
    let mut listing = Listing::new(&["name", "trigger_type", "resource_types", "parameters", "id"]);
    for policy in &found {
        listing.push(vec![
            cell(policy, "name"),
            cell(policy, "trigger_type"),
            types(policy),
            parameters(policy).map(|(name, _)| name.clone()).collect::<Vec<_>>().join(", "),
            cell(policy, "id"),
        ]);
    }
    listing.print(args.output.output, &Value::Array(found))
}

fn types(policy: &Value) -> String {
    let types = policy.get("default_resource_types").and_then(Value::as_array);
    let names: Vec<String> = types
        .into_iter()
        .flatten()
        .map(|of| format!("{}.{}", cell(of, "provider"), cell(of, "type")))
        .collect();
    names.join(", ")
}

fn parameters(policy: &Value) -> impl Iterator<Item = (&String, &Value)> {
    policy.get("parameters").and_then(Value::as_object).into_iter().flatten()
}

fn show(args: &ShowArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let policy = find(&api, &args.policy)?;
    if args.output.output == Format::Json {
        return print_json(&policy);
    }
    let mut listing = Listing::new(&["parameter", "type", "default", "limits", "description"]);
    for (name, parameter) in parameters(&policy) {
        listing.push(vec![
            name.clone(),
            cell(parameter, "type"),
            cell(parameter, "default_value"),
            limits(parameter),
            cell(parameter, "description"),
        ]);
    }
    if args.output.output == Format::Csv {
        return listing.print(Format::Csv, &policy);
    }
    for field in ["name", "id", "display_name", "description", "trigger_type"] {
        line(&format!("{:<15} {}", field.replace('_', " "), printable(&cell(&policy, field))))?;
    }
    line(&format!("{:<15} {}", "resource types", printable(&types(&policy))))?;
    if parameters(&policy).next().is_some() {
        line("")?;
        listing.print_table()?;
    }
    line("\npolicy rule (a match is a violation)")?;
    print_json(policy.get("policy_rule").unwrap_or(&Value::Null))
}

fn limits(parameter: &Value) -> String {
    let names = [
        "allowed_values",
        "minimum",
        "maximum",
        "min_items",
        "max_items",
        "min_length",
        "max_length",
        "pattern",
    ];
    let set: Vec<String> = names
        .iter()
        .filter_map(|name| Some((name, parameter.get(name).filter(|value| !value.is_null())?)))
        .map(|(name, value)| format!("{} {}", name.replace('_', " "), plain(value)))
        .collect();
    set.join(", ")
}
