//! Judging rules before they are stored: on a snapshot, outside the writer.
//!
//! Only rules whose verdicts hang on the resource and the clock alone, and only where the
//! inventory is small. What was judged holds as long as the account's rules version and its
//! chunks are those of the snapshot; else the rules get tickets.

use std::sync::Arc;

use ruleward_store::{Chunk, ReadTx, Ticket};
use ruleward_types::{
    Account, ChunkNo, OrganizationDeploymentNo, PolicyAssignment, Recorder, Result, RuleNo,
    Timestamp,
};

use super::{Rules, Work};
use crate::Service;
use crate::evaluation::chunk_run;
use crate::evaluation::columns::Built;
use crate::evaluation::judging::{Found, Judging, Place};
use crate::evaluation::planes::Planes;
use crate::evaluation::rule_set::{CompiledRule, RuleSet};

/// Resources of an account whose rules are judged ahead, at most.
const RESOURCES: usize = 16_384;
/// Chunks of such an account, at most.
const CHUNKS: usize = 256;

/// What was judged of an account.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) rules_version: i64,
    /// All chunks of the account.
    pub(super) chunks: Vec<Chunk>,
    /// Columns that were built on the way.
    pub(super) built: Vec<(ChunkNo, Built)>,
    rules: Vec<AheadRule>,
}

/// What was judged by one rule.
#[derive(Debug)]
pub(super) struct AheadRule {
    deployment: OrganizationDeploymentNo,
    /// Whether the same rule was meant.
    revision: String,
    mark: u32,
    /// By chunk, in order. The rule's number is not known yet where the rule is new.
    pub(super) found: Vec<(ChunkNo, Found)>,
}

impl Ahead {
    /// What was judged by a rule, if it still is what was judged by.
    pub(super) fn take(
        &mut self,
        deployment: OrganizationDeploymentNo,
        rule: &PolicyAssignment,
    ) -> Option<AheadRule> {
        let place = self.rules.iter().position(|ahead| ahead.deployment == deployment)?;
        let ahead = self.rules.swap_remove(place);
        (ahead.revision == rule.revision && ahead.mark == rule.mark).then_some(ahead)
    }
}

/// A member's rule as the organization wants it, beside the one that stands.
pub(super) fn wanted_rule(
    template: &PolicyAssignment,
    standing: Option<&PolicyAssignment>,
) -> PolicyAssignment {
    let Some(standing) = standing else { return template.clone() };
    let moved = u32::from(standing.revision != template.revision);
    PolicyAssignment {
        no: standing.no,
        id: standing.id.clone(),
        created: standing.created,
        state: standing.state,
        mark: standing.mark.wrapping_add(moved),
        run: standing.run,
        ..template.clone()
    }
}

/// Judges what can be judged ahead of an account's deployments.
pub(super) fn judge(
    tx: &dyn ReadTx,
    service: &Service,
    rules: &mut Rules,
    work: &Work,
    left: &mut usize,
) -> Result<Option<Ahead>> {
    let Some(account) = tx.account(work.account)?.filter(|account| account.recorder.enabled) else {
        return Ok(None);
    };
    let chunks = tx.chunks(account.no, None, None, CHUNKS + 1)?;
    let resources: usize = chunks.iter().map(|chunk| chunk.live).sum();
    if chunks.len() > CHUNKS || resources > RESOURCES.min(*left) {
        return Ok(None);
    }
    *left -= resources;
    let mut ahead = Ahead {
        rules_version: account.rules_version,
        chunks,
        built: Vec::new(),
        rules: Vec::new(),
    };
    let set = set(tx, service, rules, work, &account, &mut ahead.rules)?;
    let now = service.tick();
    let types = tx.types(account.no)?;
    for chunk in &ahead.chunks {
        let Some(of) = types.iter().find(|row| row.no == chunk.type_no) else { continue };
        let covering: Vec<&CompiledRule> =
            set.rules().filter(|rule| rule.scope.covers_type(&of.resource_type)).collect();
        if covering.is_empty() {
            continue;
        }
        let found = if chunk.used < service.options.columns_from {
            by_bodies(tx, chunk, &covering, &account.recorder, now)?
        } else {
            let ticket = Ticket { chunk: chunk.no, generation: 0 };
            let judged = chunk_run::judge(tx, ticket, &set, &service.column_sets, *chunk, now)?;
            let Some(judged) = judged else { continue };
            let (found, built) = judged.into_parts();
            ahead.built.extend(built.map(|built| (chunk.no, built)));
            found
        };
        for of in found {
            let place = set.place(of.planes.rule);
            if let Some(rule) = place.and_then(|place| ahead.rules.get_mut(place)) {
                rule.found.push((chunk.no, of));
            }
        }
    }
    Ok(Some(ahead))
}

/// Judges a chunk that has too few slots for columns, with little ado: there are many of these.
fn by_bodies(
    tx: &dyn ReadTx,
    chunk: &Chunk,
    rules: &[&CompiledRule],
    recorder: &Recorder,
    now: Timestamp,
) -> Result<Vec<Found>> {
    let stored = Planes::decode(tx.planes(chunk.no)?)?;
    let place = Place { tx, chunk, live: &stored.live, words: stored.words(), recorder, now };
    let mut judging = Judging::new(&place, rules);
    tx.scan_chunk(chunk.no, 0, -1, &mut |slot, _, body| {
        judging.judge(slot, body);
        Ok(())
    })?;
    let mut found = judging.finish();
    for (of, rule) in found.iter_mut().zip(rules) {
        of.planes.standing.mark = rule.rule.mark;
    }
    Ok(found)
}

/// The rules that are judged ahead, as a rule set; `ahead` gets a place for each.
fn set(
    tx: &dyn ReadTx,
    service: &Service,
    rules: &mut Rules,
    work: &Work,
    account: &Account,
    ahead: &mut Vec<AheadRule>,
) -> Result<Arc<RuleSet>> {
    let mut judged: Vec<(PolicyAssignment, OrganizationDeploymentNo)> = Vec::new();
    for no in &work.deployments {
        let Some(deployment) = tx.deployment(*no)? else { continue };
        let wanted = rules.get(tx, service, deployment.rule)?;
        let Some(template) = wanted.as_ref().and_then(|wanted| wanted.template.as_ref().ok())
        else {
            continue;
        };
        let standing = match &deployment.assignment {
            Some((no, _)) => tx.rule(*no)?.map(|(_, rule)| rule),
            None => None,
        };
        let mut rule = wanted_rule(template, standing.as_ref());
        if standing.is_none() {
            // Numbers that no rule has, in the order in which the rules will get theirs.
            rule.no = RuleNo(
                i64::from(u32::MAX) - i64::try_from(work.deployments.len()).unwrap_or(0)
                    + i64::try_from(judged.len()).unwrap_or(0),
            );
        } else if standing.is_some_and(|standing| standing.revision == rule.revision) {
            continue;
        }
        judged.push((rule, *no));
    }
    judged.sort_by_key(|(rule, _)| rule.no);
    let compiled = RuleSet::compile(
        account,
        judged.iter().map(|(rule, _)| Arc::new(rule.clone())).collect(),
        &[],
        service.catalogue,
        None,
    )?
    .only_judging_changes();
    *ahead = compiled
        .rules()
        .filter_map(|rule| {
            let (_, deployment) = judged.iter().find(|(judged, _)| judged.no == rule.rule.no)?;
            Some(AheadRule {
                deployment: *deployment,
                revision: rule.rule.revision.clone(),
                mark: rule.rule.mark,
                found: Vec::new(),
            })
        })
        .collect();
    Ok(Arc::new(compiled))
}
