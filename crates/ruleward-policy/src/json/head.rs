//! The beginning of a document, read before it is known what else is wanted.

use super::blocks::string_end;
use super::scan::{NotJson, blanks, skip_value, value_at};
use super::shape::Shape;
use super::{RawString, RawValue};

/// How far a document was read, and which top-level entries were passed.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// Keys with the places of their values.
    pub(super) passed: Vec<(Key, usize)>,
    /// The comma before the next key, or the end if the object is closed.
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

/// The two keys that are read of the beginnings of documents.
#[derive(Debug)]
pub struct HeadKeys {
    names: [Box<[u8]>; 2],
    /// What the documents begin with.
    shape: Shape,
}

impl HeadKeys {
    /// These keys.
    pub fn new(names: [&[u8]; 2]) -> Self {
        Self { names: names.map(Into::into), shape: Shape::default() }
    }
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
        keys: &HeadKeys,
    ) -> Result<[Option<RawValue<'a>>; 2], NotJson> {
        self.passed.clear();
        self.closed = false;
        self.find(bytes, keys).ok_or(NotJson)
    }

    fn find<'a>(&mut self, bytes: &'a [u8], keys: &HeadKeys) -> Option<[Option<RawValue<'a>>; 2]> {
        let mut found = [None, None];
        let mut follow = keys.shape.follow();
        let mut at = blanks(bytes, 0);
        if bytes.get(at)? != &b'{' {
            return None;
        }
        let first = blanks(bytes, at + 1);
        if bytes.get(first)? == &b'}' {
            (self.next, self.closed) = (first + 1, true);
            return Some(found);
        }
        loop {
            let (key, value, wanted) = if let Some(met) = follow.meet(bytes, at) {
                (met.key(), blanks(bytes, met.value()), met.edge())
            } else {
                let (key, value) = Key::read(bytes, blanks(bytes, at + 1))?;
                let name = RawString::new(bytes.get(key.start..key.end)?, key.escaped);
                let wanted = keys.names.iter().position(|wanted| name.equals(wanted));
                follow.learn(bytes, at, key, value, || wanted);
                (key, value, wanted)
            };
            self.passed.push((key, value));
            if let Some(place @ None) = wanted.and_then(|wanted| found.get_mut(wanted)) {
                let (value, end) = value_at(bytes, value)?;
                (*place, at) = (Some(value), end);
            } else {
                at = skip_value(bytes, value)?;
            }
            at = blanks(bytes, at);
            match bytes.get(at)? {
                b',' => {}
                b'}' => {
                    (self.next, self.closed) = (at + 1, true);
                    break;
                }
                _ => return None,
            }
            if let [Some(_), Some(_)] = found {
                self.next = at;
                break;
            }
        }
        follow.end();
        Some(found)
    }
}
