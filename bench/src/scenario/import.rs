//! An import, pipelined as the client does it: the next batch is sent while the one before is
//! written, two in flight, and the workers run.

use std::io::BufRead as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow};
use ruleward_core::NewPolicyAssignment;
use serde_json::{Value, json};

use super::{measured, open, settle};
use crate::cpu;

const BATCH_BYTES: usize = 8 << 20;
const IN_FLIGHT: usize = 2;

/// Batches of a file in their order, one at a time; the seconds of reading apart.
struct Batches {
    reader: std::io::BufReader<std::fs::File>,
    line: u64,
}

impl Batches {
    fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let (mut batch, from) = (Vec::with_capacity(BATCH_BYTES + 65_536), self.line);
        while batch.len() < BATCH_BYTES {
            if self.reader.read_until(b'\n', &mut batch)? == 0 {
                break;
            }
            self.line += 1;
        }
        Ok((!batch.is_empty()).then_some((from, batch)))
    }
}

/// Imports a file judged by rules, until nothing waits to be judged. The time counts from the
/// first batch on; reading the file is in it.
pub fn import(file: &Path, database: &Path, rules: Vec<NewPolicyAssignment>) -> Result<Value> {
    let (service, access) = open(database)?;
    for rule in rules {
        service.create_policy_assignment(&access, rule)?;
    }
    let workers = service.start()?;
    settle(&service)?;
    let session = service.open_import(&access, "bench", &[])?;
    let reader = std::io::BufReader::with_capacity(1 << 20, std::fs::File::open(file)?);
    let batches = Mutex::new(Batches { reader, line: 0 });
    let mut told = measured("import", || {
        let begun = Instant::now();
        let senders = std::thread::scope(|scope| -> Result<u64> {
            let senders: Vec<_> = (0..IN_FLIGHT)
                .map(|_| {
                    scope.spawn(|| -> Result<u64> {
                        loop {
                            let next = batches.lock().map_err(|_| anyhow!("poisoned"))?.next()?;
                            let Some((offset, batch)) = next else {
                                return cpu::thread_ns();
                            };
                            service.import_batch(&access, &session.id, offset, &batch)?;
                        }
                    })
                })
                .collect();
            let mut ns = 0;
            for sender in senders {
                ns += sender.join().map_err(|_| anyhow!("a sender panicked"))??;
            }
            Ok(ns)
        })?;
        let sent = begun.elapsed();
        let session = service.complete_import(&access, &session.id, false)?;
        // The end of an import asks for the columns of all chunks that have none.
        settle(&service)?;
        Ok(json!({ "resources": session.next_offset, "refused": session.report.refused,
            "sent_ms": sent.as_secs_f64() * 1e3, "senders_cpu_ms": super::ms(senders) }))
    })?;
    let evaluations = super::evaluations(&service, &access)?;
    drop(workers);
    let service = Arc::try_unwrap(service).ok().context("the service is still shared")?;
    drop(service);
    if let Some(fields) = told.as_object_mut() {
        fields.insert("evaluations".to_owned(), evaluations.into());
    }
    Ok(told)
}
