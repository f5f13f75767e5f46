//! Organizations: who belongs to them and who manages them.
//!
//! The management account manages its own; the operator of the server manages all. An account
//! joins because it accepts an invitation, or because the operator adds it.

use std::sync::Arc;

use ruleward_store::ReadTx;
use ruleward_types::organization::organization_id;
use ruleward_types::{
    Account, AccountNo, Error, ErrorCode, MemberState, Organization, OrganizationMember,
    OrganizationNo, Result, limits,
};

use crate::Service;
use crate::access::Access;
use crate::organization_policy_assignments::{deploy_all, remove_all, remove_rule};
use crate::organization_units::unit_no;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::service::Writing;

/// An organization and the account that manages it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedOrganization {
    /// The organization.
    pub organization: Organization,
    /// The management account.
    pub management: Account,
}

/// How an account gets into an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// It is asked, and accepts or does not.
    Invited,
    /// The operator puts it there.
    Added,
}

const NO_MEMBER: &str = "The account is no member of the organization.";

impl Service {
    /// Makes an organization. The management account is the caller's, unless the operator names
    /// another.
    pub fn create_organization(
        self: &Arc<Self>,
        access: &Access,
        name: &str,
        management: Option<&str>,
    ) -> Result<ManagedOrganization> {
        check_name(name)?;
        let own = access.domain_id();
        let domain_id = management.unwrap_or(own).to_owned();
        if !access.is_operator() && domain_id != own {
            return Err(denied("only the operator makes organizations for other accounts"));
        }
        let (name, id) = (name.to_owned(), organization_id()?);
        self.write(move |writing| {
            let management = account(writing.tx, &domain_id)?;
            if writing.tx.organization_of(management.no)?.is_some() {
                return Err(Error::new(ErrorCode::AccountInOrganization));
            }
            let made = Organization {
                no: OrganizationNo(0),
                id,
                name,
                management: management.no,
                created: writing.now,
            };
            let no = writing.tx.insert_organization(&made)?;
            Ok(ManagedOrganization { organization: Organization { no, ..made }, management })
        })
    }

    /// The organizations that the caller may know of, oldest first: the operator all, an account
    /// the one that it manages or has joined, and those that invite it.
    pub fn organizations(&self, access: &Access) -> Result<Vec<ManagedOrganization>> {
        self.read(|tx| {
            let account = access.account();
            let mut found = Vec::new();
            for organization in tx.organizations()? {
                let concerned = access.is_operator()
                    || organization.management == account
                    || tx.organization_member(organization.no, account)?.is_some();
                if concerned {
                    found.push(managed_organization(tx, organization)?);
                }
            }
            Ok(found)
        })
    }

    /// All organizations, oldest first: for the operator on the machine.
    pub fn all_organizations(&self) -> Result<Vec<ManagedOrganization>> {
        self.read(|tx| {
            tx.organizations()?.into_iter().map(|one| managed_organization(tx, one)).collect()
        })
    }

    /// The organization of that id or name: for the operator on the machine.
    pub fn find_organization(&self, id_or_name: &str) -> Result<ManagedOrganization> {
        let mut found: Vec<_> = self
            .all_organizations()?
            .into_iter()
            .filter(|one| one.organization.id == id_or_name || one.organization.name == id_or_name)
            .collect();
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(Error::invalid(format!(
                "several organizations are called `{id_or_name}`; name one by its id"
            ))),
            (None, _) => {
                let words = format!("no organization `{id_or_name}` exists");
                Err(Error::with(ErrorCode::NotFound, words))
            }
        }
    }

    /// An organization.
    pub fn organization(&self, access: &Access, id: &str) -> Result<ManagedOrganization> {
        self.read(|tx| {
            let organization = tx.organization_by_id(id)?.ok_or_else(not_concerned)?;
            let concerned = access.is_operator()
                || organization.management == access.account()
                || tx.organization_member(organization.no, access.account())?.is_some();
            if concerned { managed_organization(tx, organization) } else { Err(not_concerned()) }
        })
    }

    /// Members and invited accounts, in the order in which the accounts were made.
    pub fn organization_members(
        &self,
        access: &Access,
        id: &str,
        page: Page,
    ) -> Result<Paged<OrganizationMember>> {
        let after = page.after.map_or(0, |Cursor(no, _)| no);
        self.read(|tx| {
            let organization = seen(tx, access, id)?;
            let mut found = Collector::new(page);
            let most = page.limit + 1;
            for member in tx.organization_members(organization.no, AccountNo(after), most)? {
                found.push(Cursor(member.account.0, 0), member);
            }
            Ok(found.finish())
        })
    }

    /// Invites or adds an account. Adding asks nobody, so it is the operator's.
    pub fn enter_organization(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        domain_id: &str,
        unit: Option<&str>,
        entry: Entry,
    ) -> Result<OrganizationMember> {
        if entry == Entry::Added && !access.is_operator() {
            return Err(denied("only the operator adds accounts; invite it"));
        }
        let (access, id, domain_id) = (access.clone(), id.to_owned(), domain_id.to_owned());
        let unit = unit.map(str::to_owned);
        self.write(move |writing| {
            let organization = managed(writing.tx, &access, &id)?;
            let unit = unit.map(|unit| unit_no(writing.tx, &organization, &unit)).transpose()?;
            let account = account(writing.tx, &domain_id)?;
            let known = writing.tx.organization_member(organization.no, account.no)?;
            if known.as_ref().is_some_and(OrganizationMember::has_joined)
                || organization.management == account.no
            {
                return Err(Error::new(ErrorCode::AccountInOrganization));
            }
            let state = match entry {
                Entry::Invited => MemberState::Invited,
                Entry::Added => MemberState::Normal,
            };
            let member = OrganizationMember {
                organization: organization.no,
                account: account.no,
                domain_id: account.domain_id,
                name: account.name,
                unit,
                state,
                delegated: false,
                since: writing.now,
            };
            put(writing, &member)?;
            Ok(member)
        })
    }

    /// Accepts the invitation of an organization for the caller's account.
    pub fn accept_invitation(self: &Arc<Self>, access: &Access, id: &str) -> Result<()> {
        let (id, account) = (id.to_owned(), access.account());
        self.write(move |writing| {
            let organization = writing.tx.organization_by_id(&id)?.ok_or_else(not_concerned)?;
            let mut member = writing
                .tx
                .organization_member(organization.no, account)?
                .ok_or_else(not_concerned)?;
            if member.has_joined() {
                return Ok(());
            }
            member.state = MemberState::Normal;
            member.since = writing.now;
            put(writing, &member)
        })
    }

    /// Takes an account out of an organization, with all that the organization deployed to it.
    /// The account itself may leave, or decline an invitation.
    pub fn remove_member(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        domain_id: &str,
    ) -> Result<()> {
        let leaves = access.domain_id() == domain_id;
        self.with_member(access, id, domain_id, leaves, |writing, organization, member| {
            remove_all(writing, organization.no, member.account)?;
            if member.delegated {
                remove_rules_of(writing, organization.no, member.account)?;
            }
            writing.tx.delete_organization_member(organization.no, member.account)
        })
    }

    /// Suspends a member: it keeps what it has and gets nothing new.
    pub fn suspend_member(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        domain_id: &str,
    ) -> Result<()> {
        self.with_member(access, id, domain_id, false, |writing, _, mut member| {
            joined(&member)?;
            member.state = MemberState::Suspended;
            writing.tx.put_organization_member(&member)
        })
    }

    /// Ends a suspension: the member gets what it missed.
    pub fn resume_member(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        domain_id: &str,
    ) -> Result<()> {
        self.with_member(access, id, domain_id, false, |writing, _, mut member| {
            joined(&member)?;
            if member.state == MemberState::Normal {
                return Ok(());
            }
            member.state = MemberState::Normal;
            put(writing, &member)
        })
    }

    /// Moves a member to a unit, or to the root.
    pub fn move_member(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        domain_id: &str,
        unit: Option<&str>,
    ) -> Result<()> {
        let unit = unit.map(str::to_owned);
        self.with_member(access, id, domain_id, false, move |writing, organization, mut member| {
            member.unit = unit.map(|unit| unit_no(writing.tx, organization, &unit)).transpose()?;
            writing.tx.put_organization_member(&member)
        })
    }

    /// Makes a member a delegated administrator, or ends that. With it end the organization rules
    /// that it made: nobody else could see or remove them.
    pub fn delegate_administrator(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        domain_id: &str,
        delegated: bool,
    ) -> Result<()> {
        self.with_member(access, id, domain_id, false, move |writing, organization, mut member| {
            joined(&member)?;
            if member.delegated && !delegated {
                remove_rules_of(writing, organization.no, member.account)?;
            }
            member.delegated = delegated;
            writing.tx.put_organization_member(&member)
        })
    }

    fn with_member(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        domain_id: &str,
        is_itself: bool,
        change: impl FnOnce(&Writing<'_>, &Organization, OrganizationMember) -> Result<()>
        + Send
        + 'static,
    ) -> Result<()> {
        let (access, id, domain_id) = (access.clone(), id.to_owned(), domain_id.to_owned());
        self.write(move |writing| {
            let organization = if is_itself {
                writing.tx.organization_by_id(&id)?.ok_or_else(not_concerned)?
            } else {
                managed(writing.tx, &access, &id)?
            };
            let account = account(writing.tx, &domain_id)?;
            let member =
                writing.tx.organization_member(organization.no, account.no)?.ok_or_else(|| {
                    // Who is outside does not learn that the organization is there.
                    managed(writing.tx, &access, &id).map_or_else(|e| e, |_| not_found(NO_MEMBER))
                })?;
            change(writing, &organization, member)
        })
    }
}

/// The organization, for those who manage it.
pub(crate) fn managed(tx: &dyn ReadTx, access: &Access, id: &str) -> Result<Organization> {
    let organization = tx.organization_by_id(id)?.ok_or_else(not_concerned)?;
    if access.is_operator() || organization.management == access.account() {
        Ok(organization)
    } else {
        Err(not_concerned())
    }
}

/// The organization, for those whose account administers its rules: the management account and
/// delegated administrators.
pub(crate) fn administered(tx: &dyn ReadTx, access: &Access, id: &str) -> Result<Organization> {
    let organization = tx.organization_by_id(id)?.ok_or_else(not_concerned)?;
    let administers = organization.management == access.account()
        || tx
            .organization_member(organization.no, access.account())?
            .is_some_and(|member| member.delegated && member.state == MemberState::Normal);
    if administers { Ok(organization) } else { Err(not_concerned()) }
}

/// The organization, for those who may look at the whole of it.
pub(crate) fn seen(tx: &dyn ReadTx, access: &Access, id: &str) -> Result<Organization> {
    managed(tx, access, id).or_else(|_| administered(tx, access, id))
}

/// One refusal for organizations that are not there and for those of others.
fn not_concerned() -> Error {
    denied(
        "the caller's account is neither the management account nor a delegated administrator of \
         this organization",
    )
}

fn denied(words: &str) -> Error {
    Error::with(ErrorCode::AccessDenied, format!("Access denied: {words}."))
}

pub(crate) fn not_found(words: &str) -> Error {
    Error::with(ErrorCode::NotFound, words)
}

fn account(tx: &dyn ReadTx, domain_id: &str) -> Result<Account> {
    tx.account_by_domain(domain_id)?.ok_or_else(|| not_found("No account has this id."))
}

fn managed_organization(
    tx: &dyn ReadTx,
    organization: Organization,
) -> Result<ManagedOrganization> {
    let management = tx
        .account(organization.management)?
        .ok_or_else(|| Error::internal("organization", "the management account is gone"))?;
    Ok(ManagedOrganization { organization, management })
}

pub(crate) fn check_name(name: &str) -> Result<()> {
    let most = limits::ORGANIZATION_NAME_CHARS;
    if name.trim().is_empty()
        || name.trim() != name
        || name.chars().count() > most
        || name.chars().any(char::is_control)
    {
        return Err(Error::invalid(format!(
            "a name has 1 to {most} characters, none outside blank"
        )));
    }
    Ok(())
}

fn joined(member: &OrganizationMember) -> Result<()> {
    if member.has_joined() {
        Ok(())
    } else {
        Err(Error::invalid("the account has not accepted the invitation yet"))
    }
}

/// Stores a member. Who is a member in normal state gets the organization's rules.
fn put(writing: &Writing<'_>, member: &OrganizationMember) -> Result<()> {
    if member.has_joined()
        && writing
            .tx
            .organization_of(member.account)?
            .is_some_and(|organization| organization.no != member.organization)
    {
        return Err(Error::new(ErrorCode::AccountInOrganization));
    }
    writing.tx.put_organization_member(member)?;
    if member.state == MemberState::Normal { deploy_all(writing, member) } else { Ok(()) }
}

fn remove_rules_of(
    writing: &Writing<'_>,
    organization: OrganizationNo,
    owner: AccountNo,
) -> Result<()> {
    for rule in writing.tx.organization_rules(organization)? {
        if rule.owner == owner && !rule.is_deleted() {
            remove_rule(writing, rule)?;
        }
    }
    Ok(())
}
