//! `ruleward channels` and `ruleward snapshot`: messages and archives.

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::{Api, ConnectionArgs, Request};
use crate::output::{Format, Listing, OutputArgs, cell, line};

const POLL: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Where the account's messages and archives go, and how that is going.
#[derive(Debug, Subcommand)]
pub enum ChannelsCommand {
    /// Messages that wait, that arrived and that were given up; archives that are due and the last ones.
    Status(StatusArgs),
}

/// The options of `channels status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Write a snapshot of all recorded resources into the account's bucket now, and the changes since
/// the last archive of them.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// Do not wait until it is complete.
    #[arg(long)]
    no_wait: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Does what was asked for.
pub fn run(command: &ChannelsCommand) -> anyhow::Result<()> {
    let ChannelsCommand::Status(args) = command;
    let api = args.connection.connect()?;
    let status = api.get(api.own_path("/channels"))?;
    if args.output.output == Format::Table {
        archives(&status)?;
    }
    let mut listing =
        Listing::new(&["topic", "waiting", "oldest_waiting", "delivered", "dead", "last_error"]);
    for topic in status.get("topics").and_then(Value::as_array).into_iter().flatten() {
        listing.push(vec![
            cell(topic, "topic_urn"),
            cell(topic, "waiting"),
            cell(topic, "oldest_waiting"),
            cell(topic, "delivered"),
            cell(topic, "dead"),
            cell(topic, "last_error"),
        ]);
    }
    listing.print(args.output.output, &status)
}

fn archives(status: &Value) -> anyhow::Result<()> {
    for (field, name) in [("snapshot", "snapshots"), ("changes", "archives of changes")] {
        let Some(task) = status.get(field) else { continue };
        let next = cell(task, "next");
        if next.is_empty() {
            line(&format!("{name}: none, the recorder names no channel for them"))?;
            continue;
        }
        let last = match task.get("last").filter(|last| !last.is_null()) {
            Some(last) => format!(
                "last {} with {} items in {} files",
                cell(last, "time"),
                cell(last, "items"),
                cell(last, "files")
            ),
            None => "none yet".to_owned(),
        };
        let error = cell(task, "last_error");
        let error = if error.is_empty() { error } else { format!("; failed: {error}") };
        line(&format!("{name}: {last}, next {next}{error}"))?;
    }
    Ok(())
}

/// Begins a snapshot and waits for it.
pub fn snapshot(args: &SnapshotArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let made = api.send(&Request::new(Method::POST, api.own_path("/snapshots")))?;
    let id = cell(&made, "snapshot_id");
    if args.no_wait {
        return line(&format!("snapshot {id} has begun"));
    }
    let last = wait(&api, &id)?;
    line(&format!(
        "snapshot {id}: {} resources in {} files",
        cell(&last, "items"),
        cell(&last, "files")
    ))
}

/// Waits for a snapshot; answers what came of it.
fn wait(api: &Api, id: &str) -> anyhow::Result<Value> {
    let begun = Instant::now();
    loop {
        let status = api.get(api.own_path("/channels"))?;
        let task = status.get("snapshot").cloned().unwrap_or_default();
        let last = task.get("last").cloned().unwrap_or_default();
        if cell(&last, "id") == id {
            return Ok(last);
        }
        let error = cell(&task, "last_error");
        if !error.is_empty() {
            bail!("the snapshot failed and will be tried again: {error}");
        }
        if cell(&task, "running") != id {
            bail!("the snapshot was called off: the recorder names no bucket any more");
        }
        if begun.elapsed() > LONGEST_WAIT {
            bail!("the snapshot is still being written");
        }
        std::thread::sleep(POLL);
    }
}
