//! Conditions that ask one question of one text: names are all different, so what surrounds the question
//! is most of its cost.

use super::WORD_STEPS;
use super::codec::Column;
use super::memo::each_slot_of;
use super::parts::Slots;
use crate::engine::{Comparison, Constant, Expr, Glob, LANES, Pattern, Table, Test};

/// A question of a text, which holds where its answer is the one that is wanted.
pub(super) struct TextTest<'p> {
    /// The path of the text.
    pub(super) path: usize,
    question: Question<'p>,
    wanted: bool,
}

enum Question<'p> {
    Equals(&'p [u8]),
    Matches(&'p Pattern),
    Fits(&'p Glob),
}

impl Question<'_> {
    fn table(&self) -> Option<&Table> {
        match self {
            Self::Equals(_) => None,
            Self::Matches(pattern) => pattern.table(),
            Self::Fits(glob) => glob.table(),
        }
    }

    fn ask(&self, text: &[u8]) -> bool {
        match self {
            Self::Equals(expected) => text == *expected,
            Self::Matches(pattern) => pattern.is_match(text),
            Self::Fits(glob) => glob.fits(text),
        }
    }

    /// The steps that the evaluator may take for a text of so many bytes.
    fn steps(&self, length: usize) -> usize {
        16 + match self {
            Self::Equals(_) => 0,
            Self::Matches(_) => length / 2,
            Self::Fits(glob) => glob.steps(length) + length / 32,
        }
    }
}

/// Texts that are looked at together, by slot.
struct Lanes<'t> {
    slots: [usize; LANES],
    texts: [&'t [u8]; LANES],
    filled: usize,
}

impl<'p> TextTest<'p> {
    /// What a condition asks, if it is such a question.
    pub(super) fn of(comparison: &'p Comparison) -> Option<Self> {
        let Comparison { value, test, negate } = comparison;
        match (value, test) {
            (Expr::Path(path), Test::EqualsText(expected)) => {
                Some(Self { path: *path, question: Question::Equals(expected), wanted: !negate })
            }
            (Expr::Path(path), Test::Matches(pattern)) => {
                Some(Self { path: *path, question: Question::Matches(pattern), wanted: !negate })
            }
            (Expr::Fits(text, glob), Test::Equals(Constant::Bool(expected))) => {
                let Expr::Path(path) = **text else { return None };
                Some(Self { path, question: Question::Fits(glob), wanted: expected != negate })
            }
            _ => None,
        }
    }

    /// The slots of `left` whose own words are texts for which it holds, and the most steps that one
    /// took. Slots with anything else, or a text with escapes or of many steps, stay in `left`.
    pub(super) fn planes(&self, column: &Column<'_>, left: &mut Slots) -> (Slots, u32) {
        let (mut holds, mut longest) = (vec![0_u64; left.len()], 0);
        let table = self.question.table();
        let mut lanes = Lanes { slots: [0; LANES], texts: [&[]; LANES], filled: 0 };
        let mut note = |lanes: &mut Lanes<'_>| {
            let answers = table.map_or([None; LANES], |table| table.find(lanes.texts));
            let asked = lanes.slots.iter().zip(&lanes.texts).zip(answers).take(lanes.filled);
            for ((slot, text), answer) in asked {
                let answer = answer.unwrap_or_else(|| self.question.ask(text));
                if let Some(block) = holds.get_mut(slot / 64) {
                    *block |= u64::from(answer == self.wanted) << (slot % 64);
                }
            }
            lanes.filled = 0;
        };
        let asked = left.clone();
        each_slot_of(&asked, |slot| {
            let Some(text) = column.words.plain_text(slot) else { return };
            if self.question.steps(text.len()) > WORD_STEPS as usize {
                return;
            }
            longest = longest.max(text.len());
            if let Some(block) = left.get_mut(slot / 64) {
                *block &= !(1 << (slot % 64));
            }
            if let (Some(number), Some(place)) =
                (lanes.slots.get_mut(lanes.filled), lanes.texts.get_mut(lanes.filled))
            {
                (*number, *place) = (slot, text);
                lanes.filled += 1;
            }
            if lanes.filled == LANES {
                note(&mut lanes);
            }
        });
        note(&mut lanes);
        (holds, u32::try_from(self.question.steps(longest)).unwrap_or(u32::MAX))
    }
}
