//! What the entries of an object look like, learned from the first one: documents that one program wrote
//! have their keys in one order, and whoever knows which key comes next need not look for where it ends.

use std::sync::OnceLock;

use wide::u8x16;

use super::head::Key;

/// Entries with a longer beginning are not learned.
const LONGEST: usize = 32;
/// Nor more entries than this.
const MOST: usize = 64;
/// How many of the expected entries may be missing in a row.
const MISSING: usize = 3;

/// The entries that are expected, in their order; not yet known until an object was walked.
#[derive(Debug, Clone, Default)]
pub(super) struct Shape(OnceLock<Box<[Expected]>>);

/// What an entry begins with: a comma or brace, its key and a colon, with the white space that the first
/// one had there. INVARIANT: what is said of the key is said of equal keys wherever they stand.
#[derive(Debug, Clone)]
struct Expected {
    text: [u8; LONGEST],
    /// Of the text, a bit for each byte that does not count.
    surplus: u32,
    length: usize,
    /// Where the key is in the text.
    key: Key,
    /// What was said of the key.
    edge: Option<usize>,
}

/// Goes along with the walk of an object.
#[derive(Debug)]
pub(super) struct Follow<'s> {
    shape: &'s Shape,
    expected: &'s [Expected],
    next: usize,
    /// What is learned, where nothing is expected.
    learned: Option<Vec<Expected>>,
}

/// An entry that was expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met<'s> {
    expected: &'s Expected,
    at: usize,
}

impl Met<'_> {
    /// The place of its value, but for white space.
    #[inline]
    pub(super) fn value(&self) -> usize {
        self.at + self.expected.length
    }

    /// What was said of its key.
    #[inline]
    pub(super) fn edge(&self) -> Option<usize> {
        self.expected.edge
    }

    pub(super) fn key(&self) -> Key {
        let Key { start, end, escaped } = self.expected.key;
        Key { start: self.at + start, end: self.at + end, escaped }
    }
}

impl Shape {
    /// To be told of every entry from the first on.
    #[inline]
    pub(super) fn follow(&self) -> Follow<'_> {
        let known = self.0.get();
        let learned = if known.is_none() { Some(Vec::new()) } else { None };
        Follow { shape: self, expected: known.map_or(&[], |of| of), next: 0, learned }
    }
}

impl<'s> Follow<'s> {
    /// Whether the entry before which `at` stands, at a comma or brace, is one that is expected.
    #[inline]
    pub(super) fn meet(&mut self, bytes: &[u8], at: usize) -> Option<Met<'s>> {
        let text = bytes.get(at..)?.first_chunk::<LONGEST>()?;
        let expected = self.expected.get(self.next)?;
        if expected.begins(text) {
            self.next += 1;
            return Some(Met { expected, at });
        }
        self.search(text, at)
    }

    /// Looks for it among the next ones.
    #[cold]
    fn search(&mut self, text: &[u8; LONGEST], at: usize) -> Option<Met<'s>> {
        let mut ahead = self.expected.iter().enumerate().skip(self.next + 1).take(MISSING);
        let (place, expected) = ahead.find(|(_, expected)| expected.begins(text))?;
        self.next = place + 1;
        Some(Met { expected, at })
    }

    /// An entry that was not expected: it begins at the comma or brace at `at`, and its value at `value`.
    #[inline]
    pub(super) fn learn(
        &mut self,
        bytes: &[u8],
        at: usize,
        key: Key,
        value: usize,
        edge: impl FnOnce() -> Option<usize>,
    ) {
        if let Some(learned) = &mut self.learned
            && learned.len() < MOST
        {
            let Key { start, end, escaped } = key;
            let key = Key { start: start - at, end: end - at, escaped };
            learned.extend(bytes.get(at..value).and_then(|text| Expected::new(text, key, edge())));
        }
    }

    /// The walk came to its end: what was learned is expected from now on.
    #[inline]
    pub(super) fn end(self) {
        if let Some(learned) = self.learned.filter(|learned| !learned.is_empty()) {
            // Another thread may have been first.
            let _ = self.shape.0.set(learned.into());
        }
    }
}

impl Expected {
    fn new(text: &[u8], key: Key, edge: Option<usize>) -> Option<Self> {
        let length = text.len();
        let mut kept = [0; LONGEST];
        kept.get_mut(..length)?.copy_from_slice(text);
        let surplus = u32::try_from(u64::from(u32::MAX) << length & u64::from(u32::MAX)).ok()?;
        Some(Self { text: kept, surplus, length, key, edge })
    }

    #[inline]
    fn begins(&self, text: &[u8; LONGEST]) -> bool {
        let equal = |half: usize| {
            let of = |text: &[u8; LONGEST]| {
                text.as_chunks::<16>().0.get(half).map_or(u8x16::default(), |of| u8x16::new(*of))
            };
            of(&self.text).simd_eq(of(text)).to_bitmask()
        };
        equal(0) | equal(1) << 16 | self.surplus == u32::MAX
    }
}
