//! What `--dev` makes: an account, its administrator, a key, and a file that tells them.

use std::sync::Arc;

use anyhow::Context as _;
use ruleward_core::{Access, Service};
use ruleward_types::{
    Account, Channel, ErrorCode, ObsChannel, Recorder, Role, Selection, TrackerConfig, User,
};
use secrecy::ExposeSecret as _;

use crate::client::credentials::DevCredentials;
use crate::place::Place;

const ACCOUNT: &str = "dev";
/// Where its snapshots go: a folder beside the store.
const BUCKET: &str = "ruleward-dev";
const USER: &str = "administrator";

/// The account of `--dev`.
#[derive(Debug)]
pub struct DevAccount {
    /// The account.
    pub account: Account,
    /// How to get in.
    pub credentials: DevCredentials,
}

/// Makes or finds the account and its key, and writes the file.
pub fn prepare(
    service: &Arc<Service>,
    place: &Place,
    endpoint: &str,
) -> anyhow::Result<DevAccount> {
    let account = account(service)?;
    let user = user(service, &account)?;
    let known = DevCredentials::read(&place.dir)
        .context("remove the file and start again: a new key is made then")?;
    let organization = known.as_ref().and_then(|known| known.organization.clone());
    let (access_key, secret_key) = match known {
        Some(known) if is_good(service, &account, &known) => (known.access_key, known.secret_key),
        _ => {
            let key = service.create_access_key(&user, None)?;
            (key.access_key, key.secret_key)
        }
    };
    let credentials = DevCredentials {
        endpoint: endpoint.to_owned(),
        iam_endpoint: endpoint.to_owned(),
        domain_id: account.domain_id.clone(),
        access_key,
        secret_key,
        organization,
    };
    credentials.write(&place.dir)?;
    Ok(DevAccount { account, credentials })
}

fn account(service: &Arc<Service>) -> anyhow::Result<Account> {
    match service.account(ACCOUNT) {
        Ok(account) => Ok(account),
        Err(error) if error.code() == ErrorCode::NotFound => {
            let account = service.create_account(ACCOUNT, None, Recorder::ON)?;
            let obs = ObsChannel {
                bucket_name: BUCKET.to_owned(),
                bucket_prefix: None,
                region_id: "dev".to_owned(),
            };
            let channel = Channel { smn: None, obs: Some(obs) };
            let config = TrackerConfig { channel, ..TrackerConfig::of_operator(Selection::All) };
            service.put_tracker_config(&Access::operator(&account), config)?;
            Ok(account)
        }
        Err(error) => Err(error.into()),
    }
}

fn user(service: &Arc<Service>, account: &Account) -> anyhow::Result<User> {
    match service.users(account)?.into_iter().find(|user| user.name == USER) {
        Some(user) => Ok(user),
        None => Ok(service.create_user(account, USER, Role::Administrator, None)?),
    }
}

/// Whether the key of an earlier start is still the account's.
fn is_good(service: &Service, account: &Account, known: &DevCredentials) -> bool {
    service.access_key_secret(&known.access_key, None).is_ok_and(|(caller, secret)| {
        caller.account.no == account.no
            && secret.expose_secret() == known.secret_key.expose_secret().as_bytes()
    })
}
