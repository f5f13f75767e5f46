//! `ruleward users`.

use std::io::{self, BufRead as _};

use anyhow::{Context as _, bail};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use ruleward_types::{Role, User};
use serde_json::{Value, json};

use super::open;
use crate::output::{Listing, OutputArgs, line};
use crate::place::StoreArgs;

/// Manage the users of an account, directly on the store.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Make a user.
    Create(CreateArgs),
    /// List the users of an account.
    List(ListArgs),
    /// Delete a user with its keys and tokens.
    Delete(DeleteArgs),
}

/// The options of `users create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Id or name of the account.
    account: String,
    /// The user's name, unique in the account.
    name: String,
    /// What the user may do: administrator, everything in the account; auditor, read
    /// everything; reporter, report results of custom rules; importer, write the inventory;
    /// operator, manage the organizations of the whole server.
    #[arg(long, value_name = "ROLE",
          value_parser = PossibleValuesParser::new(Role::ALL.iter().map(|(_, name)| *name)))]
    role: String,
    /// Read a password from standard input (one line), with which tokens can be had. Without it
    /// the user has access keys only.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `users list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Id or name of the account.
    account: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `users delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Id or name of the account.
    account: String,
    /// The user's name.
    name: String,
    #[command(flatten)]
    store: StoreArgs,
}

/// Does what was asked for.
pub fn run(command: &UsersCommand) -> anyhow::Result<()> {
    match command {
        UsersCommand::Create(args) => create(args),
        UsersCommand::List(args) => {
            let service = open(&args.store)?;
            let users = service.users(&service.account(&args.account)?)?;
            let all = users.iter().map(shown).collect();
            listing(&users).print(args.output.output, &Value::Array(all))
        }
        UsersCommand::Delete(args) => {
            let service = open(&args.store)?;
            service.delete_user(&service.account(&args.account)?, &args.name)?;
            line(&format!("deleted {}", args.name))
        }
    }
}

fn create(args: &CreateArgs) -> anyhow::Result<()> {
    let role = Role::parse(&args.role).context("no such role")?;
    let password = if args.password_stdin { Some(password()?) } else { None };
    let service = open(&args.store)?;
    let account = service.account(&args.account)?;
    let user = service.create_user(&account, &args.name, role, password.as_deref())?;
    listing(std::slice::from_ref(&user)).print(args.output.output, &shown(&user))
}

fn password() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read the password")?;
    let kept = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(kept);
    if line.is_empty() {
        bail!("the password on standard input is empty");
    }
    Ok(line)
}

fn shown(user: &User) -> Value {
    json!({
        "id": user.id,
        "name": user.name,
        "role": user.role.name(),
        "password": user.password_hash.is_some(),
        "created": user.created.to_wire(),
    })
}

fn listing(users: &[User]) -> Listing {
    let mut listing = Listing::new(&["name", "role", "password", "id", "created"]);
    for user in users {
        listing.push(vec![
            user.name.clone(),
            user.role.name().to_owned(),
            if user.password_hash.is_some() { "yes" } else { "no" }.to_owned(),
            user.id.clone(),
            user.created.to_wire(),
        ]);
    }
    listing
}
