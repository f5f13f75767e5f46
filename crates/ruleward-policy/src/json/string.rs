//! Strings as they stand in JSON: compared and decoded without a copy where no escape is in them.

use std::cmp::Ordering;
use std::fmt;

/// The inside of a JSON string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawString<'a> {
    raw: &'a [u8],
    /// 1 if an escape stands in it, else 0. A whole word: with padding in it a copy is slow.
    escaped: u64,
}

impl<'a> RawString<'a> {
    pub(crate) fn new(raw: &'a [u8], escaped: bool) -> Self {
        Self { raw, escaped: u64::from(escaped) }
    }

    /// A string given as plain text.
    pub fn plain(text: &'a [u8]) -> Self {
        Self { raw: text, escaped: 0 }
    }

    /// The bytes if no escape stands in them.
    pub fn as_plain(self) -> Option<&'a [u8]> {
        (self.escaped == 0).then_some(self.raw)
    }

    /// The bytes as they stand in the input, escapes included.
    pub(crate) fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// The length in the input, escapes included.
    pub fn raw_len(self) -> usize {
        self.raw.len()
    }

    /// The UTF-8 bytes of the text, one by one.
    pub fn decoded(self) -> Decoded<'a> {
        Decoded { rest: self.raw, escaped: self.escaped != 0, pending: [0; 4], from: 4 }
    }

    /// Equal to the given text?
    #[inline]
    pub fn equals(self, text: &[u8]) -> bool {
        if self.escaped != 0 { self.decoded().eq(text.iter().copied()) } else { self.raw == text }
    }

    /// Equal to another string, however each is escaped?
    pub fn same(self, other: Self) -> bool {
        match other.as_plain() {
            Some(text) => self.equals(text),
            None => self.decoded().eq(other.decoded()),
        }
    }

    /// The byte-wise order of the decoded texts.
    pub fn order(self, other: Self) -> Ordering {
        if self.escaped | other.escaped != 0 {
            self.decoded().cmp(other.decoded())
        } else {
            self.raw.cmp(other.raw)
        }
    }

    /// The text; what is not UTF-8 is replaced.
    pub fn to_text(self) -> String {
        if self.escaped != 0 {
            let mut bytes = Vec::with_capacity(self.raw.len());
            unescape(self, &mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            String::from_utf8_lossy(self.raw).into_owned()
        }
    }

    /// The number of Unicode code points.
    pub fn code_points(self) -> usize {
        // A continuation byte starts no code point.
        if self.escaped != 0 {
            self.decoded().filter(|byte| byte & 0xC0 != 0x80).count()
        } else {
            self.raw.iter().filter(|byte| *byte & 0xC0 != 0x80).count()
        }
    }
}

impl fmt::Debug for RawString<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.to_text())
    }
}

/// Appends the decoded bytes of a string to a buffer.
pub fn unescape(text: RawString<'_>, into: &mut Vec<u8>) {
    match text.as_plain() {
        Some(bytes) => into.extend_from_slice(bytes),
        None => into.extend(text.decoded()),
    }
}

/// The decoded bytes of a string.
#[derive(Debug, Clone)]
pub struct Decoded<'a> {
    rest: &'a [u8],
    escaped: bool,
    /// What remains of an escaped code point stands at the end, from `from` on.
    pending: [u8; 4],
    from: usize,
}

impl Decoded<'_> {
    fn escape(&mut self) -> Option<u8> {
        let (kind, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(match kind {
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let code = self.code_point();
                let mut encoded = [0; 4];
                let bytes = code.encode_utf8(&mut encoded).as_bytes();
                self.from = 4 - bytes.len();
                if let Some(tail) = self.pending.get_mut(self.from..) {
                    tail.copy_from_slice(bytes);
                }
                return self.next();
            }
            other => *other,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest.first_chunk::<4>()?;
        let mut unit = 0;
        for digit in digits {
            unit = unit * 16 + char::from(*digit).to_digit(16)?;
        }
        self.rest = self.rest.get(4..)?;
        Some(unit)
    }

    /// A lone surrogate or a broken escape becomes the replacement character.
    fn code_point(&mut self) -> char {
        let Some(high) = self.hex() else { return char::REPLACEMENT_CHARACTER };
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER);
        }
        let after_high = self.rest;
        if let Some(tail) = self.rest.strip_prefix(b"\\u") {
            self.rest = tail;
            if let Some(low) = self.hex().filter(|low| (0xDC00..0xE000).contains(low)) {
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
        }
        self.rest = after_high;
        char::REPLACEMENT_CHARACTER
    }
}

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        if let Some(byte) = self.pending.get(self.from) {
            self.from += 1;
            return Some(*byte);
        }
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *byte == b'\\' && self.escaped { self.escape() } else { Some(*byte) }
    }
}
