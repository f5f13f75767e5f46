//! The rules that a check judges by: named policies, or a file of rules.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use ruleward_core::NewPolicyAssignment;
use ruleward_policy::{Catalogue, PolicyDefinition};
use ruleward_types::{AssignmentKind, PolicyFilter};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::client::parameter_value;
use crate::output::{cell, printable};

/// A rule for a policy with some of its parameters: `NAME[:PARAMETER=VALUE]…`.
pub fn of_policy(catalogue: &Catalogue, text: &str) -> anyhow::Result<NewPolicyAssignment> {
    let (name, rest) = match text.split_once(':') {
        Some((name, rest)) => (name, Some(rest)),
        None => (text, None),
    };
    let definition =
        catalogue.by_name(name).or_else(|| catalogue.get(name)).with_context(|| {
            format!("no policy has the name or id `{}`{}", printable(name), near(catalogue, name))
        })?;
    let mut parameters = Map::new();
    for (name, value) in assignments(definition, rest.unwrap_or_default())? {
        let kind = definition.parameter(&name).map(|of| json!(of.kind)).unwrap_or_default();
        let value = parameter_value(&value, kind.as_str().unwrap_or_default());
        if parameters.insert(name.clone(), value).is_some() {
            bail!("--policy {}: parameter `{name}` stands twice", definition.name);
        }
    }
    Ok(NewPolicyAssignment {
        kind: AssignmentKind::Builtin,
        name: definition.name.clone(),
        description: None,
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: None,
        policy_definition_id: Some(definition.id.clone()),
        custom_policy: None,
        parameters,
        tags: Vec::new(),
    })
}

/// `a=1:b=x:y` to a and b: a colon begins a parameter only before the name of one.
fn assignments(definition: &PolicyDefinition, text: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    for part in text.split(':').filter(|_| !text.is_empty()) {
        let begun = part.split_once('=').filter(|(name, _)| definition.parameter(name).is_some());
        match (begun, found.last_mut()) {
            (Some((name, value)), _) => found.push((name.to_owned(), value.to_owned())),
            (None, Some((_, value))) => {
                value.push(':');
                value.push_str(part);
            }
            (None, None) => {
                let names: Vec<_> =
                    definition.parameters.iter().map(|of| of.name.as_str()).collect();
                let known = if names.is_empty() {
                    "it has none".to_owned()
                } else {
                    format!("it has {}", names.join(", "))
                };
                bail!(
                    "--policy {}: `{}` is not PARAMETER=VALUE of a parameter of it; {known}",
                    definition.name,
                    printable(part)
                );
            }
        }
    }
    Ok(found)
}

/// A name that may have been meant.
fn near(catalogue: &Catalogue, name: &str) -> String {
    let wanted = name.to_lowercase().replace('_', "-");
    let found = catalogue.list().iter().find(|of| {
        let known = of.name.to_lowercase();
        known == wanted || (wanted.len() > 3 && (known.contains(&wanted)))
    });
    found.map_or_else(String::new, |of| format!("; did you mean `{}`?", of.name))
}

/// The rules of a file: bodies that make rules, or what `rules list --output json` prints.
#[derive(Debug, Default)]
pub struct RulesFile {
    /// Those that judge.
    pub rules: Vec<NewPolicyAssignment>,
    /// Those that do not, and why.
    pub left_out: Vec<String>,
}

impl RulesFile {
    /// Reads a file, or standard input for `-`.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot read {}", path.display());
        let mut text = String::new();
        if path == Path::new("-") {
            io::stdin().read_to_string(&mut text).with_context(cannot)?;
        } else {
            text = fs::read_to_string(path).with_context(cannot)?;
        }
        Self::parse(&text).with_context(|| format!("{}", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut file = Self::default();
        for document in serde_json::Deserializer::from_str(text).into_iter::<Box<RawValue>>() {
            let document = document.context("it is not JSON")?;
            file.take(document.get())?;
        }
        Ok(file)
    }

    fn take(&mut self, text: &str) -> anyhow::Result<()> {
        let value: Value = serde_json::from_str(text)?;
        let inner: Option<Vec<Box<RawValue>>> = match &value {
            Value::Array(_) => Some(serde_json::from_str(text)?),
            Value::Object(fields) if fields.get("value").is_some_and(Value::is_array) => {
                let page: std::collections::HashMap<String, Box<RawValue>> =
                    serde_json::from_str(text)?;
                page.get("value").map(|list| serde_json::from_str(list.get())).transpose()?
            }
            _ => None,
        };
        if let Some(inner) = inner {
            return inner.iter().try_for_each(|rule| self.take(rule.get()));
        }
        let name = printable(&cell(&value, "name"));
        let state = cell(&value, "state");
        if cell(&value, "policy_assignment_type") == "custom" {
            self.left_out.push(format!("rule `{name}` is judged by its own function"));
        } else if state == "Disabled" {
            self.left_out.push(format!("rule `{name}` is disabled"));
        } else {
            let number = self.rules.len() + self.left_out.len() + 1;
            let rule = ruleward_http::read_policy_assignment(text.as_bytes())
                .map_err(|error| anyhow!("rule {number} (`{name}`): {}", error.message()))?;
            self.rules.push(rule);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ruleward_policy::catalogue;

    use super::*;

    #[test]
    fn policies_with_parameters() {
        let rule = of_policy(catalogue(), "allowed-volume-specs:listOfAllowedSpecs=SSD,a:b=c:d");
        assert_eq!(rule.unwrap().parameters["listOfAllowedSpecs"], json!(["SSD", "a:b=c:d"]));
        let two = "required-tag-check:specifiedTagKey=env:specifiedTagValue=[\"a\"]";
        let rule = of_policy(catalogue(), two).unwrap();
        assert_eq!(rule.parameters["specifiedTagKey"], "env");
        assert_eq!(rule.parameters["specifiedTagValue"], json!(["a"]));
        for (text, words) in [
            ("no-such", "no policy has the name or id `no-such`"),
            ("volume_unused_check", "did you mean `volume-unused-check`"),
            ("volume-unused-check:x=1", "it has none"),
            ("allowed-volume-specs:listOfAllowedSpec=SSD", "it has listOfAllowedSpecs"),
        ] {
            let told = format!("{:#}", of_policy(catalogue(), text).unwrap_err());
            assert!(told.contains(words), "{text}: {told}");
        }
    }

    #[test]
    fn files_of_rules() {
        let rule = |name: &str| {
            json!({"name": name, "policy_definition_id": "5fa36558aa1e6afc05a3d0a7",
                   "parameters": {"a": {"value": 1}}})
        };
        let mut disabled = rule("off");
        disabled["state"] = json!("Disabled");
        let mut custom = rule("own");
        custom["policy_assignment_type"] = json!("custom");
        for text in [
            format!("{}\n{}\n{disabled}\n{custom}", rule("a"), rule("b")),
            json!([rule("a"), rule("b"), disabled, custom]).to_string(),
            json!({"value": [rule("a"), rule("b"), disabled, custom], "page_info": {}}).to_string(),
        ] {
            let file = RulesFile::parse(&text).unwrap();
            assert_eq!(file.rules.iter().map(|rule| &rule.name).collect::<Vec<_>>(), ["a", "b"]);
            assert_eq!(file.rules[0].parameters["a"], 1);
            assert_eq!(file.left_out.len(), 2);
        }
        let told = format!("{:#}", RulesFile::parse("{\"name\": \"x\"}").unwrap_err());
        assert!(told.contains("rule 1 (`x`): `policy_definition_id` is required"), "{told}");
    }
}
