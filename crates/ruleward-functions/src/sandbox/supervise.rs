//! Starting the interpreter and staying above it until it ends.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, kill_process,
    pidfd_open, set_child_subreaper, set_dumpable_behavior, set_parent_process_death_signal, wait,
};
use rustix::time::Timespec;

use super::{INNER_SCRATCH, Report, STAGE, Spec, limits, report, root, tree};

/// How long a dead orphan waits to be buried.
const BURIALS: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Outer, with namespaces: starts inner in them and waits.
pub(super) fn start_inner() -> Result<(), String> {
    let own = std::env::current_exe().map_err(|error| format!("where am I? {error}"))?;
    let inner = Command::new(own)
        .args(std::env::args_os().skip(1))
        .env(STAGE, "inner")
        .spawn()
        .map_err(|error| format!("cannot start the inner stage: {error}"))?;
    let inner = pid_of(inner.id())?;
    if let End::Abandoned = wait_for(inner)? {
        // Killing process 1 of a PID namespace kills all that is in it.
        let _ = kill_process(inner, Signal::KILL);
    }
    Ok(())
}

/// Inner: process 1 of its PID namespace, with every power in its own namespaces until it drops
/// them.
pub(super) fn inner(spec: &Spec) -> Result<(), String> {
    // Outer may die of anything.
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("cannot be tied to the outer stage: {error}"))?;
    let mut notes = Vec::new();
    let built = root::build(spec, &mut notes);
    let scratch = match built {
        Ok(()) => Path::new(INNER_SCRATCH),
        Err(words) if spec.isolation == super::Isolation::Required => return Err(words),
        Err(words) => {
            notes.push(format!("no root of its own: {words}"));
            spec.scratch.as_path()
        }
    };
    run(spec, scratch, notes, true)
}

/// Outer, without namespaces: does inner's work as far as it goes.
pub(super) fn without_namespaces(spec: &Spec, notes: Vec<String>) -> Result<(), String> {
    set_child_subreaper(Some(getpid()))
        .map_err(|error| format!("cannot become a subreaper: {error}"))?;
    let own = getpid();
    let outcome = run(spec, &spec.scratch, notes, false);
    tree::kill_below(own);
    outcome
}

/// Limits itself, starts the interpreter, waits for its end and reports it.
fn run(spec: &Spec, scratch: &Path, notes: Vec<String>, namespaces: bool) -> Result<(), String> {
    let home = scratch.join("home");
    let work = scratch.join("work");
    prepare(spec, &home, &work)
        .map_err(|error| format!("cannot prepare the function's folders: {error}"))?;
    // The function shares our user: it shall not look into us, or through us at what we have open.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| format!("cannot close its memory: {error}"))?;
    limits::drop_powers().map_err(|error| format!("cannot drop powers: {error}"))?;
    limits::set(&spec.limits, namespaces).map_err(|error| format!("cannot set limits: {error}"))?;

    report(&Report::Started { notes, moved: scratch != spec.scratch });
    let child = Command::new(&spec.program)
        .args(&spec.arguments)
        .env_clear()
        .envs(spec.environment.iter().map(|(name, value)| (name, value)))
        .env("HOME", &home)
        .env("TMPDIR", &work)
        .current_dir(&work)
        // Channel and log, as they came.
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", spec.program.display()))?;
    let child = pid_of(child.id())?;
    if let End::Child(status) = wait_for(child)? {
        let (status, signal) = (status.exit_status(), status.terminating_signal());
        report(&Report::Ended { status, signal });
    }
    Ok(())
}

fn prepare(spec: &Spec, home: &Path, work: &Path) -> io::Result<()> {
    let mut private = fs::DirBuilder::new();
    private.recursive(true).mode(0o700);
    private.create(work)?;
    private.create(home)?;
    for file in &spec.files {
        let path = home.join(&file.path);
        if let Some(parent) = path.parent() {
            private.create(parent)?;
        }
        fs::write(path, &file.text)?;
    }
    Ok(())
}

/// Why waiting ended.
enum End {
    /// The child ended.
    Child(WaitStatus),
    /// The other end of the channel is closed: nobody waits for the function any more.
    Abandoned,
}

/// Waits for one child and, on the way, buries all others: orphans of the function among them.
///
/// Without a thread: after a new PID namespace was made for children, no thread can be.
fn wait_for(child: Pid) -> Result<End, String> {
    let told = |error: io::Error| format!("cannot wait: {error}");
    let stdin = io::stdin();
    let ended = pidfd_open(child, PidfdFlags::empty()).map_err(|error| told(error.into()))?;
    loop {
        while let Some((pid, status)) = match wait(WaitOptions::NOHANG) {
            Ok(buried) => buried,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CHILD) => None,
            Err(error) => return Err(told(error.into())),
        } {
            if pid == child {
                return Ok(End::Child(status));
            }
        }
        let mut watched = [
            PollFd::new(&ended, PollFlags::IN),
            PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::RDHUP),
        ];
        match poll(&mut watched, Some(&BURIALS)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(told(error.into())),
        }
        let [_, channel] = watched;
        if !channel.revents().is_empty() {
            return Ok(End::Abandoned);
        }
    }
}

fn pid_of(id: u32) -> Result<Pid, String> {
    i32::try_from(id)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| format!("{id} is not the number of a process"))
}
