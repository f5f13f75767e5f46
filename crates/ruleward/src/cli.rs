//! The command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::client::{
    channels, diff, evaluate, explain, functions, history, policies, recorder, resources, rules,
    states, summary,
};
use crate::operator::{accounts, keys, organizations, users};
use crate::{check, import, serve};

/// What is worth knowing before the first command.
const BEGIN: &str = "\
Begin with
  ruleward serve --dev --sample
and, in a second terminal in the same folder,
  ruleward summary

The commands summary, states, explain, history, diff, evaluate, resources, rules, functions,
recorder, channels, snapshot, import and policies list, show and coverage speak to a running
service; check and the other commands of policies need none.
They take its key from HUAWEICLOUD_SDK_AK, _SK and _SECURITY_TOKEN, or from the file that
`serve --dev` leaves in ./ruleward-data; --data names another folder.
Exit codes: 0 done, 1 the service said no, 2 anything else that failed.";

/// A self-hosted compliance service, wire-compatible with the Config service of Huawei Cloud.
#[derive(Debug, Parser)]
#[command(name = "ruleward", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = BEGIN)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Import(import::ImportArgs),
    Check(check::CheckArgs),
    Summary(summary::SummaryArgs),
    States(states::StatesArgs),
    Explain(explain::ExplainArgs),
    History(history::HistoryArgs),
    Diff(diff::DiffArgs),
    Evaluate(evaluate::EvaluateArgs),
    /// What there is: list, count, sum up and show resources.
    #[command(subcommand)]
    Resources(resources::ResourcesCommand),
    /// List, make, change and run rules.
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Configure the functions of custom rules, try them, and see what became of their calls.
    #[command(subcommand)]
    Functions(functions::FunctionsCommand),
    /// The policies that rules can use: list them, test them, write your own.
    #[command(subcommand)]
    Policies(policies::PoliciesCommand),
    /// The account's resource recorder: what is recorded and judged, and whom it tells.
    #[command(subcommand)]
    Recorder(recorder::RecorderCommand),
    /// Where the account's messages and archives go, and how that is going.
    #[command(subcommand)]
    Channels(channels::ChannelsCommand),
    Snapshot(channels::SnapshotArgs),
    /// Manage accounts, directly on the store (the operator's command).
    #[command(subcommand)]
    Accounts(accounts::AccountsCommand),
    /// Manage organizations: one rule for many accounts (the operator's command).
    #[command(subcommand)]
    Organizations(organizations::OrganizationsCommand),
    /// Manage the users of an account, directly on the store (the operator's command).
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Manage access keys, directly on the store (the operator's command).
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Limits itself and runs a function's interpreter; the server starts this.
    #[command(hide = true)]
    SandboxExec {
        /// What to run, in which limits.
        #[arg(value_name = "JSON")]
        spec: String,
    },
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let done = ExitCode::SUCCESS;
        match self.command {
            Command::Serve(args) => serve::run(&args).map(|()| done),
            Command::Import(args) => import::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Summary(args) => summary::run(&args).map(|()| done),
            Command::States(args) => states::run(&args).map(|()| done),
            Command::Explain(args) => explain::run(&args).map(|()| done),
            Command::History(args) => history::run(&args).map(|()| done),
            Command::Diff(args) => diff::run(&args).map(|()| done),
            Command::Evaluate(args) => evaluate::run(&args),
            Command::Resources(command) => resources::run(&command).map(|()| done),
            Command::Rules(command) => rules::run(&command).map(|()| done),
            Command::Functions(command) => functions::run(&command).map(|()| done),
            Command::Policies(command) => policies::run(&command),
            Command::Recorder(command) => recorder::run(&command).map(|()| done),
            Command::Channels(command) => channels::run(&command).map(|()| done),
            Command::Snapshot(args) => channels::snapshot(&args).map(|()| done),
            Command::Accounts(command) => accounts::run(&command).map(|()| done),
            Command::Organizations(command) => organizations::run(&command).map(|()| done),
            Command::Users(command) => users::run(&command).map(|()| done),
            Command::Keys(command) => keys::run(&command).map(|()| done),
            Command::SandboxExec { spec } => Ok(ruleward_functions::sandbox_exec(&spec)),
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
