//! `ruleward import`: resources from a file into a running service, in bounded memory.
//!
//! One thread reads, unpacks and splits the input into batches; this one sends them. While the
//! service works on a batch the next one is made.

mod batch;
mod input;
mod line_map;
mod report;
mod session;
mod split;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::sync_channel;
use std::thread;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use ruleward_types::ResourceType;

use self::batch::{Batch, Batcher};
use self::input::Input;
use self::line_map::LineMap;
use self::report::{Progress, Report};
use self::session::Session;
use crate::client::ConnectionArgs;
use crate::failure;

/// Load resources from a file into a running service.
///
/// FILE holds resources as the service lists them: one JSON object per line, a JSON array, or an
/// answer of `ListAllResources`; gzip is recognized. An import that was interrupted goes on when
/// the same command is run again. Exit code 0: all taken; 1: some refused; 2: failed.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The file is the whole truth for this type: what it does not name is deleted at the end,
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
    connection: ConnectionArgs,
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
    let input = Input::open(&args.file)?;
    let api = args.connection.connect()?;
    let progress = Progress::start(&input);
    let session = Session::open(&api, &input.source(&replace)?, &replace, &progress)?;
    if session.next_offset() > 0 {
        progress.say(&format!(
            "going on after {} lines that an earlier run sent",
            session.next_offset()
        ));
    }
    let told = transfer(input, session, args.force, &progress);
    progress.finish();
    let report = told.map_err(|error| hint(error, args))?;
    match args.output {
        ReportFormat::Table => report.print()?,
        ReportFormat::Json => report.print_json()?,
    }
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(failure::REFUSED) })
}

/// Sends everything and ends the session.
fn transfer(
    input: Input,
    mut session: Session<'_>,
    force: bool,
    progress: &Progress,
) -> anyhow::Result<Report> {
    let pack = !session.is_local();
    let skip = session.next_offset();
    let (sender, receiver) = sync_channel::<anyhow::Result<Batch>>(1);
    // Not joined where sending fails: it may be waiting for standard input.
    let reader = thread::Builder::new()
        .name("ruleward-reader".to_owned())
        .spawn(move || {
            let batches = Batcher::new(input.into_lines(), skip, pack);
            for batch in batches {
                let failed = batch.is_err();
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        })
        .context("cannot start a thread")?;
    let mut lines = LineMap::default();
    for batch in receiver {
        let batch = batch?;
        lines.add(&batch.gaps);
        if batch.lines > 0 {
            session.send(&batch)?;
            progress.lines(session.next_offset());
        }
        lines.resolve(session.refusals(), session.next_offset());
    }
    if reader.join().is_err() {
        bail!("reading the input ended unexpectedly");
    }
    let told = session.complete(force)?;
    Ok(Report::new(told, &lines))
}

/// Says how to go on, where that helps.
fn hint(error: anyhow::Error, args: &ImportArgs) -> anyhow::Error {
    if args.file == Path::new("-") || error.chain().any(<dyn Error>::is::<input::Bad>) {
        return error;
    }
    if error.chain().any(<dyn Error>::is::<session::Interrupted>) {
        let told = format!("{error:#}; run the same command again to go on from there");
        return anyhow::anyhow!("{told}");
    }
    error
}
