//! The organization of the sample: the development account manages it, and three member accounts
//! hold a small inventory each. It has no rules yet; the first one is the user's.

use std::sync::Arc;

use anyhow::bail;
use ruleward_core::{Access, Entry, Service};
use ruleward_types::{Account, ErrorCode, Recorder, Role};

use super::inventory::{Inventory, SEED};
use crate::client::credentials::{DevMember, DevOrganization};

const NAME: &str = "sample";
const USER: &str = "administrator";
/// The members, and how small a part of an inventory each holds.
const MEMBERS: [(&str, usize); 3] = [("shop", 4), ("warehouse", 6), ("laboratory", 9)];

/// Makes the organization with its members, or what a start that was cut short left to be made.
/// Nothing where the account belongs to another organization.
pub fn seed(
    service: &Arc<Service>,
    management: &Account,
) -> anyhow::Result<Option<DevOrganization>> {
    let access = Access::operator(management);
    let known = service
        .all_organizations()?
        .into_iter()
        .find(|known| known.management.no == management.no && known.organization.name == NAME);
    let id = match known {
        Some(known) => known.organization.id,
        None => match service.create_organization(&access, NAME, None) {
            Ok(made) => made.organization.id,
            Err(error) if error.code() == ErrorCode::AccountInOrganization => return Ok(None),
            Err(error) => return Err(error.into()),
        },
    };
    let mut members = Vec::new();
    for (n, (name, part)) in MEMBERS.iter().enumerate() {
        let account = account(service, name)?;
        let mut inventory = Inventory::invent(service.clock().now(), SEED + 1 + u64::try_from(n)?);
        inventory.keep_one_of(*part);
        let report = service.put_resources(&Access::operator(&account), &inventory.lines()?)?;
        if let Some(refusal) = report.refusals.first() {
            bail!("sample resource {} of {name}: {}", refusal.line, refusal.reason);
        }
        match service.enter_organization(&access, &id, &account.domain_id, None, Entry::Added) {
            Err(error) if error.code() != ErrorCode::AccountInOrganization => {
                return Err(error.into());
            }
            _ => {}
        }
        members.push(member(service, &account)?);
    }
    tracing::info!(organization.id = %id, members = members.len(), "sample organization added");
    Ok(Some(DevOrganization { id, members }))
}

fn account(service: &Arc<Service>, name: &str) -> anyhow::Result<Account> {
    match service.account(name) {
        Ok(account) => Ok(account),
        Err(error) if error.code() == ErrorCode::NotFound => {
            Ok(service.create_account(name, None, Recorder::ON)?)
        }
        Err(error) => Err(error.into()),
    }
}

fn member(service: &Arc<Service>, account: &Account) -> anyhow::Result<DevMember> {
    let users = service.users(account)?;
    let user = match users.into_iter().find(|user| user.name == USER) {
        Some(user) => user,
        None => service.create_user(account, USER, Role::Administrator, None)?,
    };
    let key = service.create_access_key(&user, None)?;
    Ok(DevMember {
        domain_id: account.domain_id.clone(),
        access_key: key.access_key,
        secret_key: key.secret_key,
    })
}
