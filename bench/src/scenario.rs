//! What is measured of ours, in process.

use std::io::BufRead;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use ruleward_core::{Access, Options, SealingKey, Service};
use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{Recorder, SystemClock};

use crate::{catalogue, rules};

/// The service on a store, and its first account.
pub fn open(database: &Path) -> Result<(Arc<Service>, Access)> {
    let store: Arc<dyn Store> = SqliteStore::open(database)?;
    let options = Options {
        policy_assignment_quota: 1000,
        catalogue: catalogue::catalogue()?,
        ..Options::default()
    };
    let service = Service::open(store, Arc::new(SystemClock), &SealingKey::new([0; 32]), options)?;
    let account = match service.accounts()?.into_iter().next() {
        Some(account) => account,
        None => service.create_account("bench", None, Recorder { enabled: true })?,
    };
    Ok((service, Access::operator(&account)))
}

/// Adds rules to the first account of a store.
pub fn add_rules(database: &Path, count: usize) -> Result<()> {
    let (service, access) = open(database)?;
    for rule in rules::rules(count) {
        service.create_policy_assignment(&access, rule)?;
    }
    Ok(())
}

/// Imports a file in batches of 8 MiB, judged by rules. Rows, and the seconds of the batches.
pub fn import(file: &Path, database: &Path, count: usize) -> Result<(u64, f64)> {
    let (service, access) = open(database)?;
    for rule in rules::rules(count) {
        service.create_policy_assignment(&access, rule)?;
    }
    let session = service.open_import(&access, "bench", &[])?;
    let mut reader = std::io::BufReader::new(std::fs::File::open(file)?);
    let (mut batch, mut offset, mut seconds) = (Vec::new(), 0, 0.0);
    loop {
        let read = reader.read_until(b'\n', &mut batch)?;
        if batch.len() >= 8 << 20 || (read == 0 && !batch.is_empty()) {
            let begun = Instant::now();
            offset = service.import_batch(&access, &session.id, offset, &batch)?.next_offset;
            seconds += begun.elapsed().as_secs_f64();
            batch.clear();
        }
        if read == 0 {
            return Ok((offset, seconds));
        }
    }
}

/// Makes rules over a stored inventory and judges it. Evaluations, and the seconds of judging.
pub fn evaluate(database: &Path, count: usize) -> Result<(i64, f64)> {
    let (service, access) = open(database)?;
    let mut evaluations = 0;
    for mut rule in rules::rules(count) {
        rule.name = format!("evaluate-{}", rule.name);
        service.create_policy_assignment(&access, rule)?;
    }
    let begun = Instant::now();
    let workers = service.start()?;
    while service.gauges()?.tickets_pending > 0 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let seconds = begun.elapsed().as_secs_f64();
    drop(workers);
    for summary in service.summary_by_domain(&access, &[])?.policy_assignments {
        if summary.policy_assignment.name.starts_with("evaluate-") {
            evaluations += summary.resources.compliant + summary.resources.non_compliant;
        }
    }
    Ok((evaluations, seconds))
}

/// Reads all bodies of the first account, one chunk after the other.
pub fn read(database: &Path) -> Result<(u64, f64)> {
    let store: Arc<dyn Store> = SqliteStore::open(database)?;
    let (mut resources, mut sum) = (0, 0_u64);
    let begun = Instant::now();
    let account = store.read(|tx| Ok(tx.accounts()?.into_iter().next()))?.context("account")?;
    let chunks = store.read(|tx| tx.chunks(account.no, None, None, usize::MAX))?;
    for chunk in chunks {
        store.read(|tx| {
            tx.scan_chunk(chunk.no, 0, -1, &mut |_, _, body| {
                resources += 1;
                // The last byte of each page has to be there.
                sum += body.iter().step_by(64).map(|byte| u64::from(*byte)).sum::<u64>();
                Ok(())
            })
        })?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    anyhow::ensure!(sum > 0, "nothing was read");
    Ok((resources, seconds))
}

/// Takes the account's summary many times.
pub fn summary(database: &Path) -> Result<(u32, f64)> {
    const TIMES: u32 = 200;
    let (service, access) = open(database)?;
    service.summary_by_domain(&access, &[])?;
    let begun = Instant::now();
    for _ in 0..TIMES {
        service.summary_by_domain(&access, &[])?;
    }
    Ok((TIMES, begun.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES)))
}

/// States of all rules, and the bytes of all planes.
pub fn states(database: &Path) -> Result<(i64, usize)> {
    let (service, access) = open(database)?;
    let states = service
        .summary_by_domain(&access, &[])?
        .policy_assignments
        .iter()
        .map(|of| of.resources.compliant + of.resources.non_compliant + of.resources.undetermined)
        .sum();
    let store: Arc<dyn Store> = SqliteStore::open(database)?;
    let bytes = store.read(|tx| {
        let mut bytes = 0;
        for account in tx.accounts()? {
            for chunk in tx.chunks(account.no, None, None, usize::MAX)? {
                bytes += tx.planes(chunk.no)?.len();
            }
        }
        Ok(bytes)
    })?;
    Ok((states, bytes))
}
