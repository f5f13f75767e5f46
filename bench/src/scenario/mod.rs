//! What is measured of ours, in process: one function a scenario, one figure a name.

mod accounts;
mod evaluate;
mod import;
mod lists;
mod reads;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use ruleward_core::{Access, NewPolicyAssignment, Options, SealingKey, Service};
use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{PolicyAssignmentId, Recorder, SystemClock};
use serde_json::{Value, json};

pub use self::accounts::accounts;
pub use self::evaluate::evaluate;
pub use self::import::import;
pub use self::lists::lists;
pub use self::reads::{bodies, reads, states};
use crate::{catalogue, cpu};

/// Opens a store's use cases for its first account, which is made if there is none.
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
        None => service.create_account("bench", None, Recorder::ON)?,
    };
    Ok((service, Access::operator(&account)))
}

/// Reads all bodies of the first account: how many, and the seconds that it took.
pub fn read(database: &Path) -> Result<(u64, f64)> {
    let begun = Instant::now();
    Ok((reads::read(database, None)?, begun.elapsed().as_secs_f64()))
}

/// Adds rules to the first account of a store.
pub fn add_rules(database: &Path, rules: Vec<NewPolicyAssignment>) -> Result<()> {
    let (service, access) = open(database)?;
    for rule in rules {
        service.create_policy_assignment(&access, rule)?;
    }
    Ok(())
}

/// Waits until nothing waits to be judged.
fn settle(service: &Service) -> Result<()> {
    while service.gauges()?.tickets_pending > 0 {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Runs a job: its CPU time over all threads of the process, its wall time, and the most
/// anonymous memory meanwhile beyond what there was before.
fn measured(name: &str, job: impl FnOnce() -> Result<Value>) -> Result<Value> {
    let memory = cpu::Peak::watch()?;
    let (before, begun) = (cpu::process_ns()?, Instant::now());
    let told = job()?;
    let (wall, after) = (begun.elapsed(), cpu::process_ns()?);
    Ok(json!({ "figure": name, "cpu_ms": ms(after.saturating_sub(before)),
        "wall_ms": wall.as_secs_f64() * 1e3, "anonymous_kib": memory.finish()?, "told": told }))
}

#[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

/// Callers who ask for runs at the same time, each for one after the other.
const CALLERS: usize = 8;

/// Asks for a run of each rule, as several callers at a time do: what they ask for together is synced
/// together.
pub fn run_all(
    service: &Arc<Service>,
    access: &Access,
    rules: &[PolicyAssignmentId],
) -> Result<()> {
    let ask = |rules: &[PolicyAssignmentId]| -> Result<()> {
        rules.iter().try_for_each(|id| Ok(service.run_evaluation(access, id)?))
    };
    std::thread::scope(|scope| {
        let share = rules.len().div_ceil(CALLERS).max(1);
        let callers: Vec<_> = rules.chunks(share).map(|of| scope.spawn(move || ask(of))).collect();
        callers
            .into_iter()
            .try_for_each(|one| one.join().map_err(|_| anyhow!("a caller panicked"))?)
    })
}

/// How many evaluations stand in the account's kept numbers.
fn evaluations(service: &Service, access: &Access) -> Result<i64> {
    let summary = service.summary_by_domain(access, &[])?;
    Ok(summary
        .policy_assignments
        .iter()
        .map(|of| of.resources.compliant + of.resources.non_compliant + of.resources.undetermined)
        .sum())
}

/// The first account of a store, read without the use cases.
fn first_account(store: &Arc<dyn Store>) -> Result<ruleward_types::Account> {
    store.read(|tx| Ok(tx.accounts()?.into_iter().next()))?.context("no account")
}
