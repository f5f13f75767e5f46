//! A stored row of planes. Its head is read at once, the planes of a rule when somebody looks at
//! them; the verdict on one slot is read where it lies.

use std::cell::OnceCell;

use ruleward_types::{Error, Result, SLOTS_PER_CHUNK};

use super::super::bits::Bits;
use super::codec::{
    ALL_LIVE, HAS_FOLLOWED, HAS_MARK, HAS_NON_COMPLIANT, HAS_SCOPE, HAS_SCOPES, HAS_UNDETERMINED,
    IS_FEW, Input, LONG_STEP, MARK_IS_ONE, STEP_SHIFT, VERSION, VERSION_BEFORE, VERSION_BITS,
    damaged,
};
use super::packing::{bit, packed_bytes, plane_bytes, unpacked};
use super::scopes::Scopes;
use super::{RulePlanes, Standing, Verdict};

/// A row as it is stored.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) bytes: Vec<u8>,
    pub(super) slots: usize,
    pub(super) live: Bits,
    pub(super) scopes: Scopes,
    /// Whether the scopes lie as this version lays them.
    pub(super) is_nested: bool,
    /// Ascending.
    pub(super) lines: Vec<Line>,
}

/// A rule in the row.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) rule: u32,
    pub(super) standing: Standing,
    pub(super) flags: u8,
    /// Its own scope; `None` where that is the live plane.
    pub(super) scope: Option<usize>,
    /// Where its planes lie: non-compliant, undetermined.
    start: usize,
    /// Bytes of each.
    length: usize,
    planes: OnceCell<RulePlanes>,
}

impl Line {
    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl Row {
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self> {
        let mut input = Input(&bytes);
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let [head] = input.take()?;
        let version = head & VERSION_BITS;
        if version != VERSION && version != VERSION_BEFORE {
            return Err(Error::internal("read planes", format!("unknown version {version}")));
        }
        let is_nested = version == VERSION;
        let (slots, count) = if head & IS_FEW == 0 {
            (input.number()?, input.number()?)
        } else {
            let [both] = input.take()?;
            (usize::from(both >> 4) + 1, usize::from(both & 15) + 1)
        };
        if slots > SLOTS_PER_CHUNK {
            return Err(damaged());
        }
        let number = if head & HAS_SCOPES == 0 { 0 } else { input.number()? };
        // Each has a rule; planes over no slots take no bytes, so nothing else would bound them.
        if number > count {
            return Err(damaged());
        }
        let mut lines = lines(&mut input, head, count)?;
        let mut scopes = Scopes::default();
        if is_nested {
            scopes = Scopes::read_heads(&mut input, slots, number)?;
        }
        let live = if head & ALL_LIVE == 0 { input.plane(slots)? } else { Bits::first(slots) };
        let mut start = bytes.len() - input.0.len();
        if is_nested {
            start = scopes.place(start);
        } else {
            (scopes, start) = Scopes::side_by_side(&bytes, start, slots, number)?;
        }
        for line in &mut lines {
            line.start = start;
            line.length = match line.scope {
                Some(n) => packed_bytes(scopes.count(n).ok_or_else(damaged)?),
                None => plane_bytes(slots),
            };
            if slots == 1 {
                // Of one slot a plane that is not empty says all.
                line.length = 0;
            }
            let planes = [HAS_NON_COMPLIANT, HAS_UNDETERMINED];
            start += line.length * planes.iter().filter(|flag| line.has(**flag)).count();
        }
        if start > bytes.len() {
            return Err(damaged());
        }
        Ok(Self { bytes, slots, live, scopes, is_nested, lines })
    }

    /// The slots of a scope.
    pub(super) fn scope(&self, n: usize) -> Option<&Bits> {
        self.scopes.bits(&self.bytes, n)
    }

    /// The planes of the rule at a place.
    pub(super) fn planes(&self, place: usize) -> Option<&RulePlanes> {
        let line = self.lines.get(place)?;
        Some(line.planes.get_or_init(|| self.read_planes(line)))
    }

    /// Whether the rule at a place says the same.
    pub(super) fn says(&self, place: usize, of: &RulePlanes) -> bool {
        self.lines.get(place).is_some_and(|line| {
            line.has(HAS_NON_COMPLIANT) != of.non_compliant.is_empty()
                && line.has(HAS_UNDETERMINED) != of.undetermined.is_empty()
        }) && self.planes(place).is_some_and(|stored| stored.says_as(of))
    }

    /// What rules at some places say together: the slots that any judged, found non-compliant, could
    /// not determine. Those with the same scope are added up as they lie.
    pub(super) fn together(&self, places: &[usize]) -> [Bits; 3] {
        let words = self.slots.div_ceil(64);
        let mut all = [0; 3].map(|_| Bits::with_words(words));
        if self.slots == 1 {
            // Of one slot a plane that is not empty says all.
            for of in places.iter().filter_map(|place| self.planes(*place)) {
                for (all, plane) in
                    all.iter_mut().zip([&of.scope, &of.non_compliant, &of.undetermined])
                {
                    all.or(plane);
                }
            }
            return all;
        }
        let mut by_scope: Vec<Option<[Bits; 2]>> = vec![None; 1 + self.scopes.len()];
        for line in places.iter().filter_map(|place| self.lines.get(*place)) {
            let Some(of) = by_scope.get_mut(line.scope.map_or(0, |n| n + 1)) else { continue };
            let of = of.get_or_insert_default();
            for (plane, flag) in of.iter_mut().zip([HAS_NON_COMPLIANT, HAS_UNDETERMINED]) {
                plane.unite_bytes(self.plane(line, flag).unwrap_or_default());
            }
        }
        let [judged, found @ ..] = &mut all;
        // Where some judge whatever lives, a scope need not be laid out that nothing was found in.
        let judge_all = by_scope.first().is_some_and(Option::is_some);
        for (n, of) in by_scope.iter().enumerate() {
            let Some(of) = of else { continue };
            if judge_all && n > 0 && of.iter().all(Bits::is_empty) {
                continue;
            }
            let own = n.checked_sub(1).and_then(|n| self.scope(n));
            judged.or(own.unwrap_or(&self.live));
            for (found, plane) in found.iter_mut().zip(of).filter(|(_, plane)| !plane.is_empty()) {
                match own {
                    Some(scope) => found.or(&unpacked(&plane.to_bytes(), scope)),
                    None => found.or(plane),
                }
            }
        }
        all
    }

    fn read_planes(&self, line: &Line) -> RulePlanes {
        let own = line.scope.and_then(|n| self.scope(n));
        let words = self.slots.div_ceil(64);
        let plane = |flag| match (self.plane(line, flag), own) {
            (None, _) => Bits::with_words(words),
            _ if self.slots == 1 => Bits::first(1),
            (Some(bytes), Some(scope)) => unpacked(bytes, scope),
            (Some(bytes), None) => Bits::from_slots(bytes, words),
        };
        RulePlanes {
            rule: line.rule,
            standing: line.standing,
            non_compliant: plane(HAS_NON_COMPLIANT),
            undetermined: plane(HAS_UNDETERMINED),
            scope: own.unwrap_or(&self.live).clone(),
        }
    }

    /// What the rule at a place says of a slot.
    pub(super) fn verdict(&self, place: usize, slot: usize) -> Verdict {
        let Some(line) = self.lines.get(place) else { return Verdict::OutOfScope };
        if let Some(planes) = line.planes.get() {
            return planes.verdict(slot);
        }
        let at = match line.scope {
            Some(n) => self.scopes.place_of(&self.bytes, n, slot),
            None => self.live.get(slot).then_some(slot),
        };
        let Some(at) = at else { return Verdict::OutOfScope };
        let has = |flag| self.plane(line, flag).is_some_and(|of| self.slots == 1 || bit(of, at));
        if has(HAS_NON_COMPLIANT) {
            Verdict::NonCompliant
        } else if has(HAS_UNDETERMINED) {
            Verdict::Undetermined
        } else {
            Verdict::Compliant
        }
    }

    /// The bytes of one of a rule's planes, if it is not empty.
    pub(super) fn plane(&self, line: &Line, flag: u8) -> Option<&[u8]> {
        if !line.has(flag) {
            return None;
        }
        let is_second = flag == HAS_UNDETERMINED && line.has(HAS_NON_COMPLIANT);
        let start = line.start + if is_second { line.length } else { 0 };
        self.bytes.get(start..start + line.length)
    }
}

/// What the head says of each rule; where their planes lie is not known yet.
fn lines(input: &mut Input<'_>, head: u8, count: usize) -> Result<Vec<Line>> {
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
            + match flags >> STEP_SHIFT {
                LONG_STEP => input.number()?,
                step => step.into(),
            };
        next = rule + 1;
        let mark = if has(HAS_MARK) { input.number()? } else { mark };
        let followed = if has(HAS_FOLLOWED) { u32::from_le_bytes(input.take()?) } else { 0 };
        let scope = if has(HAS_SCOPE) { Some(input.number()?) } else { None };
        lines.push(Line {
            rule: number(rule)?,
            standing: Standing { mark: number(mark)?, followed },
            flags,
            scope,
            start: 0,
            length: 0,
            planes: OnceCell::new(),
        });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Planes;
    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Occupy(usize),
        Vacate(usize),
        Set(u32, usize, Verdict),
        /// Judges all slots from one on, and so many apart.
        Put(u32, usize, usize, Verdict),
        Drop(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        let verdict = prop_oneof![
            Just(Verdict::OutOfScope),
            Just(Verdict::Compliant),
            Just(Verdict::NonCompliant),
            Just(Verdict::Undetermined),
        ];
        let (rule, slot) = (0_u32..6, prop_oneof![0_usize..4, 0_usize..200, 0_usize..700]);
        prop_oneof![
            slot.clone().prop_map(Step::Occupy),
            slot.clone().prop_map(Step::Vacate),
            (rule.clone(), slot.clone(), verdict.clone()).prop_map(|(a, b, c)| Step::Set(a, b, c)),
            (rule.clone(), slot, 1_usize..9, verdict)
                .prop_map(|(a, b, c, d)| Step::Put(a, b, c, d)),
            rule.prop_map(Step::Drop),
        ]
    }

    fn take(step: &Step, planes: &mut Planes) {
        match *step {
            Step::Occupy(slot) => planes.occupy(slot),
            Step::Vacate(slot) => planes.vacate(slot),
            Step::Set(rule, slot, verdict) if planes.live.get(slot) => {
                planes.set(rule, slot, verdict);
            }
            Step::Set(..) => {}
            Step::Put(rule, from, apart, verdict) => {
                let mut found = RulePlanes::new(rule, planes.words());
                let followed = u32::try_from(apart).unwrap_or_default() / 4;
                found.standing = Standing { mark: 7, followed };
                for slot in planes.live.iter_from(from).filter(|slot| slot % apart == 0) {
                    found.set(slot, verdict);
                }
                planes.put(found);
            }
            Step::Drop(rule) => {
                planes.drop_rule(rule);
            }
        }
    }

    proptest! {
        /// Planes of which most still lie in a row are like such that were never stored.
        #[test]
        fn what_is_stored_in_between_makes_no_difference(
            steps in prop::collection::vec(prop::collection::vec(step(), 1..12), 1..5)
        ) {
            let (mut kept, mut stored) = (Planes::default(), Planes::default());
            for steps in &steps {
                let before = stored.clone();
                for step in steps {
                    take(step, &mut kept);
                    take(step, &mut stored);
                }
                let verdicts = |of: &Planes| -> Vec<_> {
                    (0..6).flat_map(|rule| (0..701).map(move |slot| (rule, slot)))
                        .map(|(rule, slot)| of.verdict(rule, slot))
                        .collect()
                };
                prop_assert_eq!(verdicts(&stored), verdicts(&kept));
                let (odd, all) = (|rule| rule % 2 == 1, |_| true);
                let moved = before.moved(&stored, odd, all);
                prop_assert_eq!(moved, kept.tally(all).minus(before.tally(odd)));
                stored = Planes::decode(stored.encode()).unwrap();
                prop_assert_eq!(verdicts(&stored), verdicts(&kept));
                for rule in 0..6 {
                    prop_assert_eq!(stored.standing(rule), kept.standing(rule));
                }
                for slot in [0, 3, 150, 700] {
                    prop_assert_eq!(stored.tally_of(slot, odd), kept.tally_of(slot, odd));
                }
                prop_assert_eq!(&Planes::decode(kept.encode()).unwrap(), &stored);
                // What is looked at as a whole may stay decoded from here on.
                if steps.len() % 2 == 0 {
                    prop_assert_eq!(&stored, &kept);
                }
            }
        }
    }
}
