//! What readers pay: bodies, summaries, lists, states at rest.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use ruleward_core::{Access, Page, PolicyAssignmentQuery, Service, TagSelector};
use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::StateQuery;
use serde_json::{Value, json};

use super::{first_account, measured, open};
use crate::inventory;

/// Reads all bodies of the first account, or those of one type, chunk by chunk.
pub fn read(database: &Path, only: Option<&str>) -> Result<u64> {
    let store: Arc<dyn Store> = SqliteStore::open(database)?;
    let account = first_account(&store)?;
    let types = store.read(|tx| tx.types(account.no))?;
    let type_no = match only {
        None => None,
        Some(name) => {
            let row = types.into_iter().find(|row| row.resource_type.is_called(name));
            Some(row.context("no such type")?.no)
        }
    };
    let (mut resources, mut sum) = (0, 0_u64);
    for chunk in store.read(|tx| tx.chunks(account.no, type_no, None, usize::MAX))? {
        store.read(|tx| {
            tx.scan_chunk(chunk.no, 0, -1, &mut |_, _, body| {
                resources += 1;
                // The last byte of each cache line has to be there.
                sum += body.iter().step_by(64).map(|byte| u64::from(*byte)).sum::<u64>();
                Ok(())
            })
        })?;
    }
    anyhow::ensure!(sum > 0, "nothing was read");
    Ok(resources)
}

/// Reads all bodies so many times.
pub fn bodies(database: &Path, passes: usize) -> Result<Value> {
    (0..passes).map(|_| measured("read all bodies", || Ok(json!(read(database, None)?)))).collect()
}

/// Takes summaries and list pages at any depth many times; with `load`, while changes are
/// written as fast as they can be. Microseconds.
pub fn reads(database: &Path, load: bool) -> Result<Value> {
    let (service, access) = open(database)?;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = load.then(|| scope.spawn(|| write_until(&service, &access, &done)));
        let figures = all(&service, &access);
        done.store(true, Ordering::Release);
        let written = writer.and_then(|writer| writer.join().ok()).transpose()?;
        let mut figures = figures?;
        if let Some(fields) = figures.as_object_mut() {
            fields.insert("written".to_owned(), json!(written));
        }
        Ok(figures)
    })
}

fn write_until(service: &Arc<Service>, access: &Access, done: &AtomicBool) -> Result<u64> {
    let mut written = 0;
    while !done.load(Ordering::Acquire) {
        let resource = inventory::resource(1, (1 << 40) | (written % 10_000));
        let id = resource.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        service.put_resource(access, &id, None, &serde_json::to_vec(&resource)?)?;
        written += 1;
    }
    Ok(written)
}

fn all(service: &Arc<Service>, access: &Access) -> Result<Value> {
    let tag = [TagSelector { key: "team".to_owned(), value: Some("t1".to_owned()) }];
    let query = StateQuery::default();
    let first = Page { limit: 100, after: None };
    let mut deep = first;
    for _ in 0..200 {
        let page = service.policy_states_by_domain(access, &query, deep)?;
        let Some(next) = page.next else { break };
        deep.after = Some(next);
    }
    let rules: Vec<_> = service
        .policy_assignments(
            access,
            &PolicyAssignmentQuery::default(),
            Page { limit: 10, after: None },
        )?
        .items;
    let rule = rules.first().context("no rule")?.id.clone();
    Ok(json!({
        "summary by account": times(200, || service.summary_by_domain(access, &[]).map(drop))?,
        "summary by account, by rule tag": times(50, || service.summary_by_domain(access, &tag).map(drop))?,
        "summary by rule": times(200, || service.summary_by_assignment(access, &rule, None).map(drop))?,
        "first page of states": times(100, || service.policy_states_by_domain(access, &query, first).map(drop))?,
        "page 200 of states": times(100, || service.policy_states_by_domain(access, &query, deep).map(drop))?,
    }))
}

/// Median, least and most microseconds of a job, after one to warm up.
fn times(count: usize, mut job: impl FnMut() -> ruleward_types::Result<()>) -> Result<[f64; 3]> {
    job()?;
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        job()?;
        took.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    took.sort_by(f64::total_cmp);
    let at = |place: usize| took.get(place).copied().unwrap_or_default();
    Ok([at(count / 2), at(0), at(count - 1)])
}

/// How much room the states of all accounts take: states, and bytes of planes.
pub fn states(database: &Path) -> Result<Value> {
    let (service, _) = open(database)?;
    let mut states = 0;
    for account in service.accounts()? {
        states += super::evaluations(&service, &Access::operator(&account))?;
    }
    drop(service);
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
    Ok(json!({ "states": states, "bytes": bytes }))
}
