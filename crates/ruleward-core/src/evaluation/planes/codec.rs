//! How planes are stored.
//!
//! A head with a line for each rule, then the planes. All lines come first, so that a run which
//! moves marks and no verdicts changes one page of the store.
//!
//! ```text
//! version (4 bits), whether there are scopes, whether all slots live, whether there are few slots and
//!     rules, whether the mark that most rules have is 1
//! number of slots, of rules (few: less 1, in half a byte each), [of scopes]
//! [number of the first rule], [the mark that most rules have]
//! for each rule, ascending, a byte: what it has, and how far its number is from the one before
//!     (less 1; 7: that follows as a number); [mark], [what it followed: 4 bytes], [number of its scope]
//! [the live plane]
//! each scope that is not the live plane, once however many rules share it
//! for each rule: [non-compliant], [undetermined]
//! ```
//!
//! Numbers without a size are LEB128. A plane over all slots is as long as the slots need, in
//! whole words where there are many, so that a flip leaves the length of the row as it is. A plane of
//! a rule with a scope of its own has a bit for each slot *in that scope*. Empty planes are left out.
//! An account with few resources of a type pays a byte or two for a rule.

use std::sync::Arc;

use ruleward_types::{Error, Result, SLOTS_PER_CHUNK};

use super::super::bits::Bits;
use super::{Planes, RulePlanes};

const VERSION: u8 = 2;
const VERSION_BITS: u8 = 0x0F;
const HAS_SCOPES: u8 = 0x10;
const ALL_LIVE: u8 = 0x20;
const IS_FEW: u8 = 0x40;
const MARK_IS_ONE: u8 = 0x80;

const HAS_SCOPE: u8 = 1;
const HAS_NON_COMPLIANT: u8 = 2;
const HAS_UNDETERMINED: u8 = 4;
const HAS_FOLLOWED: u8 = 8;
const HAS_MARK: u8 = 16;
const STEP_SHIFT: u32 = 5;
/// A step that does not fit.
const LONG_STEP: u32 = 7;

/// Up to so many slots a plane takes just the bytes it needs.
const FINE: usize = 512;

/// Up to sixteen, less 1.
fn few(number: usize) -> Option<u8> {
    u8::try_from(number).ok()?.checked_sub(1).filter(|few| *few < 16)
}

fn plane_bytes(slots: usize) -> usize {
    if slots <= FINE { slots.div_ceil(8) } else { slots.div_ceil(64) * 8 }
}

impl Planes {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut scopes: Vec<&Bits> = Vec::new();
        let mut lines = Vec::with_capacity(2 * self.rules.len());
        let first = self.rules.first().map_or((0, 0), |first| (first.rule, self.common_mark()));
        // The first rule is a step of one behind the number before it.
        let mut before = u64::from(first.0).wrapping_sub(1);
        for planes in &self.rules {
            let step = u64::from(planes.rule).wrapping_sub(before).wrapping_sub(1);
            before = planes.rule.into();
            let own_scope = planes.scope != self.live;
            let flags = [
                (own_scope, HAS_SCOPE),
                (!planes.non_compliant.is_empty(), HAS_NON_COMPLIANT),
                (!planes.undetermined.is_empty(), HAS_UNDETERMINED),
                (planes.followed != 0, HAS_FOLLOWED),
                (planes.mark != first.1, HAS_MARK),
            ];
            let flags = flags.iter().filter(|(is, _)| *is).fold(0, |all, (_, flag)| all | flag);
            let short = u32::try_from(step).map_or(LONG_STEP, |step| step.min(LONG_STEP));
            lines.push(flags | (short << STEP_SHIFT).to_le_bytes()[0]);
            if short == LONG_STEP {
                put_number(&mut lines, step);
            }
            if planes.mark != first.1 {
                put_number(&mut lines, planes.mark.into());
            }
            if planes.followed != 0 {
                lines.extend_from_slice(&planes.followed.to_le_bytes());
            }
            if own_scope {
                let known = scopes.iter().position(|scope| **scope == planes.scope);
                put_number(&mut lines, known.unwrap_or(scopes.len()) as u64);
                if known.is_none() {
                    scopes.push(&planes.scope);
                }
            }
        }
        let bytes = plane_bytes(self.slots);
        let planes = bytes * (1 + scopes.len() + self.rules.len());
        let mut out = Vec::with_capacity(16 + lines.len() + planes);
        let all_live = self.live == Bits::first(self.slots);
        let few = few(self.slots).zip(few(self.rules.len()));
        let head = [
            (!scopes.is_empty(), HAS_SCOPES),
            (all_live, ALL_LIVE),
            (few.is_some(), IS_FEW),
            (first.1 == 1, MARK_IS_ONE),
        ];
        out.push(head.iter().filter(|(is, _)| *is).fold(VERSION, |all, (_, flag)| all | flag));
        if let Some((slots, rules)) = few {
            out.push(slots << 4 | rules);
        } else {
            put_number(&mut out, self.slots as u64);
            put_number(&mut out, self.rules.len() as u64);
        }
        if !scopes.is_empty() {
            put_number(&mut out, scopes.len() as u64);
        }
        if !self.rules.is_empty() {
            put_number(&mut out, first.0.into());
            if first.1 != 1 {
                put_number(&mut out, first.1.into());
            }
        }
        out.append(&mut lines);
        if !all_live {
            put_plane(&mut out, &self.live, bytes);
        }
        for scope in scopes {
            put_plane(&mut out, scope, bytes);
        }
        for planes in &self.rules {
            for plane in [&planes.non_compliant, &planes.undetermined] {
                if plane.is_empty() || self.slots == 1 {
                    // Of one slot a plane that is not empty says all.
                } else if planes.scope == self.live {
                    put_plane(&mut out, plane, bytes);
                } else {
                    put_packed(&mut out, plane, &planes.scope);
                }
            }
        }
        out
    }

    /// The mark of the first rule, or of the second where that is the third's, too: nearly always
    /// that of most.
    fn common_mark(&self) -> u32 {
        let mark = |n: usize| self.rules.get(n).map(|planes| planes.mark);
        match (mark(0), mark(1), mark(2)) {
            (Some(_), Some(second), Some(third)) if second == third => second,
            (first, ..) => first.unwrap_or_default(),
        }
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
                _ if slots == 1 => Ok(Bits::first(1)),
                None => input.plane(slots),
                Some(scope) => input.packed(scope),
            };
            rules.push(Arc::new(RulePlanes {
                rule: line.rule,
                mark: line.mark,
                followed: line.followed,
                non_compliant: plane(HAS_NON_COMPLIANT)?,
                undetermined: plane(HAS_UNDETERMINED)?,
                scope: own.unwrap_or(&live).clone(),
            }));
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
        let [head] = input.take()?;
        let version = head & VERSION_BITS;
        if version != VERSION {
            return Err(Error::internal("read planes", format!("unknown version {version}")));
        }
        let (slots, count) = if head & IS_FEW == 0 {
            (input.number()?, input.number()?)
        } else {
            let [both] = input.take()?;
            (usize::from(both >> 4) + 1, usize::from(both & 15) + 1)
        };
        if slots > SLOTS_PER_CHUNK {
            return Err(damaged());
        }
        let scopes = if head & HAS_SCOPES == 0 { 0 } else { input.number()? };
        // Each has a rule; planes over no slots take no bytes, so nothing else would bound them.
        if scopes > count {
            return Err(damaged());
        }
        let first = if count == 0 { 0 } else { input.number()? };
        let mark = if head & MARK_IS_ONE != 0 {
            1
        } else if count == 0 {
            0
        } else {
            input.number()?
        };
        let mut lines = Vec::with_capacity(count.min(1024));
        let number = |n: usize| u32::try_from(n).map_err(|_| damaged());
        let mut next = first;
        for _ in 0..count {
            let [flags] = input.take()?;
            let has = |flag: u8| flags & flag != 0;
            let rule = next
                + match u32::from(flags) >> STEP_SHIFT {
                    LONG_STEP => input.number()?,
                    step => step as usize,
                };
            next = rule + 1;
            let mark = if has(HAS_MARK) { input.number()? } else { mark };
            let followed = if has(HAS_FOLLOWED) { u32::from_le_bytes(input.take()?) } else { 0 };
            let scope = if has(HAS_SCOPE) { Some(input.number()?) } else { None };
            lines.push(Line { rule: number(rule)?, mark: number(mark)?, followed, flags, scope });
        }
        let live = if head & ALL_LIVE == 0 { input.plane(slots)? } else { Bits::first(slots) };
        Ok(Some(Self { slots, scopes, lines, live }))
    }
}

pub(super) fn damaged() -> Error {
    Error::internal("read planes", "they are damaged")
}

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
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

pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(super) fn slice(&mut self, bytes: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(bytes).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn number(&mut self) -> Result<usize> {
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
        let slots = prop_oneof![1_usize..4, 1_usize..20, 500_usize..530, 4000_usize..=4096];
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
    fn a_damaged_number_of_scopes_asks_for_no_memory() {
        let mut bytes = vec![VERSION | HAS_SCOPES, 0, 0];
        put_number(&mut bytes, 1 << 34);
        assert!(Planes::decode(&bytes).is_err());
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
        assert_eq!(with_rules(2) - with_rules(1), 64 / 8 + 2);
    }
}
