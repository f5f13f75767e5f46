//! Judging from columns.

use std::collections::HashMap;

use super::WORD_STEPS;
use super::codec::{self, Codes, Column, Word};
use super::memo::{Decision, each_block};
use super::set::{Input, Inputs};
use crate::engine::{Environment, Outcome, Program, Reason, Scratch, run_counted};
use crate::json::{RawString, RawValue, member};

/// Columns of one chunk that are at hand.
#[derive(Debug, Default)]
pub struct Columns<'a> {
    by_id: HashMap<u64, Column<'a>>,
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
    Fixed(Option<RawValue<'a>>),
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
        if let Some(column) = column {
            self.by_id.insert(id, column);
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
        let empty = || vec![0; within.len()];
        let mut judged = Judged {
            non_compliant: empty(),
            undetermined: empty(),
            unjudged: empty(),
            reason: None,
        };
        let sources = self.sources(inputs)?.over(within)?;
        let mut settled = 0;
        if let Some(pairs) = program.guards() {
            let pair = self.pair()?;
            let fits = pairs.iter().any(|(provider, kind)| {
                pair.0.equals(provider.as_bytes()) && pair.1.equals(kind.as_bytes())
            });
            if !fits {
                return Some(judged);
            }
            settled = program.guards.settled;
        }
        let places: Vec<usize> = (0..program.paths().len()).collect();
        let mut values = sources.fixed();
        let mut reason = None;
        let mut decide = |codes: &[usize]| {
            if !sources.fill(codes, &mut values) {
                return ELSEWHERE;
            }
            let (outcome, steps) =
                run_counted(program, &places, &values, settled, env, scratch.buffers());
            match outcome {
                _ if steps > WORD_STEPS => ELSEWHERE,
                Outcome::Undetermined(Reason::BudgetExceeded) => ELSEWHERE,
                Outcome::Compliant => 0,
                Outcome::NonCompliant => YES,
                Outcome::Undetermined(why) => {
                    reason.get_or_insert(why);
                    OPEN
                }
            }
        };
        each_block(&sources.varying, within, &mut decide, &mut |block, [yes, open, elsewhere]| {
            for (plane, bits) in [
                (&mut judged.non_compliant, yes),
                (&mut judged.undetermined, open),
                (&mut judged.unjudged, elsewhere),
            ] {
                if let Some(word) = plane.get_mut(block) {
                    *word = bits;
                }
            }
        });
        judged.reason = reason;
        Some(judged)
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
        let mut values = sources.fixed();
        let (mut selected, mut unknown) = (vec![0; within.len()], vec![0; within.len()]);
        let mut decide = |codes: &[usize]| {
            if !sources.fill(codes, &mut values) {
                return ELSEWHERE;
            }
            Decision::from(takes(&values))
        };
        each_block(&sources.varying, within, &mut decide, &mut |block, [yes, _, elsewhere]| {
            if let Some(word) = selected.get_mut(block) {
                *word = yes;
            }
            if let Some(word) = unknown.get_mut(block) {
                *word = elsewhere;
            }
        });
        Some((selected, unknown))
    }

    /// The one provider and type of all resources here.
    fn pair(&self) -> Option<(RawString<'a>, RawString<'a>)> {
        let [provider, kind] = super::set::pair_ids().map(|id| match self.by_id.get(&id) {
            Some(Column { words, codes: Codes::Same, .. }) => match words.first() {
                Some(Word::Kept(Some(RawValue::String(text)))) => Some(*text),
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
        matches!((&self.codes, self.words.first()), (Codes::Same, Some(Word::Elsewhere)))
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
        if let (Codes::Same, Some(word)) = (&column.codes, column.words.first()) {
            return match word {
                Word::Elsewhere => None,
                Word::Kept(value) => Some(Source::Fixed(below(*value, keys))),
            };
        }
        let known = self.varying.iter().position(|known| std::ptr::eq(*known, column));
        let place = known.unwrap_or_else(|| {
            self.varying.push(column);
            self.varying.len() - 1
        });
        Some(Source::Varying(place, keys))
    }

    /// The values of all paths, those that vary left open.
    fn fixed(&self) -> Vec<Option<RawValue<'a>>> {
        self.of
            .iter()
            .map(|source| match source {
                Source::Fixed(value) => *value,
                Source::Missing | Source::Varying(..) => None,
            })
            .collect()
    }

    /// Fills in what varies; false if a value is not kept.
    fn fill(&self, codes: &[usize], values: &mut [Option<RawValue<'a>>]) -> bool {
        for (source, value) in self.of.iter().zip(values) {
            let Source::Varying(place, keys) = source else { continue };
            let word = self
                .varying
                .get(*place)
                .zip(codes.get(*place))
                .and_then(|(column, code)| column.words.get(*code));
            match word {
                Some(Word::Kept(kept)) => *value = below(*kept, keys),
                _ => return false,
            }
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
