//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client::{explain, policies, rules, states, summary};
use crate::operator::{accounts, keys, users};
use crate::{import, serve};

/// A self-hosted compliance service, wire-compatible with the Config service of Huawei Cloud.
///
/// Start here:  ruleward serve --dev --sample
/// and, in a second terminal:  ruleward summary
#[derive(Debug, Parser)]
#[command(name = "ruleward", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service.
    Serve(serve::ServeArgs),
    /// Load resources from a file into a running service.
    Import(import::ImportArgs),
    /// The account in numbers, the worst rules first.
    Summary(summary::SummaryArgs),
    /// List verdicts: which resource meets which rule, and which does not.
    States(states::StatesArgs),
    /// Why a rule judges a resource as it does.
    Explain(explain::ExplainArgs),
    /// List, make, change and run rules.
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// The predefined policies that rules can use.
    #[command(subcommand)]
    Policies(policies::PoliciesCommand),
    /// Manage accounts, directly on the store (the operator's command).
    #[command(subcommand)]
    Accounts(accounts::AccountsCommand),
    /// Manage the users of an account, directly on the store (the operator's command).
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Manage access keys, directly on the store (the operator's command).
    #[command(subcommand)]
    Keys(keys::KeysCommand),
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let done = ExitCode::SUCCESS;
        match self.command {
            Command::Serve(args) => serve::run(&args).map(|()| done),
            Command::Import(args) => import::run(&args),
            Command::Summary(args) => summary::run(&args).map(|()| done),
            Command::States(args) => states::run(&args).map(|()| done),
            Command::Explain(args) => explain::run(&args).map(|()| done),
            Command::Rules(command) => rules::run(&command).map(|()| done),
            Command::Policies(command) => policies::run(&command).map(|()| done),
            Command::Accounts(command) => accounts::run(&command).map(|()| done),
            Command::Users(command) => users::run(&command).map(|()| done),
            Command::Keys(command) => keys::run(&command).map(|()| done),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
