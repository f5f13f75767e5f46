//! Sets of slots as words of bits.

/// A set of slots. Words at the end that are zero, or not there, say the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bits(Vec<u64>);

/// The first bytes of a word, the others of which are zero.
fn part_of_word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

impl PartialEq for Bits {
    fn eq(&self, other: &Self) -> bool {
        let (short, long) =
            if self.0.len() <= other.0.len() { (&self.0, &other.0) } else { (&other.0, &self.0) };
        long.split_at_checked(short.len())
            .is_some_and(|(head, rest)| head == short && rest.iter().all(|word| *word == 0))
    }
}

impl Eq for Bits {}

impl Bits {
    pub(crate) fn with_words(words: usize) -> Self {
        Self(vec![0; words])
    }

    pub(crate) fn from_words(words: Vec<u64>) -> Self {
        Self(words)
    }

    /// The first so many slots.
    pub(crate) fn first(slots: usize) -> Self {
        let mut words = vec![u64::MAX; slots / 64];
        if !slots.is_multiple_of(64) {
            words.push(u64::MAX >> (64 - slots % 64));
        }
        Self(words)
    }

    pub(crate) fn words(&self) -> &[u64] {
        &self.0
    }

    pub(crate) fn resize(&mut self, words: usize) {
        self.0.resize(words, 0);
    }

    pub(crate) fn get(&self, slot: usize) -> bool {
        self.0.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    pub(crate) fn set(&mut self, slot: usize, on: bool) {
        if on && slot / 64 >= self.0.len() {
            self.0.resize(slot / 64 + 1, 0);
        }
        if let Some(word) = self.0.get_mut(slot / 64) {
            let bit = 1 << (slot % 64);
            *word = if on { *word | bit } else { *word & !bit };
        }
    }

    pub(crate) fn count(&self) -> i64 {
        self.0.iter().map(|word| i64::from(word.count_ones())).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether all slots are in another set as well.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        let others = other.0.iter().copied().chain(std::iter::repeat(0));
        self.0.iter().zip(others).all(|(mine, other)| mine & !other == 0)
    }

    pub(crate) fn or(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    /// Adds the slots of another set, of whatever size.
    pub(crate) fn unite(&mut self, other: &Self) {
        self.resize(self.0.len().max(other.0.len()));
        self.or(other);
    }

    /// Flips the slots of another set.
    pub(crate) fn flip(&mut self, other: &Self) {
        self.resize(self.0.len().max(other.0.len()));
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine ^= theirs;
        }
    }

    /// The slots that are in one of both, and not in the other.
    pub(crate) fn differences(&self, other: &Self) -> Self {
        let words = self.0.len().max(other.0.len());
        let word = |bits: &Self, n: usize| bits.0.get(n).copied().unwrap_or(0);
        Self((0..words).map(|n| word(self, n) ^ word(other, n)).collect())
    }

    /// Leaves those slots that are also in another set; whether there are any.
    pub(crate) fn and(&mut self, other: &Self) -> bool {
        self.0.iter_mut().skip(other.0.len()).for_each(|mine| *mine = 0);
        self.and_words(other.0.iter().copied())
    }

    fn and_words(&mut self, words: impl Iterator<Item = u64>) -> bool {
        let mut any = 0;
        for (mine, theirs) in self.0.iter_mut().zip(words) {
            *mine &= theirs;
            any |= *mine;
        }
        any != 0
    }

    /// Takes all slots out; the room stays.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds slots that are stored as bits, and may end inside a word.
    pub(crate) fn unite_bytes(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<8>();
        for (mine, theirs) in self.0.iter_mut().zip(whole) {
            *mine |= u64::from_le_bytes(*theirs);
        }
        let more = whole.get(self.0.len()..).unwrap_or_default();
        self.0.extend(more.iter().map(|word| u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.resize(self.0.len().max(whole.len() + 1));
            if let Some(last) = self.0.get_mut(whole.len()) {
                *last |= part_of_word(rest);
            }
        }
    }

    /// Leaves those slots that are also in a set that is stored as bits, and may end inside a word;
    /// whether there are any.
    pub(crate) fn and_bytes(&mut self, bytes: &[u8]) -> bool {
        let (whole, rest) = bytes.as_chunks::<8>();
        self.0.truncate(whole.len() + 1);
        let end = self.0.get_mut(whole.len()).map(|last| {
            *last &= part_of_word(rest);
            *last
        });
        self.and_words(whole.iter().map(|word| u64::from_le_bytes(*word)))
            | end.is_some_and(|last| last != 0)
    }

    pub(crate) fn and_not(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine &= !theirs;
        }
    }

    /// The slots in the set, from one on.
    pub(crate) fn iter_from(&self, from: usize) -> impl Iterator<Item = usize> + '_ {
        let words = self.0.iter().enumerate().skip(from / 64).filter(|(_, word)| **word != 0);
        words.flat_map(move |(n, word)| {
            let mut left = *word;
            if n == from / 64 {
                left &= u64::MAX << (from % 64);
            }
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros() as usize;
                    left &= left - 1;
                    n * 64 + bit
                })
            })
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// The bits of a plane that may end inside a word.
    pub(crate) fn from_slots(bytes: &[u8], words: usize) -> Self {
        let mut bits = Self::from_bytes(bytes);
        let (_, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            bits.0.push(part_of_word(rest));
        }
        bits.resize(words);
        bits
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        Self(words.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }
}
