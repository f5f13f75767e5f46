//! The Python runner: a pool of processes for one function's file.

mod environment;
mod interpreter;
mod process;
mod request;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::output::Output;
use crate::sandbox::{Isolation, Limits, Spec};
use crate::{Crash, Failure, Finished, Invocation, Invoking, Log, Returned, Runner};
use interpreter::Interpreter;
use process::{Interrupted, Message, Process};

const BOOTSTRAP: &str = include_str!("bootstrap.py");
/// Room for what stands around a returned value in its line.
const ANSWER_OVERHEAD_BYTES: usize = 256 * 1024;
/// Processor time at which a process is replaced, as a part of its limit.
const WORN_OUT: u64 = 2;

/// A function in a Python file of this machine.
#[derive(Debug, Clone)]
pub struct PythonConfig {
    /// The file.
    pub file: PathBuf,
    /// The handler in it, `handler` where nobody says otherwise.
    pub handler: String,
    /// The interpreter: a path, or a name that is looked up in `PATH`.
    pub interpreter: PathBuf,
    /// Whom to start as the sandbox: our own binary,
    pub launcher: PathBuf,
    /// with these arguments (`["sandbox-exec"]`) before the one that it is told.
    pub launcher_arguments: Vec<String>,
    /// Events that are worked on at the same time, each by a process of its own. At least 1.
    pub processes: usize,
    /// Files and folders that it can read beside its own folder, the interpreter and the system.
    pub readable: Vec<PathBuf>,
    /// Folders that it can not, though they lie in its own: the server's data above all.
    pub hidden: Vec<PathBuf>,
    /// The authority behind this server's certificate, where functions have to be told.
    pub ca_file: Option<PathBuf>,
    /// What each process may use.
    pub limits: Limits,
    /// Bytes of output that are kept of each event.
    pub log_bytes: usize,
    /// Bytes of output at which the function is stopped.
    pub flood_bytes: u64,
    /// The longest value that it can return, in bytes.
    pub result_bytes: usize,
    /// Namespaces.
    pub isolation: Isolation,
}

impl PythonConfig {
    /// A file with the handler `handler`, run by `python3` in sandboxes that `launcher` makes.
    pub fn new(file: impl Into<PathBuf>, launcher: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            handler: "handler".to_owned(),
            interpreter: "python3".into(),
            launcher: launcher.into(),
            launcher_arguments: vec!["sandbox-exec".to_owned()],
            processes: 2,
            readable: Vec::new(),
            hidden: Vec::new(),
            ca_file: None,
            limits: Limits::default(),
            log_bytes: 64 * 1024,
            flood_bytes: 8 << 20,
            result_bytes: 64 * 1024,
            isolation: Isolation::default(),
        }
    }
}

/// Runs a handler of a Python file in processes of its own.
#[derive(Debug)]
pub struct PythonRunner {
    config: PythonConfig,
    /// As many as may work at the same time.
    free: Semaphore,
    idle: Mutex<Vec<Idle>>,
    interpreter: Mutex<Option<Interpreter>>,
}

/// For whom a process may work: what one account's events leave in its memory is not for another's,
/// and a process of an older file is for nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    domain_id: String,
    function_urn: String,
    endpoint: String,
    changed: Option<SystemTime>,
    length: u64,
}

#[derive(Debug)]
struct Idle {
    key: Key,
    process: Process,
}

impl PythonRunner {
    /// Makes a runner. Whether file and interpreter are there is looked up for each event.
    pub fn new(mut config: PythonConfig) -> Self {
        config.processes = config.processes.max(1);
        Self {
            free: Semaphore::new(config.processes),
            config,
            idle: Mutex::new(Vec::new()),
            interpreter: Mutex::new(None),
        }
    }

    /// Processes that wait for an event.
    pub fn idle_processes(&self) -> usize {
        self.idle.lock().len()
    }

    async fn run(&self, invocation: Invocation) -> Result<Finished, Failure> {
        let begin = Instant::now();
        let deadline = begin + invocation.deadline;
        let busy = |_| Failure::Busy { after: invocation.deadline };
        let permit = timeout_at(deadline, self.free.acquire()).await.map_err(busy)?;
        let _permit = permit.map_err(|error| Failure::Broken(error.to_string()))?;

        let file = interpreter::function(&self.config.file)?;
        let metadata = fs::metadata(&file).map_err(|error| Failure::Broken(error.to_string()))?;
        let context = &invocation.context;
        let key = Key {
            domain_id: context.domain_id.clone(),
            function_urn: context.function_urn.clone(),
            endpoint: context.endpoint.clone(),
            changed: metadata.modified().ok(),
            length: metadata.len(),
        };
        let mut process = if let Some(process) = self.take_idle(&key) {
            process
        } else {
            let late = |_| Failure::TimedOut { after: invocation.deadline, log: Log::default() };
            let found = timeout_at(deadline, self.interpreter()).await.map_err(late)??;
            self.start(&file, &key, found)?
        };
        let left = deadline.saturating_duration_since(Instant::now());
        let request = request::line(&invocation, left, &self.config.limits);
        let mut output = Output::new(self.config.log_bytes, self.config.flood_bytes);
        let most_answer = self.config.result_bytes.saturating_add(ANSWER_OVERHEAD_BYTES);
        let outcome = process.exchange(&request, &mut output, deadline, most_answer).await;
        let reusable = match &outcome {
            Ok(Message::Returned { cpu_ms, .. }) => {
                *cpu_ms / 1000 < self.config.limits.cpu_seconds / WORN_OUT
            }
            Ok(Message::Threw { reusable, .. }) => *reusable,
            _ => false,
        };
        if reusable {
            self.idle.lock().push(Idle { key, process });
        }
        self.conclude(outcome, output, &invocation, begin.elapsed())
    }

    fn conclude(
        &self,
        outcome: Result<Message, Interrupted>,
        output: Output,
        invocation: &Invocation,
        took: Duration,
    ) -> Result<Finished, Failure> {
        let log = output.into_log();
        match outcome {
            Ok(Message::Returned { value, .. }) => {
                let returned = value.map_or(Returned::Nothing, Returned::Value);
                Ok(Finished { returned, log, took })
            }
            Ok(Message::Threw { kind, message, trace, .. }) => {
                Err(Failure::Threw { kind, message, trace, log })
            }
            Ok(Message::Missing(words)) => Err(Failure::NotFound(words)),
            Ok(Message::OutOfMemory {}) => {
                Err(Failure::OutOfMemory { limit_bytes: self.config.limits.memory_bytes, log })
            }
            // `exchange` keeps these to itself.
            Ok(Message::Started { .. } | Message::Ended { .. } | Message::Broken(_)) => {
                Err(Failure::Crashed { crash: Crash::Unknown, log })
            }
            Err(Interrupted::Late) => Err(Failure::TimedOut { after: invocation.deadline, log }),
            Err(Interrupted::Flood) => {
                Err(Failure::Flooded { limit_bytes: self.config.flood_bytes, log })
            }
            Err(Interrupted::Gone(crash)) => Err(Failure::Crashed { crash, log }),
            Err(Interrupted::Broken(words)) => Err(Failure::Broken(words)),
        }
    }

    /// A process that waits for an event of this key.
    fn take_idle(&self, key: &Key) -> Option<Process> {
        let mut idle = self.idle.lock();
        while let Some(position) = idle.iter().rposition(|idle| idle.key == *key) {
            let mut process = idle.remove(position).process;
            if process.is_idle() {
                process.discard_leftovers();
                return Some(process);
            }
        }
        // A new one will be started: the oldest makes room, and those of an older file go.
        idle.retain(|idle| idle.key.changed == key.changed && idle.key.length == key.length);
        let working = self.config.processes.saturating_sub(self.free.available_permits());
        if idle.len() + working > self.config.processes && !idle.is_empty() {
            idle.remove(0);
        }
        None
    }

    /// The interpreter; it is asked once, and again should it be gone.
    async fn interpreter(&self) -> Result<Interpreter, Failure> {
        let known = self.interpreter.lock().clone();
        if let Some(found) = known.filter(|found| found.program.is_file()) {
            return Ok(found);
        }
        let name = self.config.interpreter.clone();
        let asked = tokio::task::spawn_blocking(move || Interpreter::find(&name)).await;
        let found = asked.map_err(|error| Failure::Broken(error.to_string()))??;
        *self.interpreter.lock() = Some(found.clone());
        Ok(found)
    }

    fn start(&self, file: &Path, key: &Key, found: Interpreter) -> Result<Process, Failure> {
        let config = &self.config;
        let scratch = tempfile::Builder::new()
            .prefix("ruleward-function-")
            .tempdir()
            .map_err(|error| Failure::Broken(format!("cannot make a folder: {error}")))?;
        let mut readable = found.readable(file);
        let ca_file = config.ca_file.as_deref().map(fs::canonicalize).transpose();
        let ca_file = ca_file.map_err(|error| {
            Failure::Broken(format!("cannot read the authority's certificate: {error}"))
        })?;
        readable.extend(ca_file.clone());
        readable.extend(config.readable.iter().filter_map(|path| fs::canonicalize(path).ok()));
        let mut arguments: Vec<String> =
            ["-I", "-B", "-u", "-X", "utf8", "-c", BOOTSTRAP].map(str::to_owned).into();
        let name = file
            .to_str()
            .ok_or_else(|| Failure::Refused(format!("the path {} is not UTF-8", file.display())))?;
        arguments.extend([
            name.to_owned(),
            config.handler.clone(),
            config.result_bytes.to_string(),
            config.limits.memory_bytes.to_string(),
        ]);
        let spec = Spec {
            program: found.program,
            arguments,
            environment: environment::variables(&key.endpoint, ca_file.as_deref()),
            scratch: scratch.path().to_owned(),
            readable,
            hidden: config.hidden.iter().filter_map(|path| fs::canonicalize(path).ok()).collect(),
            files: vec![environment::regions_file(&key.endpoint)],
            limits: config.limits,
            isolation: config.isolation,
        };
        Process::start(&config.launcher, &config.launcher_arguments, scratch, &spec)
    }
}

impl Runner for PythonRunner {
    fn invoke(&self, invocation: Invocation) -> Invoking<'_> {
        Box::pin(self.run(invocation))
    }
}
