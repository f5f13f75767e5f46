//! The form in which a definition is written.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    ParameterDeclaration, PolicyDefinition, Provenance, ResourceType, Subject, Texts, TriggerType,
    content_hash,
};
use crate::Policy;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefinitionFile {
    id: String,
    name: String,
    display_name: Texts,
    description: Texts,
    trigger_type: TriggerType,
    subject: Subject,
    #[serde(default)]
    default_resource_types: Vec<ResourceType>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    parameters: Map<String, Value>,
    policy_rule: Value,
    provenance: Provenance,
}

impl DefinitionFile {
    pub(super) fn into_definition(self) -> Result<PolicyDefinition, String> {
        let fault = |text: String| format!("{}: {text}", self.name);
        let policy = Policy::parse(&self.policy_rule.to_string())
            .map_err(|error| fault(error.to_string()))?;
        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (name, value) in self.parameters {
            if !policy.parameters().contains(&name) {
                return Err(fault(format!("parameter `{name}` is not used")));
            }
            let mut declaration: ParameterDeclaration =
                serde_json::from_value(value).map_err(|error| fault(format!("{name}: {error}")))?;
            declaration.name = name;
            parameters.push(declaration);
        }
        let declared = |name: &String| parameters.iter().any(|known| known.name == *name);
        if let Some(name) = policy.parameters().iter().find(|name| !declared(name)) {
            return Err(fault(format!("parameter `{name}` is not declared")));
        }
        Ok(PolicyDefinition {
            content_hash: content_hash(&self.policy_rule, &parameters),
            id: self.id,
            name: self.name,
            display_name: self.display_name,
            description: self.description,
            trigger_type: self.trigger_type,
            subject: self.subject,
            default_resource_types: self.default_resource_types,
            keywords: self.keywords,
            parameters,
            policy_rule: self.policy_rule,
            policy,
            provenance: self.provenance,
        })
    }
}
