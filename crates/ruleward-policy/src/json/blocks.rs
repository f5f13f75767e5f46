//! The byte loops: end of a string, end of a container; many bytes at a time.

use wide::u8x16;

/// Sixteen bytes, which is what every 64-bit processor compares at once.
type Lanes = u8x16;

const QUOTE: Lanes = Lanes::new([b'"'; 16]);
const BACKSLASH: Lanes = Lanes::new([b'\\'; 16]);
const CASE: Lanes = Lanes::new([0x20; 16]);
const OPENING: Lanes = Lanes::new([b'{'; 16]);
const CLOSING: Lanes = Lanes::new([b'}'; 16]);

/// Where the string that starts at `from` (after its quote) ends, and whether an escape is in it.
#[inline]
pub(super) fn string_end(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let lanes = Lanes::new(*chunk);
        let found = (lanes.simd_eq(QUOTE) | lanes.simd_eq(BACKSLASH)).to_bitmask();
        if found != 0 {
            at += found.trailing_zeros() as usize;
            return if bytes.get(at) == Some(&b'"') {
                Some((at, false))
            } else {
                escaped_end(bytes, at)
            };
        }
        at += 16;
    }
    loop {
        match bytes.get(at)? {
            b'"' => return Some((at, false)),
            b'\\' => return escaped_end(bytes, at),
            _ => at += 1,
        }
    }
}

/// The place behind the string that starts at `from` (after its quote), of which nothing else is wanted.
#[inline]
pub(super) fn after_string(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<32>()) {
        let found = chunk.as_chunks::<16>().0.iter().rev().fold(0_u32, |found, lanes| {
            found << 16 | Lanes::new(*lanes).simd_eq(QUOTE).to_bitmask()
        });
        if found != 0 {
            at += found.trailing_zeros() as usize;
            // A backslash before it may be an escape, or be escaped itself.
            if bytes.get(at.checked_sub(1)?) == Some(&b'\\') {
                break;
            }
            return Some(at + 1);
        }
        at += 32;
    }
    string_end(bytes, from).map(|(end, _)| end + 1)
}

/// The end of a string from its first backslash on.
fn escaped_end(bytes: &[u8], from: usize) -> Option<(usize, bool)> {
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'"' => return Some((at, true)),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// Which of 64 bytes are quotes, backslashes, opening and closing brackets or braces.
#[derive(Default)]
struct Classes {
    quote: u64,
    backslash: u64,
    open: u64,
    close: u64,
}

#[inline]
fn classify(block: &[u8; 64]) -> Classes {
    let mut classes = Classes::default();
    let mut shift = 0_u32;
    for chunk in block.as_chunks::<16>().0 {
        let lanes = Lanes::new(*chunk);
        let mark = |marks: Lanes| u64::from(marks.to_bitmask()) << shift;
        classes.quote |= mark(lanes.simd_eq(QUOTE));
        classes.backslash |= mark(lanes.simd_eq(BACKSLASH));
        // Bracket and brace differ in one bit only.
        let folded = lanes | CASE;
        classes.open |= mark(folded.simd_eq(OPENING));
        classes.close |= mark(folded.simd_eq(CLOSING));
        shift += 16;
    }
    classes
}

/// The bits that follow an odd run of backslashes.
fn escaped_bits(backslash: u64, carry: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    if backslash == 0 {
        return std::mem::take(carry);
    }
    let backslash = backslash & !*carry;
    let follows = (backslash << 1) | *carry;
    let odd_starts = backslash & !EVEN & !follows;
    let (sum, overflow) = odd_starts.overflowing_add(backslash);
    *carry = u64::from(overflow);
    (EVEN ^ (sum << 1)) & follows
}

/// Each bit becomes the parity of the bits up to it.
fn running_parity(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^ (bits << 32)
}

/// The place after the bracket or brace that closes the container whose inside starts at `from`.
/// That brackets pair with brackets and braces with braces is taken on trust.
pub(super) fn container_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut depth = 1_u64;
    let (mut in_string, mut carry) = (0_u64, 0_u64);
    loop {
        let rest = bytes.get(at..)?;
        let last = rest.len() < 64;
        let classes = if let Some(block) = rest.first_chunk::<64>() {
            classify(block)
        } else {
            let mut block = [b' '; 64];
            block.get_mut(..rest.len())?.copy_from_slice(rest);
            classify(&block)
        };
        let quotes = classes.quote & !escaped_bits(classes.backslash, &mut carry);
        let strings = running_parity(quotes) ^ in_string;
        in_string = 0_u64.wrapping_sub(strings >> 63);
        let mut opens = classes.open & !strings;
        let mut closes = classes.close & !strings;
        while closes != 0 {
            let before = opens & (closes & closes.wrapping_neg()).wrapping_sub(1);
            if before != 0 {
                depth += u64::from(before.count_ones());
                opens ^= before;
            }
            depth -= 1;
            if depth == 0 {
                return Some(at + closes.trailing_zeros() as usize + 1);
            }
            closes &= closes - 1;
        }
        depth += u64::from(opens.count_ones());
        if last {
            return None;
        }
        at += 64;
    }
}
