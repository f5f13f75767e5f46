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
        let (gathered, count) = (gathered(bits & mask, *mask), mask.count_ones());
        packed |= gathered.unbounded_shl(filled);
        filled += count;
        if filled >= 64 {
            out.extend_from_slice(&packed.to_le_bytes());
            filled -= 64;
            packed = gathered.unbounded_shr(count - filled);
        }
    }
    let rest = packed.to_le_bytes();
    out.extend(rest.iter().take(packed_bytes(filled as usize)));
}

/// The slots in a scope whose bits are set.
pub(super) fn unpacked(packed: &[u8], scope: &Bits) -> Bits {
    let mut source = packed.chunks(8).map(word_of);
    let (mut bits, mut filled) = (0_u64, 0);
    let plane = scope.words().iter().map(|mask| {
        let count = mask.count_ones();
        let mut taken = bits;
        if count > filled {
            let next = source.next().unwrap_or(0);
            taken |= next.unbounded_shl(filled);
            bits = next.unbounded_shr(count - filled);
            filled += 64;
        } else {
            bits = bits.unbounded_shr(count);
        }
        filled -= count;
        scattered(taken, *mask)
    });
    Bits::from_words(plane.collect())
}

/// The bits under a mask, moved together. Nothing else is set.
fn gathered(mut bits: u64, mask: u64) -> u64 {
    if bits == 0 || mask == u64::MAX {
        return bits;
    }
    // By the ones of the mask or by its zeros, whichever are fewer.
    if mask.count_ones() <= 32 {
        let (mut gathered, mut left, mut to) = (0, mask, 1_u64);
        while left != 0 {
            let bit = left & left.wrapping_neg();
            left ^= bit;
            gathered |= if bits & bit == 0 { 0 } else { to };
            to <<= 1;
        }
        return gathered;
    }
    let mut zeros = !mask;
    while zeros != 0 {
        let below = u64::MAX.unbounded_shr(zeros.leading_zeros() + 1);
        zeros &= below;
        bits = bits & below | bits >> 1 & !below;
    }
    bits
}

/// The first bits, moved to where a mask has ones.
fn scattered(mut bits: u64, mask: u64) -> u64 {
    if mask == u64::MAX || bits == 0 {
        return bits;
    }
    if mask.count_ones() <= 32 {
        let (mut scattered, mut left) = (0, mask);
        while left != 0 && bits != 0 {
            let bit = left & left.wrapping_neg();
            left ^= bit;
            scattered |= if bits & 1 == 0 { 0 } else { bit };
            bits >>= 1;
        }
        return scattered;
    }
    let mut zeros = !mask;
    while zeros != 0 {
        let bit = zeros & zeros.wrapping_neg();
        zeros ^= bit;
        let below = bit.wrapping_sub(1);
        bits = bits & below | (bits & !below) << 1;
    }
    bits
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word() -> impl Strategy<Value = u64> {
        prop_oneof![
            Just(0),
            Just(u64::MAX),
            any::<u64>(),
            (any::<u64>(), any::<u64>()).prop_map(|(a, b)| a & b),
            (any::<u64>(), any::<u64>()).prop_map(|(a, b)| a | b),
        ]
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(words in prop::collection::vec((word(), word()), 0..9)) {
            let scope = Bits::from_words(words.iter().map(|(_, mask)| *mask).collect());
            let plane = Bits::from_words(words.iter().map(|(bits, mask)| bits & mask).collect());
            let mut packed = Vec::new();
            put_packed(&mut packed, &plane, &scope);
            let slots: Vec<usize> = scope.iter_from(0).collect();
            prop_assert_eq!(packed.len(), packed_bytes(slots.len()));
            for (place, slot) in slots.iter().enumerate() {
                prop_assert_eq!(bit(&packed, place), plane.get(*slot));
                prop_assert_eq!(rank(&scope_bytes(&scope), *slot), place);
            }
            prop_assert_eq!(unpacked(&packed, &scope), plane);
        }
    }

    fn scope_bytes(scope: &Bits) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_plane(&mut bytes, scope, 8 * scope.words().len());
        bytes
    }
}
