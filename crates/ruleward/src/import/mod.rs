//! `ruleward import`: resources from a file, a snapshot, Terraform or another service into a running
//! one, in bounded memory.
//!
//! One thread reads, unpacks and splits the input into batches, two send them: while the service
//! stores one batch it judges the next, and the one after that is made.

mod batch;
mod input;
mod line_map;
mod patience;
mod remote;
mod report;
mod session;
mod snapshot;
mod source;
mod split;
mod spool;
mod transfer;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use ruleward_types::ResourceType;

use self::batch::{Batch, Batcher};
pub use self::input::Input;
use self::remote::RemoteArgs;
use self::report::{Progress, Report};
use self::session::{Session, State};
use self::source::Source;
use self::transfer::Transfer;
use crate::client::{Api, ConnectionArgs};
use crate::failure;
use crate::output::printable;

/// Batches that are sent at the same time.
const IN_FLIGHT: usize = 2;

/// Load resources into a running service.
///
/// FILE holds resources as the service lists them: one JSON object per line, a JSON array, or an
/// answer of `ListAllResources`; gzip is recognized. With --from it is something else, or nothing:
/// --from config copies the account at --endpoint through its API. An import that was interrupted
/// goes on when the same command is run again. Exit code 0: all taken; 1: some refused; 2: failed.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file; - is standard input.
    #[arg(value_name = "FILE", required_unless_present = "from")]
    file: Option<PathBuf>,

    /// What the resources come from.
    #[arg(long, value_enum, default_value_t, hide_default_value = true, value_name = "WHAT")]
    from: From,

    /// The input is the whole truth for this type: what it does not name is deleted at the end,
    /// if no line was refused. Can be repeated.
    #[arg(long, value_name = "PROVIDER.TYPE", value_parser = type_name)]
    replace: Vec<String>,

    /// Delete also more than half of a type.
    #[arg(long, requires = "replace")]
    force: bool,

    /// How to print the report.
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    output: ReportFormat,

    #[command(flatten)]
    remote: RemoteArgs,

    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What resources come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum From {
    /// FILE, as the service lists them.
    #[default]
    File,
    /// FILE, a snapshot that the vendor's recorder left in a bucket: a part, or a folder, of which
    /// the newest snapshot is taken.
    Snapshot,
    /// FILE, a state or a plan as `terraform show -json` prints it.
    Terraform,
    /// The account of another service at --endpoint, by its API.
    Config,
}

/// How the report is printed.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum ReportFormat {
    /// Lines for people.
    #[default]
    Table,
    /// One JSON object.
    Json,
}

fn type_name(text: &str) -> Result<String, String> {
    match ResourceType::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write PROVIDER.TYPE, such as evs.volumes".to_owned()),
    }
}

/// Imports and reports.
pub fn run(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let mut replace = args.replace.clone();
    replace.sort();
    replace.dedup();
    let (api, mut source) = ends(args, &replace)?;
    let progress = Progress::start(&source);
    let (session, state) = Session::open(&api, &source.name, &replace, &progress)?;
    if state.next_offset > 0 {
        let lines = state.next_offset;
        progress.say(&format!("going on after {lines} lines that an earlier run sent"));
    }
    let told = transfer(&mut source, &session, state, args.force, &progress);
    progress.finish();
    let report = told.map_err(|error| hint(error, args))?;
    let report = report.with(|line| source.place(line), source.unknown());
    if !report.is_open() {
        source.forget().context("cannot remove what was kept of the account")?;
    }
    match args.output {
        ReportFormat::Table => report.print()?,
        ReportFormat::Json => report.print_json()?,
    }
    if let Some(reason) = report.not_deleted() {
        eprintln!("error: {}", printable(reason));
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(failure::REFUSED) })
}

/// Where to and where from.
fn ends(args: &ImportArgs, replace: &[String]) -> anyhow::Result<(Api, Source)> {
    if args.from == From::Config {
        if args.file.is_some() {
            bail!("--from config takes no FILE");
        }
        let api = args.remote.target(&args.connection)?;
        let source = args.remote.source(&args.connection, &api, replace)?;
        return Ok((api, source));
    }
    if args.remote.is_given() {
        bail!("the options for copying an account need --from config");
    }
    let file = args.file.as_deref().context("which FILE?")?;
    let source = match args.from {
        From::Snapshot => snapshot::source(file, replace)?,
        From::Terraform => Source::terraform(file, replace)?,
        From::File | From::Config => Source::file(file, replace)?,
    };
    Ok((args.connection.connect()?, source))
}

/// Sends everything and ends the session.
fn transfer(
    source: &mut Source,
    session: &Session<'_>,
    state: State,
    force: bool,
    progress: &Progress,
) -> anyhow::Result<Report> {
    let pack = !session.is_local();
    let skip = state.next_offset;
    let (sender, receiver) = sync_channel::<anyhow::Result<Batch>>(1);
    let (open, told) = (source.take(), progress.clone());
    // Not joined where sending fails: it may be waiting for standard input.
    let reader = thread::Builder::new()
        .name("ruleward-reader".to_owned())
        .spawn(move || {
            for batch in Batcher::new(open(told), skip, pack) {
                let failed = batch.is_err();
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        })
        .context("cannot start a thread")?;
    let transfer = Transfer::new(session, state, receiver, progress);
    thread::scope(|scope| {
        for _ in 0..IN_FLIGHT {
            scope.spawn(|| transfer.send_all());
        }
    });
    let (state, lines) = transfer.finish()?;
    if reader.join().is_err() {
        bail!("reading the input ended unexpectedly");
    }
    Ok(Report::new(session.complete(force, state)?, &lines))
}

/// Says how to go on, where that helps.
fn hint(error: anyhow::Error, args: &ImportArgs) -> anyhow::Error {
    if args.file.as_deref() == Some(Path::new("-"))
        || error.chain().any(<dyn Error>::is::<input::Bad>)
    {
        return error;
    }
    if error.chain().any(<dyn Error>::is::<session::Interrupted>) {
        let told = format!("{error:#}; run the same command again to go on from there");
        return anyhow::anyhow!("{told}");
    }
    error
}
