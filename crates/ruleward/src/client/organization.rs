//! Which organization is meant.

use anyhow::bail;
use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::{Api, Request, segment};
use crate::output::cell;

/// The option that turns from the account to its organization.
#[derive(Debug, Args)]
pub struct OrganizationArgs {
    /// The organization's rules instead of the account's: for the management account and
    /// delegated administrators. Without an id: the organization of the account.
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub organization: Option<String>,
}

impl OrganizationArgs {
    /// A path of the organization in the vendor's namespace, where one is meant.
    pub fn path(&self, api: &Api, rest: &str) -> anyhow::Result<Option<String>> {
        let Some(given) = &self.organization else { return Ok(None) };
        let id = id(api, given)?;
        Ok(Some(format!("/v1/resource-manager/organizations/{}{rest}", segment(&id))))
    }
}

/// The organization of that id; where it is empty, the one that the account belongs to.
pub fn id(api: &Api, given: &str) -> anyhow::Result<String> {
    if !given.is_empty() {
        return Ok(given.to_owned());
    }
    let listed = api.send(&Request::new(Method::GET, "/v1/ruleward/organizations"))?;
    let found = listed.get("value").and_then(Value::as_array);
    let mut ids = found.into_iter().flatten().map(|one| cell(one, "organization_id"));
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => bail!("the account belongs to no organization"),
        (Some(_), Some(_)) => bail!("there are several organizations; name one: --organization ID"),
    }
}
