//! The beginning of a document, read before it is known what else is wanted.

use super::blocks::string_end;
use super::scan::{NotJson, blanks, skip_value, value_at};
use super::{RawString, RawValue};

/// How far a document was read, and which top-level entries were passed.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// Keys with the places of their values.
    pub(super) passed: Vec<(Key, usize)>,
    /// The next key, or the end if the object is closed.
    pub(super) next: usize,
    pub(super) closed: bool,
}

/// Where a key stands, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) escaped: bool,
}

impl Key {
    /// The key at `at` and the place of its value.
    #[expect(clippy::inline_always, reason = "passed through memory, the result stalls the walk")]
    #[inline(always)]
    pub(super) fn read(bytes: &[u8], at: usize) -> Option<(Self, usize)> {
        if bytes.get(at)? != &b'"' {
            return None;
        }
        let start = at + 1;
        let (end, escaped) = string_end(bytes, start)?;
        let colon = blanks(bytes, end + 1);
        let found = bytes.get(colon)? == &b':';
        found.then(|| (Self { start, end, escaped }, blanks(bytes, colon + 1)))
    }
}

impl Head {
    /// Reads until both keys are found or the object ends: their values, `None` for what is missing.
    /// The walk can go on from there with [`super::PathSet::extract_rest`].
    pub fn read<'a>(
        &mut self,
        bytes: &'a [u8],
        keys: [&[u8]; 2],
    ) -> Result<[Option<RawValue<'a>>; 2], NotJson> {
        self.passed.clear();
        self.closed = false;
        self.find(bytes, keys).ok_or(NotJson)
    }

    fn find<'a>(
        &mut self,
        bytes: &'a [u8],
        [first, second]: [&[u8]; 2],
    ) -> Option<[Option<RawValue<'a>>; 2]> {
        let (mut one, mut two) = (None, None);
        let mut at = blanks(bytes, 0);
        if bytes.get(at)? != &b'{' {
            return None;
        }
        at = blanks(bytes, at + 1);
        if bytes.get(at)? == &b'}' {
            (self.next, self.closed) = (at + 1, true);
            return Some([one, two]);
        }
        loop {
            let (key, value) = Key::read(bytes, at)?;
            self.passed.push((key, value));
            let name = RawString::new(bytes.get(key.start..key.end)?, key.escaped);
            if one.is_none() && name.equals(first) {
                let (value, end) = value_at(bytes, value)?;
                (one, at) = (Some(value), end);
            } else if two.is_none() && name.equals(second) {
                let (value, end) = value_at(bytes, value)?;
                (two, at) = (Some(value), end);
            } else {
                at = skip_value(bytes, value)?;
            }
            at = blanks(bytes, at);
            match bytes.get(at)? {
                b',' => at = blanks(bytes, at + 1),
                b'}' => {
                    (self.next, self.closed) = (at + 1, true);
                    return Some([one, two]);
                }
                _ => return None,
            }
            if one.is_some() && two.is_some() {
                self.next = at;
                return Some([one, two]);
            }
        }
    }
}
