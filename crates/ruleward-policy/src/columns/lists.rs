//! Conditions that ask one question of each element of a list, and of the answers only how many are yes.
//! Lists are nearly all different, their elements are not.

use super::WORD_STEPS;
use super::codec::{Column, Word};
use super::memo::{Decision, ELSEWHERE, OPEN, YES, each_slot_of};
use super::parts::{Parts, Slots};
use super::sources::Varying;
use crate::ast::Quantifier;
use crate::engine::{Ask, Comparison, Each, ElementList, Expr, Test};

/// Lists of which as many elements fit are alike; up to so many.
const ALIKE: usize = 32;

/// A question of each element of a list.
pub(super) struct ListTest<'p> {
    each: &'p Each,
    /// The answer that ends the look at a list; without one those that fit are counted.
    until: Option<bool>,
}

/// An answer about an element, and its steps.
type Answer = (bool, u32);

impl<'p> ListTest<'p> {
    /// What a condition asks, if it reads nothing but the list.
    pub(super) fn of(comparison: &'p Comparison) -> Option<Self> {
        if !matches!(comparison.test, Test::Equals(_) | Test::General(_, Expr::Constant(_))) {
            return None;
        }
        let (each, until) = match &comparison.value {
            Expr::Each(each) => match each.quantifier {
                Quantifier::Any => (each, Some(true)),
                Quantifier::All => (each, Some(false)),
                Quantifier::Filter | Quantifier::Map => return None,
            },
            Expr::Length(of) => match &**of {
                Expr::Each(each) if each.quantifier == Quantifier::Filter => (each, None),
                _ => return None,
            },
            _ => return None,
        };
        each.memo.is_some().then_some(Self { each, until })
    }

    /// How many elements of a list fit, or whether one ends the look at it; with the steps of that.
    fn count(
        &self,
        codes: &[[u8; 2]],
        mut answer: impl FnMut(usize) -> Option<Answer>,
    ) -> Option<(usize, u32)> {
        let (mut count, mut all_steps) = (0, 0_u32);
        for code in codes {
            let (fits, steps) = answer(u16::from_le_bytes(*code).into())?;
            all_steps = all_steps.checked_add(steps + 1)?;
            match self.until {
                None => count += usize::from(fits),
                Some(end) if end == fits => return Some((1, all_steps)),
                Some(_) => {}
            }
        }
        Some((count, all_steps))
    }
}

impl<'c, 'a> Parts<'_, 'c, 'a> {
    /// The slots of `left` for which a condition holds, and the most steps that one took. Slots that are
    /// not decided here stay in `left`.
    pub(super) fn by_lists(
        &mut self,
        test: &ListTest<'_>,
        column: &'c Column<'a>,
        varying: &Varying<'c, 'a>,
        comparison: &Comparison,
        left: &mut Slots,
    ) -> (Slots, u32) {
        let mut decisions: [Option<(Decision, u32)>; ALIKE] = [None; ALIKE];
        let (mut holds, mut most) = (vec![0; left.len()], 0);
        let mut answers: Vec<Option<Answer>> = vec![None; column.elements.len()];
        let asked = left.clone();
        each_slot_of(&asked, |slot| {
            let Some(Word::List(codes)) = column.words.get(slot) else { return };
            let list = ElementList { table: &column.elements, codes };
            let answer = |element| {
                if let Some(Some(known)) = answers.get(element) {
                    return Some(*known);
                }
                let known = self.memo.known(test.each, &column.elements, element);
                let (answer, steps) =
                    known.unwrap_or_else(|| self.ask(Ask::Element(test.each, list, element)));
                let found = (answer.ok()?, steps);
                if let Some(open) = answers.get_mut(element) {
                    *open = Some(found);
                }
                Some(found)
            };
            let Some((count, steps)) = test.count(codes, answer) else { return };
            let known = decisions.get(count).copied().flatten();
            let (decision, further) = known.unwrap_or_else(|| {
                let (decision, all) = self.decide(varying, &[slot], Ask::Condition(comparison));
                (decision, all.saturating_sub(steps))
            });
            if decision == ELSEWHERE || further + steps > WORD_STEPS {
                return;
            }
            if let Some(open) = decisions.get_mut(count) {
                *open = Some((decision, further));
            }
            most = most.max(further + steps);
            let bit = 1 << (slot % 64);
            if let (Some(left), Some(holds)) = (left.get_mut(slot / 64), holds.get_mut(slot / 64)) {
                *left &= !bit;
                *holds |= if decision == YES { bit } else { 0 };
            }
            if decision == OPEN {
                self.note_open(slot);
            }
        });
        (holds, most)
    }
}
