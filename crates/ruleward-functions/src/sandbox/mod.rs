//! A process that limits itself and then runs a program.
//!
//! Our crates forbid unsafe code, so nothing is done between `fork` and `exec`. Instead the server
//! starts its own binary again ([`sandbox_exec`]), and that process gives up what it can before it
//! starts the function's interpreter:
//!
//! ```text
//! server ── outer: own session, new namespaces, watches the channel
//!             └─ inner: process 1 of its PID namespace; builds the root, drops every power
//!                  └─ the interpreter with the function
//! ```
//!
//! Where the kernel refuses namespaces, outer does inner's work, without the root and as a
//! *subreaper*: orphans of the function become its children, so that they can still be found.
//!
//! Standard input is the *channel* to the server, a socket; both stages report on it in JSON lines
//! ([`Report`]). When the server's end closes, for whatever reason, everything is killed.

mod limits;
mod namespaces;
mod root;
mod spec;
mod supervise;
pub(crate) mod tree;

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

pub(crate) use spec::{File, Spec};
pub use spec::{Isolation, Limits};

/// Set for the inner stage; the interpreter never sees it.
const STAGE: &str = "RULEWARD_SANDBOX_STAGE";
/// Where the function's own files are while it has a root of its own.
const INNER_SCRATCH: &str = "/tmp";

/// What the stages tell the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// The interpreter is about to start, isolated but for what the notes name.
    Started {
        /// What could not be had.
        notes: Vec<String>,
        /// Whether it has moved into a root of its own, and the scratch folder is not needed any more.
        moved: bool,
    },
    /// The interpreter ended.
    Ended {
        /// Its exit status,
        status: Option<i32>,
        /// or the signal that killed it.
        signal: Option<i32>,
    },
    /// It could not be started.
    Broken(String),
}

/// Runs the hidden subcommand `sandbox-exec`: does what its one argument says, and never returns to
/// anything else. To be called from `main` before any thread is started.
pub fn sandbox_exec(argument: &str) -> ExitCode {
    let outcome =
        Spec::from_argument(argument).map_err(|error| error.to_string()).and_then(|spec| {
            match std::env::var_os(STAGE) {
                None => outer(&spec),
                Some(_) => supervise::inner(&spec),
            }
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            report(&Report::Broken(words));
            ExitCode::FAILURE
        }
    }
}

/// The first stage, still outside.
fn outer(spec: &Spec) -> Result<(), String> {
    // A session of its own has no terminal, and a process group that a signal reaches as one.
    rustix::process::setsid().map_err(|error| format!("cannot start a session: {error}"))?;
    limits::lower_priority();
    let refused = match spec.isolation {
        Isolation::Off => "namespaces are switched off".to_owned(),
        Isolation::Wanted | Isolation::Required => match namespaces::enter() {
            Ok(()) => return supervise::start_inner(),
            Err(error) => format!("no namespaces: {error}"),
        },
    };
    if spec.isolation == Isolation::Required {
        return Err(format!("namespaces are required, and there are {refused}"));
    }
    supervise::without_namespaces(spec, vec![refused])
}

/// Writes a line on the channel. Nobody is left to hear of a failure.
fn report(report: &Report) {
    let Ok(mut line) = serde_json::to_vec(report) else { return };
    line.push(b'\n');
    if let Ok(channel) = std::io::stdin().as_fd().try_clone_to_owned() {
        let _ = UnixStream::from(channel).write_all(&line);
    }
}
