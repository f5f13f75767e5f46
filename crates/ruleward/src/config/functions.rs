//! `[functions]`: the users' own functions of custom rules.

use std::path::PathBuf;

use anyhow::bail;
use ruleward_core::FunctionOptions;
use serde::Deserialize;

/// The section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Functions {
    /// Whether administrators may configure functions for their own account, and not only the
    /// operator: their code then runs on this machine.
    pub administrators: bool,
    /// The interpreter of Python functions that name none.
    pub interpreter: PathBuf,
    /// What functions can read beside their folder, the interpreter and the system.
    pub readable: Vec<PathBuf>,
    /// The URL under which functions reach this server [default: the address that it listens on].
    pub endpoint: Option<String>,
    /// PEM file of the authority behind the server's certificate, for functions on this machine.
    pub ca_file: Option<PathBuf>,
    /// Whether functions may be called at addresses of private networks and of this machine.
    pub private_addresses: bool,
    /// Calls at the same time.
    pub concurrent_calls: usize,
    /// Of these, calls for one account.
    pub concurrent_calls_per_account: usize,
    /// Of these, calls of one function that names no number of its own.
    pub concurrent_calls_per_function: usize,
    /// Calls for one event until it is given up.
    pub attempts: u32,
    /// Wait before the second call, in seconds; it doubles with each.
    pub first_retry_seconds: u32,
    /// Longest wait between two calls, in seconds.
    pub last_retry_seconds: u32,
    /// How long a function that runs elsewhere may take to report, in seconds.
    pub result_deadline_seconds: u32,
    /// Results that one account may report a second, in the long run; more get 429.
    pub reports_per_second: u32,
    /// Results that one account may report at once.
    pub reports_burst: u32,
}

impl Default for Functions {
    fn default() -> Self {
        let of = FunctionOptions::default();
        let seconds = |seconds: i64| u32::try_from(seconds).unwrap_or(0);
        Self {
            administrators: of.administrators,
            interpreter: PathBuf::from("python3"),
            readable: Vec::new(),
            endpoint: None,
            ca_file: None,
            private_addresses: false,
            concurrent_calls: of.concurrent_calls,
            concurrent_calls_per_account: of.concurrent_calls_per_account,
            concurrent_calls_per_function: of.concurrent_calls_per_function,
            attempts: of.attempts,
            first_retry_seconds: seconds(of.first_retry_s),
            last_retry_seconds: seconds(of.last_retry_s),
            result_deadline_seconds: seconds(of.result_deadline_s),
            reports_per_second: of.reports_per_second,
            reports_burst: of.reports_burst,
        }
    }
}

impl Functions {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (key, value) in [
            ("concurrent_calls", self.concurrent_calls),
            ("concurrent_calls_per_account", self.concurrent_calls_per_account),
            ("concurrent_calls_per_function", self.concurrent_calls_per_function),
        ] {
            if value == 0 || value > 1024 {
                bail!("[functions] {key} is a number from 1 to 1024");
            }
        }
        for (key, value, least, most) in [
            ("attempts", self.attempts, 1, 100),
            ("first_retry_seconds", self.first_retry_seconds, 0, 86_400),
            ("last_retry_seconds", self.last_retry_seconds, 0, 86_400),
            ("result_deadline_seconds", self.result_deadline_seconds, 1, 604_800),
            ("reports_per_second", self.reports_per_second, 1, 1_000_000),
            ("reports_burst", self.reports_burst, 1, 1_000_000),
        ] {
            if value < least || value > most {
                bail!("[functions] {key} is a number from {least} to {most}");
            }
        }
        if let Some(file) = self.ca_file.as_ref().filter(|file| !file.is_file()) {
            bail!("[functions] ca_file: {} is no file", file.display());
        }
        Ok(())
    }

    /// What the jobs go by. On a development server the administrator is the machine's owner.
    pub fn options(&self, dev: bool) -> FunctionOptions {
        FunctionOptions {
            administrators: self.administrators || dev,
            concurrent_calls: self.concurrent_calls,
            concurrent_calls_per_account: self.concurrent_calls_per_account,
            concurrent_calls_per_function: self.concurrent_calls_per_function,
            attempts: self.attempts,
            first_retry_s: self.first_retry_seconds.into(),
            last_retry_s: self.last_retry_seconds.into(),
            result_deadline_s: self.result_deadline_seconds.into(),
            reports_per_second: self.reports_per_second,
            reports_burst: self.reports_burst,
        }
    }
}
