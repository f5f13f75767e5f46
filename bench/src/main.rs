//! Generator of inventories and benchmarks. `bench/run` runs the scenarios and writes the table.

mod bare;
mod inventory;
mod random;
mod rules;
mod scenario;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// Generates inventories and measures.
#[derive(Debug, Parser)]
enum Command {
    /// Write an inventory as NDJSON to standard output.
    Generate {
        /// How many resources.
        #[arg(long, default_value_t = 100_000)]
        resources: u64,
        /// The same seed gives the same inventory.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Add rules to the first account of a store.
    Rules {
        /// The database of a server that is stopped.
        database: PathBuf,
        /// How many rules.
        #[arg(long, default_value_t = 20)]
        rules: usize,
    },
    /// Insert an inventory into the bare store; prints rows and seconds.
    Bare {
        /// NDJSON.
        file: PathBuf,
        /// A new database file.
        database: PathBuf,
    },
    /// Insert an inventory through the use cases, judged by rules; prints rows and seconds.
    Import {
        /// NDJSON.
        file: PathBuf,
        /// A new database file.
        database: PathBuf,
        /// How many rules.
        #[arg(long, default_value_t = 20)]
        rules: usize,
    },
    /// Judge a stored inventory by new rules; prints evaluations and seconds.
    Evaluate {
        /// A database that `import` made.
        database: PathBuf,
        /// How many rules.
        #[arg(long, default_value_t = 100)]
        rules: usize,
    },
    /// Judge bodies in memory, without a store; prints nanoseconds.
    Engine {
        /// NDJSON.
        file: PathBuf,
        /// How many rules.
        #[arg(long, default_value_t = 10)]
        rules: usize,
    },
}

#[expect(clippy::print_stdout, reason = "printing is what it is for")]
fn main() -> Result<()> {
    match Command::parse() {
        Command::Generate { resources, seed } => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            for n in 0..resources {
                serde_json::to_writer(&mut out, &inventory::resource(seed, n))?;
                out.write_all(b"\n")?;
            }
            out.flush()?;
        }
        Command::Rules { database, rules } => scenario::add_rules(&database, rules)?,
        Command::Bare { file, database } => {
            let (rows, seconds) = bare::insert(&file, &database, 8 << 20)?;
            println!("{rows} {seconds:.3}");
        }
        Command::Import { file, database, rules } => {
            let (rows, seconds) = scenario::import(&file, &database, rules)?;
            println!("{rows} {seconds:.3}");
        }
        Command::Evaluate { database, rules } => {
            let (evaluations, seconds) = scenario::evaluate(&database, rules)?;
            println!("{evaluations} {seconds:.3}");
        }
        Command::Engine { file, rules } => {
            let (resources, ns) = scenario::engine(&file, rules)?;
            println!("{resources} {ns:.0}");
        }
    }
    Ok(())
}
