//! The form in which a definition is written.

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::cases::CaseStore;
use super::{
    Case, NameEvidence, ParameterDeclaration, PolicyDefinition, Provenance, ResourceType, Subject,
    Texts, TriggerType, content_hash, hexadecimal,
};
use crate::Policy;
use crate::ast::Span;
use crate::syntax::parse_path;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DefinitionFile {
    id: Option<String>,
    pub(super) name: String,
    display_name: Texts,
    description: Texts,
    trigger_type: TriggerType,
    #[serde(default)]
    subject: Subject,
    #[serde(default)]
    default_resource_types: Vec<ResourceType>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    parameters: Map<String, Value>,
    policy_rule: Value,
    #[serde(default)]
    provenance: Provenance,
    #[serde(default)]
    name_evidence: NameEvidence,
    /// Paths without which there is no verdict.
    #[serde(default)]
    needs: Vec<String>,
    /// Those of the predefined policies are compiled in apart.
    pub(super) cases: Option<Vec<Case>>,
}

/// A step of the way to a node of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Key(String),
    Index(usize),
}

/// What is wrong with a file, and at which node.
#[derive(Debug)]
pub(super) struct FileFault {
    pub(super) path: Vec<Part>,
    /// Within the node; without a path, within the whole.
    pub(super) place: Option<Span>,
    pub(super) message: String,
}

fn fault(path: &[&str], message: impl Into<String>) -> FileFault {
    let path = path.iter().map(|key| Part::Key((*key).to_owned())).collect();
    FileFault { path, place: None, message: message.into() }
}

impl DefinitionFile {
    /// Checks the whole. `policy` is the rule, if it is parsed already.
    pub(super) fn into_definition(
        self,
        policy: Option<Policy>,
    ) -> Result<PolicyDefinition, FileFault> {
        let policy = match policy {
            Some(policy) => policy,
            None => Policy::parse(&self.policy_rule.to_string())
                .map_err(|error| fault(&["policy_rule"], error.to_string()))?,
        };
        if self.name.is_empty() || self.name.chars().count() > 64 {
            return Err(fault(&["name"], "a name has 1 to 64 characters"));
        }
        for (number, path) in self.needs.iter().enumerate() {
            if let Err(error) = parse_path(path) {
                let path = vec![Part::Key("needs".to_owned()), Part::Index(number)];
                let place = Some(Span { line: 1, column: error.column });
                return Err(FileFault { path, place, message: error.message });
            }
        }
        let policy = policy.with_needs(&self.needs).map_err(|e| fault(&["needs"], e.message))?;
        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (name, value) in self.parameters {
            let path = ["parameters", &name];
            if !policy.parameters().contains(&name) {
                return Err(fault(&path, format!("parameter `{name}` is not used")));
            }
            let mut declaration: ParameterDeclaration =
                serde_json::from_value(value).map_err(|error| fault(&path, error.to_string()))?;
            declaration.check_limits().map_err(|message| fault(&path, message))?;
            declaration.name.clone_from(&name);
            parameters.push(declaration);
        }
        for (name, place) in policy.parameters().iter().zip(policy.parameter_places()) {
            if !parameters.iter().any(|known| known.name == *name) {
                let message = format!("parameter `{name}` is not declared");
                return Err(FileFault { path: Vec::new(), place: Some(*place), message });
            }
        }
        Ok(PolicyDefinition {
            content_hash: content_hash(&self.policy_rule, &parameters, &self.needs),
            id: self.id.unwrap_or_else(|| derived_id(&self.name)),
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
            name_evidence: self.name_evidence,
            needs: self.needs,
            case_store: match self.cases {
                Some(cases) => CaseStore::Own(cases),
                None => CaseStore::BuiltIn,
            },
        })
    }
}

/// The id of a policy that names none: fixed by its name.
fn derived_id(name: &str) -> String {
    let mut id = hexadecimal(&Sha256::digest(format!("ruleward.policy.{name}")));
    id.truncate(24);
    id
}
