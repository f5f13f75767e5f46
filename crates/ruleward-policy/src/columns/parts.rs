//! Judging a chunk condition by condition: each over the columns that it reads, and over the slots that
//! the conditions before it left.

use super::WORD_STEPS;
use super::codec::Codes;
use super::judge::Judged;
use super::lists::ListTest;
use super::memo::{Decision, ELSEWHERE, OPEN, YES, planes};
use super::sources::{Source, Sources, Values, Varying};
use super::text::TextTest;
use crate::engine::{
    Ask, Buffers, Comparison, Environment, Listed, Memo, Node, Program, Reason, Subject, ask,
};

/// A set of slots.
pub(super) type Slots = Vec<u64>;

/// One program over the columns of one chunk.
pub(super) struct Parts<'r, 'c, 'a> {
    program: &'r Program,
    settled: usize,
    sources: &'r Sources<'c, 'a>,
    env: &'r dyn Environment,
    buffers: &'r mut Buffers,
    places: Vec<usize>,
    found: Values<'c>,
    pub(super) memo: Memo,
    /// What could not be determined so far, and why the last of it.
    open: Slots,
    reason: Option<Reason>,
    /// What only the resources tell.
    elsewhere: Slots,
    /// The most that a slot may have taken in the conditions so far.
    steps: u32,
}

impl<'r, 'c, 'a> Parts<'r, 'c, 'a> {
    pub(super) fn new(
        program: &'r Program,
        settled: usize,
        sources: &'r Sources<'c, 'a>,
        env: &'r dyn Environment,
        buffers: &'r mut Buffers,
    ) -> Self {
        Self {
            settled,
            sources,
            env,
            buffers,
            places: (0..program.paths().len()).collect(),
            found: sources.values(&program.lists),
            memo: Memo::new(program.memos),
            open: Slots::new(),
            reason: None,
            elsewhere: Slots::new(),
            steps: 0,
            program,
        }
    }

    /// Judges these slots.
    pub(super) fn judge(mut self, within: &[u64]) -> Judged {
        self.forget(within.len());
        let mut non_compliant = self.by_parts(within);
        let is_costly = self.steps > WORD_STEPS;
        if is_costly {
            // Each condition took few steps, but perhaps not all of them on one slot.
            self.forget(within.len());
            non_compliant = self.as_a_whole(within);
        }
        let (undetermined, unjudged) =
            (std::mem::take(&mut self.open), std::mem::take(&mut self.elsewhere));
        // The first of them tells why.
        let first = undetermined.iter().position(|block| *block != 0);
        let reason = first.and_then(|number| {
            let mut only = vec![0; within.len()];
            if let (Some(to), Some(from)) = (only.get_mut(number), undetermined.get(number)) {
                *to = from & from.wrapping_neg();
            }
            self.forget(within.len());
            let ask = if is_costly { Self::as_a_whole } else { Self::by_parts };
            ask(&mut self, &only);
            self.reason
        });
        Judged { non_compliant, undetermined, unjudged, reason }
    }

    fn forget(&mut self, blocks: usize) {
        (self.open, self.elsewhere) = (vec![0; blocks], vec![0; blocks]);
        (self.reason, self.steps) = (None, 0);
    }

    /// The slots where the rule holds, all that it reads taken together.
    fn as_a_whole(&mut self, within: &[u64]) -> Slots {
        let varying = self.sources.all_varying();
        let asked = Ask::Rule(self.settled);
        self.planes(&varying, within, &mut |parts, codes| parts.decide(&varying, codes, asked).0)
    }

    fn by_parts(&mut self, within: &[u64]) -> Slots {
        let asked = self.having_needs(within);
        let program = self.program;
        match &program.root {
            Node::AllOf(parts) => self.all(parts.get(self.settled..).unwrap_or(&[]), asked),
            root => self.node(root, asked),
        }
    }

    /// Less the slots that lack what the rule needs.
    fn having_needs(&mut self, within: &[u64]) -> Slots {
        let mut asked = within.to_vec();
        for path in &self.program.needs {
            if let Some(Source::Varying(column, [])) = self.sources.0.get(*path)
                && !column.words.may_lack()
            {
                continue;
            }
            let varying = self.sources.varying([*path]);
            asked = self.planes(&varying, &asked, &mut |parts, codes| {
                if !varying.fill(codes, &mut parts.found) {
                    return ELSEWHERE;
                }
                match parts.found.plain.get(*path) {
                    Some(Some(_)) => YES,
                    _ => parts.undetermined(Reason::NeededValueMissing),
                }
            });
        }
        asked
    }

    /// Those of the asked slots for which a part of the rule holds.
    fn node(&mut self, node: &'r Node, asked: Slots) -> Slots {
        if asked.iter().all(|block| *block == 0) {
            return asked;
        }
        match node {
            Node::AllOf(parts) => self.all(parts, asked),
            Node::AnyOf(parts) => {
                let (mut left, mut any) = (asked, Slots::new());
                for part in parts {
                    let holds = self.node(part, left.clone());
                    self.settle(&mut left, &holds);
                    any = if any.is_empty() { holds } else { union(any, &holds) };
                }
                any.resize(left.len(), 0);
                any
            }
            Node::Not(part) => {
                let mut left = asked.clone();
                let holds = self.node(part, asked);
                self.settle(&mut left, &holds);
                left
            }
            Node::Fixed(true) => asked,
            Node::Fixed(false) => vec![0; asked.len()],
            Node::Condition(comparison) => self.condition(comparison, &asked),
        }
    }

    fn all(&mut self, parts: &'r [Node], asked: Slots) -> Slots {
        parts.iter().fold(asked, |asked, part| self.node(part, asked))
    }

    /// Takes out the slots for which the answer is known.
    fn settle(&self, left: &mut Slots, holds: &[u64]) {
        let known = holds.iter().zip(&self.open).zip(&self.elsewhere);
        for (left, ((holds, open), elsewhere)) in left.iter_mut().zip(known) {
            *left &= !(holds | open | elsewhere);
        }
    }

    /// Those of the asked slots for which a condition holds. What is nearly all different is asked in loops
    /// of its own, as far as these tell.
    fn condition(&mut self, comparison: &'r Comparison, asked: &[u64]) -> Slots {
        let mut paths = Vec::new();
        comparison.paths(&mut paths);
        let varying = self.sources.varying(paths.iter().copied());
        let mut most = 0;
        let (mut holds, mut left) = (None, asked.to_vec());
        let plain = |path| varying.only(path).filter(|of| matches!(of.codes, Codes::Plain));
        if let Some(test) = TextTest::of(comparison)
            && let Some(column) = plain(test.path)
        {
            let answer = test.planes(column, &mut left);
            (holds, most) = (Some(answer.0), answer.1);
        } else if let [path] = paths.as_slice()
            && let Some(test) = ListTest::of(comparison)
            && let Some(column) = plain(*path)
        {
            let answer = self.by_lists(&test, column, &varying, comparison, &mut left);
            (holds, most) = (Some(answer.0), answer.1);
        }
        let further = self.planes(&varying, &left, &mut |parts, codes| {
            let (decision, steps) = parts.decide(&varying, codes, Ask::Condition(comparison));
            most = most.max(steps);
            decision
        });
        self.steps = self.steps.saturating_add(most);
        match holds {
            Some(holds) => union(further, &holds),
            None => further,
        }
    }

    /// Decides about words, with the steps that it took.
    pub(super) fn decide(
        &mut self,
        varying: &Varying<'c, 'a>,
        codes: &[usize],
        asked: Ask<'_>,
    ) -> (Decision, u32) {
        if !varying.fill(codes, &mut self.found) {
            return (ELSEWHERE, 0);
        }
        match self.ask(asked) {
            (_, steps) if steps > WORD_STEPS => (ELSEWHERE, 0),
            (Err(Reason::BudgetExceeded), _) => (ELSEWHERE, 0),
            (Ok(holds), steps) => (if holds { YES } else { 0 }, steps),
            (Err(reason), steps) => (self.undetermined(reason), steps),
        }
    }

    /// Asks something of the values that are filled in.
    pub(super) fn ask(&mut self, asked: Ask<'_>) -> (Result<bool, Reason>, u32) {
        let (program, places, values) = (self.program, &self.places, &self.found.plain);
        let subject = Subject { program, places, values, env: self.env };
        let listed = Listed { lists: &self.found.lists, memo: &mut self.memo };
        ask(subject, asked, Some(listed), self.buffers)
    }

    fn undetermined(&mut self, reason: Reason) -> Decision {
        self.reason = Some(reason);
        OPEN
    }

    /// The slots that are decided with yes; what is not decided is noted.
    fn planes(
        &mut self,
        varying: &Varying<'c, 'a>,
        within: &[u64],
        decide: &mut dyn FnMut(&mut Self, &[usize]) -> Decision,
    ) -> Slots {
        let [yes, open, elsewhere] =
            planes(&varying.columns, within, &mut |codes| decide(self, codes));
        self.open = union(std::mem::take(&mut self.open), &open);
        self.elsewhere = union(std::mem::take(&mut self.elsewhere), &elsewhere);
        yes
    }

    /// Notes that a slot cannot be determined.
    pub(super) fn note_open(&mut self, slot: usize) {
        if let Some(block) = self.open.get_mut(slot / 64) {
            *block |= 1 << (slot % 64);
        }
    }
}

fn union(mut one: Slots, other: &[u64]) -> Slots {
    for (mine, theirs) in one.iter_mut().zip(other) {
        *mine |= theirs;
    }
    one
}
