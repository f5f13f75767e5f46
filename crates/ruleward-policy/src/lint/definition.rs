//! What the parts of a definition say of each other.

use serde_json::Map;

use super::types::Types;
use super::{Lint, Severity};
use crate::definition::{ParameterType, PolicyDefinition, Provenance, Subject, TriggerType};

impl PolicyDefinition {
    /// Looks for what the author cannot have meant, in the rule and in what stands around it.
    ///
    /// Parameters that are declared and not used, or used and not declared, never get here: such a file
    /// is refused when it is read.
    pub fn lint(&self) -> Vec<Lint> {
        let types = |name: &str| match self.parameter(name) {
            Some(declaration) => {
                let kind = match declaration.kind {
                    ParameterType::Array => Types::LIST,
                    ParameterType::Boolean => Types::BOOL,
                    ParameterType::Integer | ParameterType::Float => Types::NUMBER,
                    ParameterType::String | ParameterType::DateTime => Types::TEXT,
                };
                let given = declaration.required
                    || declaration.default.as_ref().is_some_and(|default| !default.is_null());
                if given { kind } else { kind.or(Types::NULL) }
            }
            None => Types::ANY,
        };
        let mut found = self.policy.lint_with(&types);
        let mut add = |severity, message: String| {
            found.push(Lint { severity, message, line: 1, column: 1, pointer: String::new() });
        };
        self.scope(&mut add);
        self.time(&mut add);
        self.needs_and_cases(&mut add);
        found
    }

    fn scope(&self, add: &mut dyn FnMut(Severity, String)) {
        // Guards are literals, so parameters of any value show them.
        let values = self.parameters.iter().map(|parameter| {
            let value = parameter.default.clone().unwrap_or_default();
            (parameter.name.clone(), value)
        });
        let Ok(program) = self.policy.compile(&values.collect::<Map<_, _>>()) else { return };
        let guards = program.guards().unwrap_or_default();
        let types: Vec<_> = self
            .default_resource_types
            .iter()
            .map(|one| (one.provider.clone(), one.kind.clone()))
            .collect();
        for (provider, kind) in guards.iter().filter(|pair| !types.contains(pair)) {
            let message = format!(
                "the rule asks for {provider}.{kind}, which is not among the default resource types"
            );
            add(Severity::Error, message);
        }
        for (provider, kind) in types.iter().filter(|pair| !guards.contains(pair)) {
            let message = format!(
                "{provider}.{kind} is a default resource type, but the rule does not begin with conditions for it"
            );
            add(Severity::Error, message);
        }
        if self.subject == Subject::Account && !types.is_empty() {
            add(Severity::Error, "a policy of the account has no resource types".to_owned());
        }
        if self.subject == Subject::Account && program.reads_resource() {
            let message = "a policy of the account has no resource to read, use account()";
            add(Severity::Warning, message.to_owned());
        }
        if self.subject == Subject::Resource && !program.reads_resource() {
            add(Severity::Warning, "the rule reads nothing of the resource".to_owned());
        }
        for wanted in self.policy.looks_up() {
            if types.iter().any(|(provider, kind)| *wanted == format!("{provider}.{kind}")) {
                let message =
                    format!("the rule looks up {wanted}, which it judges: every change judges all");
                add(Severity::Warning, message);
            }
        }
        for path in self.policy.needs() {
            let read = |known: &Vec<String>| {
                known.starts_with(path) || (path.starts_with(known) && !known.is_empty())
            };
            // The needed path itself is among the paths, once.
            let others = program.rule_paths();
            if !others.iter().any(read) {
                let path = path.join(".");
                add(
                    Severity::Warning,
                    format!("`{path}` is needed, but the rule does not read it"),
                );
            }
        }
    }

    fn time(&self, add: &mut dyn FnMut(Severity, String)) {
        if self.trigger_type == TriggerType::Resource
            && (self.policy.reads_clock() || self.policy.reads_recorder())
        {
            let message = "the verdict changes without a change of a resource, so the trigger type should be period";
            add(Severity::Warning, message.to_owned());
        }
    }

    fn needs_and_cases(&self, add: &mut dyn FnMut(Severity, String)) {
        let rule = self.policy_rule.to_string();
        if self.provenance == Provenance::Assumed
            && self.policy.reads_resource()
            && self.needs.is_empty()
            && !rule.contains("needed(")
        {
            let message = "what the rule reads is assumed, so it should say what it needs";
            add(Severity::Warning, message.to_owned());
        }
        if self.cases().is_empty() {
            add(Severity::Warning, "the policy has no cases".to_owned());
        }
    }
}
