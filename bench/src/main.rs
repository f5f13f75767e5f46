//! Generator of inventories and benchmarks. `bench/run` runs the scenarios and writes the table.

mod bare;
mod catalogue;
mod client;
mod columns;
mod cpu;
mod engine;
mod inventory;
mod organizations;
mod properties;
mod random;
mod requests;
mod rule_table;
mod rules;
mod scenario;
mod stream;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// As in the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
        /// Twenty of them over all types without filter, so that each resource is in the scope of
        /// twenty.
        #[arg(long)]
        broad: bool,
    },
    /// Insert an inventory into the bare store; prints JSON.
    Bare {
        /// NDJSON.
        file: PathBuf,
        /// A new database file.
        database: PathBuf,
        /// A database that `import` made of the same file: the rows of relations are taken from it.
        like: PathBuf,
    },
    /// Import an inventory through the use cases, pipelined, judged by rules; prints JSON.
    Import {
        /// NDJSON.
        file: PathBuf,
        /// A new database file.
        database: PathBuf,
        /// How many rules.
        #[arg(long, default_value_t = 20)]
        rules: usize,
        /// The mix of ten policies beside them.
        #[arg(long)]
        mix: bool,
    },
    /// Judge a stored inventory by new rules, then again in every way; prints JSON.
    Evaluate {
        /// A database that `import` made.
        database: PathBuf,
        /// How many rules.
        #[arg(long, default_value_t = 100)]
        rules: usize,
        /// Only for the first time.
        #[arg(long)]
        first_only: bool,
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
    /// Read all bodies of a store, chunk by chunk; prints JSON.
    Read {
        /// A database that `import` made.
        database: PathBuf,
        /// How many times.
        #[arg(long, default_value_t = 3)]
        passes: usize,
    },
    /// Take summaries and list pages many times; prints the median, least and most
    /// microseconds of each as JSON.
    Reads {
        /// A database that `import` made.
        database: PathBuf,
        /// While changes are written as fast as they can be.
        #[arg(long)]
        load: bool,
    },
    /// List, count and sum up resources many times, lists beside reading their rows by key; prints
    /// the median and the 99th percentile in microseconds of each as JSON.
    Inventory {
        /// A database that `import` made.
        database: PathBuf,
    },
    /// How much room the states take; prints JSON.
    States {
        /// A database that `import` made.
        database: PathBuf,
    },
    /// Make many small accounts judged by the mix, and tell how much room their states take.
    Accounts {
        /// A new database file.
        database: PathBuf,
        /// How many accounts.
        #[arg(long, default_value_t = 1000)]
        accounts: u64,
        /// Resources of each.
        #[arg(long, default_value_t = 1000)]
        resources: u64,
    },
    /// Send a stream of signed single changes in an open loop; prints JSON. With `--bare`: the
    /// same as bare synced inserts.
    Stream {
        /// The data folder of a running development server; with `--bare` a database file.
        place: PathBuf,
        /// Bare synced inserts instead.
        #[arg(long)]
        bare: bool,
        /// The server's process id, for the CPU time of its writer.
        #[arg(long)]
        pid: Option<u32>,
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
        /// The number of the first change.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Seconds between two full runs of one rule.
        #[arg(long, default_value_t = 30)]
        run_every: u64,
    },
    /// Ask for ten rules as fast as it is answered; prints JSON.
    Requests {
        /// The data folder of a running development server; with `--moto` `address:port` of
        /// moto's server.
        place: PathBuf,
        /// Moto's server instead.
        #[arg(long)]
        moto: bool,
        /// Connections.
        #[arg(long, default_value_t = 4)]
        connections: u64,
        /// How long.
        #[arg(long, default_value_t = 4)]
        seconds: u64,
    },
    /// Deploy organization rules to many members and judge, beside the same rules and resources in
    /// one account; prints both times and their ratio.
    Organizations {
        /// A folder for two new databases.
        folder: PathBuf,
        /// How many members; they hold 10 to 10,000 resources each.
        #[arg(long, default_value_t = 1000)]
        members: u64,
        /// How many resources in all.
        #[arg(long, default_value_t = 100_000)]
        resources: u64,
        /// How many rules.
        #[arg(long, default_value_t = 10)]
        rules: usize,
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
    // As the server does.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    match Command::parse() {
        Command::Generate { resources, seed } => {
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            for n in 0..resources {
                serde_json::to_writer(&mut out, &inventory::resource(seed, n))?;
                out.write_all(b"\n")?;
            }
            out.flush()?;
        }
        Command::Rules { database, rules, broad } => {
            let rules = if broad { rules::broad(rules)? } else { rules::rules(rules) };
            scenario::add_rules(&database, rules)?;
        }
        Command::Bare { file, database, like } => {
            let (rows, seconds) = bare::insert(&file, &database, &like, 8 << 20)?;
            println!("{}", serde_json::json!({ "resources": rows, "wall_ms": seconds * 1e3 }));
        }
        Command::Import { file, database, rules, mix } => {
            let mut rules = rules::rules(rules);
            if mix {
                rules.extend(rules::mix(0)?);
            }
            println!("{}", scenario::import(&file, &database, rules)?);
        }
        Command::Evaluate { database, rules, first_only } => {
            println!("{}", scenario::evaluate(&database, rules, first_only)?);
        }
        Command::Columns { database, rules } => println!("{}", columns::run(&database, rules)?),
        Command::Read { database, passes } => println!("{}", scenario::bodies(&database, passes)?),
        Command::Reads { database, load } => println!("{}", scenario::reads(&database, load)?),
        Command::Inventory { database } => println!("{}", scenario::lists(&database)?),
        Command::States { database } => println!("{}", scenario::states(&database)?),
        Command::Accounts { database, accounts, resources } => {
            println!("{}", scenario::accounts(&database, accounts, resources)?);
        }
        Command::Stream {
            place,
            bare,
            pid,
            rate,
            clients,
            seconds,
            resources,
            from,
            run_every,
        } => {
            let load = stream::Load { rate, clients, seconds, resources, from, run_every };
            let told =
                if bare { stream::bare(&place, load)? } else { stream::served(&place, load, pid)? };
            println!("{told}");
        }
        Command::Requests { place, moto, connections, seconds } => {
            let told = if moto {
                requests::moto(&place.to_string_lossy(), connections, seconds)?
            } else {
                requests::ours(&place, connections, seconds)?
            };
            println!("{told}");
        }
        Command::Organizations { folder, members, resources, rules } => {
            let load = organizations::Load { members, resources, rules };
            println!("{}", organizations::line(load, &organizations::measure(&folder, load)?)?);
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
