//! A one-pass JSON scanner over borrowed bytes, in safe Rust.
//!
//! It serves two callers: the engine, which pulls all paths that a set of programs needs out of a
//! resource in one walk ([`PathSet`]), and the store's users, who need a few top-level fields of a
//! stored body ([`top_level`]). Nothing is copied; a value is a slice of the input.
//!
//! The scanner is exact on valid JSON. On anything else it never panics and answers [`NotJson`] when
//! it meets the fault; what it does not need it jumps over without judging it, so a fault in there can
//! stay unnoticed. Of equal keys in one object the first counts.

mod blocks;
mod head;
mod number;
mod paths;
mod scan;
mod shape;
mod string;

use std::fmt;

pub use head::{Head, HeadKeys};
pub(crate) use number::small_integer;
pub use number::{Decimal, compare_numbers};
pub use paths::{PathSet, PathSetBuilder, Seen};
pub use scan::{Elements, Entries, NotJson, member, parse, top_level};
pub use string::{Decoded, RawString, unescape};

/// A JSON value as it stands in the input.
// The tag is a whole word, so that values are copied word by word.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum RawValue<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// The text of a number.
    Number(&'a [u8]),
    /// What stands between the quotes of a string.
    String(RawString<'a>),
    /// An array, brackets included.
    Array(&'a [u8]),
    /// An object, braces included.
    Object(&'a [u8]),
}

impl<'a> RawValue<'a> {
    /// The string, if it is one.
    pub fn as_string(self) -> Option<RawString<'a>> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Appends the value as it stands in the input.
    pub(crate) fn write(self, into: &mut Vec<u8>) {
        match self {
            Self::Null => into.extend_from_slice(b"null"),
            Self::Bool(true) => into.extend_from_slice(b"true"),
            Self::Bool(false) => into.extend_from_slice(b"false"),
            Self::Number(text) | Self::Array(text) | Self::Object(text) => {
                into.extend_from_slice(text);
            }
            Self::String(text) => {
                into.push(b'"');
                into.extend_from_slice(text.raw());
                into.push(b'"');
            }
        }
    }

    /// An owned tree of the value; `None` where the bytes are not JSON after all.
    pub fn to_value(self) -> Option<serde_json::Value> {
        match self {
            Self::Null => Some(serde_json::Value::Null),
            Self::Bool(truth) => Some(serde_json::Value::Bool(truth)),
            Self::Number(text) | Self::Array(text) | Self::Object(text) => {
                serde_json::from_slice(text).ok()
            }
            Self::String(text) => Some(serde_json::Value::String(text.to_text())),
        }
    }
}

impl fmt::Debug for RawValue<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(truth) => write!(formatter, "{truth}"),
            Self::Number(text) | Self::Array(text) | Self::Object(text) => {
                formatter.write_str(&String::from_utf8_lossy(text))
            }
            Self::String(text) => write!(formatter, "{text:?}"),
        }
    }
}
