//! Verdicts that flipped: what undoes a change of the planes of a chunk. A look back undoes changes one
//! by one, the latest first.
//!
//! Of a rule that had no verdict before it is enough that it came: what it said is in the planes after.
//! Of all others it is the bits in which the planes differ.
//!
//! ```text
//! version (4 bits), whether the live plane differs
//! number of slots
//! [bits of the live plane]
//! for each rule, ascending, until the end: how far its number is from the one before (times 8) and
//!     which of its planes differ: scope 1, non-compliant 2, undetermined 4; none where it came
//!     [bits of each]
//!
//! bits: how many runs of equal bits there are and their lengths, the first one of zeros;
//!     or 0, and all bits in whole bytes, where that is shorter
//! ```

use ruleward_types::{Error, Result, SLOTS_PER_CHUNK};

use super::super::bits::Bits;
use super::codec::{Input, damaged, put_number};
use super::{Planes, RulePlanes};

const VERSION: u8 = 1;
const VERSION_BITS: u8 = 0x0F;
const HAS_LIVE: u8 = 0x10;

/// How the planes of a rule changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleTransition {
    pub(crate) rule: u32,
    /// The bits in which scope, non-compliant and undetermined differ, empty where they are equal;
    /// `None` where the rule came.
    differ: Option<[Bits; 3]>,
}

impl RuleTransition {
    fn between(before: Option<&RulePlanes>, after: Option<&RulePlanes>) -> Option<Self> {
        let rule = before.or(after)?.rule;
        let is_empty = |of: Option<&RulePlanes>| of.is_none_or(|of| of.scope.is_empty());
        if is_empty(before) {
            return (!is_empty(after)).then_some(Self { rule, differ: None });
        }
        let none = RulePlanes::new(rule, 0);
        let (before, after) = (before.unwrap_or(&none), after.unwrap_or(&none));
        let differ = [
            before.scope.differences(&after.scope),
            before.non_compliant.differences(&after.non_compliant),
            before.undetermined.differences(&after.undetermined),
        ];
        let is_any = differ.iter().any(|plane| !plane.is_empty());
        is_any.then_some(Self { rule, differ: Some(differ) })
    }

    /// The slots whose verdict flipped, by the planes after.
    pub(crate) fn slots(&self, after: &Planes) -> Bits {
        let mut slots = Bits::default();
        match &self.differ {
            Some(planes) => planes.iter().for_each(|plane| slots.unite(plane)),
            None => slots.unite(after.rule(self.rule).map_or(&Bits::default(), |of| &of.scope)),
        }
        slots
    }
}

/// How the planes of a chunk changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transition {
    slots: usize,
    live: Bits,
    pub(crate) rules: Vec<RuleTransition>,
}

impl Transition {
    /// What leads from one state of a chunk to a later one; `None` where no slot and no verdict
    /// differs.
    pub(crate) fn between(before: &Planes, after: &Planes) -> Option<Self> {
        let rules: Vec<_> = before
            .differing(after)
            .filter_map(|(before, after)| RuleTransition::between(before, after))
            .collect();
        let live = before.live.differences(&after.live);
        let slots = before.slots.max(after.slots);
        (!rules.is_empty() || !live.is_empty()).then_some(Self { slots, live, rules })
    }

    /// The slots that came, went or have a verdict that flipped, by the planes after.
    pub(crate) fn slots(&self, after: &Planes) -> Bits {
        let mut slots = self.live.clone();
        self.rules.iter().for_each(|rule| slots.unite(&rule.slots(after)));
        slots
    }

    /// Makes of the planes after those before. Marks stay as they are.
    pub(crate) fn undo(&self, planes: &mut Planes) {
        planes.grow(self.slots);
        planes.live.flip(&self.live);
        for rule in &self.rules {
            let of = planes.rule_mut(rule.rule);
            if let Some([scope, non_compliant, undetermined]) = &rule.differ {
                of.scope.flip(scope);
                of.non_compliant.flip(non_compliant);
                of.undetermined.flip(undetermined);
            } else {
                of.clear();
            }
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + 8 * self.rules.len());
        let has_live = !self.live.is_empty();
        out.push(VERSION | if has_live { HAS_LIVE } else { 0 });
        put_number(&mut out, self.slots as u64);
        if has_live {
            put_bits(&mut out, &self.live, self.slots);
        }
        let mut before = 0;
        for rule in &self.rules {
            let planes = rule.differ.iter().flatten();
            let flags = planes
                .clone()
                .enumerate()
                .fold(0_u64, |flags, (n, plane)| flags | u64::from(!plane.is_empty()) << n);
            put_number(&mut out, u64::from(rule.rule - before) << 3 | flags);
            before = rule.rule;
            for plane in planes.filter(|plane| !plane.is_empty()) {
                put_bits(&mut out, plane, self.slots);
            }
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut input = Input(bytes);
        let [head] = input.take()?;
        if head & VERSION_BITS != VERSION {
            return Err(Error::internal("read transitions", format!("unknown version {head}")));
        }
        let slots = input.number()?;
        if slots > SLOTS_PER_CHUNK {
            return Err(damaged());
        }
        let empty = || Bits::with_words(slots.div_ceil(64));
        let live = if head & HAS_LIVE == 0 { empty() } else { bits(&mut input, slots)? };
        let (mut rules, mut rule) = (Vec::new(), 0_u32);
        while !input.0.is_empty() {
            let number = input.number()?;
            let step = u32::try_from(number >> 3).map_err(|_| damaged())?;
            rule = rule.checked_add(step).ok_or_else(damaged)?;
            let mut plane =
                |n: usize| if number >> n & 1 == 1 { bits(&mut input, slots) } else { Ok(empty()) };
            let differ = if number.is_multiple_of(8) {
                None
            } else {
                Some([plane(0)?, plane(1)?, plane(2)?])
            };
            rules.push(RuleTransition { rule, differ });
        }
        Ok(Self { slots, live, rules })
    }
}

fn put_bits(out: &mut Vec<u8>, bits: &Bits, slots: usize) {
    let dense = slots.div_ceil(8);
    let (mut runs, mut count, mut at) = (Vec::new(), 0, 0);
    let mut set = bits.iter_from(0).peekable();
    while let Some(start) = set.next() {
        let mut end = start + 1;
        while set.next_if_eq(&end).is_some() {
            end += 1;
        }
        put_number(&mut runs, (start - at) as u64);
        put_number(&mut runs, (end - start) as u64);
        (count, at) = (count + 2, end);
        if runs.len() > dense {
            out.push(0);
            let end = out.len() + dense;
            out.extend(bits.to_bytes());
            out.resize(end, 0);
            return;
        }
    }
    put_number(out, count);
    out.append(&mut runs);
}

fn bits(input: &mut Input<'_>, slots: usize) -> Result<Bits> {
    let words = slots.div_ceil(64);
    let runs = input.number()?;
    if runs == 0 {
        return Ok(Bits::from_slots(input.slice(slots.div_ceil(8))?, words));
    }
    let mut bits = Bits::with_words(words);
    let mut at = 0;
    for n in 0..runs {
        let end = at + input.number()?;
        if end > slots {
            return Err(damaged());
        }
        if n % 2 == 1 {
            (at..end).for_each(|slot| bits.set(slot, true));
        }
        at = end;
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Verdict;
    use super::*;

    /// Slots of a chunk, and verdicts of rules on them.
    fn planes() -> impl Strategy<Value = Planes> {
        let verdict = prop_oneof![
            Just(Verdict::OutOfScope),
            Just(Verdict::Compliant),
            Just(Verdict::NonCompliant),
            Just(Verdict::Undetermined),
        ];
        let rule = (0_u32..12, prop::collection::vec(verdict, 1..9), 1_usize..200);
        let slots = prop_oneof![1_usize..70, 4000_usize..=4096];
        (slots, prop::collection::vec(any::<bool>(), 7), prop::collection::vec(rule, 0..6))
            .prop_map(|(slots, gaps, rules)| {
                let mut planes = Planes::default();
                for slot in (0..slots).filter(|slot| gaps[slot % 7] || slot + 1 == slots) {
                    planes.occupy(slot);
                }
                let live: Vec<usize> = planes.live.iter_from(0).collect();
                for (rule, verdicts, step) in rules {
                    for (n, slot) in live.iter().enumerate() {
                        planes.set(rule, *slot, verdicts[n / step % verdicts.len()]);
                    }
                }
                planes
            })
    }

    fn has_verdicts_of(one: &Planes, other: &Planes) -> bool {
        Transition::between(one, other).is_none()
    }

    proptest! {
        #[test]
        fn a_transition_leads_back(before in planes(), after in planes()) {
            let Some(transition) = Transition::between(&before, &after) else {
                return Ok(());
            };
            let stored = Transition::decode(&transition.encode()).unwrap();
            prop_assert_eq!(stored.rules.len(), transition.rules.len());
            prop_assert_eq!(stored.slots(&after), transition.slots(&after));
            let mut back = after.clone();
            stored.undo(&mut back);
            prop_assert!(has_verdicts_of(&back, &before));
            prop_assert!(back.tally(|_| true) == before.tally(|_| true));
        }

        #[test]
        fn damaged_transitions_do_not_panic(
            before in planes(), after in planes(), at in any::<prop::sample::Index>(), byte in any::<u8>()
        ) {
            if let Some(transition) = Transition::between(&before, &after) {
                let mut bytes = transition.encode();
                let at = at.index(bytes.len());
                bytes[at] = byte;
                let _ = Transition::decode(&bytes);
            }
        }
    }

    #[test]
    fn one_flip_is_a_few_bytes() {
        let mut before = Planes::default();
        (0..4096).for_each(|slot| before.occupy(slot));
        (0..100).for_each(|rule| before.set(rule, 0, Verdict::Compliant));
        let mut after = before.clone();
        after.set(70, 4000, Verdict::NonCompliant);
        let transition = Transition::between(&before, &after).unwrap();
        assert_eq!(transition.rules.len(), 1);
        assert_eq!(transition.rules[0].slots(&after).iter_from(0).collect::<Vec<_>>(), [4000]);
        assert!(transition.encode().len() < 16);
    }

    #[test]
    fn a_first_evaluation_is_a_byte_or_two_for_each_rule() {
        let mut before = Planes::default();
        (0..4096).for_each(|slot| before.occupy(slot));
        let mut after = before.clone();
        for rule in 0..100 {
            (0..4096).step_by(3).for_each(|slot| after.set(rule, slot, Verdict::NonCompliant));
        }
        let transition = Transition::between(&before, &after).unwrap();
        assert!(transition.encode().len() < 2 * 100 + 8);
    }
}
