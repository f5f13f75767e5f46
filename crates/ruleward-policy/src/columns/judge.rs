//! Judging from columns.

use std::collections::HashMap;

use super::codec::{self, Codes, Column, Word};
use super::memo::{Decision, ELSEWHERE, planes};
use super::parts::Parts;
use super::set::{Input, Inputs};
use super::sources::{Source, Sources};
use crate::engine::{Environment, Program, Reason, Scratch};
use crate::json::{RawString, RawValue};

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
        let sources = self.sources(inputs, within)?;
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
        Some(Parts::new(program, settled, &sources, env, scratch.buffers()).judge(within))
    }

    /// Selects the slots of `within` whose values a filter takes: those it takes, and those of which
    /// only the resources tell. `None`: all have to be looked at there.
    pub fn select(
        &self,
        inputs: &Inputs,
        within: &[u64],
        takes: &mut dyn FnMut(&[Option<RawValue<'_>>]) -> bool,
    ) -> Option<(Vec<u64>, Vec<u64>)> {
        let sources = self.sources(inputs, within)?;
        let mut found = sources.values(&[]);
        let varying = sources.all_varying();
        let mut decide = |codes: &[usize]| {
            if !varying.fill(codes, &mut found) {
                return ELSEWHERE;
            }
            Decision::from(takes(&found.plain))
        };
        let [selected, _, unknown] = planes(&varying.columns, within, &mut decide);
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

    /// Where the inputs are; `None` where one is not, or not for all of these slots.
    fn sources<'c>(&'c self, inputs: &'c Inputs, within: &[u64]) -> Option<Sources<'c, 'a>> {
        let source = |input: &'c Input| {
            Some(match input {
                Input::Unused => Source::Missing,
                Input::Column(id) => Source::of(self.by_id.get(id)?, &[])?,
                Input::Below(id, keys) => Source::of(self.by_id.get(id)?, keys)?,
                Input::Member(container, id) => {
                    if self.by_id.get(container)?.keeps_nothing() {
                        return None;
                    }
                    match self.by_id.get(id) {
                        Some(column) => Source::of(column, &[])?,
                        None if self.unread.contains(id) => return None,
                        None => Source::Missing,
                    }
                }
            })
        };
        let sources = Sources(inputs.list.iter().map(source).collect::<Option<_>>()?);
        sources.know(within).then_some(sources)
    }
}

impl Column<'_> {
    pub(super) fn keeps_nothing(&self) -> bool {
        matches!((&self.codes, self.words.get(0)), (Codes::Same, Some(Word::Elsewhere)))
    }
}
