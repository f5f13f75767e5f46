//! `ruleward keys`.

use clap::{Args, Subcommand};
use ruleward_core::{NewAccessKey, Service};
use ruleward_types::{AccessKey, Error, ErrorCode, Timestamp, User};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::open;
use crate::output::{Format, Listing, OutputArgs, line};
use crate::place::StoreArgs;

/// Longest life of a temporary key: a day, as the vendor's.
const LONGEST_S: i64 = 24 * 3600;
/// Shortest life of a temporary key: the vendor's 15 minutes are too long for a test.
const SHORTEST_S: i64 = 1;

/// Manage access keys, directly on the store.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key. Its secret is printed once and cannot be shown again.
    Create(CreateArgs),
    /// List the keys of a user, without their secrets.
    List(ListArgs),
    /// Delete a key; requests signed with it are refused at once.
    Delete(DeleteArgs),
}

/// The options of `keys create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Id or name of the account.
    account: String,
    /// The user's name.
    user: String,
    /// A key that ends after so many seconds and comes with a security token.
    #[arg(long, value_name = "SECONDS",
          value_parser = clap::value_parser!(i64).range(SHORTEST_S..=LONGEST_S))]
    temporary: Option<i64>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `keys list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Id or name of the account.
    account: String,
    /// The user's name.
    user: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `keys delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The access key.
    access_key: String,
    #[command(flatten)]
    store: StoreArgs,
}

/// Does what was asked for.
pub fn run(command: &KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::Create(args) => {
            let service = open(&args.store)?;
            let user = user(&service, &args.account, &args.user)?;
            made(&service.create_access_key(&user, args.temporary)?, args.output.output)
        }
        KeysCommand::List(args) => {
            let service = open(&args.store)?;
            let keys = service.access_keys(&user(&service, &args.account, &args.user)?)?;
            list(&keys, args.output.output)
        }
        KeysCommand::Delete(args) => {
            open(&args.store)?.delete_access_key(&args.access_key)?;
            line(&format!("deleted {}", args.access_key))
        }
    }
}

fn user(service: &Service, account: &str, name: &str) -> anyhow::Result<User> {
    let account = service.account(account)?;
    let found = service.users(&account)?.into_iter().find(|user| user.name == name);
    found.ok_or_else(|| {
        let words = format!("no user `{name}` exists in {}", account.name);
        Error::with(ErrorCode::NotFound, words).into()
    })
}

fn made(key: &NewAccessKey, format: Format) -> anyhow::Result<()> {
    let fields = [
        ("access_key", Some(key.access_key.clone())),
        ("secret_key", Some(key.secret_key.expose_secret().to_owned())),
        ("security_token", key.security_token.clone()),
        ("expires", key.expires.map(Timestamp::to_wire)),
    ];
    let mut listing = Listing::new(&["field", "value"]);
    let mut shown = serde_json::Map::new();
    for (name, value) in fields {
        if let Some(value) = &value {
            if format == Format::Table {
                // Not a table, which would break a long token into lines.
                line(&format!("{name:<15} {value}"))?;
            }
            listing.push(vec![name.to_owned(), value.clone()]);
        }
        shown.insert(name.to_owned(), json!(value));
    }
    match format {
        Format::Table => Ok(()),
        Format::Json | Format::Csv => listing.print(format, &Value::Object(shown)),
    }
}

fn list(keys: &[AccessKey], format: Format) -> anyhow::Result<()> {
    let mut listing = Listing::new(&["access_key", "created", "expires"]);
    let mut shown = Vec::new();
    for key in keys {
        let expires = key.expires.map(Timestamp::to_wire);
        listing.push(vec![
            key.access_key.clone(),
            key.created.to_wire(),
            expires.clone().unwrap_or_default(),
        ]);
        shown.push(json!({
            "access_key": key.access_key,
            "created": key.created.to_wire(),
            "expires": expires,
        }));
    }
    listing.print(format, &Value::Array(shown))
}
