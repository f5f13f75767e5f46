//! A small JSON reader that keeps the place of every node and refuses a key given twice.

use serde_json::{Map, Value};

use super::{MAX_DEPTH, MAX_TEXT_BYTES};
use crate::ast::Span;
use crate::error::PolicyError;

/// A JSON node and where it starts.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// `null`, a boolean or a number.
    Scalar(Value),
    Text(Text),
    Array(Vec<Node>),
    Object(Vec<(Text, Node)>),
}

/// A string: its characters, each with its place.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) content: String,
    pub(super) span: Span,
    pub(super) places: Vec<Span>,
}

impl Node {
    /// The plain value, without places.
    pub(super) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::Text(text) => Value::String(text.content.clone()),
            Kind::Array(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Kind::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.content.clone(), node.to_value()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// Reads one JSON document.
pub(super) fn read(text: &str) -> Result<Node, PolicyError> {
    let start = Span { line: 1, column: 1 };
    if text.len() > MAX_TEXT_BYTES {
        let message = format!("the rule is longer than {MAX_TEXT_BYTES} bytes");
        return Err(PolicyError::at(start, message));
    }
    let mut reader = Reader { rest: text, span: start };
    let node = reader.value(0)?;
    reader.blanks();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.error("nothing may follow the rule")),
    }
}

struct Reader<'a> {
    rest: &'a str,
    span: Span,
}

impl Reader<'_> {
    fn error(&self, message: impl Into<String>) -> PolicyError {
        PolicyError::at(self.span, message)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next()?;
        self.rest = characters.as_str();
        if character == '\n' {
            self.span = Span { line: self.span.line + 1, column: 1 };
        } else {
            self.span.column += 1;
        }
        Some(character)
    }

    fn blanks(&mut self) {
        while let Some(' ' | '\n' | '\r' | '\t') = self.peek() {
            self.next();
        }
    }

    fn expect(&mut self, wanted: char, place: &str) -> Result<(), PolicyError> {
        self.blanks();
        if self.peek() == Some(wanted) {
            self.next();
            return Ok(());
        }
        Err(self.error(format!("expected `{wanted}` {place}")))
    }

    fn value(&mut self, depth: usize) -> Result<Node, PolicyError> {
        self.blanks();
        let span = self.span;
        // Rule nodes take two levels each: the object and its list.
        if depth > 2 * MAX_DEPTH + 8 {
            return Err(self.error("nested too deeply"));
        }
        let kind = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.array(depth)?,
            Some('"') => Kind::Text(self.string()?),
            Some('-' | '0'..='9') => Kind::Scalar(self.number()?),
            Some('t') => self.word("true", Value::Bool(true))?,
            Some('f') => self.word("false", Value::Bool(false))?,
            Some('n') => self.word("null", Value::Null)?,
            Some(other) => return Err(self.error(format!("unexpected character `{other}`"))),
            None => return Err(self.error("unexpected end of the rule")),
        };
        Ok(Node { span, kind })
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Kind, PolicyError> {
        if !self.rest.starts_with(word) {
            return Err(self.error(format!("expected `{word}`")));
        }
        for _ in word.chars() {
            self.next();
        }
        Ok(Kind::Scalar(value))
    }

    fn number(&mut self) -> Result<Value, PolicyError> {
        let span = self.span;
        let mut text = String::new();
        while let Some(c @ ('0'..='9' | '-' | '+' | '.' | 'e' | 'E')) = self.peek() {
            text.push(c);
            self.next();
        }
        serde_json::from_str(&text)
            .map_err(|_| PolicyError::at(span, format!("`{text}` is not a number")))
    }

    fn array(&mut self, depth: usize) -> Result<Kind, PolicyError> {
        self.next();
        let mut items = Vec::new();
        self.blanks();
        if self.peek() == Some(']') {
            self.next();
            return Ok(Kind::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            match self.peek() {
                Some(',') => self.next(),
                Some(']') => break,
                _ => return Err(self.error("expected `,` or `]` in a list")),
            };
        }
        self.next();
        Ok(Kind::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Kind, PolicyError> {
        self.next();
        let mut entries: Vec<(Text, Node)> = Vec::new();
        self.blanks();
        if self.peek() == Some('}') {
            self.next();
            return Ok(Kind::Object(entries));
        }
        loop {
            self.blanks();
            if self.peek() != Some('"') {
                return Err(self.error("expected a key in quotes"));
            }
            let key = self.string()?;
            if entries.iter().any(|(known, _)| known.content == key.content) {
                let message = format!("key `{}` is given twice", key.content);
                return Err(PolicyError::at(key.span, message));
            }
            self.expect(':', "after a key")?;
            let value = self.value(depth + 1)?;
            entries.push((key, value));
            self.blanks();
            match self.peek() {
                Some(',') => self.next(),
                Some('}') => break,
                _ => return Err(self.error("expected `,` or `}` in an object")),
            };
        }
        self.next();
        Ok(Kind::Object(entries))
    }

    fn string(&mut self) -> Result<Text, PolicyError> {
        let start = self.span;
        self.next();
        let mut text = Text { content: String::new(), span: start, places: Vec::new() };
        loop {
            let place = self.span;
            let character = match self.next() {
                None => return Err(PolicyError::at(start, "the string does not end")),
                Some('"') => break,
                Some('\\') => self.escape(place)?,
                Some(c) if u32::from(c) < 0x20 => {
                    return Err(PolicyError::at(place, "control character in a string"));
                }
                Some(c) => c,
            };
            text.content.push(character);
            text.places.push(place);
        }
        text.places.push(self.span);
        Ok(text)
    }

    fn escape(&mut self, place: Span) -> Result<char, PolicyError> {
        let unknown = || PolicyError::at(place, "unknown escape in a string");
        Ok(match self.next().ok_or_else(unknown)? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let mut code = self.hex().ok_or_else(unknown)?;
                if (0xD800..0xDC00).contains(&code) && self.rest.starts_with("\\u") {
                    self.next();
                    self.next();
                    let low = self.hex().ok_or_else(unknown)?;
                    let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400);
                    code = 0x1_0000 + ((code - 0xD800) << 10) + low.ok_or_else(unknown)?;
                }
                char::from_u32(code).ok_or_else(unknown)?
            }
            _ => return Err(unknown()),
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + self.next()?.to_digit(16)?;
        }
        Some(unit)
    }
}
