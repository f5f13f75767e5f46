//! A parsed and checked rule.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::ast::{Rule, Span};
use crate::columns::Reads;
use crate::engine::Program;
use crate::error::PolicyError;
use crate::syntax::{Facts, check, parse_path, parse_rule, parse_yaml_rule};
use crate::yaml;

/// The name of a parameter that a rule reads.
pub type ParamName = String;

/// A rule, parsed and checked, its parameters still open.
#[derive(Debug, Clone)]
pub struct Policy {
    rule: Arc<Rule>,
    facts: Arc<Facts>,
    needs: Arc<[Vec<String>]>,
}

impl Policy {
    /// Parses and checks the JSON text of a rule.
    pub fn parse(json_text: &str) -> Result<Self, PolicyError> {
        Self::new(parse_rule(json_text)?)
    }

    /// A rule that stands in a YAML document of the given characters.
    pub(crate) fn from_yaml(rule: &yaml::Node, source: &[char]) -> Result<Self, PolicyError> {
        Self::new(parse_yaml_rule(rule, source)?)
    }

    fn new(rule: Rule) -> Result<Self, PolicyError> {
        let facts = check(&rule)?;
        Ok(Self { rule: Arc::new(rule), facts: Arc::new(facts), needs: Arc::from([]) })
    }

    /// The same rule with paths without which there is no verdict, as `properties.flavor`. They are
    /// asked for where the guards of the rule hold.
    pub fn with_needs(self, paths: &[String]) -> Result<Self, PolicyError> {
        let needs: Arc<[Vec<String>]> =
            paths.iter().map(|path| parse_path(path)).collect::<Result<_, _>>()?;
        let mut facts = self.facts;
        Arc::make_mut(&mut facts).reads = Reads::of(&self.rule, &needs);
        Ok(Self { rule: self.rule, facts, needs })
    }

    /// The paths without which there is no verdict, as lists of keys.
    pub fn needs(&self) -> &[Vec<String>] {
        &self.needs
    }

    /// The names of the parameters read, in the order of the text, each once.
    pub fn parameters(&self) -> &[ParamName] {
        &self.facts.parameters
    }

    /// Where each parameter is read first.
    pub(crate) fn parameter_places(&self) -> &[Span] {
        &self.facts.parameter_places
    }

    /// Does the verdict depend on the time?
    pub fn reads_clock(&self) -> bool {
        self.facts.reads_clock
    }

    /// Does the verdict depend on the resource recorder?
    pub fn reads_recorder(&self) -> bool {
        self.facts.reads_recorder
    }

    /// Does the verdict depend on the account?
    pub fn reads_account(&self) -> bool {
        self.facts.reads_account
    }

    /// Does the verdict depend on the judged resource?
    pub fn reads_resource(&self) -> bool {
        self.facts.reads_resource
    }

    /// The `provider.type` names of the resources looked up.
    pub fn looks_up(&self) -> &[String] {
        &self.facts.looks_up
    }

    /// What is read of the judged resource.
    pub(crate) fn reads(&self) -> &Reads {
        &self.facts.reads
    }

    /// The syntax tree.
    pub fn ast(&self) -> &Rule {
        &self.rule
    }

    /// Binds the parameters (name to plain value, defaults merged) and compiles the rule.
    pub fn compile(&self, parameters: &Map<String, Value>) -> Result<Program, PolicyError> {
        Program::compile(&self.rule, Arc::clone(&self.facts), &self.needs, parameters)
    }
}
