//! A rule that stands in a YAML document: places are those of the document.

use serde_json::Value;

use super::MAX_TEXT_BYTES;
use super::document::{Kind, Node, Text};
use super::rule::rule_of;
use crate::ast::{Rule, Span};
use crate::error::PolicyError;
use crate::yaml;

/// Parses a rule out of a YAML document with the given characters.
pub(crate) fn parse_yaml_rule(node: &yaml::Node, source: &[char]) -> Result<Rule, PolicyError> {
    if node.to_value().to_string().len() > MAX_TEXT_BYTES {
        let message = format!("the rule is longer than {MAX_TEXT_BYTES} bytes");
        return Err(PolicyError::at(span(node), message));
    }
    rule_of(&convert(node, source))
}

fn span(node: &yaml::Node) -> Span {
    Span { line: node.start.line, column: node.start.column }
}

fn convert(node: &yaml::Node, source: &[char]) -> Node {
    let kind = match &node.kind {
        yaml::Kind::Plain(value) => Kind::Scalar(value.clone()),
        yaml::Kind::Text(_) => match text(node, source) {
            Some(text) => Kind::Text(text),
            None => Kind::Scalar(Value::Null),
        },
        yaml::Kind::List(items) => {
            Kind::Array(items.iter().map(|item| convert(item, source)).collect())
        }
        yaml::Kind::Map(entries) => Kind::Object(
            entries
                .iter()
                .filter_map(|(key, value)| Some((text(key, source)?, convert(value, source))))
                .collect(),
        ),
    };
    Node { span: span(node), kind }
}

/// Finds the characters of a text in the source, one after the other. What the source spells otherwise
/// (escapes, folded lines) gets the place of what comes next.
fn text(node: &yaml::Node, source: &[char]) -> Option<Text> {
    let content = node.text()?.to_owned();
    let written = source.get(node.start.index..node.end.index).unwrap_or(&[]);
    let mut place = span(node);
    let mut places = Vec::with_capacity(content.len() + 1);
    let mut rest = written.iter().peekable();
    let step = |place: &mut Span, letter: char| {
        if letter == '\n' {
            *place = Span { line: place.line + 1, column: 1 };
        } else {
            place.column += 1;
        }
    };
    if let Some(quote @ ('"' | '\'')) = rest.peek() {
        step(&mut place, **quote);
        rest.next();
    }
    for letter in content.chars() {
        // Look ahead a little; a character that is spelled otherwise is not there.
        let distance = rest.clone().take(64).position(|written| *written == letter);
        for _ in 0..distance.unwrap_or(0) {
            if let Some(skipped) = rest.next() {
                step(&mut place, *skipped);
            }
        }
        places.push(place);
        if distance.is_some()
            && let Some(taken) = rest.next()
        {
            step(&mut place, *taken);
        }
    }
    places.push(place);
    Some(Text { content, span: span(node), places })
}
