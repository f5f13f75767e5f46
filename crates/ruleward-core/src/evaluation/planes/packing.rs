//! Planes as bytes: over all slots, or over those in a scope.

use super::super::bits::Bits;

/// Up to so many slots a plane takes just the bytes it needs.
const FINE: usize = 512;

/// Bytes of a plane over all slots.
pub(super) fn plane_bytes(slots: usize) -> usize {
    if slots <= FINE { packed_bytes(slots) } else { slots.div_ceil(64) * 8 }
}

/// Bytes of a plane over the slots of a scope.
pub(super) fn packed_bytes(slots: usize) -> usize {
    slots.div_ceil(8)
}

pub(super) fn put_plane(out: &mut Vec<u8>, plane: &Bits, bytes: usize) {
    let end = out.len() + bytes;
    for word in plane.words() {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.resize(end, 0);
}

/// The bits of the slots in a scope, one after the other.
pub(super) fn put_packed(out: &mut Vec<u8>, plane: &Bits, scope: &Bits) {
    let (mut packed, mut filled) = (0_u64, 0);
    let planes = plane.words().iter().copied().chain(std::iter::repeat(0));
    for (bits, mask) in planes.zip(scope.words()) {
        let mut left = *mask;
        while left != 0 {
            let bit = left & left.wrapping_neg();
            left ^= bit;
            packed |= u64::from(bits & bit != 0) << filled;
            filled += 1;
            if filled == 64 {
                out.extend_from_slice(&packed.to_le_bytes());
                (packed, filled) = (0, 0);
            }
        }
    }
    let rest = packed.to_le_bytes();
    out.extend(rest.iter().take(packed_bytes(filled)));
}

/// The slots in a scope whose bits are set.
pub(super) fn unpacked(packed: &[u8], scope: &Bits) -> Bits {
    let mut source = packed.chunks(8);
    let (mut bits, mut filled) = (0, 0);
    let plane = scope.words().iter().map(|mask| {
        let (mut word, mut left) = (0, *mask);
        while left != 0 {
            if filled == 0 {
                (bits, filled) = (source.next().map_or(0, word_of), 64);
            }
            let bit = left & left.wrapping_neg();
            left ^= bit;
            word |= if bits & 1 == 1 { bit } else { 0 };
            bits >>= 1;
            filled -= 1;
        }
        word
    });
    Bits::from_words(plane.collect())
}

/// Up to eight bytes as a word.
fn word_of(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    u64::from_le_bytes(word)
}

/// Whether a bit is set.
pub(super) fn bit(bytes: &[u8], place: usize) -> bool {
    bytes.get(place / 8).is_some_and(|byte| byte >> (place % 8) & 1 == 1)
}

/// How many of the first so many bits are set.
pub(super) fn rank(bytes: &[u8], bits: usize) -> usize {
    let (whole, rest) = bytes.split_at_checked(bits / 8).unwrap_or((bytes, &[]));
    let last = rest.first().map_or(0, |byte| byte & ((1 << (bits % 8)) - 1));
    let (words, tail) = whole.as_chunks::<8>();
    let ones = words.iter().map(|word| u64::from_le_bytes(*word).count_ones()).sum::<u32>()
        + word_of(tail).count_ones()
        + last.count_ones();
    ones as usize
}
