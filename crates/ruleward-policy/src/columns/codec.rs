//! How a column is stored.
//!
//! ```text
//! version (1 byte), form (1 byte), number of slots, number of words
//! each word: length × 16 + kind, then the text of the value
//! codes: for each slot the number of its word
//! ```
//!
//! Numbers without a size are LEB128. The form is the number of bits of a code: 1, 2, 4, 8 or 16;
//! or 0: all slots have the one word; or 255: each slot has a word of its own, in order.

use std::borrow::Cow;

use crate::json::{RawString, RawValue};

const VERSION: u8 = 1;
const SAME: u8 = 0;
const PLAIN: u8 = 255;

/// What a slot has in a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word<'a> {
    /// The value, if there is one.
    Kept(Option<RawValue<'a>>),
    /// The value was too long to keep.
    Elsewhere,
}

/// Which word each slot has.
#[derive(Debug, Clone)]
pub(super) enum Codes<'a> {
    /// The one there is.
    Same,
    Bytes(Cow<'a, [u8]>),
    /// Little-endian.
    Pairs(&'a [[u8; 2]]),
    /// Its own.
    Plain,
}

/// A column that is read.
#[derive(Debug, Clone)]
pub(super) struct Column<'a> {
    pub(super) slots: usize,
    pub(super) words: Vec<Word<'a>>,
    pub(super) codes: Codes<'a>,
}

impl Codes<'_> {
    /// The number of a slot's word.
    #[inline]
    pub(super) fn get(&self, slot: usize) -> usize {
        match self {
            Self::Same => 0,
            Self::Bytes(codes) => codes.get(slot).copied().unwrap_or(0).into(),
            Self::Pairs(codes) => {
                u16::from_le_bytes(codes.get(slot).copied().unwrap_or_default()).into()
            }
            Self::Plain => slot,
        }
    }
}

/// Appends a word that is kept.
pub(super) fn put_word(value: Option<RawValue<'_>>, into: &mut Vec<u8>) {
    let (kind, text): (usize, &[u8]) = match value {
        None => (0, &[]),
        Some(RawValue::Null) => (1, &[]),
        Some(RawValue::Bool(false)) => (2, &[]),
        Some(RawValue::Bool(true)) => (3, &[]),
        Some(RawValue::Number(text)) => (4, text),
        Some(RawValue::String(text)) => match text.as_plain() {
            Some(plain) => (5, plain),
            None => (6, text.raw()),
        },
        Some(RawValue::Array(text)) => (7, text),
        Some(RawValue::Object(text)) => (8, text),
    };
    put_number(text.len() << 4 | kind, into);
    into.extend_from_slice(text);
}

/// The word of a value that is not kept.
pub(super) const ELSEWHERE: u8 = 9;

/// A column of which nothing is kept.
pub(super) fn nothing_kept(slots: usize) -> Vec<u8> {
    same(slots, &[ELSEWHERE])
}

/// A column whose slots all have this word.
pub(super) fn same(slots: usize, word: &[u8]) -> Vec<u8> {
    let mut out = head(SAME, slots, 1);
    out.extend_from_slice(word);
    out
}

/// A column whose slots have these words, one after the other.
pub(super) fn plain<'w>(slots: usize, words: impl Iterator<Item = &'w [u8]>) -> Vec<u8> {
    let mut out = head(PLAIN, slots, slots);
    words.for_each(|word| out.extend_from_slice(word));
    out
}

/// A column of so many words, one behind the other, and the numbers of the slots' words.
pub(super) fn coded(words: &[u8], count: usize, codes: &[u16]) -> Vec<u8> {
    let bits = code_bits(count);
    let mut out = head(bits, codes.len(), count);
    out.extend_from_slice(words);
    match bits {
        16 => codes.iter().for_each(|code| out.extend_from_slice(&code.to_le_bytes())),
        bits => {
            for group in codes.chunks(8 / usize::from(bits)) {
                let byte = group.iter().rev().fold(0_u16, |byte, code| byte << bits | code);
                out.push(byte.to_le_bytes()[0]);
            }
        }
    }
    out
}

/// How many bits a code among so many words takes.
pub(super) fn code_bits(words: usize) -> u8 {
    match words {
        0..=2 => 1,
        3..=4 => 2,
        5..=16 => 4,
        17..=256 => 8,
        _ => 16,
    }
}

fn head(form: u8, slots: usize, words: usize) -> Vec<u8> {
    let mut out = vec![VERSION, form];
    put_number(slots, &mut out);
    put_number(words, &mut out);
    out
}

pub(super) fn put_number(mut number: usize, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

/// Reads a column; `None` if it is not one.
pub(super) fn read(bytes: &[u8]) -> Option<Column<'_>> {
    let mut input = Input(bytes);
    if input.byte()? != VERSION {
        return None;
    }
    let form = input.byte()?;
    let (slots, count) = (input.number()?, input.number()?);
    // A word takes a byte at least, so a damaged number cannot ask for much memory.
    let mut words = Vec::with_capacity(count.min(bytes.len()));
    for _ in 0..count {
        words.push(input.word()?);
    }
    let codes = match form {
        SAME if count == 1 => Codes::Same,
        PLAIN if count == slots => Codes::Plain,
        8 => Codes::Bytes(Cow::Borrowed(input.slice(slots)?)),
        16 => {
            let (pairs, _) = input.slice(slots.checked_mul(2)?)?.as_chunks::<2>();
            Codes::Pairs(pairs)
        }
        1 | 2 | 4 => {
            let per_byte = 8 / usize::from(form);
            let packed = input.slice(slots.div_ceil(per_byte))?;
            Codes::Bytes(Cow::Owned(unpack(packed, form, slots)))
        }
        _ => return None,
    };
    Some(Column { slots, words, codes })
}

fn unpack(packed: &[u8], bits: u8, slots: usize) -> Vec<u8> {
    let mask = (1_u8 << bits) - 1;
    let per_byte = 8 / usize::from(bits);
    let mut codes = Vec::with_capacity(packed.len() * per_byte);
    for byte in packed {
        let mut left = *byte;
        for _ in 0..per_byte {
            codes.push(left & mask);
            left = left.checked_shr(bits.into()).unwrap_or(0);
        }
    }
    codes.truncate(slots);
    codes
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(slice)
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= usize::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn word(&mut self) -> Option<Word<'a>> {
        let head = self.number()?;
        let text = self.slice(head >> 4)?;
        Some(Word::Kept(match head & 15 {
            0 => None,
            1 => Some(RawValue::Null),
            2 => Some(RawValue::Bool(false)),
            3 => Some(RawValue::Bool(true)),
            4 => Some(RawValue::Number(text)),
            5 => Some(RawValue::String(RawString::new(text, false))),
            6 => Some(RawValue::String(RawString::new(text, true))),
            7 => Some(RawValue::Array(text)),
            8 => Some(RawValue::Object(text)),
            9 => return Some(Word::Elsewhere),
            _ => return None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[&str]) -> (Vec<u8>, usize) {
        let mut out = Vec::new();
        for text in texts {
            put_word(Some(RawValue::String(RawString::plain(text.as_bytes()))), &mut out);
        }
        (out, texts.len())
    }

    #[test]
    fn codes_of_every_width_come_back() {
        for count in [2, 3, 4, 5, 16, 17, 256, 257, 3000] {
            let texts: Vec<String> = (0..count).map(|n| n.to_string()).collect();
            let (bytes, words) = words(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            let codes: Vec<u16> =
                (0..4096_u32).map(|n| u16::try_from(n * 7 % count).unwrap()).collect();
            let stored = coded(&bytes, words, &codes);
            let column = read(&stored).unwrap();
            let back: Vec<usize> = (0..column.slots).map(|slot| column.codes.get(slot)).collect();
            assert_eq!(back, codes.iter().map(|code| usize::from(*code)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_cut_off_is_no_column() {
        let (bytes, count) = words(&["a", "b", "c"]);
        let stored = coded(&bytes, count, &[0, 1, 2, 1, 0]);
        for length in 0..stored.len() {
            assert!(read(&stored[..length]).is_none(), "{length}");
        }
    }
}
