//! Predefined policies in one of two languages.

use ruleward_policy::{ParameterDeclaration, PolicyDefinition, Texts};
use serde::{Serialize, Serializer};
use serde_json::{Number, Value};

/// The language of texts for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    /// `zh-cn`.
    #[default]
    Chinese,
    /// `en-us`.
    English,
}

impl Language {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "zh-cn" => Some(Self::Chinese),
            "en-us" => Some(Self::English),
            _ => None,
        }
    }

    fn of(self, texts: &Texts) -> &str {
        match self {
            Self::Chinese => &texts.zh,
            Self::English => &texts.en,
        }
    }
}

/// A definition as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct PolicyDefinitionAnswer<'a> {
    id: &'a str,
    name: &'a str,
    display_name: &'a str,
    policy_type: &'static str,
    description: &'a str,
    policy_rule_type: &'static str,
    policy_rule: &'a Value,
    trigger_type: ruleward_policy::TriggerType,
    keywords: &'a [String],
    default_resource_types: &'a [ruleward_policy::ResourceType],
    #[serde(serialize_with = "by_name")]
    parameters: Vec<ParameterAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct ParameterAnswer<'a> {
    #[serde(skip)]
    key: &'a str,
    /// Null in every published example.
    name: Option<&'a str>,
    description: &'a str,
    #[serde(rename = "type")]
    kind: ruleward_policy::ParameterType,
    default_value: Option<String>,
    allowed_values: Option<&'a [Value]>,
    minimum: Option<&'a Number>,
    maximum: Option<&'a Number>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    pattern: Option<&'a str>,
}

fn by_name<S: Serializer>(
    parameters: &[ParameterAnswer<'_>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(parameters.iter().map(|parameter| (parameter.key, parameter)))
}

impl<'a> ParameterAnswer<'a> {
    fn new(parameter: &'a ParameterDeclaration, language: Language) -> Self {
        Self {
            key: &parameter.name,
            name: None,
            description: language.of(&parameter.description),
            kind: parameter.kind,
            default_value: parameter.default.as_ref().map(as_text),
            allowed_values: parameter.allowed_values.as_deref(),
            minimum: parameter.minimum.as_ref(),
            maximum: parameter.maximum.as_ref(),
            min_items: parameter.min_items,
            max_items: parameter.max_items,
            min_length: parameter.min_length,
            max_length: parameter.max_length,
            pattern: parameter.pattern.as_deref(),
        }
    }
}

/// The definitions declare a default as a string, whatever the parameter's type.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl<'a> PolicyDefinitionAnswer<'a> {
    pub(crate) fn new(definition: &'a PolicyDefinition, language: Language) -> Self {
        let parameter = |parameter| ParameterAnswer::new(parameter, language);
        Self {
            id: &definition.id,
            name: &definition.name,
            display_name: language.of(&definition.display_name),
            policy_type: "builtin",
            description: language.of(&definition.description),
            policy_rule_type: "dsl",
            policy_rule: &definition.policy_rule,
            trigger_type: definition.trigger_type,
            keywords: &definition.keywords,
            default_resource_types: &definition.default_resource_types,
            parameters: definition.parameters.iter().map(parameter).collect(),
        }
    }
}
