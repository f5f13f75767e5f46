//! The tree of `allOf`, `anyOf`, `not` and conditions.

use super::document::{Kind, Node, Text, read};
use super::{MAX_DEPTH, expression};
use crate::ast::{Comparator, Condition, Operand, Rule};
use crate::error::PolicyError;

/// Parses the JSON text of a rule.
pub(crate) fn parse_rule(text: &str) -> Result<Rule, PolicyError> {
    rule_of(&read(text)?)
}

/// The rule that a document holds.
pub(super) fn rule_of(document: &Node) -> Result<Rule, PolicyError> {
    rule(document, 0)
}

fn rule(node: &Node, depth: usize) -> Result<Rule, PolicyError> {
    if depth >= MAX_DEPTH {
        return Err(PolicyError::at(node.span, format!("rules nest deeper than {MAX_DEPTH}")));
    }
    let Kind::Object(entries) = &node.kind else {
        return Err(PolicyError::at(node.span, "a rule is an object"));
    };
    match entries.as_slice() {
        [] => Err(PolicyError::at(node.span, "a rule is empty")),
        [(key, value)] if key.content == "allOf" => {
            Ok(Rule::AllOf(rules(value, depth)?, node.span))
        }
        [(key, value)] if key.content == "anyOf" => {
            Ok(Rule::AnyOf(rules(value, depth)?, node.span))
        }
        [(key, value)] if key.content == "not" => {
            Ok(Rule::Not(Box::new(rule(value, depth + 1)?), node.span))
        }
        entries => condition(node, entries).map(Rule::Condition),
    }
}

fn rules(node: &Node, depth: usize) -> Result<Vec<Rule>, PolicyError> {
    match &node.kind {
        Kind::Array(parts) if parts.is_empty() => {
            Err(PolicyError::at(node.span, "the list needs at least one rule"))
        }
        Kind::Array(parts) => parts.iter().map(|part| rule(part, depth + 1)).collect(),
        _ => Err(PolicyError::at(node.span, "expected a list of rules")),
    }
}

fn condition(node: &Node, entries: &[(Text, Node)]) -> Result<Condition, PolicyError> {
    let (mut value, mut comparator, mut pattern) = (None, None, None);
    for (key, part) in entries {
        match key.content.as_str() {
            "value" => value = Some(operand(part)?),
            "pattern" => pattern = Some(operand(part)?),
            "comparator" => comparator = Some(read_comparator(part)?),
            "allOf" | "anyOf" | "not" => {
                let message = format!("`{}` must stand alone in its rule", key.content);
                return Err(PolicyError::at(key.span, message));
            }
            other => return Err(PolicyError::at(key.span, format!("unknown key `{other}`"))),
        }
    }
    let lacks = |what: &str| PolicyError::at(node.span, format!("the condition lacks `{what}`"));
    Ok(Condition {
        value: value.ok_or_else(|| lacks("value"))?,
        comparator: comparator.ok_or_else(|| lacks("comparator"))?,
        pattern: pattern.ok_or_else(|| lacks("pattern"))?,
        span: node.span,
    })
}

fn read_comparator(node: &Node) -> Result<Comparator, PolicyError> {
    let Kind::Text(name) = &node.kind else {
        return Err(PolicyError::at(node.span, "a comparator is a string"));
    };
    Comparator::from_name(&name.content)
        .ok_or_else(|| PolicyError::at(node.span, format!("unknown comparator `{}`", name.content)))
}

fn operand(node: &Node) -> Result<Operand, PolicyError> {
    if let Kind::Text(text) = &node.kind
        && text.content.contains("${")
    {
        let Some(inner) = text.content.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
        else {
            let message = "an expression is the whole string: `${…}`";
            return Err(PolicyError::at(node.span, message));
        };
        let length = inner.chars().count();
        let expr = expression::parse(text, 2, 2 + length)?;
        return Ok(Operand::Expression { expr, text: inner.to_owned() });
    }
    Ok(Operand::Literal(node.to_value(), node.span))
}
