//! Judging from columns.

use std::collections::HashMap;

use super::WORD_STEPS;
use super::codec::{self, Codes, Column, Word};
use super::memo::{Decision, planes};
use super::set::{Input, Inputs};
use super::text::TextTest;
use crate::engine::{
    ElementList, Environment, Listed, Memo, Outcome, Program, Reason, Scratch, run_counted,
};
use crate::json::{RawString, RawValue, member};

/// Columns of one chunk that are at hand.
#[derive(Debug, Default)]
pub struct Columns<'a> {
    by_id: HashMap<u64, Column<'a>>,
    /// Columns that could not be read. What they keep is there, so it is not missing.
    unread: Vec<u64>,
}

/// What is found of the slots of a chunk, as words of bits. A slot without a bit is compliant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// The violations.
    pub non_compliant: Vec<u64>,
    /// What could not be determined.
    pub undetermined: Vec<u64>,
    /// What has to be judged from the resources themselves.
    pub unjudged: Vec<u64>,
    /// Why the first of the undetermined ones is.
    pub reason: Option<Reason>,
}

const YES: Decision = 1;
const OPEN: Decision = 2;
const ELSEWHERE: Decision = 4;

/// Where the values of one path are found.
enum Source<'c, 'a> {
    Missing,
    /// The same for all slots.
    Fixed(&'c Column<'a>, &'c [Vec<u8>]),
    /// In the varying column of this place, or inside of its values.
    Varying(usize, &'c [Vec<u8>]),
}

/// The sources of some paths, and the columns that tell slots apart.
struct Sources<'c, 'a> {
    of: Vec<Source<'c, 'a>>,
    varying: Vec<&'c Column<'a>>,
    /// How many slots all the columns know.
    slots: usize,
}

impl<'a> Columns<'a> {
    /// No columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a stored column; false if it cannot be read.
    pub fn insert(&mut self, id: u64, bytes: &'a [u8]) -> bool {
        let column = codec::read(bytes);
        let is_read = column.is_some();
        match column {
            Some(column) => drop(self.by_id.insert(id, column)),
            None => self.unread.push(id),
        }
        is_read
    }

    /// Is the column at hand?
    pub fn has(&self, id: u64) -> bool {
        self.by_id.contains_key(&id)
    }

    /// Judges the slots of `within` by a program. `None`: they have to be judged from the resources.
    pub fn judge(
        &self,
        program: &Program,
        inputs: &Inputs,
        within: &[u64],
        env: &dyn Environment,
        scratch: &mut Scratch,
    ) -> Option<Judged> {
        let sources = self.sources(inputs)?.over(within)?;
        let mut settled = 0;
        if let Some(pairs) = program.guards() {
            let pair = self.pair()?;
            let fits = pairs.iter().any(|(provider, kind)| {
                pair.0.equals(provider.as_bytes()) && pair.1.equals(kind.as_bytes())
            });
            if !fits {
                let none = || vec![0; within.len()];
                return Some(Judged {
                    non_compliant: none(),
                    undetermined: none(),
                    unjudged: none(),
                    reason: None,
                });
            }
            settled = program.guards.settled;
        }
        let places: Vec<usize> = (0..program.paths().len()).collect();
        let mut found = sources.values(&program.lists);
        let mut memo = Memo::new(program.memos);
        let mut reason = None;
        let test = TextTest::of(program, settled).filter(|test| sources.is_only(test.path));
        let mut decide = |codes: &[usize]| {
            if let (Some(test), [column], [code]) = (&test, sources.varying.as_slice(), codes)
                && let Some(Word::Kept(Some(RawValue::String(text)))) = column.words.get(*code)
                && let Some(holds) = text.as_plain().and_then(|text| test.holds(text))
            {
                return if holds { YES } else { 0 };
            }
            if !sources.fill(codes, &mut found) {
                return ELSEWHERE;
            }
            let listed = Some(Listed { lists: &found.lists, memo: &mut memo });
            let buffers = scratch.buffers();
            let (outcome, steps) =
                run_counted(program, &places, &found.plain, listed, settled, env, buffers);
            match outcome {
                _ if steps > WORD_STEPS => ELSEWHERE,
                Outcome::Undetermined(Reason::BudgetExceeded) => ELSEWHERE,
                Outcome::Compliant => 0,
                Outcome::NonCompliant => YES,
                Outcome::Undetermined(why) => {
                    reason = Some(why);
                    OPEN
                }
            }
        };
        let [non_compliant, undetermined, unjudged] = planes(&sources.varying, within, &mut decide);
        // The first of them tells why.
        let first = undetermined.iter().zip(0..).find(|(block, _)| **block != 0);
        if let Some((block, number)) = first {
            let slot: usize = number * 64 + block.trailing_zeros() as usize;
            let codes: Vec<usize> =
                sources.varying.iter().map(|column| column.codes.get(slot)).collect();
            decide(&codes);
        }
        let reason = reason.filter(|_| first.is_some());
        Some(Judged { non_compliant, undetermined, unjudged, reason })
    }

    /// Selects the slots of `within` whose values a filter takes: those it takes, and those of which
    /// only the resources tell. `None`: all have to be looked at there.
    pub fn select(
        &self,
        inputs: &Inputs,
        within: &[u64],
        takes: &mut dyn FnMut(&[Option<RawValue<'_>>]) -> bool,
    ) -> Option<(Vec<u64>, Vec<u64>)> {
        let sources = self.sources(inputs)?.over(within)?;
        let mut found = sources.values(&[]);
        let mut decide = |codes: &[usize]| {
            if !sources.fill(codes, &mut found) {
                return ELSEWHERE;
            }
            Decision::from(takes(&found.plain))
        };
        let [selected, _, unknown] = planes(&sources.varying, within, &mut decide);
        Some((selected, unknown))
    }

    /// The one provider and type of all resources here.
    fn pair(&self) -> Option<(RawString<'a>, RawString<'a>)> {
        let [provider, kind] = super::set::pair_ids().map(|id| match self.by_id.get(&id) {
            Some(Column { words, codes: Codes::Same, .. }) => match words.get(0) {
                Some(Word::Kept(Some(RawValue::String(text)))) => Some(text),
                _ => None,
            },
            _ => None,
        });
        Some((provider?, kind?))
    }

    fn sources<'c>(&'c self, inputs: &'c Inputs) -> Option<Sources<'c, 'a>> {
        let of = Vec::with_capacity(inputs.list.len());
        let mut sources = Sources { of, varying: Vec::new(), slots: usize::MAX };
        for input in &inputs.list {
            let source = match input {
                Input::Unused => Source::Missing,
                Input::Column(id) => sources.source(self.by_id.get(id)?, &[])?,
                Input::Below(id, keys) => sources.source(self.by_id.get(id)?, keys)?,
                Input::Member(container, id) => {
                    if self.by_id.get(container)?.keeps_nothing() {
                        return None;
                    }
                    match self.by_id.get(id) {
                        Some(column) => sources.source(column, &[])?,
                        None if self.unread.contains(id) => return None,
                        None => Source::Missing,
                    }
                }
            };
            sources.of.push(source);
        }
        Some(sources)
    }
}

impl Column<'_> {
    fn keeps_nothing(&self) -> bool {
        matches!((&self.codes, self.words.get(0)), (Codes::Same, Some(Word::Elsewhere)))
    }
}

impl<'c, 'a> Sources<'c, 'a> {
    /// Itself, if all the columns know all these slots.
    fn over(self, within: &[u64]) -> Option<Self> {
        let last = within.iter().enumerate().rfind(|(_, block)| **block != 0);
        let known = last.is_none_or(|(number, block)| {
            number * 64 + 63 - (block.leading_zeros() as usize) < self.slots
        });
        known.then_some(self)
    }

    fn source(&mut self, column: &'c Column<'a>, keys: &'c [Vec<u8>]) -> Option<Source<'c, 'a>> {
        self.slots = self.slots.min(column.slots);
        if matches!(column.codes, Codes::Same) {
            return (!column.keeps_nothing()).then_some(Source::Fixed(column, keys));
        }
        let known = self.varying.iter().position(|known| std::ptr::eq(*known, column));
        let place = known.unwrap_or_else(|| {
            self.varying.push(column);
            self.varying.len() - 1
        });
        Some(Source::Varying(place, keys))
    }

    /// Is this path the only one that varies, and its value a whole word?
    fn is_only(&self, path: usize) -> bool {
        matches!(self.of.get(path), Some(Source::Varying(0, [])))
            && self.varying.len() == 1
            && self.of.iter().filter(|of| matches!(of, Source::Varying(..))).count() == 1
    }

    /// The values of all paths, those that vary left open. Of the paths that are only `lists` the
    /// elements are found.
    fn values(&self, lists: &[bool]) -> Values<'c> {
        let of = self.of.len();
        let is_list = |place: usize| lists.get(place).copied().unwrap_or(false);
        let is_list = (0..of).map(is_list).collect();
        let mut found = Values { plain: vec![None; of], lists: vec![None; of], is_list };
        for (place, source) in self.of.iter().enumerate() {
            if let Source::Fixed(column, keys) = source {
                found.set(place, column, 0, keys);
            }
        }
        found
    }

    /// Fills in what varies; false if a value is not kept.
    fn fill(&self, codes: &[usize], found: &mut Values<'c>) -> bool {
        for (place, source) in self.of.iter().enumerate() {
            let Source::Varying(of, keys) = source else { continue };
            let column = self.varying.get(*of).zip(codes.get(*of));
            if !column.is_some_and(|(column, code)| found.set(place, column, *code, keys)) {
                return false;
            }
        }
        true
    }
}

/// The values of some paths.
struct Values<'c> {
    plain: Vec<Option<RawValue<'c>>>,
    /// In the places that are only lists.
    lists: Vec<Option<ElementList<'c>>>,
    is_list: Vec<bool>,
}

impl<'c> Values<'c> {
    /// Sets a value to a word; false if that is not kept.
    fn set(&mut self, place: usize, column: &'c Column<'_>, word: usize, keys: &[Vec<u8>]) -> bool {
        let is_list = self.is_list.get(place).copied().unwrap_or(false);
        let mut list = None;
        let value = match column.words.get(word) {
            Some(Word::Kept(value)) => below(value, keys),
            Some(Word::List(codes)) if is_list => {
                list = Some(ElementList { table: &column.elements, codes });
                Some(RawValue::Array(b"[]"))
            }
            Some(Word::List(codes)) => match column.text(word, codes) {
                Some(text) => Some(RawValue::Array(text)),
                None => return false,
            },
            Some(Word::Elsewhere) | None => return false,
        };
        if let (Some(of), Some(lists)) = (self.plain.get_mut(place), self.lists.get_mut(place)) {
            (*of, *lists) = (value, list);
        }
        true
    }
}

/// The value inside an object.
fn below<'a>(mut value: Option<RawValue<'a>>, keys: &[Vec<u8>]) -> Option<RawValue<'a>> {
    for key in keys {
        value = match value {
            Some(RawValue::Object(object)) => member(object, RawString::plain(key)).ok().flatten(),
            _ => return None,
        };
    }
    value
}
