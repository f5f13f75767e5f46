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
//! for each scope that is not the live plane: the domain it lies in, how many slots it takes
//! [the live plane]
//! each scope, once however many rules share it
//! for each rule: [non-compliant], [undetermined]
//! ```
//!
//! Numbers without a size are LEB128. A plane over all slots is as long as the slots need, in
//! whole words where there are many, so that a flip leaves the length of the row as it is. A plane of
//! a rule with a scope of its own has a bit for each slot *in that scope*, a scope one for each slot in
//! its domain ([`super::scopes`]). Empty planes are left out. An account with few resources of a type
//! pays a byte or two for a rule.
//!
//! Version 2 is read as well: its scopes have no domains, and no line that says so.

use ruleward_types::{Error, Result};

use super::super::bits::Bits;
use super::packing::{plane_bytes, put_packed, put_plane};
use super::row::{Line, Row};
use super::scopes::Nested;
use super::{Kept, Planes, RulePlanes, Standing};

pub(super) const VERSION: u8 = 3;
/// The scopes of it all lie in all slots.
pub(super) const VERSION_BEFORE: u8 = 2;
pub(super) const VERSION_BITS: u8 = 0x0F;
pub(super) const HAS_SCOPES: u8 = 0x10;
pub(super) const ALL_LIVE: u8 = 0x20;
pub(super) const IS_FEW: u8 = 0x40;
pub(super) const MARK_IS_ONE: u8 = 0x80;

pub(super) const HAS_SCOPE: u8 = 1;
pub(super) const HAS_NON_COMPLIANT: u8 = 2;
pub(super) const HAS_UNDETERMINED: u8 = 4;
pub(super) const HAS_FOLLOWED: u8 = 8;
pub(super) const HAS_MARK: u8 = 16;
pub(super) const STEP_SHIFT: u8 = 5;
/// A step that does not fit.
pub(super) const LONG_STEP: u8 = 7;

/// Up to sixteen, less 1.
fn few(number: usize) -> Option<u8> {
    u8::try_from(number).ok()?.checked_sub(1).filter(|few| *few < 16)
}

/// Where the planes of a rule come from that are written.
enum Source<'a> {
    /// They stay as they lie in the row that was read.
    Row(&'a Line, Standing),
    Planes(&'a RulePlanes, Standing),
}

impl Source<'_> {
    fn rule(&self) -> u32 {
        match self {
            Self::Row(line, _) => line.rule,
            Self::Planes(of, _) => of.rule,
        }
    }

    fn standing(&self) -> Standing {
        let (Self::Row(_, standing) | Self::Planes(_, standing)) = self;
        *standing
    }

    /// Which planes are not empty.
    fn flags(&self) -> u8 {
        match self {
            Self::Row(line, _) => line.flags & (HAS_NON_COMPLIANT | HAS_UNDETERMINED),
            Self::Planes(of, _) => flags([
                (!of.non_compliant.is_empty(), HAS_NON_COMPLIANT),
                (!of.undetermined.is_empty(), HAS_UNDETERMINED),
            ]),
        }
    }

    fn put(&self, out: &mut Vec<u8>, row: &Row, slots: usize, has_scope: bool) {
        if slots == 1 {
            // Of one slot a plane that is not empty says all.
            return;
        }
        match self {
            Self::Row(line, _) => {
                for plane in [HAS_NON_COMPLIANT, HAS_UNDETERMINED] {
                    out.extend_from_slice(row.plane(line, plane).unwrap_or_default());
                }
            }
            Self::Planes(of, _) => {
                for plane in [&of.non_compliant, &of.undetermined] {
                    if plane.is_empty() {
                    } else if has_scope {
                        put_packed(out, plane, &of.scope);
                    } else {
                        put_plane(out, plane, plane_bytes(slots));
                    }
                }
            }
        }
    }
}

fn flags<const N: usize>(given: [(bool, u8); N]) -> u8 {
    given.iter().filter(|(is, _)| *is).fold(0, |all, (_, flag)| all | flag)
}

impl Planes {
    pub(crate) fn decode(bytes: Vec<u8>) -> Result<Self> {
        Row::read(bytes).map(Self::of_row)
    }

    /// What did not change since it was read is copied.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let row = &*self.row;
        let sources = self.sources();
        let (scopes, of_rules) = self.nest(&sources);
        let mut lines = Vec::with_capacity(2 * sources.len());
        let first = sources.first().map_or(0, Source::rule);
        let mark = common_mark(&sources);
        // The first rule is a step of one behind the number before it.
        let mut before = u64::from(first).wrapping_sub(1);
        for (source, scope) in sources.iter().zip(&of_rules) {
            let step = u64::from(source.rule()).wrapping_sub(before).wrapping_sub(1);
            before = source.rule().into();
            let standing = source.standing();
            let flags = flags([
                (scope.is_some(), HAS_SCOPE),
                (standing.followed != 0, HAS_FOLLOWED),
                (standing.mark != mark, HAS_MARK),
            ]);
            let short = u8::try_from(step).map_or(LONG_STEP, |step| step.min(LONG_STEP));
            lines.push(flags | source.flags() | short << STEP_SHIFT);
            if short == LONG_STEP {
                put_number(&mut lines, step);
            }
            if standing.mark != mark {
                put_number(&mut lines, standing.mark.into());
            }
            if standing.followed != 0 {
                lines.extend_from_slice(&standing.followed.to_le_bytes());
            }
            if let Some(scope) = scope {
                put_number(&mut lines, *scope as u64);
            }
        }
        let all_live = self.live == Bits::first(self.slots);
        let few = few(self.slots).zip(few(sources.len()));
        let mut out = Vec::with_capacity(row.bytes.len() + lines.len() + plane_bytes(self.slots));
        out.push(
            VERSION
                | flags([
                    (scopes.number != 0, HAS_SCOPES),
                    (all_live, ALL_LIVE),
                    (few.is_some(), IS_FEW),
                    (mark == 1, MARK_IS_ONE),
                ]),
        );
        if let Some((slots, rules)) = few {
            out.push(slots << 4 | rules);
        } else {
            put_number(&mut out, self.slots as u64);
            put_number(&mut out, sources.len() as u64);
        }
        if scopes.number != 0 {
            put_number(&mut out, scopes.number as u64);
        }
        if !sources.is_empty() {
            put_number(&mut out, first.into());
            if mark != 1 {
                put_number(&mut out, mark.into());
            }
        }
        out.append(&mut lines);
        out.extend_from_slice(&scopes.heads);
        if !all_live {
            put_plane(&mut out, &self.live, plane_bytes(self.slots));
        }
        out.extend_from_slice(&scopes.planes);
        for (source, scope) in sources.iter().zip(&of_rules) {
            source.put(&mut out, row, self.slots, scope.is_some());
        }
        out
    }

    /// Where the planes of each rule come from. Those in the row stay if what they are packed by
    /// did.
    fn sources<'a>(&'a self) -> Vec<Source<'a>> {
        let row = &*self.row;
        let is_same = self.slots == row.slots && self.live == row.live;
        let source = |kept: &'a Kept| {
            if let Some(planes) = &kept.changed {
                return Some(Source::Planes(planes, planes.standing));
            }
            let line = row.lines.get(kept.place)?;
            if is_same || (line.scope.is_some() && row.slots > 1) {
                return Some(Source::Row(line, kept.standing));
            }
            row.planes(kept.place).map(|of| Source::Planes(of, kept.standing))
        };
        self.rules.iter().filter_map(source).collect()
    }

    /// The scopes to be written, and which of them is each rule's own.
    fn nest(&self, sources: &[Source<'_>]) -> (Nested, Vec<Option<usize>>) {
        let row = &*self.row;
        let stored = row.scopes.len();
        let mut new: Vec<&Bits> = Vec::new();
        let mut uses = vec![false; stored];
        let mut of_rules = Vec::with_capacity(sources.len());
        for source in sources {
            let scope = match source {
                Source::Row(line, _) => line.scope,
                Source::Planes(of, _) if of.scope == self.live => None,
                Source::Planes(of, _) => {
                    let is_it = |n: &usize| row.scope(*n) == Some(&of.scope);
                    let known = (0..stored).find(is_it).or_else(|| {
                        new.iter().position(|known| **known == of.scope).map(|n| stored + n)
                    });
                    Some(known.unwrap_or_else(|| {
                        new.push(&of.scope);
                        stored + new.len() - 1
                    }))
                }
            };
            if let Some(used) = scope.and_then(|n| uses.get_mut(n)) {
                *used = true;
            }
            of_rules.push(scope);
        }
        let stays = row.is_nested && self.slots == row.slots;
        if stays && new.is_empty() && uses.iter().all(|used| *used) {
            return (Nested::copied(&row.bytes, &row.scopes), of_rules);
        }
        let mut numbers: Vec<usize> = (0..stored).filter(|n| uses.get(*n) == Some(&true)).collect();
        let mut scopes: Vec<&Bits> = numbers.iter().filter_map(|n| row.scope(*n)).collect();
        numbers.extend(stored..stored + new.len());
        scopes.extend(new);
        let (nested, order) = Nested::new(&scopes, self.slots);
        let mut renamed = vec![0; numbers.last().map_or(0, |last| last + 1)];
        for (now, before) in order.iter().filter_map(|n| numbers.get(*n)).enumerate() {
            if let Some(renamed) = renamed.get_mut(*before) {
                *renamed = now;
            }
        }
        let rename = |scope: Option<usize>| scope.and_then(|n| renamed.get(n).copied());
        (nested, of_rules.into_iter().map(rename).collect())
    }
}

/// The mark of the first rule, or of the second where that is the third's, too: nearly always
/// that of most.
fn common_mark(sources: &[Source<'_>]) -> u32 {
    let mark = |n: usize| sources.get(n).map(|source| source.standing().mark);
    match (mark(0), mark(1), mark(2)) {
        (Some(_), Some(second), Some(third)) if second == third => second,
        (first, ..) => first.unwrap_or_default(),
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

    pub(super) fn plane(&mut self, slots: usize) -> Result<Bits> {
        Ok(Bits::from_slots(self.slice(plane_bytes(slots))?, slots.div_ceil(64)))
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
                    of.standing = Standing { mark, followed };
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
            prop_assert_eq!(&Planes::decode(bytes.clone()).unwrap(), &planes);
        }

        #[test]
        fn truncated_planes_are_an_error(planes in planes(), cut in 1_usize..64) {
            let bytes = planes.encode();
            let kept = bytes.len().saturating_sub(cut).max(1);
            prop_assert!(Planes::decode(bytes[..kept].to_vec()).is_err() || kept == bytes.len());
        }

        #[test]
        fn damaged_planes_do_not_panic(planes in planes(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = planes.encode();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = Planes::decode(bytes.clone());
        }
    }

    #[test]
    fn the_version_before_is_read() {
        let head = VERSION_BEFORE | HAS_SCOPES | ALL_LIVE | IS_FEW | MARK_IS_ONE;
        let lines = [3, 0, HAS_UNDETERMINED | 1 << STEP_SHIFT];
        let mut bytes = vec![head, 0x41, 1, 7];
        bytes.extend(lines);
        bytes.extend([0b1_0110, 0b101, 0b1]);
        let read = Planes::decode(bytes).unwrap();
        let mut planes = Planes::default();
        (0..5).for_each(|slot| planes.occupy(slot));
        planes.set(7, 1, Verdict::NonCompliant);
        planes.set(7, 2, Verdict::Compliant);
        planes.set(7, 4, Verdict::NonCompliant);
        (1..5).for_each(|slot| planes.set(9, slot, Verdict::Compliant));
        planes.set(9, 0, Verdict::Undetermined);
        for rule in [7, 9] {
            planes.rule_mut(rule).standing.mark = 1;
        }
        assert!((0..5).all(|slot| read.verdict(7, slot) == planes.verdict(7, slot)));
        assert_eq!(read, planes);
        assert_eq!(Planes::decode(read.encode()).unwrap(), planes);
    }

    #[test]
    fn a_damaged_number_of_scopes_asks_for_no_memory() {
        let mut bytes = vec![VERSION | HAS_SCOPES, 0, 0];
        put_number(&mut bytes, 1 << 34);
        assert!(Planes::decode(bytes).is_err());
    }

    #[test]
    fn rules_share_their_scopes_and_pay_for_the_slots_in_them() {
        let mut planes = Planes::default();
        (0..4096).for_each(|slot| planes.occupy(slot));
        let with_rules = |count: u32| {
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

    #[test]
    fn scopes_lie_in_each_other() {
        let mut planes = Planes::default();
        (0..4096).for_each(|slot| planes.occupy(slot));
        let before = planes.encode().len();
        for (slot, region) in (0..4096).zip((0..4).cycle()) {
            // Four regions, and a tag within the last.
            planes.set(region, slot, Verdict::Compliant);
            if slot % 4 == 3 && slot % 3 == 0 {
                planes.set(9, slot, Verdict::Compliant);
            }
        }
        let all = 4096 / 8;
        assert!(planes.encode().len() - before < all + all * 3 / 4 + all / 2 + 2 * all / 4 + 32);
    }
}
