//! How planes are stored.
//!
//! A head with a line for each rule, then the planes. All lines come first, so that a run which
//! moves marks and no verdicts changes one page of the store.
//!
//! ```text
//! version (1 byte), slots, number of scopes, number of rules
//! for each rule, ascending:  number less the one before, mark, flags (1 byte),
//!                            [what it followed: 4 bytes], [number of its scope]
//! the live plane
//! each scope that is not the live plane, once however many rules share it
//! for each rule: [non-compliant], [undetermined]
//! ```
//!
//! Numbers without a size are LEB128. A plane over all slots is as long as the slots need, in
//! whole words where there are many, so that a flip leaves the length of the row as it is. A plane of
//! a rule with a scope of its own has a bit for each slot *in that scope*. Empty planes are left out.

use ruleward_types::{Error, Result};

use super::super::bits::Bits;
use super::{Planes, RulePlanes};

const VERSION: u8 = 2;
const HAS_SCOPE: u8 = 1;
const HAS_NON_COMPLIANT: u8 = 2;
const HAS_UNDETERMINED: u8 = 4;
const HAS_FOLLOWED: u8 = 8;
/// Up to so many slots a plane takes just the bytes it needs.
const FINE: usize = 512;

fn plane_bytes(slots: usize) -> usize {
    if slots <= FINE { slots.div_ceil(8) } else { slots.div_ceil(64) * 8 }
}

impl Planes {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut scopes: Vec<&Bits> = Vec::new();
        let mut head = Vec::with_capacity(8 * self.rules.len());
        let mut before = 0;
        for planes in &self.rules {
            put_number(&mut head, u64::from(planes.rule - before));
            before = planes.rule;
            put_number(&mut head, planes.mark.into());
            let own_scope = planes.scope != self.live;
            let flags = [
                (own_scope, HAS_SCOPE),
                (!planes.non_compliant.is_empty(), HAS_NON_COMPLIANT),
                (!planes.undetermined.is_empty(), HAS_UNDETERMINED),
                (planes.followed != 0, HAS_FOLLOWED),
            ];
            head.push(flags.iter().filter(|(is, _)| *is).fold(0, |all, (_, flag)| all | flag));
            if planes.followed != 0 {
                head.extend_from_slice(&planes.followed.to_le_bytes());
            }
            if own_scope {
                let known = scopes.iter().position(|scope| **scope == planes.scope);
                put_number(&mut head, known.unwrap_or(scopes.len()) as u64);
                if known.is_none() {
                    scopes.push(&planes.scope);
                }
            }
        }
        let bytes = plane_bytes(self.slots);
        let mut out =
            Vec::with_capacity(16 + head.len() + bytes * (1 + scopes.len() + self.rules.len()));
        out.push(VERSION);
        put_number(&mut out, self.slots as u64);
        put_number(&mut out, scopes.len() as u64);
        put_number(&mut out, self.rules.len() as u64);
        out.append(&mut head);
        put_plane(&mut out, &self.live, bytes);
        for scope in scopes {
            put_plane(&mut out, scope, bytes);
        }
        for planes in &self.rules {
            for plane in [&planes.non_compliant, &planes.undetermined] {
                if plane.is_empty() {
                } else if planes.scope == self.live {
                    put_plane(&mut out, plane, bytes);
                } else {
                    put_packed(&mut out, plane, &planes.scope);
                }
            }
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut input = Input(bytes);
        let Some(Head { slots, scopes: scope_count, lines, live }) = Head::read(&mut input)? else {
            return Ok(Self::default());
        };
        let words = slots.div_ceil(64);
        let mut scopes = Vec::with_capacity(scope_count.min(1024));
        for _ in 0..scope_count {
            scopes.push(input.plane(slots)?);
        }
        let mut rules = Vec::with_capacity(lines.len());
        for line in lines {
            let own = match line.scope {
                Some(n) => Some(scopes.get(n).ok_or_else(damaged)?),
                None => None,
            };
            let mut plane = |flag| match own {
                _ if line.flags & flag == 0 => Ok(Bits::with_words(words)),
                None => input.plane(slots),
                Some(scope) => input.packed(scope),
            };
            rules.push(RulePlanes {
                rule: line.rule,
                mark: line.mark,
                followed: line.followed,
                non_compliant: plane(HAS_NON_COMPLIANT)?,
                undetermined: plane(HAS_UNDETERMINED)?,
                scope: own.unwrap_or(&live).clone(),
            });
        }
        Ok(Self { slots, live, rules })
    }
}

/// What stands before the planes of the rules.
#[derive(Debug, Default)]
pub(crate) struct Head {
    slots: usize,
    scopes: usize,
    /// Ascending.
    lines: Vec<Line>,
    pub(crate) live: Bits,
}

/// What the head says of a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    rule: u32,
    pub(crate) mark: u32,
    pub(crate) followed: u32,
    flags: u8,
    scope: Option<usize>,
}

impl Head {
    /// The head of stored planes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        Ok(Self::read(&mut Input(bytes))?.unwrap_or_default())
    }

    /// Where a rule stands in the chunk.
    pub(crate) fn rule(&self, no: u32) -> Option<&Line> {
        let place = self.lines.binary_search_by_key(&no, |line| line.rule).ok()?;
        self.lines.get(place)
    }

    fn read(input: &mut Input<'_>) -> Result<Option<Self>> {
        if input.0.is_empty() {
            return Ok(None);
        }
        let [version] = input.take()?;
        if version != VERSION {
            return Err(Error::internal("read planes", format!("unknown version {version}")));
        }
        let (slots, scopes, count) = (input.number()?, input.number()?, input.number()?);
        let mut lines = Vec::with_capacity(count.min(1024));
        let mut rule = 0;
        for _ in 0..count {
            rule += input.number()?;
            let mark = input.number()?;
            let [flags] = input.take()?;
            let has = |flag: u8| flags & flag != 0;
            let followed = if has(HAS_FOLLOWED) { u32::from_le_bytes(input.take()?) } else { 0 };
            let scope = if has(HAS_SCOPE) { Some(input.number()?) } else { None };
            let number = |n: usize| u32::try_from(n).map_err(|_| damaged());
            lines.push(Line { rule: number(rule)?, mark: number(mark)?, followed, flags, scope });
        }
        let live = input.plane(slots)?;
        Ok(Some(Self { slots, scopes, lines, live }))
    }
}

fn damaged() -> Error {
    Error::internal("read planes", "they are damaged")
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn put_plane(out: &mut Vec<u8>, plane: &Bits, bytes: usize) {
    let end = out.len() + bytes;
    for word in plane.words() {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.resize(end, 0);
}

/// The bits of the slots in a scope, one after the other.
fn put_packed(out: &mut Vec<u8>, plane: &Bits, scope: &Bits) {
    let (mut packed, mut filled) = (0_u64, 0);
    for (bits, mask) in plane.words().iter().zip(scope.words()) {
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
    out.extend(rest.iter().take(usize::div_ceil(filled, 8)));
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*head)
    }

    fn slice(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(bytes).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(head)
    }

    fn number(&mut self) -> Result<usize> {
        let mut number = 0_usize;
        for shift in (0..35).step_by(7) {
            let [byte] = self.take()?;
            number |= usize::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    fn plane(&mut self, slots: usize) -> Result<Bits> {
        Ok(Bits::from_slots(self.slice(plane_bytes(slots))?, slots.div_ceil(64)))
    }

    fn packed(&mut self, scope: &Bits) -> Result<Bits> {
        let size = usize::try_from(scope.count()).map_err(|_| damaged())?;
        let bytes = self.slice(size.div_ceil(8))?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(Bits::with_words(scope.words().len()));
        }
        let packed = Bits::from_slots(bytes, size.div_ceil(64));
        let mut source = packed.words().iter();
        let (mut bits, mut filled) = (0, 0);
        let plane = scope.words().iter().map(|mask| {
            let (mut word, mut left) = (0, *mask);
            while left != 0 {
                if filled == 0 {
                    (bits, filled) = (source.next().copied().unwrap_or(0), 64);
                }
                let bit = left & left.wrapping_neg();
                left ^= bit;
                word |= if bits & 1 == 1 { bit } else { 0 };
                bits >>= 1;
                filled -= 1;
            }
            word
        });
        Ok(Bits::from_words(plane.collect()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Verdict;
    use super::*;

    fn verdict() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            Just(Verdict::OutOfScope),
            Just(Verdict::Compliant),
            Just(Verdict::NonCompliant),
            Just(Verdict::Undetermined),
        ]
    }

    fn planes() -> impl Strategy<Value = Planes> {
        let slots = prop_oneof![1_usize..20, 500_usize..530, 4000_usize..=4096];
        let rule = (0_u32..1000, 0_u32..100_000, 0_u32..3, prop::collection::vec(verdict(), 1..9));
        (slots, prop::collection::vec(any::<bool>(), 7), prop::collection::vec(rule, 0..6))
            .prop_map(|(slots, gaps, rules)| {
                let mut planes = Planes::default();
                for slot in (0..slots).filter(|slot| gaps[slot % 7] || slot + 1 == slots) {
                    planes.occupy(slot);
                }
                let live: Vec<usize> = planes.live.iter_from(0).collect();
                for (rule, mark, followed, verdicts) in rules {
                    let of = planes.rule_mut(rule);
                    (of.mark, of.followed) = (mark, followed);
                    for (slot, verdict) in live.iter().zip(verdicts.iter().cycle()) {
                        of.set(*slot, *verdict);
                    }
                }
                planes
            })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(planes in planes()) {
            let bytes = planes.encode();
            prop_assert_eq!(&Planes::decode(&bytes).unwrap(), &planes);
        }

        #[test]
        fn truncated_planes_are_an_error(planes in planes(), cut in 1_usize..64) {
            let bytes = planes.encode();
            let kept = bytes.len().saturating_sub(cut).max(1);
            prop_assert!(Planes::decode(&bytes[..kept]).is_err() || kept == bytes.len());
        }

        #[test]
        fn damaged_planes_do_not_panic(planes in planes(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = planes.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Planes::decode(&bytes);
        }
    }

    #[test]
    fn rules_share_their_scopes_and_pay_for_the_slots_in_them() {
        let mut planes = Planes::default();
        (0..4096).for_each(|slot| planes.occupy(slot));
        let with_rules = |count| {
            let mut planes = planes.clone();
            for rule in 0..count {
                for slot in (0..4096).step_by(64) {
                    planes.rule_mut(rule).set(slot, Verdict::NonCompliant);
                }
            }
            planes.encode().len()
        };
        assert_eq!(with_rules(2) - with_rules(1), 64 / 8 + 4);
    }
}
