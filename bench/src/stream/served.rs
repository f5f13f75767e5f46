//! A stream of signed requests to a server, with full runs of one rule among them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};

use super::changes::change;
use super::{Load, made, open_loop, told, watching_wal};
use crate::client::{Connection, Server};

/// The rule that is run: one over all types.
const RUN_RULE: &str = "required-tag-check-0";

/// Runs a load against the development server of a data folder; with its process id, also the
/// CPU time of its writer by change.
pub fn served(data: &Path, load: Load, pid: Option<u32>) -> Result<Value> {
    let server = Server::of(data)?;
    let messages = messages(&server, load)?;
    let before = pid.map(writer_ns).transpose()?;
    let done = AtomicBool::new(false);
    let ((sorted, runs), wal) = watching_wal(&data.join("ruleward.db"), || {
        std::thread::scope(|scope| {
            let runs = scope.spawn(|| run_rules(&server, load, &done));
            let sorted = stream(&server, load, messages);
            done.store(true, Ordering::Release);
            let runs = runs.join().map_err(|_| anyhow!("the runs panicked"))??;
            Ok((sorted?, runs))
        })
    })?;
    let after = pid.map(writer_ns).transpose()?;
    #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
    let writer_us = before
        .zip(after)
        .map(|(before, after)| (after - before) as f64 / 1e3 / sorted.len().max(1) as f64);
    Ok(told(&sorted, wal, &json!({ "runs": runs, "writer_cpu_us_per_change": writer_us })))
}

/// A signed request for each change, and whether it deletes.
fn messages(server: &Server, load: Load) -> Result<Vec<(bool, Vec<u8>)>> {
    made(load, |n| {
        let (delete, resource) = change(load, n);
        let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
        let path = format!("/v1/ruleward/domains/{}/resources/{id}", server.domain);
        let body = if delete { Vec::new() } else { serde_json::to_vec(&resource)? };
        let method = if delete { "DELETE" } else { "PUT" };
        Ok((delete, server.signed(method, &path, "", &body)?))
    })
}

fn stream(server: &Server, load: Load, messages: Vec<(bool, Vec<u8>)>) -> Result<Vec<f64>> {
    open_loop(
        load,
        messages,
        || Connection::open(&server.host),
        |connection, (delete, message)| {
            let (status, body) = connection.ask(&message)?;
            // What is deleted may still be on its way from a slower client.
            let taken = (200..300).contains(&status) || (delete && status == 404);
            if !taken {
                bail!("answered {status}: {}", String::from_utf8_lossy(body));
            }
            Ok(())
        },
    )
}

/// Starts a full run of one rule every so many seconds, by other parameters each time.
fn run_rules(server: &Server, load: Load, done: &AtomicBool) -> Result<u64> {
    let rules = format!("/v1/resource-manager/domains/{}/policy-assignments", server.domain);
    let mut connection = Connection::open(&server.host)?;
    let (mut runs, every) = (0, load.run_every.max(1));
    let before = load.from / load.rate.max(1);
    let mut next = before.saturating_sub(1).div_ceil(every);
    let mut due = Instant::now() + Duration::from_secs(1 + next * every - before);
    while !done.load(Ordering::Acquire) {
        if Instant::now() < due {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        due += Duration::from_secs(every);
        let asked =
            server.signed("GET", &rules, &format!("policy_assignment_name={RUN_RULE}"), b"")?;
        let (_, body) = connection.ask(&asked)?;
        let told: Value = serde_json::from_slice(body)?;
        let mut rule = told.pointer("/value/0").cloned().context("the rule that is run")?;
        let id = rule.get("id").and_then(Value::as_str).context("an id")?.to_owned();
        let values = if next.is_multiple_of(2) { ["prod", "dev"] } else { ["prod", "staging"] };
        next += 1;
        if let Some(parameters) = rule.get_mut("parameters").and_then(Value::as_object_mut) {
            parameters.insert("specifiedTagValue".to_owned(), json!({ "value": values }));
        }
        let update = serde_json::to_vec(&rule)?;
        let (status, body) =
            connection.ask(&server.signed("PUT", &format!("{rules}/{id}"), "", &update)?)?;
        if status != 200 {
            bail!("the rule's update answered {status}: {}", String::from_utf8_lossy(body));
        }
        runs += 1;
    }
    Ok(runs)
}

/// CPU nanoseconds that the store's writer of a process has had: what it is busy without
/// waiting for the disk.
fn writer_ns(pid: u32) -> Result<u64> {
    for task in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path();
        if std::fs::read_to_string(path.join("comm"))?.trim() == "store-writer" {
            let told = std::fs::read_to_string(path.join("schedstat"))?;
            return Ok(told.split(' ').next().context("CPU time")?.parse()?);
        }
    }
    bail!("the process has no writer")
}
