//! Generator of inventories and benchmarks. `bench/run` runs the scenarios and writes the table.

mod bare;
mod catalogue;
mod columns;
mod cpu;
mod engine;
mod inventory;
mod properties;
mod random;
mod rule_table;
mod rules;
mod scenario;
mod stream;

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
    /// Judge a stored inventory from the columns beside it, in phases; prints the CPU nanoseconds of
    /// each as JSON.
    Columns {
        /// A database that `import` made.
        database: PathBuf,
        /// How many rules.
        #[arg(long, default_value_t = 100)]
        rules: usize,
    },
    /// Read all bodies of a store, chunk by chunk; prints resources and seconds.
    Read {
        /// A database that `import` made.
        database: PathBuf,
    },
    /// Take the account's summary many times; prints how often and microseconds for each.
    Summary {
        /// A database that `import` made.
        database: PathBuf,
    },
    /// How much room the states take; prints states and bytes.
    States {
        /// A database that `import` made.
        database: PathBuf,
    },
    /// Send a stream of signed single changes in an open loop; prints p50, p90, p99 and the worst
    /// latency in milliseconds. With `--bare`: the same as bare synced inserts.
    Stream {
        /// The data folder of a running development server; with `--bare` a database file.
        place: PathBuf,
        /// Bare synced inserts instead.
        #[arg(long)]
        bare: bool,
        /// Changes a second.
        #[arg(long, default_value_t = 2000)]
        rate: u64,
        /// Clients.
        #[arg(long, default_value_t = 64)]
        clients: u64,
        /// How long.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Resources of the inventory that was imported.
        #[arg(long, default_value_t = 100_000)]
        resources: u64,
    },
    /// Judge bodies in memory by the mix of ten policies, on one thread; prints JSON.
    Engine {
        /// NDJSON.
        file: PathBuf,
        /// The mix's variant.
        #[arg(long, default_value_t = 0)]
        variant: u32,
        /// A rule set of that many rules instead, without its filters.
        #[arg(long)]
        rules: Option<usize>,
        /// Passes over the inventory.
        #[arg(long, default_value_t = 3)]
        passes: usize,
        /// Only the first resources of the file.
        #[arg(long, default_value_t = usize::MAX)]
        resources: usize,
    },
    /// Print the parameters of the mix of ten policies as JSON.
    Mix {
        /// The mix's variant.
        #[arg(long, default_value_t = 0)]
        variant: u32,
    },
    /// Print a rule set as JSON.
    RuleSet {
        /// How many rules.
        #[arg(long, default_value_t = 100)]
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
        Command::Columns { database, rules } => println!("{}", columns::run(&database, rules)?),
        Command::Read { database } => {
            let (resources, seconds) = scenario::read(&database)?;
            println!("{resources} {seconds:.3}");
        }
        Command::Summary { database } => {
            let (times, microseconds) = scenario::summary(&database)?;
            println!("{times} {microseconds:.1}");
        }
        Command::States { database } => {
            let (states, bytes) = scenario::states(&database)?;
            println!("{states} {bytes}");
        }
        Command::Stream { place, bare, rate, clients, seconds, resources } => {
            let load = stream::Load { rate, clients, seconds, resources };
            let sorted =
                if bare { stream::bare(&place, load)? } else { stream::served(&place, load)? };
            let [p50, p90, p99, worst] = stream::percentiles(&sorted);
            println!("{} {p50:.2} {p90:.2} {p99:.2} {worst:.1}", sorted.len());
        }
        Command::Engine { file, variant, rules, passes, resources } => {
            let rules =
                rules.map_or_else(|| rules::mix(variant), |count| Ok(rules::rules(count)))?;
            println!("{}", engine::run(&file, &rules, passes, resources)?);
        }
        Command::Mix { variant } => println!("{}", rules::mix_parameters(variant)),
        Command::RuleSet { rules } => {
            println!("{}", serde_json::to_string(&rules::described(&rules::rules(rules))?)?);
        }
    }
    Ok(())
}
