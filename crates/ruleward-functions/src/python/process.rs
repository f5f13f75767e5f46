//! One process that serves one function's events, one at a time.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::time::{Instant, timeout_at};

use crate::output::Output;
use crate::sandbox::{Spec, tree};
use crate::{Crash, Failure};

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 16 * 1024;
/// Reading what is left in the pipe ends here: something else may still write to it.
const MOST_LEFTOVERS: usize = 64;

/// What the process says on its channel: either the function's bootstrap or the sandbox.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// The handler came back.
    Returned {
        /// With a value that is JSON.
        #[serde(default)]
        value: Option<Value>,
        /// Processor time that the process has used so far.
        cpu_ms: u64,
    },
    /// The handler, or loading it, raised an exception.
    Threw {
        kind: String,
        message: String,
        trace: String,
        /// Whether the process takes another event.
        reusable: bool,
    },
    /// There is no such file or handler.
    Missing(String),
    /// `MemoryError`.
    OutOfMemory {},
    // What follows is a `Report`. Not as a variant without a tag: buffering, which those need, loses
    // numbers of arbitrary precision.
    Started {
        notes: Vec<String>,
        moved: bool,
    },
    Ended {
        status: Option<i32>,
        signal: Option<i32>,
    },
    Broken(String),
}

/// A running process. Dropping it kills it and all that it started.
#[derive(Debug)]
pub(super) struct Process {
    channel: UnixStream,
    log: Option<pipe::Receiver>,
    /// What came on the channel and is not a whole line yet.
    line: Vec<u8>,
    /// Always there, until it is dropped.
    remains: Option<Remains>,
}

/// What has to be cleared away.
#[derive(Debug)]
struct Remains {
    child: Child,
    scratch: Option<TempDir>,
}

/// How the exchange of one event went wrong before the function gave an answer.
#[derive(Debug)]
pub(super) enum Interrupted {
    /// The deadline passed.
    Late,
    /// Too much output, or an answer that does not end.
    Flood,
    /// The process is gone or does not speak our language.
    Gone(Crash),
    /// The sandbox could not start it.
    Broken(String),
}

impl Process {
    /// Starts the launcher with a sandbox. Needs a Tokio runtime.
    pub(super) fn start(
        launcher: &Path,
        arguments: &[String],
        scratch: TempDir,
        spec: &Spec,
    ) -> Result<Self, Failure> {
        let broken = |what: &'static str| {
            move |error: io::Error| Failure::Broken(format!("cannot {what}: {error}"))
        };
        let argument = spec.to_argument().map_err(|error| Failure::Broken(error.to_string()))?;
        let (ours, theirs) = StdUnixStream::pair().map_err(broken("make a channel"))?;
        ours.set_nonblocking(true).map_err(broken("make a channel"))?;
        let (log, output) = io::pipe().map_err(broken("make a pipe"))?;
        let errors = output.try_clone().map_err(broken("make a pipe"))?;
        let channel = UnixStream::from_std(ours).map_err(broken("watch a channel"))?;
        let log =
            pipe::Receiver::from_owned_fd(OwnedFd::from(log)).map_err(broken("watch a pipe"))?;
        let child = Command::new(launcher)
            .args(arguments)
            .arg(argument)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(output))
            .stderr(Stdio::from(errors))
            .spawn()
            .map_err(broken("start the sandbox"))?;
        Ok(Self {
            channel,
            log: Some(log),
            line: Vec::new(),
            remains: Some(Remains { child, scratch: Some(scratch) }),
        })
    }

    /// Whether it waits for an event, as far as can be told. Whoever speaks out of turn is not
    /// trusted with another event.
    pub(super) fn is_idle(&self) -> bool {
        let mut byte = [0_u8];
        self.line.is_empty()
            && matches!(
                rustix::io::read(self.channel.as_fd(), &mut byte),
                Err(rustix::io::Errno::AGAIN)
            )
    }

    /// Forgets what was written between two events.
    pub(super) fn discard_leftovers(&mut self) {
        let mut nowhere = Output::new(0, u64::MAX);
        self.read_leftovers(&mut nowhere);
    }

    /// Sends an event and waits for what comes of it.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        output: &mut Output,
        deadline: Instant,
        most_answer_bytes: usize,
    ) -> Result<Message, Interrupted> {
        let exchange = async {
            // Should it be gone already, the channel says why.
            let _ = self.channel.write_all(request).await;
            self.answer(output, most_answer_bytes).await
        };
        let outcome = timeout_at(deadline, exchange).await.unwrap_or(Err(Interrupted::Late));
        // All that it wrote before it answered is in the pipe by now.
        self.read_leftovers(output);
        if output.is_flood() { Err(Interrupted::Flood) } else { outcome }
    }

    async fn answer(
        &mut self,
        output: &mut Output,
        most_answer_bytes: usize,
    ) -> Result<Message, Interrupted> {
        let (mut from_channel, mut from_log) = (vec![0_u8; BLOCK_BYTES], vec![0_u8; BLOCK_BYTES]);
        loop {
            if let Some(end) = self.line.iter().position(|byte| *byte == b'\n') {
                let rest = self.line.split_off(end + 1);
                let line = std::mem::replace(&mut self.line, rest);
                match serde_json::from_slice(&line) {
                    Ok(Message::Started { notes, moved }) => {
                        note(&notes);
                        if moved {
                            self.discard_scratch();
                        }
                    }
                    Ok(Message::Ended { status, signal }) => {
                        return Err(Interrupted::Gone(crash(status, signal)));
                    }
                    Ok(Message::Broken(words)) => {
                        return Err(Interrupted::Broken(words));
                    }
                    Ok(message) => return Ok(message),
                    Err(_) => return Err(Interrupted::Gone(Crash::Unknown)),
                }
                continue;
            }
            if self.line.len() > most_answer_bytes || output.is_flood() {
                return Err(Interrupted::Flood);
            }
            let log = self.log.as_mut();
            let logged = async {
                match log {
                    Some(log) => log.read(&mut from_log).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                read = self.channel.read(&mut from_channel) => match read {
                    Ok(0) | Err(_) => return Err(Interrupted::Gone(Crash::Unknown)),
                    Ok(count) => self.line.extend(from_channel.iter().take(count)),
                },
                read = logged => match read {
                    Ok(0) | Err(_) => self.log = None,
                    Ok(count) => output.take(from_log.get(..count).unwrap_or_default()),
                },
            }
        }
    }

    /// Removes the folder: a server that is killed leaves none then. It is empty, but for the place on
    /// which the sandbox, in its own view, mounted its root.
    fn discard_scratch(&mut self) {
        if let Some(scratch) = self.remains.as_mut().and_then(|remains| remains.scratch.take())
            && let Err(error) = scratch.close()
        {
            tracing::warn!(%error, "cannot remove a function's folder");
        }
    }

    /// Reads what the pipe holds right now. Not through Tokio, which may not have heard of it yet.
    fn read_leftovers(&mut self, output: &mut Output) {
        let Some(log) = &self.log else { return };
        let mut block = [0_u8; BLOCK_BYTES];
        for _ in 0..MOST_LEFTOVERS {
            match rustix::io::read(log.as_fd(), &mut block) {
                Ok(0) | Err(_) => return,
                Ok(count) => output.take(block.get(..count).unwrap_or_default()),
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(mut remains) = self.remains.take() else { return };
        // Killing waits for the dying; whoever drops us may not.
        let cleared = std::thread::Builder::new()
            .name("function-end".to_owned())
            .spawn(move || clear(&mut remains));
        if let Err(error) = cleared {
            // The sandbox itself kills everything now that the channel closes.
            tracing::warn!(%error, "cannot start a thread that ends a function");
        }
    }
}

/// Kills the process with all that it started, and removes its folder.
fn clear(remains: &mut Remains) {
    if let Some(pid) = i32::try_from(remains.child.id()).ok().and_then(Pid::from_raw) {
        // From below: without namespaces, what the outermost process no longer holds gets away. Its
        // number is not given to another as long as we have not waited for it.
        tree::kill_below(pid);
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = remains.child.wait();
    if let Some(scratch) = &remains.scratch
        && let Err(error) = remove(scratch.path())
    {
        tracing::warn!(%error, "cannot remove a function's folder");
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        // The last of its processes may still have been writing.
        Err(_) => {
            std::thread::sleep(Duration::from_millis(50));
            std::fs::remove_dir_all(folder)
        }
        Ok(()) => Ok(()),
    }
}

/// Says what a sandbox could not have. It is the machine's doing, so once is enough.
fn note(notes: &[String]) {
    static TOLD: AtomicBool = AtomicBool::new(false);
    if !notes.is_empty() && !TOLD.swap(true, Ordering::Relaxed) {
        tracing::warn!(notes = notes.join("; "), "functions are not fully isolated");
    }
}

fn crash(status: Option<i32>, signal: Option<i32>) -> Crash {
    match (status, signal) {
        (_, Some(signal)) => Crash::Signal(signal),
        (Some(status), None) => Crash::Status(status),
        (None, None) => Crash::Unknown,
    }
}
