//! `ruleward accounts`.

use clap::{Args, Subcommand, ValueEnum};
use ruleward_types::{Account, Recorder};
use serde_json::{Value, json};

use super::{open, open_or_make};
use crate::output::{Format, Listing, OutputArgs, line};
use crate::place::StoreArgs;

/// Manage accounts, directly on the store.
#[derive(Debug, Subcommand)]
pub enum AccountsCommand {
    /// Make an account; a new store is made with it.
    Create(CreateArgs),
    /// List the accounts.
    List(ListArgs),
    /// Turn the resource recorder of an account on or off. Nothing is judged while it is off.
    Recorder(RecorderArgs),
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// Resources are recorded and judged.
    On,
    /// Rules can be read, disabled and deleted; nothing is judged.
    Off,
}

/// The options of `accounts create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The account's name, unique in the store.
    name: String,
    /// The account's id, such as the one that it has at the vendor's [default: a random one].
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The resource recorder. Rules can be made and judge only while it is on.
    #[arg(long, value_enum, default_value = "off", value_name = "STATE")]
    recorder: Switch,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `accounts list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `accounts recorder`.
#[derive(Debug, Args)]
pub struct RecorderArgs {
    /// Id or name of the account.
    account: String,
    /// What it shall be.
    state: Switch,
    #[command(flatten)]
    store: StoreArgs,
}

/// Does what was asked for.
pub fn run(command: &AccountsCommand) -> anyhow::Result<()> {
    match command {
        AccountsCommand::Create(args) => create(args),
        AccountsCommand::List(args) => {
            let accounts = open(&args.store)?.accounts()?;
            let all = accounts.iter().map(shown).collect();
            listing(&accounts).print(args.output.output, &Value::Array(all))
        }
        AccountsCommand::Recorder(args) => {
            let service = open(&args.store)?;
            let account = service.account(&args.account)?;
            let enabled = args.state == Switch::On;
            // What it covers is the account's own choice.
            let recorder = Recorder { enabled, ..account.recorder };
            service.set_recorder(&account.domain_id, recorder)?;
            line(&format!("the recorder of {} is {}", account.name, word(enabled)))
        }
    }
}

fn create(args: &CreateArgs) -> anyhow::Result<()> {
    let service = open_or_make(&args.store)?;
    let recorder = Recorder::switched(args.recorder == Switch::On);
    let account = service.create_account(&args.name, args.id.as_deref(), recorder)?;
    listing(std::slice::from_ref(&account)).print(args.output.output, &shown(&account))?;
    if args.output.output == Format::Table && args.recorder == Switch::Off {
        eprintln!(
            "the recorder is off; turn it on with `ruleward accounts recorder {} on`",
            account.name
        );
    }
    Ok(())
}

fn word(enabled: bool) -> &'static str {
    if enabled { "on" } else { "off" }
}

fn shown(account: &Account) -> Value {
    json!({
        "id": account.domain_id,
        "name": account.name,
        "recorder": word(account.recorder.enabled),
        "created": account.created.to_wire(),
    })
}

fn listing(accounts: &[Account]) -> Listing {
    let mut listing = Listing::new(&["name", "id", "recorder", "created"]);
    for account in accounts {
        listing.push(vec![
            account.name.clone(),
            account.domain_id.clone(),
            word(account.recorder.enabled).to_owned(),
            account.created.to_wire(),
        ]);
    }
    listing
}
