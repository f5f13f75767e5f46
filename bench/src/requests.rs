//! A closed loop of the same request over a few connections: requests a second, and what the
//! client itself takes of the processor.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::client::{Connection, Server};
use crate::cpu;

/// Signed lists of ten rules, each signed anew.
pub fn ours(data: &Path, connections: u64, seconds: u64) -> Result<Value> {
    let server = Server::of(data)?;
    let path = format!("/v1/resource-manager/domains/{}/policy-assignments", server.domain);
    run(&server.host, connections, seconds, || server.signed("GET", &path, "limit=10", b""))
}

/// `DescribeConfigRules` of moto's server at `address:port`, which checks no signature.
pub fn moto(host: &str, connections: u64, seconds: u64) -> Result<Value> {
    let message = format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/x-amz-json-1.1\r\n\
         x-amz-target: StarlingDoveService.DescribeConfigRules\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/config/aws4_request, SignedHeaders=host, Signature=0\r\n\
         content-length: 2\r\n\r\n{{}}"
    );
    run(host, connections, seconds, || Ok(message.clone().into_bytes()))
}

fn run(
    host: &str,
    connections: u64,
    seconds: u64,
    message: impl Fn() -> Result<Vec<u8>> + Sync,
) -> Result<Value> {
    let (answered, bytes, cpu_ns) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let begun = Instant::now();
    let until = begun + Duration::from_secs(seconds);
    std::thread::scope(|scope| -> Result<()> {
        let clients: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut connection = Connection::open(host)?;
                    while Instant::now() < until {
                        let (status, body) = connection.ask(&message()?)?;
                        if status != 200 {
                            bail!("answered {status}: {}", String::from_utf8_lossy(body));
                        }
                        bytes.store(body.len() as u64, Ordering::Relaxed);
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    cpu_ns.fetch_add(cpu::thread_ns()?, Ordering::Relaxed);
                    Ok(())
                })
            })
            .collect();
        for client in clients {
            client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
        }
        Ok(())
    })?;
    let wall = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "figures to be read")]
    let (count, cpu) = (answered.into_inner() as f64, cpu_ns.into_inner() as f64 / 1e9);
    Ok(json!({ "requests_per_second": count / wall, "client_cpu_share": cpu / wall,
        "answer_bytes": bytes.into_inner() }))
}
