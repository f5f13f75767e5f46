//! One ticket: bring every rule of a chunk to its current mark.
//!
//! Bodies are read and judged on a snapshot, outside the writer. The write job then judges
//! again only what moved since, writes the differences, moves the kept numbers and ends the
//! ticket, all in one commit.

use std::sync::Arc;

use ruleward_policy::{Outcome, ProgramSet, Scratch};
use ruleward_store::{Chunk, ReadTx, Ticket, TypeRow, WriteTx};
use ruleward_types::{ResourceType, Result, Timestamp};

use super::apply::verdict_of;
use super::chunk_edit::{ChunkEdit, counted};
use super::environment::Surroundings;
use super::planes::{Planes, RulePlanes, Verdict};
use super::rule_set::{CompiledRule, RuleSet};
use super::runs::{self, Progress};
use super::view;
use crate::account_resource;

/// What a snapshot said of a chunk.
#[derive(Debug)]
pub(crate) struct Judged {
    ticket: Ticket,
    chunk: Chunk,
    resource_type: ResourceType,
    rules_version: i64,
    now: Timestamp,
    planes: Vec<(RulePlanes, Progress)>,
}

/// Judges a chunk on a snapshot. `None`: there is nothing to judge, the ticket can end.
pub(crate) fn judge(
    tx: &dyn ReadTx,
    ticket: Ticket,
    set: &Arc<RuleSet>,
    chunk: Chunk,
    now: Timestamp,
) -> Result<Option<Judged>> {
    let Some(resource_type) = tx.resource_type(chunk.type_no)? else { return Ok(None) };
    let stored = Planes::decode(&tx.planes(chunk.no)?)?;
    let types = tx.types(chunk.account)?;
    let stale = stale_rules(set, &resource_type, &stored, &types);
    if stale.is_empty() {
        return Ok(None);
    }
    let mut judging = Judging::new(tx, &stale, &chunk, set.recorder_enabled, stored.words(), now);
    if resource_type.is_account() {
        let account = tx.account(chunk.account)?;
        if let Some(account) = account {
            judging.judge(0, &account_resource::body(&account));
        }
    } else {
        tx.scan_chunk(chunk.no, 0, -1, &mut |slot, _, body| {
            judging.judge(slot, body);
            Ok(())
        })?;
    }
    let mut planes = judging.finish();
    for ((of, _), rule) in planes.iter_mut().zip(&stale) {
        of.mark = rule.rule.mark;
        of.followed = rule.followed(&types);
    }
    Ok(Some(Judged { ticket, chunk, resource_type, rules_version: set.version, now, planes }))
}

/// Ends a ticket for which nothing is to be judged, unless the rules moved: then it stands and
/// is taken again.
pub(crate) fn finish_idle(
    tx: &dyn WriteTx,
    ticket: Ticket,
    judged_by: i64,
    current: i64,
) -> Result<()> {
    if judged_by == current { tx.finish_ticket(ticket) } else { Ok(()) }
}

/// Commits what was judged. `set` is the rule set of this very transaction. Where the rules, or
/// what they look up, moved meanwhile, the ticket stands and is taken again.
pub(crate) fn commit(tx: &dyn WriteTx, judged: Judged, set: &Arc<RuleSet>) -> Result<()> {
    let Judged { ticket, chunk, resource_type, rules_version, now, planes } = judged;
    if set.version != rules_version {
        return Ok(());
    }
    let mut edit = ChunkEdit::load(tx, chunk.no, counted(set))?;
    let mut planes = planes;
    if edit.chunk.version > chunk.version {
        // Only slots that moved are judged again; what was deleted falls out by `live`.
        let stale: Vec<&CompiledRule> =
            planes.iter().filter_map(|(of, _)| set.rule(of.rule)).collect();
        let words = edit.planes.words();
        let mut again = Judging::new(tx, &stale, &chunk, set.recorder_enabled, words, now);
        let mut moved = Vec::new();
        if !resource_type.is_account() {
            tx.scan_chunk(chunk.no, 0, chunk.version, &mut |slot, _, body| {
                moved.push(slot);
                again.judge(slot, body);
                Ok(())
            })?;
        }
        for ((of, _), (fresh, _)) in planes.iter_mut().zip(again.finish()) {
            for slot in &moved {
                of.set(*slot, fresh.verdict(*slot));
            }
        }
    }
    let types = tx.types(chunk.account)?;
    let mut is_current = true;
    for (of, progress) in planes {
        let Some(rule) = set.rule(of.rule) else { continue };
        let known = edit.planes.rule(of.rule).map(|known| (known.mark, known.followed));
        if known == Some((of.mark, of.followed)) {
            continue;
        }
        if of.followed != rule.followed(&types) {
            // What it looked up has changed since: these verdicts are newer than the stored
            // ones and still pending. Waiting for a quiet moment could take for ever.
            is_current = false;
        }
        // A chunk that only follows another type was counted by the run before.
        let is_of_the_run = known.is_none_or(|(mark, _)| mark != of.mark);
        edit.planes.put(of);
        if is_of_the_run {
            runs::advance(tx, rule.rule.no, progress, now)?;
        }
    }
    edit.flush(tx, counted(set))?;
    if is_current { tx.finish_ticket(ticket) } else { Ok(()) }
}

/// The rules that should judge a chunk of this type and are not at their mark in it.
fn stale_rules<'a>(
    set: &'a RuleSet,
    resource_type: &ResourceType,
    stored: &Planes,
    types: &[TypeRow],
) -> Vec<&'a CompiledRule> {
    set.rules()
        .iter()
        .filter(|rule| {
            rule.judges
                && rule.program.is_some()
                && rule.scope.covers_type(resource_type)
                && (set.recorder_enabled || reads_recorder(rule))
                && stored.rule(rule.no).is_none_or(|of| {
                    of.mark != rule.rule.mark || of.followed != rule.followed(types)
                })
        })
        .collect()
}

/// With the recorder off nothing is judged, but for the policy that is about just that.
pub(crate) fn reads_recorder(rule: &CompiledRule) -> bool {
    rule.program.as_ref().is_some_and(|program| program.reads_recorder())
}

/// Judges the resources of a chunk by some of its rules.
pub(crate) struct Judging<'a> {
    rules: Vec<&'a CompiledRule>,
    programs: ProgramSet,
    needs_view: bool,
    surroundings: Surroundings<'a>,
    scratch: Scratch,
    outcomes: Vec<Outcome>,
    planes: Vec<(RulePlanes, Progress)>,
}

impl<'a> Judging<'a> {
    pub(crate) fn new(
        tx: &'a dyn ReadTx,
        rules: &[&'a CompiledRule],
        chunk: &Chunk,
        recorder_enabled: bool,
        words: usize,
        now: Timestamp,
    ) -> Self {
        let programs: Vec<_> = rules.iter().filter_map(|rule| rule.program.clone()).collect();
        Self {
            rules: rules.to_vec(),
            programs: ProgramSet::new(&programs),
            needs_view: rules.iter().any(|rule| rule.scope.narrows_inside_type()),
            surroundings: Surroundings::new(tx, chunk.account, now, recorder_enabled),
            scratch: Scratch::default(),
            outcomes: Vec::new(),
            planes: rules
                .iter()
                .map(|rule| (RulePlanes::new(rule.no, words), Progress::default()))
                .collect(),
        }
    }

    pub(crate) fn judge(&mut self, slot: usize, body: &[u8]) {
        self.programs.evaluate(&mut self.scratch, body, &self.surroundings, &mut self.outcomes);
        let resource = self.needs_view.then(|| view::read(body));
        for ((rule, outcome), (planes, progress)) in
            self.rules.iter().zip(&self.outcomes).zip(&mut self.planes)
        {
            if resource.as_ref().is_some_and(|resource| !rule.scope.matches(resource)) {
                continue;
            }
            planes.set(slot, verdict_of(*outcome));
            progress.judged += 1;
            if let Outcome::Undetermined(reason) = outcome {
                progress.undetermined += 1;
                progress.reason.get_or_insert_with(|| reason.to_string());
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<(RulePlanes, Progress)> {
        self.planes
    }
}

/// A verdict that was judged just now, beside the one that is stored.
pub(crate) fn judge_one(
    tx: &dyn ReadTx,
    rule: &CompiledRule,
    chunk: &Chunk,
    slot: usize,
    body: &[u8],
    recorder_enabled: bool,
    now: Timestamp,
) -> Verdict {
    let mut judging = Judging::new(tx, &[rule], chunk, recorder_enabled, slot / 64 + 1, now);
    judging.judge(slot, body);
    judging.finish().first().map_or(Verdict::OutOfScope, |(planes, _)| planes.verdict(slot))
}
