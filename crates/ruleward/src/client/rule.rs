//! Finding a rule by its id or its name.

use anyhow::bail;
use reqwest::Method;
use serde_json::Value;

use super::{Api, Refused, Request, Trouble, segment};
use crate::output::cell;

/// All rules of the account.
pub fn all(api: &Api, most: Option<usize>) -> anyhow::Result<Vec<Value>> {
    api.list(&Request::new(Method::GET, api.path("/policy-assignments")), most)
}

/// The rule of that id or name.
pub fn find(api: &Api, id_or_name: &str) -> anyhow::Result<Value> {
    if looks_like_id(id_or_name) {
        match api.get(api.path(&format!("/policy-assignments/{}", segment(id_or_name)))) {
            Ok(rule) => return Ok(rule),
            // It may be a name that looks like an id.
            Err(Trouble::Refused(refused)) if refused.status == 404 => {}
            Err(trouble) => return Err(trouble.into()),
        }
    }
    let found = all(api, None)?.into_iter().find(|rule| cell(rule, "name") == id_or_name);
    match found {
        Some(rule) => Ok(rule),
        None => Err(Refused {
            status: 404,
            code: "RMS.00010005".to_owned(),
            message: format!(
                "no rule has the id or name `{id_or_name}`; `ruleward rules list` shows all"
            ),
            request_id: None,
            retry_after: None,
        }
        .into()),
    }
}

/// The id of the rule of that id or name.
pub fn id(api: &Api, id_or_name: &str) -> anyhow::Result<String> {
    let rule = find(api, id_or_name)?;
    match rule.get("id").and_then(Value::as_str) {
        Some(id) => Ok(id.to_owned()),
        None => bail!("the service shows a rule without an id"),
    }
}

/// The same for a look back: an id may be that of a rule that is gone.
pub fn past_id(api: &Api, id_or_name: &str) -> anyhow::Result<String> {
    if looks_like_id(id_or_name) { Ok(id_or_name.to_owned()) } else { id(api, id_or_name) }
}

fn looks_like_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
