//! Calls of functions: by hand, as they went, given up, and again.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{PATH, id};
use crate::client::{ConnectionArgs, Request, rule, segment};
use crate::output::{Format, Listing, OutputArgs, cell, line, plain, print_json, printable};

/// Call a function with an event of your own; nothing is stored.
///
/// Without --event it is called about a disk and for a rule that do not exist. What it reports then
/// is refused with 404, which shows that it reaches the service and may report.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// URN, as it was added, or id of the function.
    function: String,
    /// A file with the event, JSON; - is standard input.
    #[arg(long, value_name = "FILE")]
    event: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Call a rule's function now, with the real event; its result counts.
#[derive(Debug, Args)]
pub struct InvokeArgs {
    /// Id or name of the rule.
    #[arg(long, value_name = "RULE")]
    rule: String,
    /// The resource; a periodic rule has none.
    #[arg(long, value_name = "ID")]
    resource: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Show the last calls of a function, newest first, with what it wrote.
///
/// The server remembers a hundred of each function since its start.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// URN, as it was added, or id of the function.
    function: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// List events that were given up after several calls.
#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Call again for events that were given up, once the function is mended.
#[derive(Debug, Args)]
pub struct RedriveArgs {
    /// Those of the list of dead letters [default: all].
    ids: Vec<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Calls a function with an event.
pub fn test(args: &TestArgs) -> anyhow::Result<()> {
    let mut body = Map::new();
    if let Some(path) = &args.event {
        let event: Value = serde_json::from_slice(&read(path)?)
            .with_context(|| format!("{} holds no JSON", path.display()))?;
        body.insert("event".to_owned(), event);
    }
    let api = args.connection.connect()?;
    let id = id(&api, &args.function)?;
    let path = format!("{PATH}/{}/test", segment(&id));
    let text = serde_json::to_vec(&Value::Object(body))?;
    show(args.output.output, &api.send(&Request::new(Method::POST, path).body(text))?)
}

/// Calls a rule's function.
pub fn invoke(args: &InvokeArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let id = rule::id(&api, &args.rule)?;
    let body = json!({ "policy_assignment_id": id, "resource_id": args.resource });
    let request = Request::new(Method::POST, format!("{PATH}/invoke"));
    show(args.output.output, &api.send(&request.body(serde_json::to_vec(&body)?))?)
}

/// Shows what a call came to; a failure is one of the command.
fn show(format: Format, trial: &Value) -> anyhow::Result<()> {
    let outcome = cell(trial, "outcome");
    if format == Format::Json {
        print_json(trial)?;
    } else {
        for field in ["request_id", "outcome", "returned", "took_ms"] {
            let text = cell(trial, field);
            if !text.is_empty() {
                line(&format!("{field}: {}", printable(&text)))?;
            }
        }
        write_output(trial)?;
    }
    if !matches!(outcome.as_str(), "finished" | "accepted") {
        bail!("{}", printable(&cell(trial, "message")));
    }
    Ok(())
}

fn write_output(of: &Value) -> anyhow::Result<()> {
    let output = cell(of, "output");
    output.lines().try_for_each(|text| line(&format!("  | {}", printable(text))))
}

/// Shows the last calls.
pub fn logs(args: &LogsArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let id = id(&api, &args.function)?;
    let told = api.get(format!("{PATH}/{}/calls", segment(&id)))?;
    let calls = told.get("value").and_then(Value::as_array).cloned().unwrap_or_default();
    match args.output.output {
        Format::Table => calls.iter().try_for_each(|call| {
            let fields = ["at", "outcome", "took_ms", "resource_id", "request_id", "message"];
            let texts: Vec<String> = fields
                .iter()
                .map(|field| printable(&cell(call, field)))
                .filter(|text| !text.is_empty())
                .collect();
            line(&texts.join("  "))?;
            write_output(call)
        }),
        format => {
            let header = &[
                "at",
                "request_id",
                "domain_id",
                "policy_assignment_id",
                "resource_id",
                "outcome",
                "message",
                "took_ms",
                "output",
            ];
            rows(header, &calls).print(format, &Value::Array(calls))
        }
    }
}

fn rows(header: &'static [&'static str], values: &[Value]) -> Listing {
    let mut listing = Listing::new(header);
    for value in values {
        listing.push(header.iter().map(|field| cell(value, field)).collect());
    }
    listing
}

/// Lists what was given up.
pub fn dead_letters(args: &DeadLettersArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let request = Request::new(Method::GET, format!("{PATH}/dead-letters"));
    let found = api.list(&request, args.limit)?;
    let header =
        &["id", "policy_assignment_name", "resource_id", "attempts", "evaluation_time", "message"];
    rows(header, &found).print(args.output.output, &Value::Array(found))
}

/// Calls again.
pub fn redrive(args: &RedriveArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let body = if args.ids.is_empty() { json!({}) } else { json!({ "ids": args.ids }) };
    let request = Request::new(Method::POST, format!("{PATH}/dead-letters/redrive"));
    let told = api.send(&request.body(serde_json::to_vec(&body)?))?;
    match args.output.output {
        Format::Json => print_json(&told),
        Format::Table | Format::Csv => {
            let count = told.get("redriven").map(plain).unwrap_or_default();
            line(&format!("{count} events are called for again"))
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    if path != Path::new("-") {
        return fs::read(path).with_context(cannot);
    }
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).with_context(cannot)?;
    Ok(text)
}
