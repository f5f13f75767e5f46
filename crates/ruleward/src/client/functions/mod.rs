//! `ruleward functions`: what runs for the URNs of custom rules, and what became of the calls.

mod add;
mod calls;

use anyhow::bail;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use self::add::AddArgs;
use self::calls::{DeadLettersArgs, InvokeArgs, LogsArgs, RedriveArgs, TestArgs};
use super::{Api, ConnectionArgs, Request, segment};
use crate::output::{Format, Listing, OutputArgs, cell, line, print_json};

/// Where functions are in our own namespace.
const PATH: &str = "/v1/ruleward/functions";

/// Configure the functions of custom rules, try them, and see what became of their calls.
#[derive(Debug, Subcommand)]
pub enum FunctionsCommand {
    Add(Box<AddArgs>),
    /// List the functions with their numbers.
    List(ListArgs),
    /// Remove a function. Its rules say then that nobody runs them.
    Remove(OneArgs),
    Test(TestArgs),
    Invoke(InvokeArgs),
    Logs(LogsArgs),
    DeadLetters(DeadLettersArgs),
    Redrive(RedriveArgs),
}

/// The options of `functions list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// A function.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// URN, as it was added, or id of the function.
    function: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Does what was asked for.
pub fn run(command: &FunctionsCommand) -> anyhow::Result<()> {
    match command {
        FunctionsCommand::Add(args) => add::run(args),
        FunctionsCommand::List(args) => list(args),
        FunctionsCommand::Remove(args) => {
            let api = args.connection.connect()?;
            let id = id(&api, &args.function)?;
            api.send(&Request::new(Method::DELETE, format!("{PATH}/{}", segment(&id))))?;
            match args.output.output {
                Format::Json => print_json(&Value::Null),
                Format::Table | Format::Csv => line(&format!("removed {}", args.function)),
            }
        }
        FunctionsCommand::Test(args) => calls::test(args),
        FunctionsCommand::Invoke(args) => calls::invoke(args),
        FunctionsCommand::Logs(args) => calls::logs(args),
        FunctionsCommand::DeadLetters(args) => calls::dead_letters(args),
        FunctionsCommand::Redrive(args) => calls::redrive(args),
    }
}

const HEADER: &[&str] = &[
    "urn",
    "runner",
    "file_or_endpoint",
    "timeout_seconds",
    "calls",
    "repeated_calls",
    "failed_calls",
    "accepted_results",
    "refused_results",
    "function_id",
];

fn list(args: &ListArgs) -> anyhow::Result<()> {
    let found = all(&args.connection.connect()?)?;
    print(args.output.output, &found, &Value::Array(found.clone()))
}

fn print(format: Format, found: &[Value], json: &Value) -> anyhow::Result<()> {
    let mut listing = Listing::new(HEADER);
    for function in found {
        let row = HEADER.iter().map(|field| match *field {
            "file_or_endpoint" => {
                let file = cell(function, "file");
                if file.is_empty() { cell(function, "endpoint") } else { file }
            }
            field => cell(function, field),
        });
        listing.push(row.collect());
    }
    listing.print(format, json)
}

fn all(api: &Api) -> anyhow::Result<Vec<Value>> {
    api.list(&Request::new(Method::GET, PATH), None)
}

/// The id of the function of that URN or id.
fn id(api: &Api, urn_or_id: &str) -> anyhow::Result<String> {
    let is_meant =
        |of: &&Value| cell(of, "urn") == urn_or_id || cell(of, "function_id") == urn_or_id;
    let found = all(api)?;
    let mut meant = found.iter().filter(is_meant).map(|of| cell(of, "function_id"));
    match (meant.next(), meant.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => {
            bail!(
                "no function has the URN or id `{urn_or_id}`; `ruleward functions list` shows all"
            )
        }
        (Some(_), Some(_)) => bail!("several functions have this URN; name one by its id"),
    }
}
