//! YAML as policies use it, with the place of every node. The build script reads the catalogue by it too.
//!
//! One document of mappings, lists and scalars: no anchors, aliases or tags, no key twice, and numbers
//! as JSON writes them, so that nothing is read in a way that the author did not mean.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

/// How deep a document may nest.
const MAX_DEPTH: usize = 100;
/// How long a document may be.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: u32,
    /// The column in code points, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

/// A node and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its first character.
    pub start: Place,
    /// The character behind it.
    pub end: Place,
    /// What it is.
    pub kind: Kind,
}

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The number of the character, from 0.
    pub index: usize,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

/// The kinds of nodes.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Null, a boolean or a number.
    Plain(Value),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the text.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The value, without places.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Plain(value) => value.clone(),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.text().unwrap_or_default().to_owned(), value.to_value()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A fault at this place.
    pub fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { line: self.start.line, column: self.start.column, message: message.into() }
    }
}

fn place(mark: &Marker) -> Place {
    let number = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
    Place {
        index: mark.index(),
        line: number(mark.line()),
        column: number(mark.col()).saturating_add(1),
    }
}

fn fault(at: &Marker, message: impl Into<String>) -> Fault {
    let Place { line, column, .. } = place(at);
    Fault { line, column, message: message.into() }
}

/// Reads one document.
pub fn read(text: &str) -> Result<Node, Fault> {
    if text.len() > MAX_BYTES {
        let message = format!("the document is longer than {MAX_BYTES} bytes");
        return Err(Fault { line: 1, column: 1, message });
    }
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ if root.is_some() => return Err(fault(&span.start, "one document is expected")),
            event => root = Some(reader.node(event, span, 0)?),
        }
    }
    let empty = || Fault { line: 1, column: 1, message: "the document is empty".to_owned() };
    root.ok_or_else(empty)
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.parser.next() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(fault(error.marker(), error.info())),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Fault> {
        if depth > MAX_DEPTH {
            return Err(fault(&span.start, "nested too deeply"));
        }
        let unused = |what: &str| Err(fault(&span.start, format!("{what} are not used here")));
        match event {
            Event::Alias(_) => return unused("aliases"),
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                return unused("anchors");
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => return unused("tags"),
            _ => {}
        }
        let (kind, end) = match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) => (plain(&text, &span)?, span.end),
            Event::Scalar(text, ..) => (Kind::Text(text.into_owned()), span.end),
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            _ => return Err(fault(&span.start, "a value is expected")),
        };
        Ok(Node { start: place(&span.start), end: place(&end), kind })
    }

    fn list(&mut self, depth: usize) -> Result<(Kind, Marker), Fault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::SequenceEnd | Event::StreamEnd => return Ok((Kind::List(items), span.end)),
                event => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<(Kind, Marker), Fault> {
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut known = std::collections::HashSet::new();
        loop {
            let (event, span) = self.next()?;
            if let Event::MappingEnd | Event::StreamEnd = event {
                return Ok((Kind::Map(entries), span.end));
            }
            let key = self.node(event, span, depth + 1)?;
            let Some(text) = key.text() else { return Err(key.fault("a key is a text")) };
            if !known.insert(text.to_owned()) {
                return Err(key.fault(format!("key `{text}` is given twice")));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            entries.push((key, value));
        }
    }
}

/// What stands there without quotes.
fn plain(text: &str, span: &Span) -> Result<Kind, Fault> {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            if let Ok(number) = serde_json::from_str::<Number>(text) {
                return Ok(Kind::Plain(Value::Number(number)));
            }
            let unsigned = text.trim_start_matches(['-', '+']);
            let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            let odd = text.parse::<f64>().is_ok()
                || unsigned.starts_with("0x")
                || unsigned.starts_with("0o")
                || [".inf", ".nan"].contains(&unsigned.to_ascii_lowercase().as_str());
            if numeric && odd {
                let message = format!("write `{text}` as JSON does, or in quotes if it is a text");
                return Err(fault(&span.start, message));
            }
            return Ok(Kind::Text(text.to_owned()));
        }
    };
    Ok(Kind::Plain(value))
}
