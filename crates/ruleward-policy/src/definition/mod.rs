//! Definitions of policies: what the catalogue holds.

mod binding;
mod cases;
mod catalogue;
mod file;
mod format;
mod load;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

pub use binding::ParameterError;
pub use cases::{Case, CaseReport, CaseResult, ConditionCoverage, Verdict, run_cases};
pub use catalogue::{Catalogue, CatalogueClash, catalogue};
pub use format::format;

use cases::CaseStore;

use crate::{LANGUAGE_VERSION, Policy};

/// A text in the languages of the console. A file may give one text for all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct Texts {
    /// English.
    pub en: String,
    /// Chinese.
    pub zh: String,
}

impl TryFrom<Value> for Texts {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::String(text) => Ok(Self { en: text.clone(), zh: text }),
            Value::Object(texts) if texts.len() == 2 => match (texts.get("en"), texts.get("zh")) {
                (Some(Value::String(en)), Some(Value::String(zh))) => {
                    Ok(Self { en: en.clone(), zh: zh.clone() })
                }
                _ => Err("a text, or texts under `en` and `zh`"),
            },
            _ => Err("a text, or texts under `en` and `zh`"),
        }
    }
}

/// When a policy is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerType {
    /// When a resource changes.
    Resource,
    /// From time to time.
    Period,
}

/// What a policy judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    /// Each resource in scope.
    #[default]
    Resource,
    /// The account as a whole, as one pseudo-resource.
    Account,
}

/// Where the rule of a policy comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// The rule stands in the vendor's documentation.
    Documented,
    /// The rule is ours; its description and the properties that it reads are documented.
    #[default]
    Derived,
    /// The rule is ours, and some of what it reads is a guess.
    Assumed,
}

/// Whence the name of a policy is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameEvidence {
    /// The name stands in the vendor's documentation.
    #[default]
    Documented,
    /// The vendor has such a policy; its name is not known, and this one is ours.
    Unknown,
}

/// A type of resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceType {
    /// The service.
    pub provider: String,
    /// The type within the service.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The types of parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the wire's and say it all")]
pub enum ParameterType {
    Array,
    Boolean,
    Integer,
    Float,
    String,
    DateTime,
}

/// A parameter and its limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterDeclaration {
    /// The name; stands outside in the file.
    #[serde(default)]
    pub name: String,
    /// The type of its value.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// What it is for.
    pub description: Texts,
    /// Must it have a value? One that need not be given and has no default is null in the rule.
    #[serde(default = "yes")]
    pub required: bool,
    /// The value when none is given.
    pub default: Option<Value>,
    /// The only values allowed (of an array: for each element).
    pub allowed_values: Option<Vec<Value>>,
    /// The least number.
    pub minimum: Option<Number>,
    /// The greatest number.
    pub maximum: Option<Number>,
    /// The least number of elements.
    pub min_items: Option<u64>,
    /// The greatest number of elements.
    pub max_items: Option<u64>,
    /// The least number of code points.
    pub min_length: Option<u64>,
    /// The greatest number of code points.
    pub max_length: Option<u64>,
    /// A regular expression that a string must match.
    pub pattern: Option<String>,
}

fn yes() -> bool {
    true
}

/// A predefined policy.
#[derive(Debug, Clone)]
pub struct PolicyDefinition {
    /// The identifier, 24 hexadecimal digits, fixed for ever.
    pub id: String,
    /// The name, as in the vendor's catalogue.
    pub name: String,
    /// The name for people.
    pub display_name: Texts,
    /// What it finds.
    pub description: Texts,
    /// When it is evaluated.
    pub trigger_type: TriggerType,
    /// What it judges.
    pub subject: Subject,
    /// The types it is for; empty: all.
    pub default_resource_types: Vec<ResourceType>,
    /// Short names of services.
    pub keywords: Vec<String>,
    /// The parameters, in the order of the file.
    pub parameters: Vec<ParameterDeclaration>,
    /// The rule as JSON.
    pub policy_rule: Value,
    /// The rule, parsed.
    pub policy: Policy,
    /// Where the rule comes from.
    pub provenance: Provenance,
    /// Whence its name is known.
    pub name_evidence: NameEvidence,
    /// The paths of the resource without which there is no verdict, as `properties.flavor`.
    pub needs: Vec<String>,
    /// SHA-256 over what the policy means: language version, rule, parameters, needs. 64 hexadecimal digits.
    pub content_hash: String,
    case_store: CaseStore,
}

impl PolicyDefinition {
    /// The parameter of this name.
    pub fn parameter(&self, name: &str) -> Option<&ParameterDeclaration> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// The hash of what a policy means. Texts for people do not count.
fn content_hash(rule: &Value, parameters: &[ParameterDeclaration], needs: &[String]) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("ruleward.policy.language.{LANGUAGE_VERSION}\n{rule}\n"));
    for parameter in parameters {
        let ParameterDeclaration {
            name,
            kind,
            description: _,
            required,
            default,
            allowed_values,
            minimum,
            maximum,
            min_items,
            max_items,
            min_length,
            max_length,
            pattern,
        } = parameter;
        let meaning = serde_json::json!([
            name,
            kind,
            required,
            default,
            allowed_values,
            minimum,
            maximum,
            min_items,
            max_items,
            min_length,
            max_length,
            pattern
        ]);
        hash.update(format!("{meaning}\n"));
    }
    for path in needs {
        hash.update(format!("needs {path}\n"));
    }
    hexadecimal(&hash.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15];
    bytes.iter().flat_map(digits).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
