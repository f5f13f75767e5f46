//! Slots of a chunk in their stored form: a few as numbers, all up to one as that number, else bits.

use ruleward_types::{Error, Result};

use super::bits::Bits;

const FEW: u8 = 0;
const BITS: u8 = 1;
const FIRST: u8 = 2;

/// Empty for no slots.
pub(crate) fn encode(slots: &Bits) -> Vec<u8> {
    let count = usize::try_from(slots.count()).unwrap_or(usize::MAX);
    if count == 0 {
        return Vec::new();
    }
    if *slots == Bits::first(count) {
        let number = u16::try_from(count).unwrap_or(u16::MAX);
        return std::iter::once(FIRST).chain(number.to_le_bytes()).collect();
    }
    let mut bytes = slots.to_bytes();
    let kept = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(kept);
    if count * 2 < kept {
        let numbers = slots.iter_from(0).filter_map(|slot| u16::try_from(slot).ok());
        return std::iter::once(FEW).chain(numbers.flat_map(u16::to_le_bytes)).collect();
    }
    bytes.insert(0, BITS);
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> Result<Bits> {
    let mut slots = Bits::default();
    add(bytes, &mut slots)?;
    Ok(slots)
}

fn damaged() -> Error {
    Error::internal("read a posting", "it is damaged")
}

/// Adds the slots of a posting to others.
pub(crate) fn add(bytes: &[u8], slots: &mut Bits) -> Result<()> {
    let Some((kind, rest)) = bytes.split_first() else { return Ok(()) };
    let (numbers, odd) = rest.as_chunks::<2>();
    let numbers = numbers.iter().map(|number| usize::from(u16::from_le_bytes(*number)));
    match *kind {
        FEW if odd.is_empty() => {
            // From the highest on, so that room is made once.
            for slot in numbers.rev() {
                if slot >= ruleward_types::SLOTS_PER_CHUNK {
                    return Err(damaged());
                }
                slots.set(slot, true);
            }
        }
        FIRST if rest.len() == 2 => slots.unite(&Bits::first(numbers.sum())),
        BITS => slots.unite_bytes(rest),
        _ => return Err(damaged()),
    }
    Ok(())
}

/// Leaves of slots those that are in a posting; whether there are any. What is in `room` is lost.
pub(crate) fn narrow(bytes: &[u8], slots: &mut Bits, room: &mut Bits) -> Result<bool> {
    if let Some((&BITS, rest)) = bytes.split_first() {
        return Ok(slots.and_bytes(rest));
    }
    room.clear();
    add(bytes, room)?;
    Ok(slots.and(room))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trimmed(slots: &Bits) -> Vec<usize> {
        slots.iter_from(0).collect()
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(slots in prop::collection::btree_set(0_usize..4096, 0..700)) {
            let mut bits = Bits::default();
            for slot in &slots {
                bits.set(*slot, true);
            }
            let bytes = encode(&bits);
            prop_assert!(bytes.len() <= 513);
            prop_assert_eq!(trimmed(&decode(&bytes).unwrap()), trimmed(&bits));
        }

        #[test]
        fn slots_are_narrowed_to_those_of_both(
            slots in prop::collection::btree_set(0_usize..4096, 0..700),
            others in prop::collection::btree_set(0_usize..4096, 0..700),
            (dense, below) in (any::<bool>(), 0_usize..4096),
        ) {
            let all_of = |slots: &mut dyn Iterator<Item = usize>| {
                let mut bits = Bits::default();
                slots.for_each(|slot| bits.set(slot, true));
                bits
            };
            let slots = if dense { all_of(&mut (0..below)) } else { all_of(&mut slots.into_iter()) };
            let others = all_of(&mut others.into_iter());
            for (one, other) in [(&slots, &others), (&others, &slots)] {
                let (mut narrowed, mut both) = (one.clone(), one.clone());
                let is_left = narrow(&encode(other), &mut narrowed, &mut other.clone()).unwrap();
                both.and(other);
                prop_assert_eq!(&narrowed, &both);
                prop_assert_eq!(is_left, !both.is_empty());
                let (mut united, mut either) = (one.clone(), one.clone());
                add(&encode(other), &mut united).unwrap();
                either.unite(other);
                prop_assert_eq!(united, either);
            }
        }

        #[test]
        fn damaged_postings_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = decode(&bytes);
            let _ = narrow(&bytes, &mut Bits::first(4096), &mut Bits::default());
        }
    }

    #[test]
    fn each_form_is_small() {
        assert_eq!(encode(&Bits::first(4096)).len(), 3);
        assert_eq!(encode(&Bits::default()).len(), 0);
        let mut one = Bits::default();
        one.set(4095, true);
        assert_eq!(encode(&one).len(), 3);
        assert_eq!(trimmed(&decode(&encode(&Bits::first(65))).unwrap()).len(), 65);
    }
}
