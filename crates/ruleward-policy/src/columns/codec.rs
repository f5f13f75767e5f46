//! How a column is stored.
//!
//! ```text
//! version (1 byte), form (1 byte), number of slots, number of words
//! number of elements; if there are any: number of keys, each key, and for each of these members
//!     and once more: number of words, each word, for each element the number of its word (2 bytes)
//! each word: length × 16 + kind, then the text of the value
//! codes: for each slot the number of its word
//! ```
//!
//! A list can be given by its elements: two bytes each, the number of the element. Equal elements are kept
//! once, objects by their members, all others in the last column.
//!
//! Numbers without a size are LEB128. The form is the number of bits of a code: 1, 2, 4, 8 or 16;
//! or 0: all slots have the one word; or 255: each slot has a word of its own, in order.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::TEXT_BYTES;
use crate::engine::{ElementTable, Member};
use crate::json::{RawString, RawValue};

const VERSION: u8 = 1;
const SAME: u8 = 0;
const PLAIN: u8 = 255;

/// What a slot has in a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Word<'a> {
    /// The value, if there is one.
    Kept(Option<RawValue<'a>>),
    /// A list of these elements.
    List(&'a [[u8; 2]]),
    /// The value was too long to keep.
    Elsewhere,
}

/// The words of a column; each is read when it is asked for.
#[derive(Debug, Clone)]
pub(super) struct Words<'a> {
    bytes: &'a [u8],
    starts: Vec<u32>,
    /// Whether the word of a missing value is among them.
    may_lack: bool,
}

impl<'a> Words<'a> {
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether slots may have no value.
    pub(super) fn may_lack(&self) -> bool {
        self.may_lack
    }

    /// The text of a word that is a string without escapes.
    #[inline]
    pub(super) fn plain_text(&self, number: usize) -> Option<&'a [u8]> {
        let start = usize::try_from(*self.starts.get(number)?).ok()?;
        let mut input = Input(self.bytes.get(start..)?);
        let (head, text) = (input.number()?, input.0);
        if head & 15 == PLAIN_STRING { text.get(..head >> 4) } else { None }
    }

    pub(super) fn get(&self, number: usize) -> Option<Word<'a>> {
        let start = usize::try_from(*self.starts.get(number)?).ok()?;
        Input(self.bytes.get(start..)?).word()
    }
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
    pub(super) elements: ElementTable<'a>,
    pub(super) words: Words<'a>,
    pub(super) codes: Codes<'a>,
    /// Lists as texts, where somebody asks for them; none for those that are too long.
    texts: Vec<OnceCell<Option<Vec<u8>>>>,
}

impl Column<'_> {
    /// The text of a list, unless it is too long to be kept with those of the other slots.
    pub(super) fn text(&self, word: usize, codes: &[[u8; 2]]) -> Option<&[u8]> {
        let text = self.texts.get(word)?.get_or_init(|| {
            let mut text = vec![b'['];
            for code in codes {
                if text.len() > 1 {
                    text.push(b',');
                }
                self.elements.write(u16::from_le_bytes(*code).into(), &mut text);
                if text.len() > TEXT_BYTES {
                    return None;
                }
            }
            text.push(b']');
            Some(text)
        });
        text.as_deref()
    }
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
        None => (MISSING, &[]),
        Some(RawValue::Null) => (1, &[]),
        Some(RawValue::Bool(false)) => (2, &[]),
        Some(RawValue::Bool(true)) => (3, &[]),
        Some(RawValue::Number(text)) => (4, text),
        Some(RawValue::String(text)) => match text.as_plain() {
            Some(plain) => (PLAIN_STRING, plain),
            None => (6, text.raw()),
        },
        Some(RawValue::Array(text)) => (7, text),
        Some(RawValue::Object(text)) => (8, text),
    };
    put_number(text.len() << 4 | kind, into);
    into.extend_from_slice(text);
}

/// Appends the word of a list of these elements.
pub(super) fn put_list(codes: &[u16], into: &mut Vec<u8>) {
    put_number((codes.len() * 2) << 4 | LIST, into);
    put_codes(codes, into);
}

fn put_codes(codes: &[u16], into: &mut Vec<u8>) {
    for code in codes {
        into.extend_from_slice(&code.to_le_bytes());
    }
}

const MISSING: usize = 0;
const PLAIN_STRING: usize = 5;
const LIST: usize = 10;

/// Values that stand one behind the other, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts<'w> {
    pub(super) bytes: &'w [u8],
    pub(super) count: usize,
}

/// No elements.
pub(super) const NO_ELEMENTS: &[u8] = &[0];

/// Elements as they are stored: so many, by the members of these keys.
pub(super) fn elements<'w>(
    count: usize,
    keys: impl ExactSizeIterator<Item = &'w str>,
    members: impl Iterator<Item = (Texts<'w>, Vec<u16>)>,
) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(count, &mut out);
    put_number(keys.len(), &mut out);
    for key in keys {
        put_number(key.len(), &mut out);
        out.extend_from_slice(key.as_bytes());
    }
    for (words, codes) in members {
        put_number(words.count, &mut out);
        out.extend_from_slice(words.bytes);
        put_codes(&codes, &mut out);
    }
    out
}

/// The word of a value that is not kept.
pub(super) const ELSEWHERE: u8 = 9;

/// A column of which nothing is kept.
pub(super) fn nothing_kept(slots: usize) -> Vec<u8> {
    same(slots, NO_ELEMENTS, &[ELSEWHERE])
}

/// A column whose slots all have this word.
pub(super) fn same(slots: usize, elements: &[u8], word: &[u8]) -> Vec<u8> {
    let mut out = head(SAME, slots, elements, 1);
    out.extend_from_slice(word);
    out
}

/// A column whose slots have these words, one after the other.
pub(super) fn plain<'w>(
    slots: usize,
    elements: &[u8],
    words: impl Iterator<Item = &'w [u8]>,
) -> Vec<u8> {
    let mut out = head(PLAIN, slots, elements, slots);
    words.for_each(|word| out.extend_from_slice(word));
    out
}

/// A column of these words, and the numbers of the slots' words.
pub(super) fn coded(elements: &[u8], words: Texts<'_>, codes: &[u16]) -> Vec<u8> {
    let bits = code_bits(words.count);
    let mut out = head(bits, codes.len(), elements, words.count);
    out.extend_from_slice(words.bytes);
    match bits {
        16 => put_codes(codes, &mut out),
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

fn head(form: u8, slots: usize, elements: &[u8], words: usize) -> Vec<u8> {
    let mut out = vec![VERSION, form];
    put_number(slots, &mut out);
    put_number(words, &mut out);
    out.extend_from_slice(elements);
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
    if count == 0 {
        return None;
    }
    let elements = input.elements()?;
    let (words, has_lists) = input.words(count)?;
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
            Codes::Bytes(Cow::Owned(match form {
                1 => unpack::<8>(packed, slots),
                2 => unpack::<4>(packed, slots),
                _ => unpack::<2>(packed, slots),
            }))
        }
        _ => return None,
    };
    let texts = if has_lists { vec![OnceCell::new(); words.len()] } else { Vec::new() };
    Some(Column { slots, elements, words, codes, texts })
}

/// Codes of which there are `N` in a byte.
fn unpack<const N: usize>(packed: &[u8], slots: usize) -> Vec<u8> {
    let bits = 8 / N;
    let mask = u8::MAX >> (8 - bits);
    let mut codes = vec![0; packed.len() * N];
    for (byte, codes) in packed.iter().zip(codes.as_chunks_mut::<N>().0) {
        for (place, code) in codes.iter_mut().enumerate() {
            *code = byte >> (place * bits) & mask;
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

    /// Two bytes are enough for nearly all of them.
    #[inline]
    fn number(&mut self) -> Option<usize> {
        let (number, rest) = match self.0 {
            [one, rest @ ..] if *one < 0x80 => (usize::from(*one), rest),
            [low, high, rest @ ..] if *high < 0x80 => {
                (usize::from(*low & 0x7F) | usize::from(*high) << 7, rest)
            }
            _ => return self.long_number(),
        };
        self.0 = rest;
        Some(number)
    }

    #[cold]
    fn long_number(&mut self) -> Option<usize> {
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

    fn elements(&mut self) -> Option<ElementTable<'a>> {
        let mut table = ElementTable::default();
        let count = self.number()?;
        if count == 0 {
            return Some(table);
        }
        for _ in 0..self.number()? {
            let length = self.number()?;
            table.keys.push(self.slice(length)?);
        }
        for _ in 0..=table.keys.len() {
            let mut words = Vec::new();
            for _ in 0..self.number()? {
                match self.word()? {
                    Word::Kept(value) => words.push(value),
                    Word::List(_) | Word::Elsewhere => return None,
                }
            }
            let codes = self.slice(count.checked_mul(2)?)?.as_chunks::<2>().0;
            table.members.push(Member { words, codes });
        }
        Some(table)
    }

    /// So many words, and whether lists are among them.
    fn words(&mut self, count: usize) -> Option<(Words<'a>, bool)> {
        let (bytes, mut has_lists, mut may_lack) = (self.0, false, false);
        // A word takes a byte at least, so a damaged number cannot ask for much memory.
        let mut starts = Vec::with_capacity(count.min(bytes.len()));
        for _ in 0..count {
            starts.push(u32::try_from(bytes.len() - self.0.len()).ok()?);
            let head = self.number()?;
            has_lists |= head & 15 == LIST;
            may_lack |= head & 15 == MISSING;
            self.slice(head >> 4)?;
        }
        Some((Words { bytes, starts, may_lack }, has_lists))
    }

    fn word(&mut self) -> Option<Word<'a>> {
        let head = self.number()?;
        let text = self.slice(head >> 4)?;
        Some(Word::Kept(match head & 15 {
            MISSING => None,
            1 => Some(RawValue::Null),
            2 => Some(RawValue::Bool(false)),
            3 => Some(RawValue::Bool(true)),
            4 => Some(RawValue::Number(text)),
            PLAIN_STRING => Some(RawValue::String(RawString::new(text, false))),
            6 => Some(RawValue::String(RawString::new(text, true))),
            7 => Some(RawValue::Array(text)),
            8 => Some(RawValue::Object(text)),
            9 => return Some(Word::Elsewhere),
            LIST => return Some(Word::List(text.as_chunks::<2>().0)),
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
            let words = Texts { bytes: &bytes, count: words };
            let stored = coded(NO_ELEMENTS, words, &codes);
            let column = read(&stored).unwrap();
            let back: Vec<usize> = (0..column.slots).map(|slot| column.codes.get(slot)).collect();
            assert_eq!(back, codes.iter().map(|code| usize::from(*code)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn without_words_there_is_no_column() {
        for bits in [1, 2, 4, 8, 16, PLAIN] {
            let mut stored = head(bits, 0, NO_ELEMENTS, 0);
            assert!(read(&stored).is_none(), "{bits}");
            stored = head(bits, 1, NO_ELEMENTS, 0);
            stored.extend_from_slice(&[0, 0]);
            assert!(read(&stored).is_none(), "{bits}");
        }
    }

    #[test]
    fn what_is_cut_off_is_no_column() {
        let (bytes, count) = words(&["a", "b", "c"]);
        let words = Texts { bytes: &bytes, count };
        let stored = coded(NO_ELEMENTS, words, &[0, 1, 2, 1, 0]);
        for length in 0..stored.len() {
            assert!(read(&stored[..length]).is_none(), "{length}");
        }
    }
}
