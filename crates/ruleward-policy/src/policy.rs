//! A parsed and checked rule.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::ast::Rule;
use crate::engine::Program;
use crate::error::PolicyError;
use crate::syntax::{Facts, check, parse_rule};

/// The name of a parameter that a rule reads.
pub type ParamName = String;

/// A rule, parsed and checked, its parameters still open.
#[derive(Debug, Clone)]
pub struct Policy {
    rule: Arc<Rule>,
    facts: Arc<Facts>,
}

impl Policy {
    /// Parses and checks the JSON text of a rule.
    pub fn parse(json_text: &str) -> Result<Self, PolicyError> {
        let rule = parse_rule(json_text)?;
        let facts = check(&rule)?;
        Ok(Self { rule: Arc::new(rule), facts: Arc::new(facts) })
    }

    /// The names of the parameters read, in the order of the text, each once.
    pub fn parameters(&self) -> &[ParamName] {
        &self.facts.parameters
    }

    /// Does the verdict depend on the time?
    pub fn reads_clock(&self) -> bool {
        self.facts.reads_clock
    }

    /// Does the verdict depend on the resource recorder?
    pub fn reads_recorder(&self) -> bool {
        self.facts.reads_recorder
    }

    /// Does the verdict depend on the judged resource?
    pub fn reads_resource(&self) -> bool {
        self.facts.reads_resource
    }

    /// The `provider.type` names of the resources looked up.
    pub fn looks_up(&self) -> &[String] {
        &self.facts.looks_up
    }

    /// The syntax tree.
    pub fn ast(&self) -> &Rule {
        &self.rule
    }

    /// Binds the parameters (name to plain value, defaults merged) and compiles the rule.
    pub fn compile(&self, parameters: &Map<String, Value>) -> Result<Program, PolicyError> {
        Program::compile(&self.rule, Arc::clone(&self.facts), parameters)
    }
}
