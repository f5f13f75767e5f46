//! One ticket: bring every rule of a chunk to its current mark.
//!
//! A chunk is judged on a snapshot, outside the writer. The write job then judges again only
//! what moved since, writes the differences, moves the kept numbers and ends the ticket, all in one
//! commit.

use std::sync::Arc;

use ruleward_store::{Chunk, ReadTx, Ticket, TypeRow, WriteTx};
use ruleward_types::{AccountNo, ResourceType, Result, Timestamp};

use super::chunk_edit::{ChunkEdit, counted};
use super::columns::{Built, ColumnSets, judge_chunk};
use super::judging::{Found, Judging, Place};
use super::ledger::Ledger;
use super::planes::{Planes, Standing};
use super::rule_set::{CompiledRule, RuleSet};
use crate::account_resource;
use crate::service::Writing;

/// What a snapshot said of a chunk.
#[derive(Debug)]
pub(crate) struct Judged {
    ticket: Ticket,
    chunk: Chunk,
    resource_type: ResourceType,
    rules_version: i64,
    now: Timestamp,
    found: Vec<Found>,
    built: Option<Built>,
}

impl Judged {
    /// What was found and built, for rules that are not stored yet.
    pub(crate) fn into_parts(self) -> (Vec<Found>, Option<Built>) {
        (self.found, self.built)
    }
}

/// Judges a chunk on a snapshot. `None`: there is nothing to do, the ticket can end.
pub(crate) fn judge(
    tx: &dyn ReadTx,
    ticket: Ticket,
    set: &Arc<RuleSet>,
    sets: &ColumnSets,
    chunk: Chunk,
    now: Timestamp,
) -> Result<Option<Judged>> {
    let Some(resource_type) = tx.resource_type(chunk.type_no)? else { return Ok(None) };
    let stored = Planes::decode(tx.planes(chunk.no)?)?;
    let types = types_followed(tx, set, chunk.account)?;
    let stale = stale_rules(set, &resource_type, &stored, &types);
    let is_account = resource_type.is_account();
    if stale.is_empty() && (is_account || !sets.upkeep.wants_columns(tx, &chunk, &stored.live)?) {
        return Ok(None);
    }
    let place = Place {
        tx,
        chunk: &chunk,
        live: &stored.live,
        words: stored.words(),
        recorder: &set.recorder,
        now,
    };
    let (mut found, built) = if is_account {
        let mut judging = Judging::new(&place, &stale);
        if let Some(account) = tx.account(chunk.account)? {
            judging.judge(0, &account_resource::body(&account));
        }
        (judging.finish(), None)
    } else {
        judge_chunk(&place, &stale, &set.columns(&resource_type, sets), true)?
    };
    for (of, rule) in found.iter_mut().zip(&stale) {
        of.planes.standing = Standing { mark: rule.rule.mark, followed: rule.followed(&types) };
    }
    let rules_version = set.version;
    Ok(Some(Judged { ticket, chunk, resource_type, rules_version, now, found, built }))
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
pub(crate) fn commit(
    writing: &Writing<'_>,
    judged: Judged,
    set: &Arc<RuleSet>,
    ledger: &mut Ledger,
) -> Result<()> {
    let Judged { ticket, chunk, resource_type, rules_version, now, mut found, built } = judged;
    if set.version != rules_version {
        return Ok(());
    }
    let tx = writing.tx;
    let mut edit = ChunkEdit::load(tx, chunk.no)?;
    let mut moved = Vec::new();
    if edit.chunk.version > chunk.version && !resource_type.is_account() {
        // Only slots that moved are judged again; what was deleted falls out by `live`.
        let stale: Vec<&CompiledRule> =
            found.iter().filter_map(|of| set.rule(of.planes.rule)).collect();
        let place = Place {
            tx,
            chunk: &chunk,
            live: &edit.planes.live,
            words: edit.planes.words(),
            recorder: &set.recorder,
            now,
        };
        let mut again = Judging::new(&place, &stale);
        tx.scan_chunk(chunk.no, 0, chunk.version, &mut |slot, _, body| {
            moved.push(slot);
            again.judge(slot, body);
            Ok(())
        })?;
        for (of, fresh) in found.iter_mut().zip(again.finish()) {
            for slot in &moved {
                of.planes.set(*slot, fresh.planes.verdict(*slot));
            }
        }
    }
    let types = types_followed(tx, set, chunk.account)?;
    let mut is_current = true;
    for of in found {
        let Some(rule) = set.rule(of.planes.rule) else { continue };
        let known = edit.planes.standing(of.planes.rule);
        if known == Some(of.planes.standing) {
            continue;
        }
        if of.planes.standing.followed != rule.followed(&types) {
            // What it looked up has changed since: these verdicts are newer than the stored
            // ones and still pending. Waiting for a quiet moment could take for ever.
            is_current = false;
        }
        // A chunk that only follows another type was counted by the run before.
        let is_of_the_run = known.is_none_or(|known| known.mark != of.planes.standing.mark);
        let progress = of.progress();
        edit.planes.put(of.planes);
        if is_of_the_run {
            ledger.advance(rule.rule.no, progress);
        }
    }
    if let Some(built) = built {
        built.store(tx, &mut edit.chunk, &moved)?;
    }
    edit.flush(writing, counted(set), ledger)?;
    if is_current { tx.finish_ticket(ticket) } else { Ok(()) }
}

/// The types of an account, where a rule follows any.
fn types_followed(tx: &dyn ReadTx, set: &RuleSet, account: AccountNo) -> Result<Vec<TypeRow>> {
    let is_any = set.rules().any(CompiledRule::defers_changes);
    if is_any { tx.types(account) } else { Ok(Vec::new()) }
}

/// The rules that should judge a chunk of this type and are not at their mark in it.
fn stale_rules<'a>(
    set: &'a RuleSet,
    resource_type: &ResourceType,
    stored: &Planes,
    types: &[TypeRow],
) -> Vec<&'a CompiledRule> {
    set.rules()
        .filter(|rule| {
            rule.judges
                && rule.program.is_some()
                && rule.scope.covers_type(resource_type)
                && (set.recorder.enabled || reads_recorder(rule))
                && stored.standing(rule.no).is_none_or(|of| {
                    of.mark != rule.rule.mark || of.followed != rule.followed(types)
                })
        })
        .collect()
}

/// With the recorder off nothing is judged, but for the policy that is about just that.
pub(crate) fn reads_recorder(rule: &CompiledRule) -> bool {
    rule.program.as_ref().is_some_and(|program| program.reads_recorder())
}
