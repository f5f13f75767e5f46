//! `ruleward rules create`.

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::Method;
use ruleward_types::Period;
use serde_json::{Map, Value, json};

use super::super::organization::OrganizationArgs;
use super::super::{ConnectionArgs, Request, parameter_value, policies};
use crate::output::OutputArgs;

/// What a rule is, besides its name and its policy.
#[derive(Debug, Args)]
pub struct RuleArgs {
    /// What the rule is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// A parameter of the policy; VALUE is JSON, or plain text. A list may also be written
    /// a,b,c. Can be repeated.
    #[arg(long, alias = "param", value_name = "NAME=VALUE", value_parser = pair)]
    parameter: Vec<(String, String)>,

    /// Only resources of this type, such as evs.volumes. Can be repeated.
    #[arg(long = "type", value_name = "PROVIDER.TYPE")]
    types: Vec<String>,

    /// Only resources in this region. Can be repeated.
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,

    /// Only the resource with this id. Can be repeated.
    #[arg(long, value_name = "ID")]
    resource: Vec<String>,

    /// Only resources that carry this tag; several: any of them. Can be repeated.
    #[arg(long, value_name = "KEY[=VALUE]")]
    resource_tag: Vec<String>,

    /// Not the resources that carry this tag. Can be repeated.
    #[arg(long, value_name = "KEY[=VALUE]")]
    exclude_resource_tag: Vec<String>,

    /// How often a periodic policy runs [default: 24h].
    #[arg(long, value_name = "PERIOD", value_parser = period)]
    period: Option<Period>,

    /// A tag of the rule itself, by which `ruleward summary --tag` selects. Can be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    tag: Vec<(String, String)>,
}

/// Make a rule; it is judged at once.
///
/// Without --type, --region, --resource and the tag options a rule is about every resource of
/// the types that its policy is made for.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The rule's name, unique in the account.
    #[arg(value_name = "NAME", required_unless_present = "name_option")]
    name: Option<String>,

    /// The rule's name, as an option.
    #[arg(long = "name", value_name = "NAME", conflicts_with = "name")]
    name_option: Option<String>,

    /// Name or id of the predefined policy; `ruleward policies list` shows them.
    #[arg(long, value_name = "POLICY", required_unless_present = "function")]
    policy: Option<String>,

    /// The URN of a function of yours that judges instead of a predefined policy;
    /// `ruleward functions add` says what runs for it.
    #[arg(long, value_name = "URN", conflicts_with_all = ["policy", "organization"])]
    function: Option<String>,

    #[command(flatten)]
    organization: OrganizationArgs,

    #[command(flatten)]
    rule: RuleArgs,

    /// Wait until everything is judged by the rule, or until every member has it.
    #[arg(long)]
    wait: bool,

    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn period(text: &str) -> Result<Period, String> {
    let hours = text.strip_suffix('h').and_then(|hours| hours.parse::<i64>().ok());
    Period::ALL
        .iter()
        .find(|(period, name)| *name == text || hours == Some(period.seconds() / 3600))
        .map(|(period, _)| *period)
        .ok_or_else(|| "write 1h, 3h, 6h, 12h or 24h".to_owned())
}

/// Makes the rule and shows it.
pub fn run(args: &CreateArgs) -> anyhow::Result<()> {
    let api = args.connection.connect()?;
    let policy = match &args.policy {
        Some(policy) => policies::find(&api, policy)?,
        None => Value::Null,
    };
    let name = args.name.as_ref().or(args.name_option.as_ref());
    let begun = Map::from_iter([("name".to_owned(), json!(name))]);
    let mut body = body(&args.rule, &policy, begun)?;
    if let (Some(urn), Value::Object(body)) = (&args.function, &mut body) {
        let custom = json!({"function_urn": urn, "auth_type": "agency", "auth_value": {}});
        body.insert("policy_assignment_type".to_owned(), json!("custom"));
        body.insert("custom_policy".to_owned(), custom);
        body.remove("policy_definition_id");
    }
    if let Some(path) = args.organization.path(&api, "/policy-assignments")? {
        let rule = super::organization::create(&api, &path, &body)?;
        if let Some(name) = name.filter(|_| args.wait) {
            super::organization::wait(&api, &args.organization, name)?;
        }
        return super::show(&rule, args.output.output);
    }
    let path = api.path("/policy-assignments");
    let rule = api.send(&Request::new(Method::PUT, path).body(serde_json::to_vec(&body)?))?;
    let id = rule.get("id").and_then(Value::as_str).context("the service shows no rule")?;
    let rule = if args.wait { super::wait(&api, id)? } else { rule };
    super::show(&rule, args.output.output)
}

/// The body that makes the rule, from one that is begun: what is given replaces what stands there.
pub fn body(
    args: &RuleArgs,
    policy: &Value,
    mut body: Map<String, Value>,
) -> anyhow::Result<Value> {
    let mut given = Map::new();
    for (name, text) in &args.parameter {
        let kind = policy.pointer("/parameters").and_then(|of| of.get(name)?.get("type")?.as_str());
        let value = parameter_value(text, kind.unwrap_or_default());
        if given.insert(name.clone(), json!({ "value": value })).is_some() {
            bail!("--parameter {name} stands twice");
        }
    }
    body.insert("policy_assignment_type".to_owned(), json!("builtin"));
    body.insert("policy_definition_id".to_owned(), policy.get("id").cloned().unwrap_or_default());
    let parameters = body.entry("parameters").or_insert_with(|| json!({}));
    if let Value::Object(parameters) = parameters {
        parameters.extend(given);
    }
    if let Some(description) = &args.description {
        body.insert("description".to_owned(), json!(description));
    }
    if let Some(period) = args.period {
        body.insert("period".to_owned(), json!(period.wire()));
    }
    if let Some(filter) = filter(args) {
        body.insert("policy_filter_v2".to_owned(), filter);
    }
    if !args.tag.is_empty() {
        let tags: Vec<Value> =
            args.tag.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        body.insert("tags".to_owned(), Value::Array(tags));
    }
    Ok(Value::Object(body))
}

fn filter(args: &RuleArgs) -> Option<Value> {
    let lists =
        [&args.types, &args.region, &args.resource, &args.resource_tag, &args.exclude_resource_tag];
    if lists.iter().all(|list| list.is_empty()) {
        return None;
    }
    Some(json!({
        "resource_types": args.types,
        "region_ids": args.region,
        "resource_ids": args.resource,
        "tags": tags(&args.resource_tag),
        "exclude_tags": tags(&args.exclude_resource_tag),
    }))
}

/// Tags of a filter: the values of one key together.
fn tags(texts: &[String]) -> Vec<Value> {
    let mut by_key: Vec<(&str, Vec<&str>)> = Vec::new();
    for text in texts {
        let (key, value) = match text.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (text.as_str(), None),
        };
        match by_key.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.extend(value),
            None => by_key.push((key, value.into_iter().collect())),
        }
    }
    by_key.into_iter().map(|(key, values)| json!({"key": key, "values": values})).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: RuleArgs,
    }

    fn parse(line: &str) -> RuleArgs {
        Line::try_parse_from(line.split_whitespace()).unwrap_or_else(|e| panic!("{e}")).args
    }

    #[test]
    fn the_body() {
        let policy = json!({"id": "p1", "parameters": {"list": {"type": "Array"}}});
        let args = parse(
            "x --param list=a,b --type evs.volumes --resource-tag env=prod \
             --resource-tag env=stage --resource-tag team --period 3h --tag a=b",
        );
        let begun = Map::from_iter([("name".to_owned(), json!("by-hand"))]);
        let body = body(&args, &policy, begun.clone()).unwrap();
        assert_eq!(body["name"], "by-hand");
        assert_eq!(body["policy_definition_id"], "p1");
        assert_eq!(body["parameters"], json!({"list": {"value": ["a", "b"]}}));
        assert_eq!(body["period"], "Three_Hours");
        assert_eq!(body["tags"], json!([{"key": "a", "value": "b"}]));
        assert_eq!(
            body["policy_filter_v2"]["tags"],
            json!([{"key": "env", "values": ["prod", "stage"]}, {"key": "team", "values": []}])
        );
        let bare = super::body(&parse("x"), &policy, begun).unwrap();
        assert!(bare.get("policy_filter_v2").is_none());
        let begun = bare.as_object().unwrap().clone();
        let changed = super::body(&parse("x --param n=2"), &policy, begun).unwrap();
        assert_eq!(changed["parameters"], json!({"n": {"value": 2}}));
    }

    #[test]
    fn periods() {
        assert_eq!(period("24h"), Ok(Period::TwentyFourHours));
        assert_eq!(period("One_Hour"), Ok(Period::OneHour));
        assert!(period("2h").is_err());
    }
}
