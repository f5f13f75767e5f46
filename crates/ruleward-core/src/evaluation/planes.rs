//! The verdicts of a chunk: bits, not rows. Which slots live, and for each rule which are in
//! scope, which are non-compliant and which could not be determined. How they are stored:
//! [`codec`].

mod codec;
mod packing;
mod row;
mod scopes;
mod tally;
mod transition;

pub(crate) use transition::Transition;

use std::cmp::Ordering;
use std::rc::Rc;

use ruleward_types::{ComplianceCounts, RuleNo};

use super::bits::Bits;
use row::Row;

/// What one rule says of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    OutOfScope,
    Compliant,
    NonCompliant,
    Undetermined,
}

impl Verdict {
    /// One of this verdict.
    pub(crate) fn counts(self) -> ComplianceCounts {
        let mut counts = ComplianceCounts::default();
        match self {
            Self::Compliant => counts.compliant = 1,
            Self::NonCompliant => counts.non_compliant = 1,
            Self::Undetermined => counts.undetermined = 1,
            Self::OutOfScope => {}
        }
        counts
    }
}

/// Where a rule stood when it last judged the whole chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Standing {
    /// Its mark; zero if it never did.
    pub(crate) mark: u32,
    /// Where the types stood that it looks up; zero where it looks up none, or a resource of the
    /// chunk changed since.
    pub(crate) followed: u32,
}

/// The planes of one rule. Every plane is a subset of the scope, the scope of the live plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RulePlanes {
    pub(crate) rule: u32,
    pub(crate) standing: Standing,
    pub(crate) scope: Bits,
    pub(crate) non_compliant: Bits,
    pub(crate) undetermined: Bits,
}

impl RulePlanes {
    pub(crate) fn new(rule: u32, words: usize) -> Self {
        let empty = Bits::with_words(words);
        Self {
            rule,
            standing: Standing::default(),
            scope: empty.clone(),
            non_compliant: empty.clone(),
            undetermined: empty,
        }
    }

    pub(crate) fn verdict(&self, slot: usize) -> Verdict {
        if !self.scope.get(slot) {
            Verdict::OutOfScope
        } else if self.non_compliant.get(slot) {
            Verdict::NonCompliant
        } else if self.undetermined.get(slot) {
            Verdict::Undetermined
        } else {
            Verdict::Compliant
        }
    }

    pub(crate) fn set(&mut self, slot: usize, verdict: Verdict) {
        self.scope.set(slot, verdict != Verdict::OutOfScope);
        self.non_compliant.set(slot, verdict == Verdict::NonCompliant);
        self.undetermined.set(slot, verdict == Verdict::Undetermined);
    }

    /// The slots with another verdict than in `other`.
    pub(crate) fn differences(&self, other: &Self) -> Bits {
        let mut differ = self.scope.differences(&other.scope);
        differ.or(&self.non_compliant.differences(&other.non_compliant));
        differ.or(&self.undetermined.differences(&other.undetermined));
        differ
    }

    /// Whether all verdicts are those of `other`.
    fn says_as(&self, other: &Self) -> bool {
        self.scope == other.scope
            && self.non_compliant == other.non_compliant
            && self.undetermined == other.undetermined
    }

    pub(crate) fn counts(&self) -> ComplianceCounts {
        let non_compliant = self.non_compliant.count();
        let undetermined = self.undetermined.count();
        ComplianceCounts {
            compliant: self.scope.count() - non_compliant - undetermined,
            non_compliant,
            undetermined,
            exempt: 0,
        }
    }

    /// The slots that the rule finds compliant.
    pub(crate) fn compliant(&self) -> Bits {
        let mut compliant = self.scope.clone();
        compliant.and_not(&self.non_compliant);
        compliant.and_not(&self.undetermined);
        compliant
    }

    /// Takes all verdicts back.
    fn clear(&mut self) {
        let empty = Bits::with_words(self.scope.words().len());
        self.scope = empty.clone();
        self.non_compliant = empty.clone();
        self.undetermined = empty;
    }

    fn resize(&mut self, words: usize) {
        self.scope.resize(words);
        self.non_compliant.resize(words);
        self.undetermined.resize(words);
    }

    fn keep(&mut self, live: &Bits) {
        self.scope.and(live);
        self.non_compliant.and(live);
        self.undetermined.and(live);
    }
}

/// All planes of a chunk. What was read stays in the row that was read, and is decoded when somebody
/// looks at a rule as a whole; copies share it, and the planes of rules until one of them changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Planes {
    /// Slots up to the highest that was ever occupied.
    slots: usize,
    pub(crate) live: Bits,
    row: Rc<Row>,
    /// Ascending.
    rules: Vec<Kept>,
}

/// The planes of one rule: as they lie in the row, until they change.
#[derive(Debug, Clone)]
struct Kept {
    rule: u32,
    standing: Standing,
    /// Where the rule stands in the row.
    place: usize,
    /// What it says now where that is not what the row says.
    changed: Option<Rc<RulePlanes>>,
}

impl Planes {
    fn of_row(row: Row) -> Self {
        let stored = |(place, line): (usize, &row::Line)| Kept {
            rule: line.rule,
            standing: line.standing,
            place,
            changed: None,
        };
        let rules = row.lines.iter().enumerate().map(stored).collect();
        Self { slots: row.slots, live: row.live.clone(), rules, row: Rc::new(row) }
    }

    pub(crate) fn words(&self) -> usize {
        self.slots.div_ceil(64)
    }

    /// Makes place for so many slots.
    pub(crate) fn grow(&mut self, slots: usize) {
        let words = self.words();
        self.slots = self.slots.max(slots);
        if self.words() > words {
            let words = self.words();
            self.live.resize(words);
            for kept in &mut self.rules {
                if let Some(planes) = &mut kept.changed {
                    Rc::make_mut(planes).resize(words);
                }
            }
        }
    }

    /// The planes of a rule; those that are stored may have fewer words than there are now.
    fn planes<'a>(&'a self, kept: &'a Kept) -> Option<&'a RulePlanes> {
        kept.changed.as_deref().or_else(|| self.row.planes(kept.place))
    }

    /// Whether the verdicts of a rule are the same ones in both; not whether they are equal.
    fn shares(&self, mine: &Kept, other: &Self, theirs: &Kept) -> bool {
        match (&mine.changed, &theirs.changed) {
            (None, None) => mine.place == theirs.place && Rc::ptr_eq(&self.row, &other.row),
            (Some(mine), Some(theirs)) => Rc::ptr_eq(mine, theirs),
            _ => false,
        }
    }

    /// The rules of both, each as it is in `self` and in `other`.
    fn beside<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (Option<&'a Kept>, Option<&'a Kept>)> {
        let (mut mine, mut theirs) = (self.rules.iter().peekable(), other.rules.iter().peekable());
        std::iter::from_fn(move || {
            let order = match (mine.peek(), theirs.peek()) {
                (None, None) => return None,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(a), Some(b)) => a.rule.cmp(&b.rule),
            };
            let left = if order.is_le() { mine.next() } else { None };
            let right = if order.is_ge() { theirs.next() } else { None };
            Some((left, right))
        })
    }

    /// The rules whose verdicts differ, each as it is in `self` and in `other`; the lines of a rule
    /// that stands in one only come with it. Shared planes are not looked at.
    pub(crate) fn differing<'a>(
        &'a self,
        other: &'a Self,
    ) -> impl Iterator<Item = (Option<&'a RulePlanes>, Option<&'a RulePlanes>)> {
        self.beside(other).filter_map(|(mine, theirs)| {
            if let (Some(mine), Some(theirs)) = (mine, theirs)
                && self.shares(mine, other, theirs)
            {
                return None;
            }
            let mine = mine.and_then(|kept| self.planes(kept));
            let theirs = theirs.and_then(|kept| other.planes(kept));
            let is_same = match (mine, theirs) {
                (Some(mine), Some(theirs)) => mine.says_as(theirs),
                _ => false,
            };
            (!is_same).then_some((mine, theirs))
        })
    }

    /// Whether the same rules stand where they do in `other`.
    pub(crate) fn stands_as(&self, other: &Self) -> bool {
        let line = |no: u32, of: &Self| of.standing(no).map(|standing| (no, standing));
        let mine = self.rules.iter().map(|kept| line(kept.rule, self));
        mine.eq(other.rules.iter().map(|kept| line(kept.rule, other)))
    }

    fn find_place(&self, no: u32) -> Result<usize, usize> {
        self.rules.binary_search_by_key(&no, |kept| kept.rule)
    }

    fn find(&self, no: u32) -> Option<&Kept> {
        self.rules.get(self.find_place(no).ok()?)
    }

    /// The planes of a rule.
    pub(crate) fn rule(&self, no: u32) -> Option<&RulePlanes> {
        self.planes(self.find(no)?)
    }

    /// Where a rule stood when it last judged the whole chunk.
    pub(crate) fn standing(&self, no: u32) -> Option<Standing> {
        let kept = self.find(no)?;
        match &kept.changed {
            Some(planes) => Some(planes.standing),
            None => Some(kept.standing),
        }
    }

    /// What a rule says of a slot.
    pub(crate) fn verdict(&self, no: u32, slot: usize) -> Verdict {
        self.find(no).map_or(Verdict::OutOfScope, |kept| self.verdict_of(kept, slot))
    }

    fn verdict_of(&self, kept: &Kept, slot: usize) -> Verdict {
        match &kept.changed {
            Some(planes) => planes.verdict(slot),
            None => self.row.verdict(kept.place, slot),
        }
    }

    /// The planes of a rule; empty ones are made where there are none.
    pub(crate) fn rule_mut(&mut self, no: u32) -> &mut RulePlanes {
        let words = self.words();
        let empty = || RulePlanes::new(no, words);
        let n = match self.find_place(no) {
            Ok(n) => n,
            Err(n) => {
                let (standing, changed) = (Standing::default(), Some(Rc::new(empty())));
                self.rules.insert(n, Kept { rule: no, standing, place: 0, changed });
                n
            }
        };
        // `n` was found or inserted just now.
        #[expect(clippy::indexing_slicing, reason = "the index was found or inserted just now")]
        let Kept { standing, place, changed, .. } = &mut self.rules[n];
        Rc::make_mut(changed.get_or_insert_with(|| {
            let mut planes = self.row.planes(*place).cloned().unwrap_or_else(empty);
            planes.standing = *standing;
            planes.resize(words);
            Rc::new(planes)
        }))
    }

    /// Sets what a rule says of a slot.
    pub(crate) fn set(&mut self, no: u32, slot: usize, verdict: Verdict) {
        if self.find(no).map(|kept| self.verdict_of(kept, slot)) != Some(verdict) {
            self.rule_mut(no).set(slot, verdict);
        }
    }

    /// Replaces a rule's planes. Where it says what the row says it only stands elsewhere.
    pub(crate) fn put(&mut self, mut planes: RulePlanes) {
        planes.resize(self.words());
        planes.keep(&self.live);
        let (rule, standing) = (planes.rule, planes.standing);
        let found = self.find_place(rule);
        let known = found.ok().and_then(|n| self.rules.get_mut(n));
        if let Some(kept) = known {
            kept.standing = standing;
            let is_in_row = kept.changed.is_none() && self.row.says(kept.place, &planes);
            if !is_in_row {
                kept.changed = Some(Rc::new(planes));
            }
        } else if let Err(n) = found {
            let changed = Some(Rc::new(planes));
            self.rules.insert(n, Kept { rule, standing, place: 0, changed });
        }
    }

    /// Drops a rule's planes; whether there were any.
    pub(crate) fn drop_rule(&mut self, no: u32) -> bool {
        let before = self.rules.len();
        self.rules.retain(|kept| kept.rule != no);
        self.rules.len() != before
    }

    /// Gives a slot to a resource.
    pub(crate) fn occupy(&mut self, slot: usize) {
        self.grow(slot + 1);
        self.live.set(slot, true);
    }

    /// Takes a slot from its resource, with all verdicts on it.
    pub(crate) fn vacate(&mut self, slot: usize) {
        self.live.set(slot, false);
        for no in self.rules.iter().map(|kept| kept.rule).collect::<Vec<_>>() {
            self.set(no, slot, Verdict::OutOfScope);
        }
    }
}

impl PartialEq for Planes {
    fn eq(&self, other: &Self) -> bool {
        self.slots == other.slots
            && self.live == other.live
            && self.stands_as(other)
            && self.differing(other).next().is_none()
    }
}

/// The number of a rule as it stands in planes.
pub(crate) fn plane_no(no: RuleNo) -> u32 {
    // The store hands out no number that does not fit.
    u32::try_from(no.0).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_tally() {
        let mut planes = Planes::default();
        for slot in [0, 1, 70, 4095] {
            planes.occupy(slot);
        }
        planes.rule_mut(7).set(0, Verdict::NonCompliant);
        planes.rule_mut(7).set(70, Verdict::Compliant);
        planes.rule_mut(3).set(0, Verdict::Undetermined);
        planes.rule_mut(3).set(1, Verdict::Undetermined);
        planes.rule_mut(3).set(70, Verdict::Compliant);
        planes.rule_mut(3).standing.mark = 9;
        planes.rule_mut(7).standing.followed = 5;
        let read = Planes::decode(planes.encode()).unwrap();
        assert_eq!(read, planes);
        let all = read.tally(|_| true);
        assert_eq!((all.compliant, all.non_compliant, all.undetermined), (1, 1, 1));
        let one = read.tally(|rule| rule == 7);
        assert_eq!((one.compliant, one.non_compliant, one.undetermined), (1, 1, 0));
    }

    #[test]
    fn a_rule_that_says_the_same_again_only_stands_elsewhere() {
        let mut planes = Planes::default();
        (0..200).for_each(|slot| planes.occupy(slot));
        (0..200).step_by(3).for_each(|slot| planes.set(1, slot, Verdict::Compliant));
        planes.set(1, 6, Verdict::NonCompliant);
        (0..200).for_each(|slot| planes.set(2, slot, Verdict::Undetermined));
        let before = Planes::decode(planes.encode()).unwrap();
        let mut after = before.clone();
        for rule in [1, 2] {
            let mut again = planes.rule(rule).unwrap().clone();
            again.standing = Standing { mark: 7, followed: 3 };
            after.put(again);
        }
        assert!(after.rules.iter().all(|kept| kept.changed.is_none()));
        assert!(before.differing(&after).next().is_none() && !before.stands_as(&after));
        assert_ne!(before, after);
        let mut read = Planes::decode(after.encode()).unwrap();
        assert_eq!(read, after);
        assert_eq!(read.standing(2), Some(Standing { mark: 7, followed: 3 }));
        // What flips later stands there as well.
        after.set(1, 9, Verdict::NonCompliant);
        read.set(1, 9, Verdict::NonCompliant);
        assert_eq!(after.rule(1).unwrap().standing.mark, 7);
        assert_eq!(Planes::decode(after.encode()).unwrap(), read);
        assert_eq!(before.verdict(1, 9), Verdict::Compliant);
    }

    #[test]
    fn a_vacated_slot_has_no_verdicts() {
        let mut planes = Planes::default();
        planes.occupy(5);
        planes.rule_mut(1).set(5, Verdict::NonCompliant);
        planes.vacate(5);
        assert!(planes.tally(|_| true).is_zero());
        assert_eq!(planes.rule(1).unwrap().verdict(5), Verdict::OutOfScope);
    }

    #[test]
    fn truncated_planes_are_an_error() {
        let mut planes = Planes::default();
        planes.occupy(100);
        planes.rule_mut(1).set(100, Verdict::NonCompliant);
        let bytes = planes.encode();
        for length in 1..bytes.len() {
            assert!(Planes::decode(bytes[..length].to_vec()).is_err(), "{length}");
        }
    }
}
