//! Constants of a program, prepared for comparison.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use serde_json::Value;

use super::value::{Val, number_order};
use crate::json::{Decimal, RawString, small_integer, unescape};

/// Up to this many strings are compared one by one.
const ROW: usize = 4;

/// A value known when the program is compiled.
#[derive(Debug, Clone)]
pub(crate) enum Constant {
    /// Behaves as null except for `needed`.
    Missing,
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Number(Box<[u8]>),
    Text(Box<[u8]>),
    /// The text of an array or object.
    Array(Box<[u8]>),
    Object(Box<[u8]>),
}

impl Constant {
    pub(crate) fn new(value: &Value) -> Self {
        let text = || value.to_string().into_bytes().into_boxed_slice();
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Number(_) => {
                let text = text();
                small_integer(&text).map_or(Self::Number(text), Self::Integer)
            }
            Value::String(text) => Self::Text(text.as_bytes().into()),
            Value::Array(_) => Self::Array(text()),
            Value::Object(_) => Self::Object(text()),
        }
    }

    /// `None` for lists that are not plain values.
    pub(crate) fn from_val(value: Val<'_>) -> Option<Self> {
        Some(match value {
            Val::Missing => Self::Missing,
            Val::Null => Self::Null,
            Val::Bool(truth) => Self::Bool(truth),
            Val::Integer(value) => Self::Integer(value),
            Val::Float(value) => Self::Float(value),
            Val::Number(text) => {
                small_integer(text).map_or_else(|| Self::Number(text.into()), Self::Integer)
            }
            Val::Text(text) => Self::Text(owned(text).into()),
            Val::Array(text) => Self::Array(text.into()),
            Val::Object(text) => Self::Object(text.into()),
            Val::Each(_) | Val::Keys(_) | Val::Values(_) | Val::Resources(_) | Val::Row(..) => {
                return None;
            }
        })
    }

    pub(crate) fn val(&self) -> Val<'_> {
        match self {
            Self::Missing => Val::Missing,
            Self::Null => Val::Null,
            Self::Bool(truth) => Val::Bool(*truth),
            Self::Integer(value) => Val::Integer(*value),
            Self::Float(value) => Val::Float(*value),
            Self::Number(text) => Val::Number(text),
            Self::Text(text) => Val::Text(RawString::plain(text)),
            Self::Array(text) => Val::Array(text),
            Self::Object(text) => Val::Object(text),
        }
    }
}

fn owned(text: RawString<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.raw_len());
    unescape(text, &mut bytes);
    bytes
}

/// The elements of a constant list. Null is in no list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConstantSet {
    texts: Texts,
    /// By their one spelling.
    numbers: Texts,
    plain_numbers: Box<[Constant]>,
    yes: bool,
    no: bool,
    /// Arrays and objects.
    pub(crate) nested: Box<[Constant]>,
}

impl ConstantSet {
    pub(crate) fn new(elements: &[Value]) -> Self {
        let mut set = Self::default();
        let (mut texts, mut numbers) = (Vec::new(), Vec::new());
        let (mut plain_numbers, mut nested) = (Vec::new(), Vec::new());
        for element in elements {
            match element {
                Value::Null => {}
                Value::Bool(true) => set.yes = true,
                Value::Bool(false) => set.no = true,
                Value::String(text) => texts.push(text.as_bytes().into()),
                Value::Number(number) => {
                    let mut spelling = Vec::new();
                    if let Some(decimal) = Decimal::parse(number.to_string().as_bytes()) {
                        decimal.canonical(&mut spelling);
                        numbers.push(spelling.into_boxed_slice());
                        plain_numbers.push(Constant::new(element));
                    }
                }
                Value::Array(_) | Value::Object(_) => nested.push(Constant::new(element)),
            }
        }
        set.texts = Texts::new(texts);
        set.numbers = Texts::new(numbers);
        set.plain_numbers = plain_numbers.into();
        set.nested = nested.into();
        set
    }

    /// Is a string in the list?
    #[inline]
    pub(crate) fn has_text(&self, text: RawString<'_>, buffer: &mut Vec<u8>) -> bool {
        self.texts.has(text, buffer)
    }

    /// Is a scalar in the list? Arrays and objects are the caller's.
    pub(crate) fn has_scalar(&self, value: Val<'_>, buffer: &mut Vec<u8>) -> bool {
        match value {
            Val::Text(text) => self.texts.has(text, buffer),
            Val::Bool(truth) => {
                if truth {
                    self.yes
                } else {
                    self.no
                }
            }
            Val::Number(text) => {
                if self.plain_numbers.is_empty() {
                    return false;
                }
                let Some(decimal) = Decimal::parse(text) else { return false };
                buffer.clear();
                decimal.canonical(buffer);
                self.numbers.has_bytes(buffer)
            }
            Val::Integer(_) | Val::Float(_) => self.plain_numbers.iter().any(|number| {
                number_order(number.val(), value).is_some_and(std::cmp::Ordering::is_eq)
            }),
            _ => false,
        }
    }
}

/// A set of byte strings.
#[derive(Debug, Clone)]
enum Texts {
    Row(Box<[Box<[u8]>]>),
    Hashed(HashSet<Box<[u8]>, BuildHasherDefault<Mixer>>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Row(Box::default())
    }
}

impl Texts {
    fn new(texts: Vec<Box<[u8]>>) -> Self {
        if texts.len() <= ROW {
            Self::Row(texts.into())
        } else {
            Self::Hashed(texts.into_iter().collect())
        }
    }

    fn has_bytes(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Row(row) => row.iter().any(|text| **text == *bytes),
            Self::Hashed(set) => set.contains(bytes),
        }
    }

    fn has(&self, text: RawString<'_>, buffer: &mut Vec<u8>) -> bool {
        if let Some(bytes) = text.as_plain() {
            return self.has_bytes(bytes);
        }
        buffer.clear();
        unescape(text, buffer);
        self.has_bytes(buffer)
    }
}

/// A quick hash. The strings come from the owner of the rule, so nobody gains by collisions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mixer {
    state: u64,
}

impl Mixer {
    fn mix(&mut self, word: u64) {
        self.state = (self.state.rotate_left(5) ^ word).wrapping_mul(0x517C_C1B7_2722_0A95);
    }
}

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            self.mix(u64::from_le_bytes(*chunk));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            self.mix(u64::from_le_bytes(last));
        }
    }

    fn write_usize(&mut self, length: usize) {
        self.mix(length as u64);
    }

    fn finish(&self) -> u64 {
        self.state ^ (self.state >> 29)
    }
}
