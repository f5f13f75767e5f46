//! Policies that find nothing which another one does not find too.

use super::logic::{Claim, same_rule};
use crate::PolicyDefinition;
use crate::ast::Rule;

impl PolicyDefinition {
    /// Whether every resource that violates this policy also violates `other`, whatever the
    /// inventory. Judged by the form of the rules, so `false` says only that this does not show.
    /// Rules with parameters are compared only where they read none in the parts that decide.
    pub fn is_implied_by(&self, other: &Self) -> bool {
        let covered = other.default_resource_types.is_empty()
            || (!self.default_resource_types.is_empty()
                && self
                    .default_resource_types
                    .iter()
                    .all(|of| other.default_resource_types.contains(of)));
        self.id != other.id
            && self.subject == other.subject
            && covered
            && implies(self.policy.ast(), other.policy.ast())
    }
}

/// Does `b` hold wherever `a` does?
fn implies(a: &Rule, b: &Rule) -> bool {
    match (a, b) {
        (_, Rule::AllOf(parts, _)) => parts.iter().all(|part| implies(a, part)),
        (Rule::AnyOf(parts, _), _) => parts.iter().all(|part| implies(part, b)),
        (Rule::AllOf(parts, _), Rule::AnyOf(others, _)) => {
            parts.iter().any(|part| implies(part, b))
                || others.iter().any(|other| implies(a, other))
        }
        (Rule::AllOf(parts, _), _) => parts.iter().any(|part| implies(part, b)),
        (_, Rule::AnyOf(others, _)) => others.iter().any(|other| implies(a, other)),
        (Rule::Not(a, _), Rule::Not(b, _)) => implies(b, a),
        (Rule::Condition(_), Rule::Condition(_)) => {
            let claimed = Claim::of(a).zip(Claim::of(b)).is_some_and(|(a, b)| a.entails(&b));
            claimed || (same_rule(a, b) && !reads_parameters(a))
        }
        (Rule::Not(..), Rule::Condition(_)) | (Rule::Condition(_), Rule::Not(..)) => false,
    }
}

/// The values of parameters of two policies are two different things.
fn reads_parameters(rule: &Rule) -> bool {
    format!("{rule:?}").contains("Parameter(")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    fn rule(text: &str) -> Rule {
        Policy::parse(text).unwrap().ast().clone()
    }

    fn condition(comparator: &str, pattern: &str) -> String {
        format!(
            r#"{{"value":"${{resource().properties.a}}","comparator":"{comparator}","pattern":{pattern}}}"#
        )
    }

    #[test]
    fn what_implies_what() {
        let one = condition("equals", "5");
        for (a, b, implied) in [
            (one.clone(), one.clone(), true),
            (one.clone(), condition("greater", "4"), true),
            (one.clone(), condition("greater", "5"), false),
            (condition("greater", "5"), condition("greater", "3"), true),
            (condition("greater", "3"), condition("greater", "5"), false),
            (condition("in", "[1,2]"), condition("in", "[1,2,3]"), true),
            (condition("in", "[1,9]"), condition("in", "[1,2,3]"), false),
            (one.clone(), condition("notEquals", "6"), true),
            (format!(r#"{{"allOf":[{one},{}]}}"#, condition("notEquals", "1")), one.clone(), true),
            (one.clone(), format!(r#"{{"allOf":[{one},{}]}}"#, condition("equals", "6")), false),
            (one.clone(), format!(r#"{{"anyOf":[{},{one}]}}"#, condition("equals", "6")), true),
            (format!(r#"{{"anyOf":[{},{one}]}}"#, condition("equals", "6")), one.clone(), false),
        ] {
            assert_eq!(implies(&rule(&a), &rule(&b)), implied, "{a} implies {b}");
        }
        let by_parameter = r#"{"value":"${resource().name}","comparator":"equals","pattern":"${parameters('p')}"}"#;
        assert!(!implies(&rule(by_parameter), &rule(by_parameter)));
    }
}
