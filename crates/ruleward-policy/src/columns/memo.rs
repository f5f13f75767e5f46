//! Deciding about slots by their words: once for each combination of words, not for each slot.

use std::collections::HashMap;

use wide::u8x16;

use super::codec::{Codes, Column};

/// What is decided about a slot: up to three bits.
pub(super) type Decision = u8;

/// How many bits a decision has.
pub(super) const BITS: usize = 3;

/// Not decided yet.
const OPEN: Decision = 0x80;

/// Up to so many combinations have a place of their own in a table.
const TABLE: usize = 1 << 16;

/// Up to so many codes make one key.
const KEY: usize = 8;

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
            Codes::Bytes(codes) => by_bytes(codes, within, &mut |code| decide(&[code])),
            Codes::Pairs(codes) => {
                let mut table = vec![OPEN; column.words.len()];
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

/// Codes of one byte: the words that are met are decided first, the slots follow in blocks.
fn by_bytes(
    codes: &[u8],
    within: &[u64],
    decide: &mut dyn FnMut(usize) -> Decision,
) -> [Vec<u64>; BITS] {
    let mut met = [false; 256];
    let blocks = codes.chunks(64);
    for (block, codes) in within.iter().zip(blocks.clone()) {
        match *block {
            0 => {}
            u64::MAX => codes.iter().for_each(|code| meet(&mut met, *code)),
            block => {
                for (n, code) in codes.iter().enumerate() {
                    if block >> n & 1 == 1 {
                        meet(&mut met, *code);
                    }
                }
            }
        }
    }
    let mut table = [0; 256];
    for ((code, decision), met) in (0..).zip(&mut table).zip(met) {
        if met {
            *decision = decide(code);
        }
    }
    [0, 1, 2].map(|bit| {
        let has = |(code, _): &(u8, bool)| {
            table.get(usize::from(*code)).is_some_and(|decision| decision >> bit & 1 == 1)
        };
        let of_met = (0..=u8::MAX).zip(met).filter(|(_, met)| *met);
        let (yes, no): (Vec<_>, Vec<_>) = of_met.partition(has);
        let pick = |codes: &[u8]| match (yes.as_slice(), no.as_slice()) {
            ([], _) => 0,
            (_, []) => u64::MAX,
            (yes, no) if yes.len() <= no.len().min(FEW) => any_of(codes, yes),
            (_, no) if no.len() <= FEW => !any_of(codes, no),
            _ => codes.iter().enumerate().fold(0, |word, (n, code)| {
                let decision = table.get(usize::from(*code)).copied().unwrap_or(0);
                word | u64::from(decision >> bit & 1) << n
            }),
        };
        let mut plane: Vec<u64> =
            within.iter().zip(blocks.clone()).map(|(block, codes)| block & pick(codes)).collect();
        plane.resize(within.len(), 0);
        plane
    })
}

#[inline]
fn meet(met: &mut [bool; 256], code: u8) {
    if let Some(met) = met.get_mut(usize::from(code)) {
        *met = true;
    }
}

/// Which of up to 64 codes are among these?
fn any_of(codes: &[u8], wanted: &[(u8, bool)]) -> u64 {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(codes) {
        *to = *from;
    }
    let (lanes, _) = block.as_chunks::<16>();
    lanes.iter().rev().fold(0, |word, lane| {
        let lane = u8x16::new(*lane);
        let mut found = u8x16::default();
        for (code, _) in wanted {
            found |= lane.simd_eq(u8x16::splat(*code));
        }
        word << 16 | u64::from(found.to_bitmask())
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
    if let Some(combined) = product.and_then(|product| combined(columns, product, within.len())) {
        return by_bytes(&combined, within, &mut |code| {
            let mut left = code;
            for (code, column) in codes.iter_mut().zip(columns).rev() {
                *code = left % column.words.len();
                left /= column.words.len();
            }
            decide(&codes)
        });
    }
    if let Some(product) = product {
        let mut table = vec![OPEN; product];
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
        Some(known) if *known != OPEN => *known,
        Some(open) => {
            *open = decide();
            *open
        }
        None => decide(),
    }
}

/// Calls for each slot of `within`, ascending.
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
