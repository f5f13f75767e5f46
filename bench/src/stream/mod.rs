//! A stream of single changes in an open loop: each has its time, whether or not the ones
//! before it were answered; latency counts from that time.

mod bare;
mod changes;
mod served;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use serde_json::{Value, json};

pub use self::bare::bare;
pub use self::served::served;

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
    /// The number of the first change; later slices go on where others ended.
    pub from: u64,
    /// A full run of one rule starts every so many seconds of the whole stream, the first after one second.
    pub run_every: u64,
}

/// Makes what is to be sent, all of it before the first is sent, so that the clients take as little as
/// they can of the processors.
fn made<M>(load: Load, make: impl Fn(u64) -> Result<M>) -> Result<Vec<M>> {
    (load.from..load.from + load.rate * load.seconds).map(make).collect()
}

/// Sends messages at the rate of a load. The latencies in milliseconds, in order.
fn open_loop<C, M: Send>(
    load: Load,
    messages: Vec<M>,
    connect: impl Fn() -> Result<C> + Sync,
    send: impl Fn(&mut C, M) -> Result<()> + Sync,
) -> Result<Vec<f64>> {
    let messages = Mutex::new((0_u64..).zip(messages));
    let latencies = Mutex::new(Vec::new());
    let begun = Instant::now() + Duration::from_millis(100);
    let client = || -> Result<()> {
        let mut client = connect()?;
        let mut mine = Vec::new();
        let next =
            || Ok::<_, anyhow::Error>(messages.lock().map_err(|_| anyhow!("poisoned"))?.next());
        while let Some((n, message)) = next()? {
            let due = begun + Duration::from_nanos(n * 1_000_000_000 / load.rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            send(&mut client, message)?;
            mine.push(due.elapsed().as_secs_f64() * 1e3);
        }
        latencies.lock().map_err(|_| anyhow!("poisoned"))?.extend(mine);
        Ok(())
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..load.clients).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .try_for_each(|one| one.join().map_err(|_| anyhow!("a client panicked"))?)
    })?;
    let mut all = latencies.into_inner().unwrap_or_default();
    all.sort_by(f64::total_cmp);
    Ok(all)
}

/// The most bytes that a store's log had while a job ran.
fn watching_wal<T>(database: &Path, job: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
    let mut wal = database.as_os_str().to_owned();
    wal.push("-wal");
    let (done, most) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let bytes = std::fs::metadata(&wal).map_or(0, |of| of.len());
                most.fetch_max(bytes, Ordering::AcqRel);
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let told = job();
        done.store(true, Ordering::Release);
        Ok((told?, most.load(Ordering::Acquire)))
    })
}

/// p50, p90, p99 and the worst of a stream, and what else there is to say of it.
fn told(sorted: &[f64], wal_bytes: u64, more: &Value) -> Value {
    let [p50, p90, p99, worst] = percentiles(sorted);
    json!({ "changes": sorted.len(), "p50_ms": p50, "p90_ms": p90, "p99_ms": p99, "worst_ms": worst,
        "wal_bytes": wal_bytes, "more": more })
}

fn percentiles(sorted: &[f64]) -> [f64; 4] {
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
