//! `ruleward rules create, list, delete --organization`.

use std::time::Instant;

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::organization::OrganizationArgs;
use super::super::{Api, Refused, Request, segment};
use super::{LONGEST_WAIT, POLL};
use crate::output::{Format, Listing, cell};

/// Fields of a rule that an organization rule has, too.
const SHARED: [&str; 5] =
    ["description", "period", "parameters", "policy_filter_v2", "policy_definition_id"];

/// Makes the rule whose account's form is given, or changes the one of that name.
pub fn create(api: &Api, path: &str, rule: &Value) -> anyhow::Result<Value> {
    if rule.get("tags").is_some() {
        bail!("an organization rule has no tags of its own");
    }
    let request = Request::new(Method::PUT, path).body(serde_json::to_vec(&body(rule))?);
    Ok(api.send(&request)?)
}

/// The account's form as the organization's. A filter that is not given is none: left out, that of
/// the rule of that name would stay.
fn body(rule: &Value) -> Value {
    let mut fields = Map::from_iter([("policy_filter_v2".to_owned(), Value::Null)]);
    let given = SHARED.into_iter().filter_map(|key| Some((key.to_owned(), rule.get(key)?.clone())));
    fields.extend(given);
    json!({
        "organization_policy_assignment_name": rule.get("name"),
        "managed_policy_assignment_metadata": fields,
    })
}

/// Waits until every member has the rule, or it is known why not.
pub fn wait(api: &Api, of: &OrganizationArgs, name: &str) -> anyhow::Result<()> {
    let path = of.path(api, "/policy-assignment-statuses")?.context("no organization is meant")?;
    let begun = Instant::now();
    loop {
        let request = Request::new(Method::GET, path.as_str())
            .query("organization_policy_assignment_name", name);
        let rows = api.list(&request, None)?;
        let status = rows.first().map(|row| cell(row, "organization_policy_assignment_status"));
        match status.as_deref() {
            Some(status) if status.ends_with("_IN_PROGRESS") => {}
            Some(status) if status.ends_with("_FAILED") => {
                let why = rows.first().map(|row| cell(row, "error_message")).unwrap_or_default();
                bail!("{status} in some members: {why}");
            }
            _ => return Ok(()),
        }
        if begun.elapsed() > LONGEST_WAIT {
            bail!("it is still being deployed after {} minutes", LONGEST_WAIT.as_secs() / 60);
        }
        std::thread::sleep(POLL);
    }
}

/// Lists the organization rules that the account made, and how their deployment goes.
pub fn list(api: &Api, of: &OrganizationArgs, format: Format) -> anyhow::Result<()> {
    let path = of.path(api, "/policy-assignment-statuses")?.context("no organization is meant")?;
    let found = api.list(&Request::new(Method::GET, path), None)?;
    let mut listing = Listing::new(&["name", "status", "error_message", "id", "updated"]);
    for row in &found {
        listing.push(vec![
            cell(row, "organization_policy_assignment_name"),
            cell(row, "organization_policy_assignment_status"),
            cell(row, "error_message"),
            cell(row, "organization_policy_assignment_id"),
            cell(row, "updated_at"),
        ]);
    }
    listing.print(format, &Value::Array(found))
}

/// Deletes the organization rule of that id or name; answers it as it was.
pub fn delete(api: &Api, path: &str, id_or_name: &str) -> anyhow::Result<Value> {
    for field in ["organization_policy_assignment_id", "organization_policy_assignment_name"] {
        let request = Request::new(Method::GET, path).query(field, id_or_name);
        let found = api.send(&request)?;
        let Some(rule) = found.pointer("/organization_policy_assignments/0") else { continue };
        let id = cell(rule, "organization_policy_assignment_id");
        api.send(&Request::new(Method::DELETE, format!("{path}/{}", segment(&id))))?;
        return Ok(rule.clone());
    }
    Err(Refused {
        status: 404,
        code: "RMS.00010005".to_owned(),
        message: format!("no organization rule of the account has the id or name `{id_or_name}`"),
        request_id: None,
        retry_after: None,
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_not_given_is_none() {
        let rule = json!({
            "name": "x", "policy_assignment_type": "builtin", "policy_definition_id": "p1",
        });
        let made = body(&rule);
        assert_eq!(
            made,
            json!({
                "organization_policy_assignment_name": "x",
                "managed_policy_assignment_metadata": {
                    "policy_definition_id": "p1", "policy_filter_v2": null,
                },
            })
        );
        let filter = json!({"region_ids": ["r"]});
        let made = body(&json!({"name": "x", "policy_filter_v2": filter}));
        assert_eq!(made["managed_policy_assignment_metadata"]["policy_filter_v2"], filter);
    }
}
