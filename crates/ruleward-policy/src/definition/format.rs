//! One way to write a policy file.

use serde_json::{Map, Value};

use super::PolicyDefinition;
use crate::error::PolicyError;
use crate::yaml::{self, Kind, Node};

/// The keys of a file, in order.
const KEYS: [&str; 14] = [
    "id",
    "name",
    "display_name",
    "description",
    "trigger_type",
    "subject",
    "default_resource_types",
    "keywords",
    "provenance",
    "name_evidence",
    "needs",
    "parameters",
    "policy_rule",
    "cases",
];
const PARAMETER: [&str; 12] = [
    "type",
    "description",
    "required",
    "default",
    "allowed_values",
    "minimum",
    "maximum",
    "min_items",
    "max_items",
    "min_length",
    "max_length",
    "pattern",
];
const CASE: [&str; 9] = [
    "name",
    "now",
    "recorder",
    "account",
    "parameters",
    "resource",
    "inventory",
    "unavailable",
    "expect",
];
/// Words of the format itself stand without quotes.
const WORDS: [&str; 7] = [
    "name",
    "trigger_type",
    "subject",
    "default_resource_types",
    "keywords",
    "provenance",
    "name_evidence",
];

/// Writes a policy file in its one form: keys in order, one way to indent and to quote.
///
/// Comments at the very beginning stay. Comments anywhere else would be lost, so a file with one is
/// refused with its place, as is a file that is no policy.
pub fn format(text: &str) -> Result<String, PolicyError> {
    PolicyDefinition::from_yaml(text)?;
    let document = yaml::read(text)?;
    let source: Vec<char> = text.chars().collect();
    let header = header(text);
    if let Some(comment) = comment(&document, &source, header.chars().count()) {
        return Err(comment);
    }
    let Value::Object(file) = document.to_value() else {
        return Err(document.fault("a mapping is expected").into());
    };
    let mut out = header.to_owned();
    for (key, value) in ordered(&file, &KEYS) {
        let words = WORDS.contains(&key.as_str());
        match (key.as_str(), value) {
            ("parameters", Value::Object(parameters)) if !parameters.is_empty() => {
                out.push_str("parameters:\n");
                for (name, parameter) in parameters {
                    entry(&mut out, 1, name, &sorted(parameter, &PARAMETER), false);
                }
            }
            ("cases", Value::Array(cases)) if !cases.is_empty() => {
                out.push_str("cases:\n");
                for case in cases {
                    write_case(&mut out, case);
                }
            }
            ("default_resource_types", Value::Array(types)) if !types.is_empty() => {
                out.push_str("default_resource_types:\n");
                for one in types {
                    out.push_str("  - ");
                    flow(&mut out, one, true);
                    out.push('\n');
                }
            }
            ("keywords" | "needs" | "default_resource_types", value) => {
                out.push_str(key);
                out.push_str(": ");
                flow(&mut out, value, words);
                out.push('\n');
            }
            (_, value) => entry(&mut out, 0, key, value, words),
        }
    }
    Ok(out)
}

/// Comments and blank lines before anything else.
fn header(text: &str) -> &str {
    let first = |line: &&str| line.starts_with('#') || line.trim().is_empty();
    let end: usize = text.split_inclusive('\n').take_while(first).map(str::len).sum();
    let header = text.get(..end).unwrap_or("");
    if header.contains('#') { header } else { "" }
}

/// The first comment behind the header.
fn comment(document: &Node, source: &[char], from: usize) -> Option<PolicyError> {
    let mut texts = Vec::new();
    scalars(document, &mut texts);
    let (mut line, mut column, mut before) = (1_u32, 1_u32, '\n');
    for (index, letter) in source.iter().enumerate() {
        let starts = *letter == '#' && before.is_whitespace() && index >= from;
        if starts && !texts.iter().any(|(start, end)| (*start..*end).contains(&index)) {
            let message = "this comment would be lost; keep comments at the beginning of the file";
            return Some(PolicyError { line, column, message: message.to_owned() });
        }
        (line, column) = if *letter == '\n' { (line + 1, 1) } else { (line, column + 1) };
        before = *letter;
    }
    None
}

fn scalars(node: &Node, into: &mut Vec<(usize, usize)>) {
    match &node.kind {
        Kind::Plain(_) | Kind::Text(_) => into.push((node.start.index, node.end.index)),
        Kind::List(items) => items.iter().for_each(|item| scalars(item, into)),
        Kind::Map(entries) => entries.iter().for_each(|(key, value)| {
            scalars(key, into);
            scalars(value, into);
        }),
    }
}

/// Known keys first, in their order; others as they stand.
fn ordered<'m>(map: &'m Map<String, Value>, keys: &[&str]) -> Vec<(&'m String, &'m Value)> {
    let mut entries: Vec<_> = map.iter().collect();
    let place = |key: &str| keys.iter().position(|known| *known == key).unwrap_or(usize::MAX);
    entries.sort_by_key(|(key, _)| place(key));
    entries
}

fn sorted(value: &Value, keys: &[&str]) -> Value {
    match value {
        Value::Object(map) => {
            let entries = ordered(map, keys).into_iter();
            entries.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn write_case(out: &mut String, case: &Value) {
    let Value::Object(case) = case else { return };
    for (number, (key, value)) in ordered(case, &CASE).into_iter().enumerate() {
        out.push_str(if number == 0 { "  - " } else { "    " });
        out.push_str(&word(key));
        out.push_str(": ");
        match value {
            Value::String(text) if key == "name" || key == "expect" => {
                out.push_str(&sentence(text));
            }
            value => flow(out, value, false),
        }
        out.push('\n');
    }
}

/// `key: value` in a block.
fn entry(out: &mut String, depth: usize, key: &str, value: &Value, words: bool) {
    indent(out, depth);
    out.push_str(&word(key));
    out.push(':');
    block(out, depth, value, words);
}

/// A value behind its key, ended by a new line.
fn block(out: &mut String, depth: usize, value: &Value, words: bool) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            for (key, value) in map {
                entry(out, depth + 1, key, value, words);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            out.push('\n');
            for item in items {
                let mut inner = String::new();
                if let Value::Object(map) = item {
                    for (key, value) in map {
                        entry(&mut inner, depth + 2, key, value, words);
                    }
                } else {
                    indent(&mut inner, depth + 2);
                    flow(&mut inner, item, words);
                    inner.push('\n');
                }
                indent(out, depth + 1);
                out.push_str("- ");
                out.push_str(inner.trim_start());
            }
        }
        value => {
            out.push(' ');
            flow(out, value, words);
            out.push('\n');
        }
    }
}

fn indent(out: &mut String, depth: usize) {
    (0..depth).for_each(|_| out.push_str("  "));
}

/// A value within one line.
fn flow(out: &mut String, value: &Value, words: bool) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                flow(out, item, words);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (number, (key, value)) in map.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                out.push_str(&word(key));
                out.push_str(": ");
                flow(out, value, words);
            }
            out.push('}');
        }
        Value::String(text) if words => out.push_str(&word(text)),
        Value::String(text) => out.push_str(&quoted(text)),
        other => out.push_str(&other.to_string()),
    }
}

/// Without quotes where it reads as the same text, also within brackets, else with them.
fn word(text: &str) -> String {
    let simple = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '/');
    if text.chars().all(simple) { sentence(text) } else { quoted(text) }
}

/// Without quotes where it reads as the same text on a line of its own, else with them.
fn sentence(text: &str) -> String {
    // What older readers take for booleans is quoted too.
    let boolean = ["yes", "no", "on", "off", "y", "n"];
    let begins = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let reads = || match yaml::read(&format!("k: {text}")) {
        Ok(Node { kind: Kind::Map(entries), .. }) => {
            entries.first().is_some_and(|(_, value)| value.text() == Some(text))
        }
        _ => false,
    };
    let plain = begins && !boolean.contains(&text.to_ascii_lowercase().as_str()) && reads();
    if plain { text.to_owned() } else { quoted(text) }
}

/// In double quotes, as JSON writes it, which is a part of YAML.
fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}
