//! CPU time and memory of this process, as Linux tells them.

use anyhow::{Context as _, Result};

/// CPU nanoseconds that the calling thread has had.
pub fn thread_ns() -> Result<u64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").context("CPU time")?;
    Ok(told.split(' ').next().context("CPU time")?.parse()?)
}

/// CPU nanoseconds that all living threads of the process have had.
pub fn process_ns() -> Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        // A thread may end meanwhile.
        let Ok(told) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
        sum += told.split(' ').next().context("CPU time")?.parse::<u64>()?;
    }
    Ok(sum)
}

/// Anonymous memory of the process in KiB: what is not backed by a file.
pub fn anonymous_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("RssAnon")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
