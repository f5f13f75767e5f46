//! Values made while a program runs: texts and lists, kept until the run ends.
//!
//! A list that is made is the text of a JSON array, so that everything that reads values of a
//! resource reads it too.

use std::cell::OnceCell;

use super::Reason;
use super::evaluate::{Evaluator, Scope};
use super::value::Val;
use crate::json::{Entries, RawString};

/// How many bytes one program may make on one resource.
const MADE_BYTES: usize = 1024 * 1024;
/// How deep lists that are made may nest.
const NESTING: usize = 64;

/// What was made, each piece pointing at the next. Pieces never move, so they can be referred to.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) first: Tail,
}

pub(crate) type Tail = OnceCell<Box<Piece>>;

#[derive(Debug)]
pub(crate) struct Piece {
    bytes: Box<[u8]>,
    next: Tail,
}

impl Drop for Made {
    /// One after the other: a long chain must not nest.
    fn drop(&mut self) {
        let mut next = self.first.take();
        while let Some(mut piece) = next {
            next = piece.next.take();
        }
    }
}

impl<'a> Evaluator<'a, '_> {
    /// Keeps bytes until the run ends.
    pub(super) fn keep(&mut self, bytes: Vec<u8>) -> Result<&'a [u8], Reason> {
        self.charge(1)?;
        self.charge_bytes(bytes.len())?;
        self.made_bytes = self
            .made_bytes
            .checked_add(bytes.len())
            .filter(|made| *made <= MADE_BYTES)
            .ok_or(Reason::BudgetExceeded)?;
        let piece =
            self.made.get_or_init(|| Box::new(Piece { bytes: bytes.into(), next: Tail::new() }));
        self.made = &piece.next;
        Ok(&piece.bytes)
    }

    /// A text that is made.
    pub(super) fn keep_text(&mut self, text: Vec<u8>) -> Result<Val<'a>, Reason> {
        Ok(Val::Text(RawString::plain(self.keep(text)?)))
    }

    /// The same value, independent of the variables in sight.
    pub(super) fn settled(
        &mut self,
        value: Val<'a>,
        scope: Option<&Scope<'_, 'a>>,
    ) -> Result<Val<'a>, Reason> {
        match value {
            Val::Each(_) | Val::Resources(_) | Val::Keys(_) | Val::Values(_) => {
                let mut text = Vec::new();
                self.write(value, scope, &mut text)?;
                Ok(Val::Array(self.keep(text)?))
            }
            other => Ok(other),
        }
    }

    /// Begins a list that is made.
    pub(super) fn write_list(
        &mut self,
        elements: impl IntoIterator<Item = Val<'a>>,
    ) -> Result<Val<'a>, Reason> {
        let mut text = vec![b'['];
        for element in elements {
            if text.len() > 1 {
                text.push(b',');
            }
            self.write(element, None, &mut text)?;
        }
        text.push(b']');
        Ok(Val::Array(self.keep(text)?))
    }

    /// Appends a value as JSON; what is missing is null.
    pub(super) fn write(
        &mut self,
        value: Val<'a>,
        scope: Option<&Scope<'_, 'a>>,
        into: &mut Vec<u8>,
    ) -> Result<(), Reason> {
        self.charge(1)?;
        match value {
            Val::Bool(truth) => into.extend_from_slice(if truth { b"true" } else { b"false" }),
            Val::Integer(number) => into.extend_from_slice(number.to_string().as_bytes()),
            Val::Float(number) if number.is_finite() => {
                into.extend_from_slice(number.to_string().as_bytes());
            }
            Val::Missing | Val::Null | Val::Float(_) => into.extend_from_slice(b"null"),
            Val::Number(text) | Val::Array(text) | Val::Object(text) => {
                self.room(into, text.len())?;
                into.extend_from_slice(text);
            }
            Val::Text(text) => {
                self.room(into, text.raw_len())?;
                quote(text, into);
            }
            Val::Row(table, element) => table.write(element, into),
            Val::Each(_) | Val::Resources(_) | Val::Keys(_) | Val::Values(_) => {
                self.nesting = self
                    .nesting
                    .checked_add(1)
                    .filter(|deep| *deep <= NESTING)
                    .ok_or(Reason::BudgetExceeded)?;
                into.push(b'[');
                let mut first = true;
                self.each(value, scope, &mut |evaluator, element| {
                    if !std::mem::take(&mut first) {
                        into.push(b',');
                    }
                    evaluator.write(element, scope, into)?;
                    Ok(true)
                })?;
                into.push(b']');
                self.nesting -= 1;
            }
        }
        Ok(())
    }

    /// Is there room for so many bytes more?
    pub(super) fn room(&mut self, made: &[u8], more: usize) -> Result<(), Reason> {
        self.charge_bytes(more)?;
        if made.len() + more > MADE_BYTES {
            return Err(Reason::BudgetExceeded);
        }
        Ok(())
    }

    /// The bytes of a text, escapes resolved.
    pub(super) fn plain(&mut self, text: RawString<'a>) -> Result<&'a [u8], Reason> {
        if let Some(bytes) = text.as_plain() {
            return Ok(bytes);
        }
        let mut bytes = Vec::with_capacity(text.raw_len());
        crate::json::unescape(text, &mut bytes);
        self.keep(bytes)
    }

    /// Calls back with each key of an object, or each value.
    pub(super) fn each_entry(
        &mut self,
        object: &'a [u8],
        keys: bool,
        callback: &mut dyn FnMut(&mut Self, Val<'a>) -> super::evaluate::Flow,
    ) -> Result<(), Reason> {
        self.charge_bytes(object.len())?;
        let mut entries = Entries::new(object);
        while let Some((key, value)) = entries.try_next()? {
            self.charge(1)?;
            let element = if keys { Val::Text(key) } else { value.into() };
            if !callback(self, element)? {
                break;
            }
        }
        Ok(())
    }
}

/// Appends a text in quotes.
pub(super) fn quote(text: RawString<'_>, into: &mut Vec<u8>) {
    into.push(b'"');
    match text.as_plain() {
        // As it stands in the input, escapes included.
        None => into.extend_from_slice(text.raw()),
        Some(bytes) => {
            for byte in bytes {
                match byte {
                    b'"' | b'\\' => into.extend_from_slice(&[b'\\', *byte]),
                    0..0x20 => into.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                    other => into.push(*other),
                }
            }
        }
    }
    into.push(b'"');
}
