//! How an invocation can fail.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use crate::Log;

/// Why an invocation came to nothing. Its `Display` is for people and holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// The function, its file, its handler or its interpreter is not there.
    #[error("{0}")]
    NotFound(String),
    /// We did not run it: the address is not allowed, the event is too large, …
    #[error("{0}")]
    Refused(String),
    /// The process ended without an answer.
    #[error("the function's process {crash}")]
    Crashed {
        /// How it ended.
        crash: Crash,
        /// What it wrote.
        log: Log,
    },
    /// All processes of the function were at work until the deadline had passed.
    #[error("no process of the function was free within {}", seconds(*.after))]
    Busy {
        /// The deadline.
        after: Duration,
    },
    /// It was still running at its deadline and was stopped.
    #[error("the function did not end within {}", seconds(*.after))]
    TimedOut {
        /// The deadline.
        after: Duration,
        /// What it wrote.
        log: Log,
    },
    /// It asked for more memory than it may have.
    #[error("the function ran out of memory (limit {limit_bytes} bytes)")]
    OutOfMemory {
        /// The limit in bytes.
        limit_bytes: u64,
        /// What it wrote.
        log: Log,
    },
    /// It wrote more than it may and was stopped.
    #[error("the function wrote more than {limit_bytes} bytes of output and was stopped")]
    Flooded {
        /// The limit in bytes.
        limit_bytes: u64,
        /// The beginning of what it wrote.
        log: Log,
    },
    /// It raised an exception, or trapped.
    #[error("the function failed: {kind}: {message}")]
    Threw {
        /// The exception's class.
        kind: String,
        /// Its text.
        message: String,
        /// Where, as the interpreter prints it.
        trace: String,
        /// What it wrote.
        log: Log,
    },
    /// There was no answer over the network.
    #[error("the function's endpoint cannot be reached: {0}")]
    Unreachable(String),
    /// The endpoint answered, and the answer is no.
    #[error("the function's endpoint answered {status}: {body}")]
    Answered {
        /// HTTP status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// Something on our side failed: no process could be started, no pipe made, …
    #[error("the function could not be run: {0}")]
    Broken(String),
}

/// How a process ended that should not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// It left with this status.
    Status(i32),
    /// This signal killed it.
    Signal(i32),
    /// It closed its channel, and nobody can say more.
    Unknown,
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "ended with status {status} before it answered"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "was killed by signal {signal} ({name})"),
                None => write!(f, "was killed by signal {signal}"),
            },
            Self::Unknown => f.write_str("ended before it answered"),
        }
    }
}

/// The signals that functions die of.
fn signal_name(signal: i32) -> Option<&'static str> {
    let name = match signal {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    };
    Some(name)
}

impl Failure {
    /// Whether the same event may do better a little later.
    ///
    /// A function that is not there, was refused or raised an exception does the same again until
    /// somebody mends it, and yet exceptions are often a service's bad moment; so only the first
    /// two, and an endpoint's "no" that is not about load, are final.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotFound(_) | Self::Refused(_) => false,
            Self::Crashed { .. }
            | Self::Busy { .. }
            | Self::TimedOut { .. }
            | Self::OutOfMemory { .. }
            | Self::Flooded { .. }
            | Self::Threw { .. }
            | Self::Unreachable(_)
            | Self::Broken(_) => true,
            Self::Answered { status, .. } => *status >= 500 || matches!(status, 408 | 425 | 429),
        }
    }

    /// A word for tables and metrics, stable over releases.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Refused(_) => "refused",
            Self::Crashed { .. } => "crashed",
            Self::Busy { .. } => "busy",
            Self::TimedOut { .. } => "timed_out",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::Flooded { .. } => "flooded",
            Self::Threw { .. } => "threw",
            Self::Unreachable(_) => "unreachable",
            Self::Answered { .. } => "answered",
            Self::Broken(_) => "broken",
        }
    }

    /// What the function wrote before it failed, where anything could be read.
    pub fn log(&self) -> Option<&Log> {
        match self {
            Self::Crashed { log, .. }
            | Self::TimedOut { log, .. }
            | Self::OutOfMemory { log, .. }
            | Self::Flooded { log, .. }
            | Self::Threw { log, .. } => Some(log),
            Self::NotFound(_)
            | Self::Refused(_)
            | Self::Busy { .. }
            | Self::Unreachable(_)
            | Self::Answered { .. }
            | Self::Broken(_) => None,
        }
    }
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{} ms", duration.as_millis())
    }
}
