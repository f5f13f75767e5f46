//! Reading one value, one member, the entries of a container.

use super::blocks::{after_string, container_end, string_end};
use super::{RawString, RawValue};

/// The bytes are not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON")]
pub struct NotJson;

/// The first place from `at` on that is not white space.
#[inline]
pub(super) fn blanks(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

fn scalar_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t') {
            break;
        }
        at += 1;
    }
    at
}

/// The value that starts at `at`, and the place after it.
#[expect(clippy::inline_always, reason = "passed through memory, the result stalls the walk")]
#[inline(always)]
pub(super) fn value_at(bytes: &[u8], at: usize) -> Option<(RawValue<'_>, usize)> {
    match bytes.get(at)? {
        b'"' => {
            let (end, escaped) = string_end(bytes, at + 1)?;
            let text = RawString::new(bytes.get(at + 1..end)?, escaped);
            Some((RawValue::String(text), end + 1))
        }
        b'{' => {
            let end = container_end(bytes, at + 1)?;
            Some((RawValue::Object(bytes.get(at..end)?), end))
        }
        b'[' => {
            let end = container_end(bytes, at + 1)?;
            Some((RawValue::Array(bytes.get(at..end)?), end))
        }
        b't' => literal(bytes, at, b"true", RawValue::Bool(true)),
        b'f' => literal(bytes, at, b"false", RawValue::Bool(false)),
        b'n' => literal(bytes, at, b"null", RawValue::Null),
        b'-' | b'0'..=b'9' => {
            let end = scalar_end(bytes, at);
            Some((RawValue::Number(bytes.get(at..end)?), end))
        }
        _ => None,
    }
}

fn literal<'a>(
    bytes: &'a [u8],
    at: usize,
    word: &[u8],
    value: RawValue<'a>,
) -> Option<(RawValue<'a>, usize)> {
    let end = at + word.len();
    (bytes.get(at..end)? == word).then_some((value, end))
}

/// The place after the value that starts at `at`.
#[inline]
pub(super) fn skip_value(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => after_string(bytes, at + 1),
        b'{' | b'[' => container_end(bytes, at + 1),
        b't' | b'f' | b'n' | b'-' | b'0'..=b'9' => Some(scalar_end(bytes, at)),
        _ => None,
    }
}

/// A key and the place of its value.
#[inline]
pub(super) fn key_at(bytes: &[u8], at: usize) -> Option<(RawString<'_>, usize)> {
    if bytes.get(at)? != &b'"' {
        return None;
    }
    let (end, escaped) = string_end(bytes, at + 1)?;
    let key = RawString::new(bytes.get(at + 1..end)?, escaped);
    let colon = blanks(bytes, end + 1);
    (bytes.get(colon)? == &b':').then(|| (key, blanks(bytes, colon + 1)))
}

/// The one value of a document. What stands inside containers is looked at only when it is read.
pub fn parse(bytes: &[u8]) -> Result<RawValue<'_>, NotJson> {
    let (value, end) = value_at(bytes, blanks(bytes, 0)).ok_or(NotJson)?;
    if blanks(bytes, end) == bytes.len() { Ok(value) } else { Err(NotJson) }
}

/// The entries of an object, in the order of the text.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    cursor: Cursor<'a>,
}

/// The elements of an array, in order.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    cursor: Cursor<'a>,
}

#[derive(Debug, Clone)]
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    done: bool,
}

impl<'a> Cursor<'a> {
    fn open(bytes: &'a [u8], opening: u8, closing: u8) -> Self {
        let at = blanks(bytes, 1);
        let done = bytes.first() != Some(&opening) || bytes.get(at) == Some(&closing);
        Self { bytes, at, done }
    }

    /// Steps over the comma, or ends at the closing byte.
    fn advance(&mut self, closing: u8) -> Result<(), NotJson> {
        let at = blanks(self.bytes, self.at);
        match self.bytes.get(at) {
            Some(b',') => self.at = blanks(self.bytes, at + 1),
            Some(byte) if *byte == closing => self.done = true,
            _ => return Err(NotJson),
        }
        Ok(())
    }
}

impl<'a> Entries<'a> {
    /// The entries of an object given by its text.
    pub fn new(object: &'a [u8]) -> Self {
        Self { cursor: Cursor::open(object, b'{', b'}') }
    }

    /// The next entry; `None` at the end.
    pub fn try_next(&mut self) -> Result<Option<(RawString<'a>, RawValue<'a>)>, NotJson> {
        let cursor = &mut self.cursor;
        if cursor.done {
            return Ok(None);
        }
        let (key, at) = key_at(cursor.bytes, cursor.at).ok_or(NotJson)?;
        let (value, end) = value_at(cursor.bytes, at).ok_or(NotJson)?;
        cursor.at = end;
        cursor.advance(b'}')?;
        Ok(Some((key, value)))
    }
}

impl<'a> Elements<'a> {
    /// The elements of an array given by its text.
    pub fn new(array: &'a [u8]) -> Self {
        Self { cursor: Cursor::open(array, b'[', b']') }
    }

    /// The next element; `None` at the end.
    pub fn try_next(&mut self) -> Result<Option<RawValue<'a>>, NotJson> {
        let cursor = &mut self.cursor;
        if cursor.done {
            return Ok(None);
        }
        let (value, end) = value_at(cursor.bytes, cursor.at).ok_or(NotJson)?;
        cursor.at = end;
        cursor.advance(b']')?;
        Ok(Some(value))
    }
}

/// The value of a key of an object given by its text.
pub fn member<'a>(object: &'a [u8], key: RawString<'_>) -> Result<Option<RawValue<'a>>, NotJson> {
    let mut at = blanks(object, 1);
    if object.get(at) == Some(&b'}') {
        return Ok(None);
    }
    loop {
        let (name, value) = key_at(object, at).ok_or(NotJson)?;
        if name.same(key) {
            return value_at(object, value).map(|(found, _)| Some(found)).ok_or(NotJson);
        }
        let end = blanks(object, skip_value(object, value).ok_or(NotJson)?);
        match object.get(end) {
            Some(b',') => at = blanks(object, end + 1),
            Some(b'}') => return Ok(None),
            _ => return Err(NotJson),
        }
    }
}

/// Reads the values of some keys of a document that is one object: `out[i]` for `keys[i]`.
///
/// It stops when all are found, so put no trust in what follows. Surplus places of `out` become `None`.
pub fn top_level<'a>(
    body: &'a [u8],
    keys: &[&str],
    out: &mut [Option<RawValue<'a>>],
) -> Result<(), NotJson> {
    out.fill(None);
    let mut missing = keys.len().min(out.len());
    let mut at = blanks(body, 0);
    if body.get(at) != Some(&b'{') {
        return Err(NotJson);
    }
    at = blanks(body, at + 1);
    if body.get(at) == Some(&b'}') {
        return Ok(());
    }
    while missing > 0 {
        let (name, value) = key_at(body, at).ok_or(NotJson)?;
        let wanted = keys
            .iter()
            .zip(out.iter_mut())
            .find(|(key, place)| place.is_none() && name.equals(key.as_bytes()));
        let end = if let Some((_, place)) = wanted {
            let (found, end) = value_at(body, value).ok_or(NotJson)?;
            *place = Some(found);
            missing -= 1;
            end
        } else {
            skip_value(body, value).ok_or(NotJson)?
        };
        let end = blanks(body, end);
        match body.get(end) {
            Some(b',') => at = blanks(body, end + 1),
            Some(b'}') => return Ok(()),
            _ => return Err(NotJson),
        }
    }
    Ok(())
}
