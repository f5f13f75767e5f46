//! CPU time of the calling thread.

use std::time::Duration;

use anyhow::{Context as _, Result};

/// CPU time that this thread has had. Linux keeps it in nanoseconds.
pub fn thread_time() -> Result<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").context("CPU time")?;
    let ns = told.split(' ').next().context("CPU time")?;
    Ok(Duration::from_nanos(ns.parse()?))
}

/// Runs a job and returns its answer with the CPU nanoseconds that it took.
pub fn timed<T>(job: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let before = thread_time()?;
    let done = job()?;
    Ok((done, (thread_time()?.saturating_sub(before)).as_secs_f64() * 1e9))
}
