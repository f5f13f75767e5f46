//! Definitions from YAML files, at run time.

use serde_path_to_error::Segment;

use super::PolicyDefinition;
use super::file::{DefinitionFile, FileFault, Part};
use crate::Policy;
use crate::error::PolicyError;
use crate::yaml::{self, Kind, Node};

impl From<yaml::Fault> for PolicyError {
    fn from(yaml::Fault { line, column, message }: yaml::Fault) -> Self {
        Self { line, column, message }
    }
}

impl PolicyDefinition {
    /// Reads a definition with its cases from the text of a YAML file. Every fault names its place in
    /// the file.
    pub fn from_yaml(text: &str) -> Result<Self, PolicyError> {
        let document = yaml::read(text)?;
        if !matches!(document.kind, Kind::Map(_)) {
            return Err(document.fault("a mapping is expected").into());
        }
        let file = serde_path_to_error::deserialize::<_, DefinitionFile>(document.to_value());
        let mut file = file.map_err(|error| {
            let parts: Vec<Part> = error.path().iter().filter_map(part).collect();
            let message = error.inner().to_string();
            let unknown = message.starts_with("unknown field");
            let at = if unknown { key(&document, &parts) } else { find(&document, &parts) };
            at.fault(message)
        })?;
        file.cases.get_or_insert_default();
        let rule = find(&document, &[Part::Key("policy_rule".to_owned())]);
        let source: Vec<char> = text.chars().collect();
        let policy = Policy::from_yaml(rule, &source)?;
        file.into_definition(Some(policy)).map_err(|fault| {
            let FileFault { path, place, message } = fault;
            let at = find(&document, &path);
            match place {
                // Within the text of the node, or in the rule, whose places are the file's already.
                Some(span) if path.is_empty() => PolicyError::at(span, message),
                Some(span) => {
                    let quotes =
                        source.get(at.start.index).is_some_and(|c| ['"', '\''].contains(c));
                    let column = at.start.column + span.column - 1 + u32::from(quotes);
                    PolicyError { line: at.start.line, column, message }
                }
                None => at.fault(message).into(),
            }
        })
    }
}

fn part(segment: &Segment) -> Option<Part> {
    match segment {
        Segment::Map { key } => Some(Part::Key(key.clone())),
        Segment::Seq { index } => Some(Part::Index(*index)),
        _ => None,
    }
}

/// The last key of a path.
fn key<'n>(document: &'n Node, path: &[Part]) -> &'n Node {
    let Some((Part::Key(wanted), before)) = path.split_last() else { return document };
    let parent = find(document, before);
    let Kind::Map(entries) = &parent.kind else { return parent };
    entries.iter().find(|(key, _)| key.text() == Some(wanted)).map_or(parent, |(key, _)| key)
}

/// The node at a path, as far as the path leads.
fn find<'n>(document: &'n Node, path: &[Part]) -> &'n Node {
    let mut node = document;
    for part in path {
        let next = match (part, &node.kind) {
            (Part::Key(wanted), Kind::Map(entries)) => {
                let entry = entries.iter().find(|(key, _)| key.text() == Some(wanted));
                entry.map(|(key, value)| match value.kind {
                    // Nothing stands there to point at.
                    Kind::Plain(serde_json::Value::Null) => key,
                    _ => value,
                })
            }
            (Part::Index(number), Kind::List(items)) => items.get(*number),
            _ => None,
        };
        let Some(next) = next else { break };
        node = next;
    }
    node
}
