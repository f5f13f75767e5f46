//! What a sandbox is to run, and within which limits.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Whether a function gets namespaces of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Where the kernel grants them; else it runs without, and the log says so.
    #[default]
    Wanted,
    /// Without them it does not run.
    Required,
    /// Never.
    Off,
}

/// What a local process may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space of each process, in bytes. The interpreter sets it on itself before it loads the
    /// function; the sandbox does not.
    pub memory_bytes: u64,
    /// Processor time of each process over its whole life, in seconds. A process that used half of
    /// it is replaced between two events.
    pub cpu_seconds: u64,
    /// Processes and threads. Holds in namespaces only.
    pub processes: u64,
    /// Open files of each process.
    pub open_files: u64,
    /// The largest file that it can write, in bytes.
    pub file_bytes: u64,
    /// Room in its temporary folder, in bytes. Holds in namespaces only.
    pub scratch_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 512 << 20,
            cpu_seconds: 3600,
            processes: 64,
            open_files: 256,
            file_bytes: 64 << 20,
            scratch_bytes: 64 << 20,
        }
    }
}

/// A small file that the sandbox writes for the function, below its home.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct File {
    /// Relative to the home.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// The argument of `sandbox-exec`. Holds no secrets: everybody can read a process's arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spec {
    /// The interpreter, an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its whole environment, but for `HOME` and `TMPDIR`.
    pub environment: Vec<(String, String)>,
    /// An empty folder that nobody else uses.
    pub scratch: PathBuf,
    /// Files and folders that the function can read beside those of the system.
    pub readable: Vec<PathBuf>,
    /// Folders below these that it can not.
    pub hidden: Vec<PathBuf>,
    /// Files made for it.
    pub files: Vec<File>,
    /// What it may use.
    pub limits: Limits,
    /// Whether namespaces are wanted.
    pub isolation: Isolation,
}

impl Spec {
    /// As an argument.
    pub fn to_argument(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// From an argument.
    pub fn from_argument(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
