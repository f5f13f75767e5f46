//! `ruleward summary --organization`.

use reqwest::Method;
use serde_json::Value;

use crate::client::{Api, Request, organization, segment};
use crate::output::{Format, Listing, cell, line};

const UNITS: [(&str, &str); 2] =
    [("resources", "resource_details"), ("rules", "assignment_details")];
const COUNTS: [&str; 3] = ["non_compliant_count", "compliant_count", "undetermined_count"];

/// Prints the numbers of an organization; an empty id is the account's own.
pub fn run(api: &Api, id: &str, limit: Option<usize>, format: Format) -> anyhow::Result<()> {
    let id = organization::id(api, id)?;
    let path = format!("/v1/ruleward/organizations/{}/summary", segment(&id));
    let limit = limit.map(|limit| limit.to_string());
    let request = Request::new(Method::GET, path).query_if("limit", limit.as_deref());
    let summary = api.send(&request)?;
    let mut listing = Listing::new(&[
        "name",
        "state",
        "non_compliant",
        "compliant",
        "undetermined",
        "rules_non_compliant",
        "rules_compliant",
        "rules_undetermined",
        "domain_id",
    ]);
    let accounts = summary.get("accounts").and_then(Value::as_array);
    for account in accounts.into_iter().flatten() {
        let mut row = vec![cell(account, "name"), cell(account, "state")];
        for (_, unit) in UNITS {
            row.extend(COUNTS.iter().map(|field| count(account, unit, field).to_string()));
        }
        row.push(cell(account, "domain_id"));
        listing.push(row);
    }
    if format == Format::Table {
        for (what, unit) in UNITS {
            let [bad, good, unknown] = COUNTS.map(|field| count(&summary, unit, field));
            line(&format!(
                "{what:<10} {bad:>8} non-compliant {good:>8} compliant {unknown:>8} undetermined"
            ))?;
        }
        line("")?;
    }
    listing.print(format, &summary)
}

fn count(of: &Value, unit: &str, field: &str) -> i64 {
    of.pointer(&format!("/results/{unit}/{field}")).and_then(Value::as_i64).unwrap_or_default()
}
