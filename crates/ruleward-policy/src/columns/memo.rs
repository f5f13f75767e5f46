//! Deciding about slots by their words: once for each combination of words, not for each slot.

use std::collections::HashMap;

use wide::u8x16;

use super::codec::{Codes, Column};

/// What is decided about a slot: up to three bits.
pub(super) type Decision = u8;

/// It is violated, or selected.
pub(super) const YES: Decision = 1;
/// It cannot be determined.
pub(super) const OPEN: Decision = 2;
/// Only the resource tells.
pub(super) const ELSEWHERE: Decision = 4;

/// How many bits a decision has.
const BITS: usize = 3;

/// Not decided yet.
const UNDECIDED: Decision = 0x80;

/// Up to so many combinations have a place of their own in a table.
const TABLE: usize = 1 << 16;

/// Up to so many codes make one key.
const KEY: usize = 8;

/// Where fewer than one in so many slots is asked for, each is looked at.
const SPARSE: usize = 8;

/// So many codes are looked for one after the other rather than in a table.
const FEW: usize = 6;

/// Decides about the slots of `within`. Answers, for each bit of the decisions, the slots whose
/// decision has it. `decide` gets the number of the word in each column.
pub(super) fn planes(
    columns: &[&Column<'_>],
    within: &[u64],
    decide: &mut dyn FnMut(&[usize]) -> Decision,
) -> [Vec<u64>; BITS] {
    match columns {
        [] => {
            let is_asked = within.iter().any(|block| *block != 0);
            let decision = if is_asked { decide(&[]) } else { 0 };
            [0, 1, 2].map(|bit| {
                if decision >> bit & 1 == 1 { within.to_vec() } else { vec![0; within.len()] }
            })
        }
        [column] => match &column.codes {
            Codes::Bytes(codes) => {
                by_bytes(codes, column.words.len(), within, &mut |code| decide(&[code]))
            }
            Codes::Pairs(codes) => {
                let mut table = vec![UNDECIDED; column.words.len()];
                each_slot(within, |slot| {
                    let code = u16::from_le_bytes(codes.get(slot).copied().unwrap_or_default());
                    decided(&mut table, code.into(), || decide(&[code.into()]))
                })
            }
            Codes::Plain | Codes::Same => {
                each_slot(within, |slot| decide(&[column.codes.get(slot)]))
            }
        },
        columns => many(columns, within, decide),
    }
}

/// Codes of one byte: where many slots are asked for, what is met is decided first and the slots follow
/// in blocks.
fn by_bytes(
    codes: &[u8],
    words: usize,
    within: &[u64],
    decide: &mut dyn FnMut(usize) -> Decision,
) -> [Vec<u64>; BITS] {
    let asked: usize = within.iter().map(|block| block.count_ones() as usize).sum();
    let code_of = |slot| usize::from(codes.get(slot).copied().unwrap_or(0));
    let mut table = [UNDECIDED; 256];
    if asked < codes.len() / SPARSE {
        return each_slot(within, |slot| {
            let code = code_of(slot);
            decided(&mut table, code, || decide(code))
        });
    }
    let met = codes_met(codes, within);
    let mut all = 0;
    for (code, decision) in table.iter_mut().enumerate().take(words) {
        let is_met = met.get(code) == Some(&true);
        *decision = if is_met { decide(code) } else { 0 };
        all |= *decision;
    }
    [0, 1, 2].map(|bit| {
        if all >> bit & 1 == 0 {
            return vec![0; within.len()];
        }
        let (mut yes, mut no) = (Few::default(), Few::default());
        for ((code, decision), _) in
            (0..=u8::MAX).zip(&table).zip(&met).take(words).filter(|(_, met)| **met)
        {
            if decision >> bit & 1 == 1 { yes.push(code) } else { no.push(code) }
        }
        let (blocks, rest) = codes.as_chunks::<64>();
        let mut last = [0; 64];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        let blocks = blocks.iter().chain(Some(&last)).zip(within);
        let mut plane: Vec<u64> = match (yes.codes(), no.codes()) {
            (_, Some([])) => within.to_vec(),
            (Some(yes), _) => blocks.map(|(block, within)| within & any_of(block, yes)).collect(),
            (None, Some(no)) => blocks.map(|(block, within)| within & !any_of(block, no)).collect(),
            (None, None) => {
                let bits = table.map(|decision| decision >> bit & 1);
                blocks.map(|(block, within)| within & looked_up(block, &bits)).collect()
            }
        };
        plane.resize(within.len(), 0);
        plane
    })
}

/// Which codes slots of `within` have.
fn codes_met(codes: &[u8], within: &[u64]) -> [bool; 256] {
    let mut met = [false; 256];
    let mut note = |code: u8| {
        if let Some(met) = met.get_mut(usize::from(code)) {
            *met = true;
        }
    };
    for (number, block) in within.iter().enumerate() {
        let codes = codes.get(number * 64..).unwrap_or_default();
        match codes.first_chunk::<64>() {
            Some(all) if *block == u64::MAX => all.iter().for_each(|code| note(*code)),
            _ => each_slot_of(&[*block], |slot| note(codes.get(slot).copied().unwrap_or(0))),
        }
    }
    met
}

/// A few codes.
#[derive(Default)]
struct Few {
    codes: [u8; FEW],
    count: usize,
}

impl Few {
    fn push(&mut self, code: u8) {
        if let Some(open) = self.codes.get_mut(self.count) {
            *open = code;
        }
        self.count += 1;
    }

    /// Them, unless there are more.
    fn codes(&self) -> Option<&[u8]> {
        self.codes.get(..self.count)
    }
}

/// Which of 64 codes are among these?
fn any_of(block: &[u8; 64], wanted: &[u8]) -> u64 {
    let (lanes, _) = block.as_chunks::<16>();
    lanes.iter().rev().fold(0, |word, lane| {
        let lane = u8x16::new(*lane);
        let found = wanted
            .iter()
            .fold(u8x16::default(), |found, code| found | lane.simd_eq(u8x16::splat(*code)));
        word << 16 | u64::from(found.to_bitmask())
    })
}

/// The bits of 64 codes.
fn looked_up(block: &[u8; 64], bits: &[u8; 256]) -> u64 {
    let (lanes, _) = block.as_chunks::<8>();
    lanes.iter().rev().fold(0, |word, lane| {
        let byte = lane
            .iter()
            .rev()
            .fold(0, |byte, code| byte << 1 | bits.get(usize::from(*code)).copied().unwrap_or(0));
        word << 8 | u64::from(byte)
    })
}

fn many(
    columns: &[&Column<'_>],
    within: &[u64],
    decide: &mut dyn FnMut(&[usize]) -> Decision,
) -> [Vec<u64>; BITS] {
    let mut codes = vec![0; columns.len()];
    let is_plain = columns.iter().any(|column| matches!(column.codes, Codes::Plain));
    let product = columns
        .iter()
        .try_fold(1_usize, |product, column| product.checked_mul(column.words.len()))
        .filter(|product| *product <= TABLE && !is_plain);
    if let Some(product) = product
        && let Some(combined) = combined(columns, product, within.len())
    {
        return by_bytes(&combined, product, within, &mut |code| {
            let mut left = code;
            for (code, column) in codes.iter_mut().zip(columns).rev() {
                *code = left % column.words.len();
                left /= column.words.len();
            }
            decide(&codes)
        });
    }
    if let Some(product) = product {
        let mut table = vec![UNDECIDED; product];
        each_slot(within, |slot| {
            let mut place = 0;
            for (code, column) in codes.iter_mut().zip(columns) {
                *code = column.codes.get(slot);
                place = place * column.words.len() + *code;
            }
            decided(&mut table, place, || decide(&codes))
        })
    } else if !is_plain && columns.len() <= KEY {
        let mut known: HashMap<u128, Decision> = HashMap::new();
        each_slot(within, |slot| {
            let mut key = 0;
            for (code, column) in codes.iter_mut().zip(columns) {
                *code = column.codes.get(slot);
                key = key << 16 | *code as u128;
            }
            *known.entry(key).or_insert_with(|| decide(&codes))
        })
    } else {
        each_slot(within, |slot| {
            for (code, column) in codes.iter_mut().zip(columns) {
                *code = column.codes.get(slot);
            }
            decide(&codes)
        })
    }
}

/// The codes of several columns in one byte, where that is enough for all their combinations.
fn combined(columns: &[&Column<'_>], product: usize, blocks: usize) -> Option<Vec<u8>> {
    if product > 256 {
        return None;
    }
    let mut combined = vec![0_u8; blocks * 64];
    for column in columns {
        let Codes::Bytes(codes) = &column.codes else { return None };
        // With 256 words the column is alone.
        let words = u8::try_from(column.words.len()).unwrap_or(0);
        for (place, code) in combined.iter_mut().zip(codes.iter()) {
            *place = place.wrapping_mul(words).wrapping_add(*code);
        }
        combined.truncate(codes.len());
    }
    Some(combined)
}

#[inline]
fn decided(table: &mut [Decision], place: usize, decide: impl FnOnce() -> Decision) -> Decision {
    match table.get_mut(place) {
        Some(known) if *known != UNDECIDED => *known,
        Some(open) => {
            *open = decide();
            *open
        }
        None => decide(),
    }
}

/// Calls for each slot of `within`, ascending.
#[inline]
pub(super) fn each_slot_of(within: &[u64], mut visit: impl FnMut(usize)) {
    for (number, block) in within.iter().enumerate() {
        let mut left = *block;
        while left != 0 {
            visit(number * 64 + left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}

/// The decision about each slot of `within`.
#[inline]
fn each_slot(within: &[u64], mut decision: impl FnMut(usize) -> Decision) -> [Vec<u64>; BITS] {
    let mut planes = [0, 1, 2].map(|_| vec![0; within.len()]);
    for (number, block) in within.iter().enumerate() {
        let (mut left, mut bits) = (*block, [0; BITS]);
        while left != 0 {
            let n = left.trailing_zeros() as usize;
            left &= left - 1;
            let decision = u64::from(decision(number * 64 + n));
            for (bit, all) in bits.iter_mut().enumerate() {
                *all |= (decision >> bit & 1) << n;
            }
        }
        for (plane, bits) in planes.iter_mut().zip(bits) {
            if let Some(word) = plane.get_mut(number) {
                *word = bits;
            }
        }
    }
    planes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::codec::{NO_ELEMENTS, Texts, coded, put_word, read};
    use super::*;

    fn column(words: usize, codes: &[u16]) -> Vec<u8> {
        let mut bytes = Vec::new();
        (0..words).for_each(|_| put_word(None, &mut bytes));
        coded(NO_ELEMENTS, Texts { bytes: &bytes, count: words }, codes)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn planes_are_what_is_decided_slot_by_slot(
            words in prop::collection::vec(prop_oneof![1..8_usize, 1..40_usize, 200..400_usize], 1..4),
            slots in 1..500_usize,
            one_in in prop::sample::select(vec![1_u64, 2, 9, 40]),
            seed in any::<u64>(),
            of in 1..40_u64,
        ) {
            let random = |n: usize| (n as u64 ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 17;
            let stored: Vec<Vec<u8>> = words
                .iter()
                .enumerate()
                .map(|(place, words)| {
                    let code = |slot: usize| random(slot * 7 + place) % *words as u64;
                    let codes = (0..slots).map(|slot| u16::try_from(code(slot)).unwrap());
                    column(*words, &codes.collect::<Vec<_>>())
                })
                .collect();
            let columns: Vec<Column<'_>> = stored.iter().map(|bytes| read(bytes).unwrap()).collect();
            let columns: Vec<&Column<'_>> = columns.iter().collect();
            let mut within = vec![0_u64; slots.div_ceil(64) + 1];
            for slot in (0..slots).filter(|slot| random(slot * 31) % one_in == 0) {
                within[slot / 64] |= 1 << (slot % 64);
            }
            let decision = |codes: &[usize]| -> Decision {
                let sum: usize = codes.iter().sum();
                [0, YES, OPEN, ELSEWHERE][usize::try_from(random(sum) % of % 4).unwrap()]
            };
            let found = planes(&columns, &within, &mut |codes| decision(codes));
            for slot in 0..within.len() * 64 {
                let is_asked = within[slot / 64] >> (slot % 64) & 1 == 1;
                let codes: Vec<usize> = columns.iter().map(|of| of.codes.get(slot)).collect();
                let expected = if is_asked { decision(&codes) } else { 0 };
                for (bit, plane) in found.iter().enumerate() {
                    prop_assert_eq!(
                        plane[slot / 64] >> (slot % 64) & 1, u64::from(expected >> bit & 1), "{} {}", slot, bit
                    );
                }
            }
        }
    }
}
