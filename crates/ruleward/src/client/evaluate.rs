//! `ruleward evaluate`: what would the rules of the account say of a resource?

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{ConnectionArgs, Request, explain};
use crate::failure;
use crate::output::{Format, Listing, OutputArgs, cell, line, plain, printable};

/// Judge a resource that does not exist yet, or not so, by all rules of the account.
///
/// Exit code 0: no rule finds it non-compliant; 1: some rule does, or the service said no.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// The resource as the service lists it, one JSON object; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Judges and prints the verdicts.
pub fn run(args: &EvaluateArgs) -> anyhow::Result<ExitCode> {
    let body = read(&args.file)?;
    let api = args.connection.connect()?;
    let request = Request::new(Method::POST, api.own_path("/resources/evaluate")).body(body);
    let told = api.send(&request)?;
    let states: Vec<&Value> =
        told.get("value").and_then(Value::as_array).into_iter().flatten().collect();
    let mut listing =
        Listing::new(&["compliance_state", "policy_assignment_name", "policy_assignment_id"]);
    for state in &states {
        let fields = ["compliance_state", "policy_assignment_name", "policy_assignment_id"];
        listing.push(fields.iter().map(|field| cell(state, field)).collect());
    }
    let violated = |state: &&&Value| cell(state, "compliance_state") == "NonCompliant";
    if args.output.output == Format::Table && states.is_empty() {
        line("no rule is about this resource")?;
    } else {
        listing.print(args.output.output, &told)?;
    }
    if args.output.output == Format::Table {
        let unclear = states.iter().filter(|state| cell(state, "compliance_state") != "Compliant");
        for state in unclear {
            let name = printable(&cell(state, "policy_assignment_name"));
            let explanation = state.get("explanation").unwrap_or(&Value::Null);
            line(&format!("\n{name}"))?;
            if let Some(reason) = explanation.get("reason").filter(|reason| !reason.is_null()) {
                line(&format!("no verdict: {}", printable(&plain(reason))))?;
            }
            line(explain::tree(explanation).trim_end())?;
        }
    }
    let code = if states.iter().any(|state| violated(&state)) { failure::REFUSED } else { 0 };
    Ok(ExitCode::from(code))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    if path != Path::new("-") {
        return fs::read(path).with_context(cannot);
    }
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text).with_context(cannot)?;
    Ok(text)
}
