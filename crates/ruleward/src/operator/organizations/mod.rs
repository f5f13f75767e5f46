//! `ruleward organizations`.

mod members;
mod units;

use clap::{Args, Subcommand};
use ruleward_core::{Access, ManagedOrganization};
use serde_json::{Value, json};

use self::members::{EnterArgs, MemberArgs, MoveArgs};
use self::units::UnitsCommand;
use super::open;
use crate::output::{Listing, OutputArgs};
use crate::place::StoreArgs;

/// Manage organizations, directly on the store.
#[derive(Debug, Subcommand)]
pub enum OrganizationsCommand {
    /// Make an organization. Its management account makes rules for all members.
    Create(CreateArgs),
    /// List the organizations.
    List(ListArgs),
    /// Show an organization with its members.
    Show(ShowArgs),
    /// Invite an account; its administrator accepts through the API.
    Invite(EnterArgs),
    /// Add an account, without asking it. It gets the organization's rules.
    Add(EnterArgs),
    /// Take an account out of its organization; the organization's rules and their states go.
    Remove(MemberArgs),
    /// Suspend a member: it keeps what it has and gets nothing new.
    Suspend(MemberArgs),
    /// End a suspension; the member gets what it missed.
    Resume(MemberArgs),
    /// Move a member to a unit, or to the root.
    Move(MoveArgs),
    /// Let a member administer organization rules beside the management account.
    Delegate(MemberArgs),
    /// End that; the organization rules that the member made are removed.
    Undelegate(MemberArgs),
    /// The units in which members are ordered.
    #[command(subcommand)]
    Units(UnitsCommand),
}

/// The options of `organizations create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// What to call it.
    name: String,
    /// Id or name of the management account. It belongs to no organization yet.
    #[arg(long, value_name = "ACCOUNT")]
    management: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `organizations list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `organizations show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Id or name of the organization.
    organization: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// Does what was asked for.
pub fn run(command: &OrganizationsCommand) -> anyhow::Result<()> {
    match command {
        OrganizationsCommand::Create(args) => {
            let service = open(&args.store)?;
            let access = Access::operator(&service.account(&args.management)?);
            let made = service.create_organization(&access, &args.name, None)?;
            listing(std::slice::from_ref(&made)).print(args.output.output, &shown(&made))
        }
        OrganizationsCommand::List(args) => {
            let found = open(&args.store)?.all_organizations()?;
            let all = found.iter().map(shown).collect();
            listing(&found).print(args.output.output, &Value::Array(all))
        }
        OrganizationsCommand::Show(args) => {
            members::show(&args.store, &args.organization, args.output)
        }
        OrganizationsCommand::Invite(args) => members::invite(args),
        OrganizationsCommand::Add(args) => members::add(args),
        OrganizationsCommand::Remove(args) => members::remove(args),
        OrganizationsCommand::Suspend(args) => members::suspend(args),
        OrganizationsCommand::Resume(args) => members::resume(args),
        OrganizationsCommand::Move(args) => members::move_member(args),
        OrganizationsCommand::Delegate(args) => members::delegate(args, true),
        OrganizationsCommand::Undelegate(args) => members::delegate(args, false),
        OrganizationsCommand::Units(command) => units::run(command),
    }
}

fn shown(of: &ManagedOrganization) -> Value {
    json!({
        "organization_id": of.organization.id,
        "name": of.organization.name,
        "management_domain_id": of.management.domain_id,
        "created_at": of.organization.created.to_wire(),
    })
}

fn listing(organizations: &[ManagedOrganization]) -> Listing {
    let mut listing = Listing::new(&["name", "organization_id", "management", "created_at"]);
    for of in organizations {
        listing.push(vec![
            of.organization.name.clone(),
            of.organization.id.clone(),
            of.management.name.clone(),
            of.organization.created.to_wire(),
        ]);
    }
    listing
}
