//! `ruleward organizations units`.

use clap::{Args, Subcommand};
use ruleward_core::Access;
use ruleward_types::OrganizationUnit;
use serde_json::{Value, json};

use super::super::open;
use crate::output::{Listing, OutputArgs, line};
use crate::place::StoreArgs;

/// The units in which members are ordered.
#[derive(Debug, Subcommand)]
pub enum UnitsCommand {
    /// Make a unit, at the root or in another unit.
    Create(CreateArgs),
    /// List the units of an organization.
    List(ListArgs),
    /// Delete a unit that holds nothing.
    Delete(DeleteArgs),
}

/// The options of `units create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Id or name of the organization.
    organization: String,
    /// The unit's name, unique where it lies.
    name: String,
    /// The unit in which it lies, by id or name [default: the root].
    #[arg(long, value_name = "UNIT")]
    parent: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `units list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Id or name of the organization.
    organization: String,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// The options of `units delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Id or name of the organization.
    organization: String,
    /// Id or name of the unit.
    unit: String,
    #[command(flatten)]
    store: StoreArgs,
}

/// Does what was asked for.
pub fn run(command: &UnitsCommand) -> anyhow::Result<()> {
    match command {
        UnitsCommand::Create(args) => {
            let service = open(&args.store)?;
            let found = service.find_organization(&args.organization)?;
            let (access, id) = (Access::operator(&found.management), found.organization.id);
            let made = service.create_unit(&access, &id, &args.name, args.parent.as_deref())?;
            let all = service.units(&access, &id)?;
            let rows = [&made];
            listing(&rows, &all).print(args.output.output, &shown(&made, &all))
        }
        UnitsCommand::List(args) => {
            let service = open(&args.store)?;
            let found = service.find_organization(&args.organization)?;
            let access = Access::operator(&found.management);
            let all = service.units(&access, &found.organization.id)?;
            let json = all.iter().map(|unit| shown(unit, &all)).collect();
            let rows: Vec<_> = all.iter().collect();
            listing(&rows, &all).print(args.output.output, &Value::Array(json))
        }
        UnitsCommand::Delete(args) => {
            let service = open(&args.store)?;
            let found = service.find_organization(&args.organization)?;
            let access = Access::operator(&found.management);
            service.delete_unit(&access, &found.organization.id, &args.unit)?;
            line(&format!("deleted {}", args.unit))
        }
    }
}

fn parent<'a>(
    unit: &OrganizationUnit,
    all: &'a [OrganizationUnit],
) -> Option<&'a OrganizationUnit> {
    all.iter().find(|other| Some(other.no) == unit.parent)
}

fn shown(unit: &OrganizationUnit, all: &[OrganizationUnit]) -> Value {
    json!({
        "unit_id": unit.id,
        "name": unit.name,
        "parent_id": parent(unit, all).map(|parent| &parent.id),
        "created_at": unit.created.to_wire(),
    })
}

fn listing(units: &[&OrganizationUnit], all: &[OrganizationUnit]) -> Listing {
    let mut listing = Listing::new(&["name", "parent", "unit_id", "created_at"]);
    for unit in units {
        listing.push(vec![
            unit.name.clone(),
            parent(unit, all).map(|parent| parent.name.clone()).unwrap_or_default(),
            unit.id.clone(),
            unit.created.to_wire(),
        ]);
    }
    listing
}
