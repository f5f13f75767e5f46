//! The same ten policies by hand and in other engines, over the same inventory. `bench/run`
//! runs it beside Ruleward and compares the verdicts.

mod cel_peer;
mod cpu;
mod hand;
mod inventory;
mod mix;
mod rego;
mod report;
mod sqlite;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser};

use crate::inventory::Inventory;
use crate::mix::Mix;

/// What an engine works on.
#[derive(Debug, Args)]
struct Work {
    /// NDJSON, as `ruleward-bench generate` writes it.
    file: PathBuf,
    /// Parameters, as `ruleward-bench mix` prints them.
    #[arg(long)]
    mix: PathBuf,
    /// Passes over the inventory.
    #[arg(long, default_value_t = 3)]
    passes: usize,
    /// Only the first resources of the file.
    #[arg(long, default_value_t = usize::MAX)]
    resources: usize,
}

/// Runs a peer; prints a line of JSON.
#[derive(Debug, Parser)]
enum Command {
    /// The mix by hand over sonic-rs look-ups, one thread.
    ByHand {
        #[command(flatten)]
        work: Work,
        /// How paths are looked up.
        #[arg(long, value_enum, default_value_t = hand::mix::Style::Nested)]
        style: hand::mix::Style,
    },
    /// Regorus: Rego compiled for its virtual machine, one thread.
    Regorus(Work),
    /// CEL, compiled, one thread.
    Cel(Work),
    /// SQLite over JSONB, one thread.
    Sqlite {
        #[command(flatten)]
        work: Work,
        /// A new database file.
        #[arg(long)]
        database: PathBuf,
    },
    /// A rule set by hand over the bodies of a store, one thread.
    ByHandStore {
        /// A database that `ruleward-bench import` made; nobody else has it open.
        database: PathBuf,
        /// The rules, as `ruleward-bench rule-set` prints them.
        #[arg(long)]
        rules: PathBuf,
        /// Passes over the inventory.
        #[arg(long, default_value_t = 3)]
        passes: usize,
    },
}

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn main() -> Result<()> {
    match Command::parse() {
        Command::ByHand { work, style } => {
            let (inventory, mix) = read(&work)?;
            let (passes, counts) = hand::mix::run(&inventory, &mix, style, work.passes)?;
            report::print("by-hand", inventory.len(), inventory.evaluations(), &passes, &counts);
        }
        Command::Regorus(work) => {
            let (inventory, mix) = read(&work)?;
            let (passes, counts) = rego::run(&inventory, &mix, work.passes)?;
            report::print("regorus", inventory.len(), inventory.evaluations(), &passes, &counts);
        }
        Command::Cel(work) => {
            let (inventory, mix) = read(&work)?;
            let (passes, counts) = cel_peer::run(&inventory, &mix, work.passes)?;
            report::print("cel", inventory.len(), inventory.evaluations(), &passes, &counts);
        }
        Command::Sqlite { work, database } => {
            let (inventory, mix) = read(&work)?;
            let (passes, counts) = sqlite::run(&database, &inventory, &mix, work.passes)?;
            let name = "sqlite-jsonb";
            report::print(name, inventory.len(), inventory.evaluations(), &passes, &counts);
        }
        Command::ByHandStore { database, rules, passes } => {
            let set: Vec<hand::rules::Described> = serde_json::from_slice(&std::fs::read(rules)?)?;
            println!("{}", hand::store::run(&database, &set, passes)?);
        }
    }
    Ok(())
}

fn read(work: &Work) -> Result<(Inventory, Mix)> {
    Ok((Inventory::read(&work.file, work.resources)?, Mix::read(&work.mix)?))
}
