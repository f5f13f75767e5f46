//! `ruleward organizations show, invite, add, remove, suspend, resume, move, delegate,
//! undelegate`.

use std::sync::Arc;

use clap::Args;
use ruleward_core::{Access, Entry, ManagedOrganization, Page, Service};
use ruleward_types::{Account, OrganizationMember, OrganizationUnit};
use serde_json::{Value, json};

use super::super::open;
use super::shown;
use crate::output::{Format, Listing, OutputArgs, line};
use crate::place::StoreArgs;

const PAGE: usize = 1000;

/// An account and an organization.
#[derive(Debug, Args)]
pub struct MemberArgs {
    /// Id or name of the organization.
    organization: String,
    /// Id or name of the account.
    account: String,
    #[command(flatten)]
    store: StoreArgs,
}

/// An account that enters.
#[derive(Debug, Args)]
pub struct EnterArgs {
    /// The unit in which it shall be, by id or name [default: the root].
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    #[command(flatten)]
    member: MemberArgs,
}

/// A member that moves.
#[derive(Debug, Args)]
pub struct MoveArgs {
    #[command(flatten)]
    member: MemberArgs,
    /// The unit in which it shall be, by id or name [default: the root].
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
}

/// Everything that a change of a member needs.
struct Asked {
    service: Arc<Service>,
    access: Access,
    organization: ManagedOrganization,
    account: Account,
}

impl MemberArgs {
    fn ask(&self) -> anyhow::Result<Asked> {
        let service = open(&self.store)?;
        let organization = service.find_organization(&self.organization)?;
        let account = service.account(&self.account)?;
        let access = Access::operator(&organization.management);
        Ok(Asked { service, access, organization, account })
    }
}

impl Asked {
    fn id(&self) -> &str {
        &self.organization.organization.id
    }

    fn told(&self, what: &str) -> anyhow::Result<()> {
        let name = &self.organization.organization.name;
        line(&format!("{} {what} {name}", self.account.name))
    }
}

fn enter(args: &EnterArgs, entry: Entry, what: &str) -> anyhow::Result<()> {
    let asked = args.member.ask()?;
    let (id, domain_id) = (asked.id(), &asked.account.domain_id);
    let unit = args.unit.as_deref();
    asked.service.enter_organization(&asked.access, id, domain_id, unit, entry)?;
    asked.told(what)
}

/// `organizations invite`.
pub fn invite(args: &EnterArgs) -> anyhow::Result<()> {
    enter(args, Entry::Invited, "is invited to")
}

/// `organizations add`.
pub fn add(args: &EnterArgs) -> anyhow::Result<()> {
    enter(args, Entry::Added, "is a member of")
}

/// `organizations remove`.
pub fn remove(args: &MemberArgs) -> anyhow::Result<()> {
    let asked = args.ask()?;
    asked.service.remove_member(&asked.access, asked.id(), &asked.account.domain_id)?;
    asked.told("has left")
}

/// `organizations suspend`.
pub fn suspend(args: &MemberArgs) -> anyhow::Result<()> {
    let asked = args.ask()?;
    asked.service.suspend_member(&asked.access, asked.id(), &asked.account.domain_id)?;
    asked.told("is suspended in")
}

/// `organizations resume`.
pub fn resume(args: &MemberArgs) -> anyhow::Result<()> {
    let asked = args.ask()?;
    asked.service.resume_member(&asked.access, asked.id(), &asked.account.domain_id)?;
    asked.told("is a normal member of")
}

/// `organizations move`.
pub fn move_member(args: &MoveArgs) -> anyhow::Result<()> {
    let asked = args.member.ask()?;
    let (id, domain_id) = (asked.id(), &asked.account.domain_id);
    asked.service.move_member(&asked.access, id, domain_id, args.unit.as_deref())?;
    asked.told("has moved inside")
}

/// `organizations delegate` and `undelegate`.
pub fn delegate(args: &MemberArgs, delegated: bool) -> anyhow::Result<()> {
    let asked = args.ask()?;
    let (id, domain_id) = (asked.id(), &asked.account.domain_id);
    asked.service.delegate_administrator(&asked.access, id, domain_id, delegated)?;
    let what = if delegated { "administers the rules of" } else { "no longer administers" };
    asked.told(what)
}

/// `organizations show`.
pub fn show(store: &StoreArgs, organization: &str, output: OutputArgs) -> anyhow::Result<()> {
    let service = open(store)?;
    let found = service.find_organization(organization)?;
    let access = Access::operator(&found.management);
    let units = service.units(&access, &found.organization.id)?;
    let members = members(&service, &access, &found.organization.id)?;
    let mut listing = Listing::new(&["name", "state", "administers", "unit", "domain_id"]);
    let mut all = Vec::new();
    for member in &members {
        let unit = units.iter().find(|unit| Some(unit.no) == member.unit);
        listing.push(vec![
            member.name.clone(),
            member.state.to_string(),
            if member.delegated { "yes" } else { "no" }.to_owned(),
            unit.map(|unit| unit.name.clone()).unwrap_or_default(),
            member.domain_id.clone(),
        ]);
        all.push(described(member, unit));
    }
    if output.output == Format::Table {
        let (organization, management) = (&found.organization, &found.management);
        line(&format!(
            "{} {}, managed by {} {}\n",
            organization.name, organization.id, management.name, management.domain_id
        ))?;
    }
    let mut json = shown(&found);
    if let Some(fields) = json.as_object_mut() {
        fields.insert("members".to_owned(), Value::Array(all));
    }
    listing.print(output.output, &json)
}

fn members(
    service: &Service,
    access: &Access,
    id: &str,
) -> anyhow::Result<Vec<OrganizationMember>> {
    let mut members = Vec::new();
    let mut after = None;
    loop {
        let page = service.organization_members(access, id, Page { limit: PAGE, after })?;
        members.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(members),
        }
    }
}

fn described(member: &OrganizationMember, unit: Option<&OrganizationUnit>) -> Value {
    json!({
        "domain_id": member.domain_id,
        "name": member.name,
        "state": member.state.wire(),
        "delegated_administrator": member.delegated,
        "unit_id": unit.map(|unit| &unit.id),
        "since": member.since.to_wire(),
    })
}
