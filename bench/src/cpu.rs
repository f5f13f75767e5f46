//! CPU time and memory of this process, as Linux tells them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};

/// CPU nanoseconds that the calling thread has had.
pub fn thread_ns() -> Result<u64> {
    nanoseconds(ClockId::ThreadCPUTime)
}

/// CPU nanoseconds that all threads of the process have had.
pub fn process_ns() -> Result<u64> {
    nanoseconds(ClockId::ProcessCPUTime)
}

/// These clocks are exact: what `/proc` tells of a running thread is as old as its last tick.
fn nanoseconds(clock: ClockId) -> Result<u64> {
    let time = clock_gettime(clock);
    Ok(u64::try_from(time.tv_sec)? * 1_000_000_000 + u64::try_from(time.tv_nsec)?)
}

/// Anonymous memory of the process in KiB: what is not backed by a file.
pub fn anonymous_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("RssAnon")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Watches how much anonymous memory there is.
#[derive(Debug)]
pub struct Peak {
    before: u64,
    most: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Peak {
    /// Looks every few milliseconds from now on.
    pub fn watch() -> Result<Self> {
        let before = anonymous_kib()?;
        let (most, stop) = (Arc::new(AtomicU64::new(before)), Arc::new(AtomicBool::new(false)));
        let (theirs, until) = (Arc::clone(&most), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::Acquire) {
                theirs.fetch_max(anonymous_kib().unwrap_or(0), Ordering::AcqRel);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Ok(Self { before, most, stop, thread })
    }

    /// Ends it: the most KiB beyond what there was at the beginning.
    pub fn finish(self) -> Result<u64> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().map_err(|_| anyhow::anyhow!("the watcher panicked"))?;
        let most = self.most.load(Ordering::Acquire).max(anonymous_kib()?);
        Ok(most.saturating_sub(self.before))
    }
}
