//! Numbers are compared by their text, so that no digit is lost.

use std::cmp::Ordering;

/// A number read as sign, digits and the place of the first digit.
#[derive(Debug, Clone, Copy)]
pub struct Decimal<'a> {
    negative: bool,
    /// The digits before the point and those after it; together without leading zeros.
    whole: &'a [u8],
    fraction: &'a [u8],
    /// The value is `0.DIGITS × 10^magnitude`; meaningless for zero.
    magnitude: i64,
    zero: bool,
}

impl<'a> Decimal<'a> {
    /// Reads the text of a JSON number; `None` where it is none.
    pub fn parse(text: &'a [u8]) -> Option<Self> {
        let (negative, rest) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            _ => (false, text),
        };
        let (mantissa, exponent) = match rest.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (rest.get(..at)?, read_exponent(rest.get(at + 1..)?)?),
            None => (rest, 0),
        };
        let (whole, fraction): (&[u8], &[u8]) = match mantissa.iter().position(|byte| *byte == b'.')
        {
            Some(at) => (mantissa.get(..at)?, mantissa.get(at + 1..)?),
            None => (mantissa, &[]),
        };
        if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
            return None;
        }
        let whole = without_leading_zeros(whole);
        let mut magnitude = i64::try_from(whole.len()).ok()?;
        let mut significant = fraction;
        if whole.is_empty() {
            significant = without_leading_zeros(fraction);
            magnitude = -i64::try_from(fraction.len() - significant.len()).ok()?;
        }
        let zero = whole.is_empty() && significant.is_empty();
        let magnitude = magnitude.saturating_add(exponent);
        Some(Self { negative: negative && !zero, whole, fraction: significant, magnitude, zero })
    }

    fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        self.whole.iter().chain(self.fraction).copied()
    }

    /// The order of the values.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => return Ordering::Greater,
            (true, false) => return Ordering::Less,
            _ => {}
        }
        let size = match (self.zero, other.zero) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.magnitude.cmp(&other.magnitude).then_with(|| self.compare_digits(other))
            }
        };
        if self.negative { size.reverse() } else { size }
    }

    fn compare_digits(&self, other: &Self) -> Ordering {
        let (mut left, mut right) = (self.digits(), other.digits());
        loop {
            match (left.next(), right.next()) {
                (None, None) => return Ordering::Equal,
                (a, b) => match a.unwrap_or(b'0').cmp(&b.unwrap_or(b'0')) {
                    Ordering::Equal => {}
                    decided => return decided,
                },
            }
        }
    }

    /// One spelling per value: equal numbers give equal bytes.
    pub fn canonical(&self, into: &mut Vec<u8>) {
        if self.zero {
            into.push(b'0');
            return;
        }
        if self.negative {
            into.push(b'-');
        }
        let start = into.len();
        into.extend(self.digits());
        while into.len() > start && into.last() == Some(&b'0') {
            into.pop();
        }
        into.push(b'e');
        into.extend_from_slice(self.magnitude.to_string().as_bytes());
    }
}

fn without_leading_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    digits.get(zeros..).unwrap_or(&[])
}

/// Exponents outside any use are cut off at a bound, far beyond what a document can spell out.
fn read_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut size: i64 = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        size = size.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(1 << 60);
    }
    Some(if negative { -size } else { size })
}

/// A plain integer of up to 18 digits: the common case, without any of the above.
pub(crate) fn small_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut size = 0_i64;
    for digit in digits {
        let value = digit.wrapping_sub(b'0');
        if value > 9 {
            return None;
        }
        size = size * 10 + i64::from(value);
    }
    Some(if negative { -size } else { size })
}

/// The order of two numbers given by their text; `None` where one is none.
pub fn compare_numbers(left: &[u8], right: &[u8]) -> Option<Ordering> {
    if let (Some(a), Some(b)) = (small_integer(left), small_integer(right)) {
        return Some(a.cmp(&b));
    }
    Some(Decimal::parse(left)?.compare(&Decimal::parse(right)?))
}
