//! Deciding about slots by their words: once for each combination of words, not for each slot.

use std::collections::HashMap;

use super::codec::{Codes, Column};

/// What is decided about a slot: up to three bits.
pub(super) type Decision = u8;

/// Not decided yet.
const OPEN: Decision = 0x80;

/// Up to so many combinations have a place of their own in a table.
const TABLE: usize = 1 << 16;

/// Up to so many codes make one key.
const KEY: usize = 8;

/// Decides about the slots of `within`, 64 at a time: `out` gets the number of the block and, for
/// each bit of the decisions, the slots whose decision has it. `decide` gets the number of the word
/// in each column.
pub(super) fn each_block(
    columns: &[&Column<'_>],
    within: &[u64],
    decide: &mut dyn FnMut(&[usize]) -> Decision,
    out: &mut dyn FnMut(usize, [u64; 3]),
) {
    match columns {
        [] => {
            let mut all = OPEN;
            blocks(within, out, |_| {
                if all == OPEN {
                    all = decide(&[]);
                }
                all
            });
        }
        [column] => match &column.codes {
            Codes::Bytes(codes) => {
                let mut table = vec![OPEN; column.words.len().max(256)];
                blocks(within, out, |slot| {
                    let code = codes.get(slot).copied().unwrap_or(0);
                    decided(&mut table, code.into(), || decide(&[code.into()]))
                });
            }
            Codes::Pairs(codes) => {
                let mut table = vec![OPEN; column.words.len()];
                blocks(within, out, |slot| {
                    let code = u16::from_le_bytes(codes.get(slot).copied().unwrap_or_default());
                    decided(&mut table, code.into(), || decide(&[code.into()]))
                });
            }
            Codes::Plain | Codes::Same => {
                blocks(within, out, |slot| decide(&[column.codes.get(slot)]));
            }
        },
        columns => many(columns, within, decide, out),
    }
}

fn many(
    columns: &[&Column<'_>],
    within: &[u64],
    decide: &mut dyn FnMut(&[usize]) -> Decision,
    out: &mut dyn FnMut(usize, [u64; 3]),
) {
    let mut codes = vec![0; columns.len()];
    let all_plain = columns.iter().any(|column| matches!(column.codes, Codes::Plain));
    let product = columns
        .iter()
        .try_fold(1_usize, |product, column| product.checked_mul(column.words.len()))
        .filter(|product| *product <= TABLE && !all_plain);
    if let Some(product) = product {
        let mut table = vec![OPEN; product];
        blocks(within, out, |slot| {
            let mut place = 0;
            for (code, column) in codes.iter_mut().zip(columns) {
                *code = column.codes.get(slot);
                place = place * column.words.len() + *code;
            }
            decided(&mut table, place, || decide(&codes))
        });
    } else if !all_plain && columns.len() <= KEY {
        let mut known: HashMap<u128, Decision> = HashMap::new();
        blocks(within, out, |slot| {
            let mut key = 0;
            for (code, column) in codes.iter_mut().zip(columns) {
                *code = column.codes.get(slot);
                key = key << 16 | *code as u128;
            }
            *known.entry(key).or_insert_with(|| decide(&codes))
        });
    } else {
        blocks(within, out, |slot| {
            for (code, column) in codes.iter_mut().zip(columns) {
                *code = column.codes.get(slot);
            }
            decide(&codes)
        });
    }
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
fn blocks(
    within: &[u64],
    out: &mut dyn FnMut(usize, [u64; 3]),
    mut decision: impl FnMut(usize) -> Decision,
) {
    for (number, block) in within.iter().enumerate() {
        let (mut left, mut bits) = (*block, [0; 3]);
        if left == u64::MAX {
            for n in 0..64 {
                add(&mut bits, n, decision(number * 64 + n));
            }
        } else {
            while left != 0 {
                let n = left.trailing_zeros() as usize;
                left &= left - 1;
                add(&mut bits, n, decision(number * 64 + n));
            }
        }
        out(number, bits);
    }
}

#[inline]
fn add(bits: &mut [u64; 3], n: usize, decision: Decision) {
    let decision = u64::from(decision);
    for (bit, all) in bits.iter_mut().enumerate() {
        *all |= (decision >> bit & 1) << n;
    }
}
