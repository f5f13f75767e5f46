//! Values during evaluation: small, copied freely, borrowing from the resource and the program.

use std::cmp::Ordering;

use super::elements::ElementTable;
use super::program::Each;
use crate::json::{RawString, RawValue, compare_numbers, small_integer};

/// A value. Numbers come as text from JSON or as computed ones.
// The tag is a whole word, so that values are copied word by word.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(crate) enum Val<'a> {
    /// Not there at all. Behaves as null except for `needed`.
    Missing,
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Number(&'a [u8]),
    Text(RawString<'a>),
    Array(&'a [u8]),
    Object(&'a [u8]),
    /// A list whose elements are found when they are asked for: `filter` or `map`.
    Each(&'a Each),
    /// The keys of an object, as a list.
    Keys(&'a [u8]),
    /// The values of an object, as a list.
    Values(&'a [u8]),
    /// The resources of a type, by its place in the program's list of look-ups.
    Resources(usize),
    /// An element of a list that is an object, of which only members are asked for.
    Row(&'a ElementTable<'a>, usize),
}

impl<'a> From<RawValue<'a>> for Val<'a> {
    fn from(raw: RawValue<'a>) -> Self {
        match raw {
            RawValue::Null => Self::Null,
            RawValue::Bool(truth) => Self::Bool(truth),
            RawValue::Number(text) => Self::Number(text),
            RawValue::String(text) => Self::Text(text),
            RawValue::Array(text) => Self::Array(text),
            RawValue::Object(text) => Self::Object(text),
        }
    }
}

impl<'a> From<Option<RawValue<'a>>> for Val<'a> {
    fn from(raw: Option<RawValue<'a>>) -> Self {
        raw.map_or(Self::Missing, Self::from)
    }
}

impl Val<'_> {
    pub(crate) fn is_null(self) -> bool {
        matches!(self, Self::Missing | Self::Null)
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(
            self,
            Self::Array(_) | Self::Each(_) | Self::Keys(_) | Self::Values(_) | Self::Resources(_)
        )
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Integer(_) | Self::Float(_) | Self::Number(_))
    }

    pub(crate) fn as_integer(self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(value),
            Self::Number(text) => small_integer(text),
            _ => None,
        }
    }

    /// The nearest floating-point number.
    #[expect(clippy::cast_precision_loss, reason = "used only where a side is a float already")]
    pub(crate) fn as_float(self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(value as f64),
            Self::Float(value) => Some(value),
            Self::Number(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }
}

/// The order of two numbers; `None` where a side is no number.
pub(crate) fn number_order(left: Val<'_>, right: Val<'_>) -> Option<Ordering> {
    if !left.is_number() || !right.is_number() {
        return None;
    }
    if let (Some(a), Some(b)) = (left.as_integer(), right.as_integer()) {
        return Some(a.cmp(&b));
    }
    match (left, right) {
        (Val::Number(a), Val::Number(b)) => compare_numbers(a, b),
        (Val::Integer(a), Val::Number(b)) => compare_numbers(a.to_string().as_bytes(), b),
        (Val::Number(a), Val::Integer(b)) => compare_numbers(a, b.to_string().as_bytes()),
        _ => left.as_float()?.partial_cmp(&right.as_float()?),
    }
}
