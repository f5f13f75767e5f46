//! `[limits]`: what an account and the machine have to bear.

use anyhow::bail;
use ruleward_types::limits;
use serde::Deserialize;

/// The section.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Rules of one account.
    pub policy_assignments: usize,
    /// Changes of an account's resource recorder in one UTC day; 0 is any number. With --dev there is
    /// no such limit.
    pub recorder_changes_per_day: u32,
    /// Requests that are worked on at the same time; more get 429 or wait.
    pub concurrent_requests: usize,
    /// Threads that judge.
    pub evaluation_threads: usize,
    /// How long requests may take to end when the server is told to stop, in seconds.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            policy_assignments: limits::POLICY_ASSIGNMENTS,
            recorder_changes_per_day: limits::RECORDER_CHANGES_PER_DAY,
            concurrent_requests: 256,
            evaluation_threads: 2,
            drain_seconds: 30,
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (key, value, most) in [
            ("policy_assignments", self.policy_assignments, 100_000),
            ("concurrent_requests", self.concurrent_requests, 65_536),
            ("evaluation_threads", self.evaluation_threads, 256),
        ] {
            if value == 0 || value > most {
                bail!("[limits] {key} is a number from 1 to {most}");
            }
        }
        if self.drain_seconds > 3600 {
            bail!("[limits] drain_seconds is a number from 0 to 3600");
        }
        Ok(())
    }
}
