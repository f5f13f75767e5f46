//! Judging the resources of a chunk from their bodies.

use std::cell::OnceCell;

use ruleward_policy::{Outcome, ProgramSet, Reason, Scratch};
use ruleward_store::{Chunk, ReadTx};
use ruleward_types::{Recorder, Timestamp};

use super::apply::verdict_of;
use super::bits::Bits;
use super::environment::Surroundings;
use super::planes::{RulePlanes, Verdict};
use super::rule_set::CompiledRule;
use super::runs::Progress;
use super::view;

/// A chunk on a snapshot, and what its rules may ask for.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) tx: &'a dyn ReadTx,
    pub(crate) chunk: &'a Chunk,
    /// The slots that hold a resource.
    pub(crate) live: &'a Bits,
    /// The words of a plane.
    pub(crate) words: usize,
    pub(crate) recorder: &'a Recorder,
    pub(crate) now: Timestamp,
}

impl<'a> Place<'a> {
    pub(crate) fn surroundings(&self) -> Surroundings<'a> {
        Surroundings::new(self.tx, self.chunk.account, self.now, self.recorder)
    }
}

/// What one rule finds in a chunk.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) planes: RulePlanes,
    /// Why a verdict could not be determined.
    pub(crate) reason: Option<Reason>,
}

impl Found {
    pub(crate) fn new(rule: u32, words: usize) -> Self {
        Self { planes: RulePlanes::new(rule, words), reason: None }
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            calls: 0,
            chunks: 1,
            judged: self.planes.scope.count(),
            undetermined: self.planes.undetermined.count(),
            reason: self.reason.map(|reason| reason.to_string()),
        }
    }
}

/// Judges resources by some rules.
pub(crate) struct Judging<'a> {
    rules: Vec<&'a CompiledRule>,
    /// Made with the first resource: where columns tell all, none is looked at.
    programs: OnceCell<ProgramSet>,
    needs_view: bool,
    surroundings: Surroundings<'a>,
    scratch: Scratch,
    outcomes: Vec<Outcome>,
    found: Vec<Found>,
}

impl<'a> Judging<'a> {
    pub(crate) fn new(place: &Place<'a>, rules: &[&'a CompiledRule]) -> Self {
        let found = rules.iter().map(|rule| Found::new(rule.no, place.words)).collect();
        Self::further(place, rules, found)
    }

    /// Goes on where these rules have found something already.
    pub(crate) fn further(
        place: &Place<'a>,
        rules: &[&'a CompiledRule],
        found: Vec<Found>,
    ) -> Self {
        Self {
            rules: rules.to_vec(),
            programs: OnceCell::new(),
            needs_view: rules.iter().any(|rule| rule.scope.narrows_inside_type()),
            surroundings: place.surroundings(),
            scratch: Scratch::default(),
            outcomes: Vec::new(),
            found,
        }
    }

    pub(crate) fn judge(&mut self, slot: usize, body: &[u8]) {
        let programs = self.programs.get_or_init(|| {
            let of = |rule: &&CompiledRule| rule.program.clone();
            ProgramSet::new(&self.rules.iter().filter_map(of).collect::<Vec<_>>())
        });
        programs.evaluate(&mut self.scratch, body, &self.surroundings, &mut self.outcomes);
        let resource = self.needs_view.then(|| view::read(body));
        for ((rule, outcome), found) in self.rules.iter().zip(&self.outcomes).zip(&mut self.found) {
            if resource.as_ref().is_some_and(|resource| !rule.scope.matches(resource)) {
                found.planes.set(slot, Verdict::OutOfScope);
                continue;
            }
            found.planes.set(slot, verdict_of(*outcome));
            if let Outcome::Undetermined(reason) = outcome {
                found.reason.get_or_insert(*reason);
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<Found> {
        self.found
    }
}

/// A verdict that was judged just now, beside the one that is stored.
pub(crate) fn judge_one(
    place: &Place<'_>,
    rule: &CompiledRule,
    slot: usize,
    body: &[u8],
) -> Verdict {
    let mut judging = Judging::new(place, &[rule]);
    judging.judge(slot, body);
    judging.finish().first().map_or(Verdict::OutOfScope, |found| found.planes.verdict(slot))
}
