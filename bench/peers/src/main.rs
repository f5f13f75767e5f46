//! The same ten policies by hand and in other engines, over the same inventory. `bench/run`
//! runs it beside Ruleward and compares the verdicts.

mod cpu;
mod hand;
mod inventory;
mod mix;
mod report;

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
    ByHand(Work),
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
        Command::ByHand(work) => {
            let (inventory, mix) = read(&work)?;
            let (passes, counts) = hand::mix::run(&inventory, &mix, work.passes)?;
            report::print("by-hand", inventory.len(), inventory.evaluations(), &passes, &counts);
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
