//! The WebAssembly runner: a module that judges an event by itself.
//!
//! A module has no files, no network and no clock; it gets the event and returns a result. It
//! exports `memory`, `alloc(i32 length) -> i32 place` and
//! `evaluate(i32 place, i32 length) -> i64`; the answer holds the place of the result in its upper
//! half and its length in the lower. Event and result are JSON in UTF-8. It may import
//! `ruleward.log(i32 place, i32 length)`.

mod instance;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use wasmi::{Config, EnforcedLimits, Engine, Module};

use crate::output::Output;
use crate::{Failure, Finished, Invocation, Invoking, Returned, Runner};
use instance::{Bounds, Stopped};

/// The largest module that is loaded, in bytes.
const MOST_MODULE_BYTES: u64 = 32 << 20;

/// A function in a WebAssembly file of this machine.
#[derive(Debug, Clone)]
pub struct WasmConfig {
    /// The file, in the binary format.
    pub file: PathBuf,
    /// Events that are worked on at the same time. At least 1.
    pub parallel: usize,
    /// Memory, in bytes.
    pub memory_bytes: usize,
    /// What it may execute for one event, about one unit an instruction.
    pub fuel: u64,
    /// Bytes of its log that are kept of each event.
    pub log_bytes: usize,
    /// The longest result, in bytes.
    pub result_bytes: usize,
}

impl WasmConfig {
    /// A file, with the limits that fit most.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            parallel: 2,
            memory_bytes: 64 << 20,
            fuel: 10_000_000_000,
            log_bytes: 64 * 1024,
            result_bytes: 64 * 1024,
        }
    }
}

/// Runs a WebAssembly module, in a new instance for each event.
#[derive(Debug)]
pub struct WasmRunner {
    config: WasmConfig,
    engine: Engine,
    free: Semaphore,
    loaded: Mutex<Option<Loaded>>,
}

/// A module as it was read.
#[derive(Debug, Clone)]
struct Loaded {
    module: Module,
    changed: Option<SystemTime>,
    length: u64,
}

/// Tells the instance that nobody waits any more.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl WasmRunner {
    /// Makes a runner. The file is read with the first event, and again when it has changed.
    pub fn new(mut config: WasmConfig) -> Self {
        config.parallel = config.parallel.max(1);
        let mut settings = Config::default();
        settings
            .consume_fuel(true)
            // It would run before anything counts its time.
            .allow_start_fn(false)
            .wasm_multi_memory(false)
            .enforced_limits(EnforcedLimits::strict())
            .ignore_custom_sections(true);
        Self {
            free: Semaphore::new(config.parallel),
            engine: Engine::new(&settings),
            config,
            loaded: Mutex::new(None),
        }
    }

    async fn run(&self, invocation: Invocation) -> Result<Finished, Failure> {
        let begin = Instant::now();
        let deadline = begin + invocation.deadline;
        let busy = |_| Failure::Busy { after: invocation.deadline };
        let permit = timeout_at(deadline, self.free.acquire()).await.map_err(busy)?;
        let _permit = permit.map_err(|error| Failure::Broken(error.to_string()))?;

        let known = self.loaded.lock().clone();
        let (engine, config) = (self.engine.clone(), self.config.clone());
        let abandoned = Arc::new(AtomicBool::new(false));
        let _abandon = Abandon(abandoned.clone());
        let event = invocation.event.to_string();
        let work = tokio::task::spawn_blocking(move || {
            let loaded = load(&engine, &config, known)?;
            let bounds = Bounds {
                memory_bytes: config.memory_bytes,
                fuel: config.fuel,
                result_bytes: config.result_bytes,
                deadline: deadline.into_std(),
                abandoned,
            };
            let mut output = Output::new(config.log_bytes, u64::MAX);
            let outcome = instance::evaluate(&loaded.module, &event, &bounds, &mut output);
            Ok((loaded, outcome, output))
        });
        let (loaded, outcome, output) =
            work.await.map_err(|error| Failure::Broken(error.to_string()))??;
        *self.loaded.lock() = Some(loaded);
        self.conclude(outcome, output, &invocation, begin)
    }

    fn conclude(
        &self,
        outcome: Result<Vec<u8>, Stopped>,
        output: Output,
        invocation: &Invocation,
        begin: Instant,
    ) -> Result<Finished, Failure> {
        let log = output.into_log();
        let threw = |kind: &str, message: String, log| Failure::Threw {
            kind: kind.to_owned(),
            message,
            trace: String::new(),
            log,
        };
        match outcome {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(Value::Null) => Ok((Returned::Nothing, log)),
                Ok(value) => Ok((Returned::Value(value), log)),
                Err(error) => Err(threw("InvalidResult", format!("not JSON: {error}"), log)),
            },
            Err(Stopped::Late) => Err(Failure::TimedOut { after: invocation.deadline, log }),
            Err(Stopped::OutOfFuel) => {
                Err(threw("OutOfFuel", format!("more than {} instructions", self.config.fuel), log))
            }
            Err(Stopped::OutOfMemory) => {
                Err(Failure::OutOfMemory { limit_bytes: self.config.memory_bytes as u64, log })
            }
            Err(Stopped::Unfit(words)) => {
                Err(Failure::NotFound(format!("{}: {words}", self.config.file.display())))
            }
            Err(Stopped::Trap(words)) => Err(threw("Trap", words, log)),
            Err(Stopped::Result(words)) => Err(threw("InvalidResult", words, log)),
        }
        .map(|(returned, log)| Finished { returned, log, took: begin.elapsed() })
    }
}

/// The module, compiled anew if its file has changed.
fn load(engine: &Engine, config: &WasmConfig, known: Option<Loaded>) -> Result<Loaded, Failure> {
    let told = |error: &dyn std::fmt::Display| {
        Failure::NotFound(format!("cannot read {}: {error}", config.file.display()))
    };
    let metadata = fs::metadata(&config.file).map_err(|error| told(&error))?;
    let (changed, length) = (metadata.modified().ok(), metadata.len());
    if let Some(known) = known.filter(|known| known.changed == changed && known.length == length) {
        return Ok(known);
    }
    if length > MOST_MODULE_BYTES {
        return Err(Failure::Refused(format!(
            "{} is longer than {MOST_MODULE_BYTES} bytes",
            config.file.display()
        )));
    }
    let bytes = fs::read(&config.file).map_err(|error| told(&error))?;
    let module = Module::new(engine, &bytes).map_err(|error| {
        Failure::Refused(format!("{} is not a module: {error}", config.file.display()))
    })?;
    Ok(Loaded { module, changed, length })
}

impl Runner for WasmRunner {
    fn invoke(&self, invocation: Invocation) -> Invoking<'_> {
        Box::pin(self.run(invocation))
    }
}
