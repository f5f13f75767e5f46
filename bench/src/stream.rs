//! A stream of single changes in an open loop: each has its time, whether or not the ones
//! before it were answered; latency counts from that time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ruleward_sign::{Credentials, SignedRequest, sign};
use ruleward_types::Clock;
use rusqlite::{Connection, params};
use serde_json::Value;

use crate::inventory;

/// What a stream looks like.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Changes a second.
    pub rate: u64,
    /// Clients.
    pub clients: u64,
    /// Seconds.
    pub seconds: u64,
    /// Resources that exist; the changes are about these.
    pub resources: u64,
}

/// Runs a load; `change` gets a client's state and the number of the change. Milliseconds.
fn open_loop<C: Send>(
    load: Load,
    connect: impl Fn() -> Result<C> + Sync,
    change: impl Fn(&mut C, u64) -> Result<()> + Sync,
) -> Result<Vec<f64>> {
    let (next, latencies) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let total = load.rate * load.seconds;
    let begun = Instant::now();
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..load.clients {
            scope.spawn(|| {
                let run = || -> Result<()> {
                    let mut client = connect()?;
                    let mut mine = Vec::new();
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        if n >= total {
                            break;
                        }
                        let due = begun + Duration::from_nanos(n * 1_000_000_000 / load.rate);
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        change(&mut client, n)?;
                        mine.push(due.elapsed().as_secs_f64() * 1e3);
                    }
                    if let Ok(mut all) = latencies.lock() {
                        all.extend(mine);
                    }
                    Ok(())
                };
                if let (Err(error), Ok(mut failure)) = (run(), failure.lock()) {
                    *failure = Some(error);
                }
            });
        }
    });
    if let Some(error) = failure.into_inner().ok().flatten() {
        return Err(error);
    }
    let mut all = latencies.into_inner().unwrap_or_default();
    all.sort_by(f64::total_cmp);
    Ok(all)
}

/// p50, p90, p99 and the worst.
pub fn percentiles(sorted: &[f64]) -> [f64; 4] {
    [0.5, 0.9, 0.99, 1.0].map(|share| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a place in a list"
        )]
        let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or(0.0)
    })
}

/// The change of that number: mostly puts of another version, 10 % flipping a verdict, 5 %
/// creating, 5 % deleting, 5 % retagging.
fn change(load: Load, n: u64) -> (bool, Value) {
    let kind = n % 20;
    let of = n.wrapping_mul(7919) % load.resources.max(1);
    let mut resource = match kind {
        0 => inventory::resource(1, load.resources + n),
        1 => inventory::resource(1, load.resources + n - 1),
        _ => inventory::resource(1, of),
    };
    if let Some(fields) = resource.as_object_mut() {
        match kind {
            2 => {
                fields.insert(
                    "tags".to_owned(),
                    serde_json::json!({ "env": if n % 40 < 20 { "prod" } else { "x" } }),
                );
            }
            3 | 4 => {
                if let Some(properties) =
                    fields.get_mut("properties").and_then(Value::as_object_mut)
                {
                    let status = if n % 40 < 20 { "available" } else { "in-use" };
                    properties.insert("status".to_owned(), status.into());
                }
            }
            _ => {}
        }
        fields.insert("updated".to_owned(), format!("2026-11-01T00:00:00.{n:09}Z").into());
    }
    (kind == 1, resource)
}

/// A stream of signed requests to a server.
pub fn served(data: &Path, load: Load) -> Result<Vec<f64>> {
    let told: Value = serde_json::from_slice(&std::fs::read(data.join("dev-credentials.json"))?)?;
    let text = |field: &str| {
        told.get(field).and_then(Value::as_str).map(str::to_owned).context("credentials")
    };
    let (access_key, secret_key, domain) =
        (text("access_key")?, text("secret_key")?, text("domain_id")?);
    let host = text("endpoint")?.trim_start_matches("http://").to_owned();
    open_loop(
        load,
        || {
            let stream = TcpStream::connect(&host)?;
            stream.set_nodelay(true)?;
            Ok(BufReader::new(stream))
        },
        |client, n| {
            let (delete, resource) = change(load, n);
            let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
            let path = format!("/v1/ruleward/domains/{domain}/resources/{id}");
            let body = if delete { Vec::new() } else { serde_json::to_vec(&resource)? };
            let method = if delete { "DELETE" } else { "PUT" };
            let headers: [(&str, &[u8]); 2] =
                [("host", host.as_bytes()), ("content-type", b"application/json")];
            let request =
                SignedRequest { method, path: &path, query: "", headers: &headers, body: &body };
            let credentials = Credentials {
                access_key: &access_key,
                secret_key: &secret_key,
                security_token: None,
            };
            let now = jiff::Timestamp::from_microsecond(ruleward_types::SystemClock.now().0)?;
            let mut head = format!(
                "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
                body.len()
            );
            for (name, value) in sign(&request, &credentials, now)? {
                head.push_str(name);
                head.push_str(": ");
                head.push_str(&value);
                head.push_str("\r\n");
            }
            head.push_str("\r\n");
            let mut message = head.into_bytes();
            message.extend_from_slice(&body);
            client.get_mut().write_all(&message)?;
            let status = answer(client)?;
            // The resource that is deleted may have been created by a slower client.
            let gone = delete && status == 404;
            if !gone && !(200..300).contains(&status) {
                bail!("{method} answered {status}");
            }
            Ok(())
        },
    )
}

fn answer(client: &mut BufReader<TcpStream>) -> Result<u16> {
    let (mut status, mut length, mut line) = (0, 0, String::new());
    loop {
        line.clear();
        if client.read_line(&mut line)? == 0 {
            bail!("the connection was closed");
        }
        let text = line.trim_end().to_ascii_lowercase();
        if text.is_empty() {
            break;
        }
        if let Some(rest) = text.strip_prefix("http/1.1 ") {
            status = rest.split(' ').next().unwrap_or_default().parse()?;
        } else if let Some(rest) = text.strip_prefix("content-length: ") {
            length = rest.parse()?;
        }
    }
    std::io::copy(&mut client.by_ref().take(length), &mut std::io::sink())?;
    Ok(status)
}

type Insert = (u64, Vec<u8>, mpsc::SyncSender<()>);

/// The same stream as bare synced inserts: one writer that groups what waits into a commit.
pub fn bare(database: &Path, load: Load) -> Result<Vec<f64>> {
    let connection = Connection::open(database)?;
    for (name, value) in [("page_size", "8192"), ("journal_mode", "wal"), ("synchronous", "full")] {
        connection.pragma_update(None, name, value)?;
    }
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS resource (key INTEGER PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL)",
    )?;
    let (sender, receiver) = mpsc::channel::<Insert>();
    let writer = std::thread::spawn(move || -> Result<()> {
        while let Ok(first) = receiver.recv() {
            let mut group = vec![first];
            group.extend(receiver.try_iter().take(255));
            connection.execute_batch("BEGIN IMMEDIATE")?;
            for (n, body, _) in &group {
                connection
                    .prepare_cached("INSERT INTO resource (version, body) VALUES (?1, ?2)")?
                    .execute(params![i64::try_from(*n)?, body])?;
            }
            connection.execute_batch("COMMIT")?;
            for (_, _, reply) in group {
                let _ = reply.send(());
            }
        }
        Ok(())
    });
    let sender = Arc::new(Mutex::new(sender));
    let latencies = open_loop(
        load,
        || Ok(sender.lock().map_err(|_| anyhow::anyhow!("poisoned"))?.clone()),
        |sender, n| {
            let (_, resource) = change(load, n);
            let (reply, done) = mpsc::sync_channel(1);
            sender.send((n, serde_json::to_vec(&resource)?, reply))?;
            Ok(done.recv()?)
        },
    );
    drop(sender);
    writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    latencies
}
