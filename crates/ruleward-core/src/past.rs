//! Time travel: what was compliant at a moment, and which verdicts changed between two and why.
//!
//! The planes of a chunk at a moment are those of now, or of the first checkpoint after it, with
//! what flipped since undone. Rules and bodies are looked up as they stood then, so deleted rules
//! and resources stay in the past that they belong to.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use ruleward_store::{ReadTx, Span, StoredResource};
use ruleward_types::{
    Account, AccountNo, AssignmentSummary, ChunkNo, ComplianceCounts, DomainSummary, Error,
    PolicyAssignment, ResourceKey, Result, RuleNo, Timestamp, limits,
};

use crate::Service;
use crate::access::Access;
use crate::account_resource;
use crate::causes::{Cause, CauseKind};
use crate::evaluation::bits::Bits;
use crate::evaluation::each_chunk::each_chunk;
use crate::evaluation::planes::{Planes, RulePlanes, Transition, Verdict, plane_no};
use crate::evaluation::view;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::policy_summaries::{TagSelector, assignment_counts};
use crate::previews::verdict_name;

/// What a look back is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct PastQuery {
    /// Only verdicts on the resource of this id.
    pub resource_id: Option<String>,
    /// Only verdicts of the rule of this id.
    pub policy_assignment_id: Option<String>,
    /// Only verdicts of this name: `Compliant`, `NonCompliant`, `Undetermined`.
    pub state: Option<String>,
}

/// A resource as a look back names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastSubject {
    /// Its id; the account's for the account itself.
    pub id: String,
    /// Its name then.
    pub name: String,
    /// Its provider; none for the account.
    pub provider: Option<String>,
    /// Its type; none for the account.
    pub type_name: Option<String>,
    /// Its region then.
    pub region_id: String,
}

/// A verdict as it stood at a moment.
#[derive(Debug, Clone)]
pub struct PastState {
    /// On what.
    pub resource: PastSubject,
    /// By which rule, as it stood then.
    pub policy_assignment: PolicyAssignment,
    /// `Compliant`, `NonCompliant` or `Undetermined`.
    pub state: &'static str,
}

/// A verdict that is another one at the end of a span of time than at its beginning.
#[derive(Debug, Clone)]
pub struct StateChange {
    /// On what, as it stood at the end; a resource that is gone then, as it stood last.
    pub resource: PastSubject,
    /// By which rule; one that is gone at the end, as it stood last.
    pub policy_assignment: PolicyAssignment,
    /// The verdict at the beginning; none without one.
    pub before: Option<&'static str>,
    /// The verdict at the end; none without one.
    pub after: Option<&'static str>,
    /// When it became what it is at the end.
    pub at: Timestamp,
    /// Because of what.
    pub cause: Option<Cause>,
}

impl Service {
    /// An account in numbers as it stood at a moment; of the rules that carried any of the tags then,
    /// where tags are given.
    pub fn summary_at(
        &self,
        access: &Access,
        tags: &[TagSelector],
        at: Timestamp,
    ) -> Result<DomainSummary> {
        self.read(|tx| {
            let account = self.account_at(tx, access, at)?;
            let mut rules = tx.rules_at(account.no, at)?;
            rules.retain(|rule| {
                rule.judges() && (tags.is_empty() || tags.iter().any(|tag| tag.selects(rule)))
            });
            let numbers: Vec<u32> = rules.iter().map(|rule| plane_no(rule.no)).collect();
            let mut resources = ComplianceCounts::default();
            let mut counts: Vec<_> =
                rules.iter().map(|rule| (rule.no, ComplianceCounts::default())).collect();
            each_chunk(tx, account.no, None, None, |chunk| {
                let planes = planes_at(tx, chunk.no, at)?;
                resources.add(planes.tally(|no| numbers.binary_search(&no).is_ok()));
                for (no, of) in &mut counts {
                    of.add(
                        planes
                            .rule(plane_no(*no))
                            .map_or_else(ComplianceCounts::default, RulePlanes::counts),
                    );
                }
                Ok(ControlFlow::Continue(()))
            })?;
            let assignments = assignment_counts(&rules, &counts);
            let of_rules = rules.into_iter().zip(counts);
            let of_rule = |(rule, (_, resources))| AssignmentSummary {
                policy_assignment: Arc::new(rule),
                resources,
            };
            Ok(DomainSummary {
                resources,
                assignments,
                policy_assignments: of_rules.map(of_rule).collect(),
            })
        })
    }

    /// The verdicts of an account as they stood at a moment.
    pub fn policy_states_at(
        &self,
        access: &Access,
        query: &PastQuery,
        at: Timestamp,
        page: Page,
    ) -> Result<Paged<PastState>> {
        self.read(|tx| {
            let account = self.account_at(tx, access, at)?;
            let mut rules = tx.rules_at(account.no, at)?;
            rules.retain(|rule| query.takes(rule));
            let mut found = Collector::new(page);
            let after = page.after.unwrap_or(Cursor(-1, -1));
            each_place(tx, account.no, query, after, |chunk, slots| {
                let planes = planes_at(tx, chunk, at)?;
                let mut judged = Bits::with_words(planes.words());
                for of in rules.iter().filter_map(|rule| planes.rule(plane_no(rule.no))) {
                    judged.or(&of.scope);
                }
                for key in slots.keys(chunk, &judged) {
                    let mut subject = None;
                    for rule in &rules {
                        let place = Cursor(key.0, rule.no.0);
                        let verdict = planes.verdict(plane_no(rule.no), key.slot());
                        let Some(state) = named(verdict) else { continue };
                        if place <= after || query.state.as_deref().is_some_and(|of| of != state) {
                            continue;
                        }
                        let resource = match &subject {
                            Some(known) => PastSubject::clone(known),
                            None => subject_at(tx, &account, key, at)?,
                        };
                        subject = Some(resource.clone());
                        found.push(
                            place,
                            PastState { resource, policy_assignment: rule.clone(), state },
                        );
                    }
                    if found.is_full() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(found.finish())
        })
    }

    /// The verdicts that are others at the end of a span than at its beginning, with the change that
    /// made each what it is at the end.
    pub fn policy_state_changes(
        &self,
        access: &Access,
        query: &PastQuery,
        from: Timestamp,
        to: Timestamp,
        page: Page,
    ) -> Result<Paged<StateChange>> {
        if from > to {
            return Err(Error::invalid("`from` has to be a moment before `to`."));
        }
        self.read(|tx| {
            let account = self.account_at(tx, access, from)?;
            self.account_at(tx, access, to)?;
            let mut looked_up = Rules { account: account.no, from, to, known: HashMap::new() };
            let mut found = Collector::new(page);
            let after = page.after.unwrap_or(Cursor(-1, -1));
            each_place(tx, account.no, query, after, |chunk, slots| {
                let flips = flips(tx, chunk, from, to)?;
                let mut places: Vec<_> = flips
                    .iter()
                    .filter(|((slot, _), _)| slots.has(ResourceKey::new(chunk, *slot)))
                    .collect();
                places.sort_unstable_by_key(|(place, _)| **place);
                for ((slot, rule), flip) in places {
                    let key = ResourceKey::new(chunk, *slot);
                    let place = Cursor(key.0, i64::from(*rule));
                    let states = [named(flip.before), named(flip.after)];
                    let has = |wanted: &String| states.contains(&Some(wanted.as_str()));
                    if place <= after || !query.state.as_ref().is_none_or(has) {
                        continue;
                    }
                    let Some(policy_assignment) = looked_up.rule(tx, RuleNo((*rule).into()))?
                    else {
                        continue;
                    };
                    if !query.takes(&policy_assignment) {
                        continue;
                    }
                    if !found.has_room() {
                        found.overflow();
                        return Ok(ControlFlow::Break(()));
                    }
                    let cause = looked_up.cause(tx, policy_assignment.no, flip.at)?;
                    found.push(
                        place,
                        StateChange {
                            resource: subject_at(tx, &account, key, to)?,
                            policy_assignment,
                            before: named(flip.before),
                            after: named(flip.after),
                            at: flip.at,
                            cause,
                        },
                    );
                }
                Ok(ControlFlow::Continue(()))
            })?;
            Ok(found.finish())
        })
    }

    /// The account, if a moment lies in the past of it that is kept.
    fn account_at(&self, tx: &dyn ReadTx, access: &Access, at: Timestamp) -> Result<Account> {
        let account = tx
            .account(access.account())?
            .ok_or_else(|| Error::internal("look back", "no account"))?;
        let now = self.tick();
        if at > now {
            return Err(Error::invalid(format!("{} lies in the future.", at.to_wire())));
        }
        // Where less was kept once, a longer retention brings nothing back.
        let whole = tx.past_begins(account.no)?.max(kept_since(tx, account.no, now)?);
        let first = account.created.max(whole);
        if at < first {
            let words = format!(
                "{} lies before what is kept; the past of this account begins at {}.",
                at.to_wire(),
                first.to_wire()
            );
            return Err(Error::invalid(words));
        }
        Ok(account)
    }
}

impl PastQuery {
    fn takes(&self, rule: &PolicyAssignment) -> bool {
        self.policy_assignment_id.as_deref().is_none_or(|id| id == rule.id.as_str())
    }
}

/// Since when an account wants its past kept.
pub(crate) fn kept_since(tx: &dyn ReadTx, account: AccountNo, now: Timestamp) -> Result<Timestamp> {
    let days = tx
        .tracker_config(account)?
        .map_or(limits::RETENTION_DAYS_MOST, |config| config.retention_period_in_days);
    Ok(now.plus_seconds(-i64::from(days) * 24 * 3600))
}

/// A verdict by its name; none where the resource is not in scope.
fn named(verdict: Verdict) -> Option<&'static str> {
    (verdict != Verdict::OutOfScope).then(|| verdict_name(verdict))
}

/// The planes of a chunk as they stood at a moment.
pub(crate) fn planes_at(tx: &dyn ReadTx, chunk: ChunkNo, at: Timestamp) -> Result<Planes> {
    let (mut planes, until) = match tx.planes_checkpoint(chunk, at)? {
        Some((stood, bytes)) => (Planes::decode(bytes)?, stood.0 - 1),
        None => (Planes::decode(tx.planes(chunk)?)?, i64::MAX),
    };
    tx.transitions(chunk, Span { from: at.0 + 1, to: until }, &mut |_, bytes| {
        Transition::decode(bytes)?.undo(&mut planes);
        Ok(())
    })?;
    Ok(planes)
}

/// A verdict at both ends of a span, and when it became the later one.
struct Flip {
    before: Verdict,
    after: Verdict,
    at: Timestamp,
}

/// The verdicts of a chunk that differ at both ends of a span, by slot and rule.
fn flips(
    tx: &dyn ReadTx,
    chunk: ChunkNo,
    from: Timestamp,
    to: Timestamp,
) -> Result<HashMap<(usize, u32), Flip>> {
    let mut flips: HashMap<(usize, u32), Flip> = HashMap::new();
    let span = Span { from: from.0 + 1, to: to.0 };
    let mut planes: Option<Planes> = None;
    tx.transitions(chunk, span, &mut |at, bytes| {
        let planes = match &mut planes {
            Some(planes) => planes,
            none => none.insert(planes_at(tx, chunk, to)?),
        };
        let transition = Transition::decode(bytes)?;
        let flipped: Vec<_> =
            transition.rules.iter().map(|rule| (rule.rule, rule.slots(planes))).collect();
        for (rule, slots) in &flipped {
            for slot in slots.iter_from(0) {
                flips.entry((slot, *rule)).or_insert_with(|| {
                    let after = planes.verdict(*rule, slot);
                    Flip { before: after, after, at }
                });
            }
        }
        transition.undo(planes);
        for (rule, slots) in &flipped {
            for slot in slots.iter_from(0) {
                if let Some(flip) = flips.get_mut(&(slot, *rule)) {
                    flip.before = planes.verdict(*rule, slot);
                }
            }
        }
        Ok(())
    })?;
    flips.retain(|_, flip| flip.before != flip.after);
    Ok(flips)
}

/// Rules of a span, each looked up once.
struct Rules {
    account: AccountNo,
    from: Timestamp,
    to: Timestamp,
    known: HashMap<RuleNo, Option<PolicyAssignment>>,
}

impl Rules {
    /// A rule as it stood at the end, else at the beginning, else just before it was deleted.
    fn rule(&mut self, tx: &dyn ReadTx, no: RuleNo) -> Result<Option<PolicyAssignment>> {
        if let Some(known) = self.known.get(&no) {
            return Ok(known.clone());
        }
        let mut rule = tx.rule_at(self.account, no, self.to)?;
        if rule.is_none()
            && let Some(ended) = tx.rule_changed(self.account, no, self.to)?
        {
            rule = tx.rule_at(self.account, no, Timestamp(ended.0 - 1))?;
        }
        self.known.insert(no, rule.clone());
        Ok(rule)
    }

    /// What made a verdict what it is. A run that a change of the rule started stands for that change.
    fn cause(&self, tx: &dyn ReadTx, rule: RuleNo, at: Timestamp) -> Result<Option<Cause>> {
        let Some((_, cause)) = tx.change(self.account, at)? else { return Ok(None) };
        let cause = Cause::decode(&cause)?;
        if cause.kind == CauseKind::Evaluation
            && let Some(changed) = tx.rule_changed(self.account, rule, at)?
            && changed > self.from
            && let Some((_, cause)) = tx.change(self.account, changed)?
        {
            return Cause::decode(&cause).map(Some);
        }
        Ok(Some(cause))
    }
}

/// Which slots of a chunk a look back is about.
struct Places<'a> {
    only: Option<&'a [ResourceKey]>,
    from: i64,
}

impl Places<'_> {
    fn has(&self, key: ResourceKey) -> bool {
        key.0 >= self.from && self.only.is_none_or(|only| only.contains(&key))
    }

    fn keys(&self, chunk: ChunkNo, of: &Bits) -> Vec<ResourceKey> {
        let keys = of.iter_from(0).map(|slot| ResourceKey::new(chunk, slot));
        keys.filter(|key| self.has(*key)).collect()
    }
}

/// Calls for each chunk of an account that may hold what a query asks for, in order.
fn each_place(
    tx: &dyn ReadTx,
    account: AccountNo,
    query: &PastQuery,
    after: Cursor,
    mut visit: impl FnMut(ChunkNo, &Places<'_>) -> Result<ControlFlow<()>>,
) -> Result<()> {
    if let Some(id) = &query.resource_id {
        let mut keys = crate::policy_states::resource_keys(tx, account, id)?;
        keys.extend(tx.past_resources_by_id(account, id)?);
        keys.sort();
        let mut chunks: Vec<ChunkNo> = keys.iter().map(|key| key.chunk()).collect();
        chunks.dedup();
        for chunk in chunks {
            if visit(chunk, &Places { only: Some(&keys), from: after.0 })?.is_break() {
                break;
            }
        }
        return Ok(());
    }
    let past = ChunkNo(ResourceKey(after.0.max(0)).chunk().0 - 1);
    let places = Places { only: None, from: after.0 };
    each_chunk(tx, account, None, Some(past), |chunk| visit(chunk.no, &places))
}

/// What lived at a place at a moment, else what lived there last.
pub(crate) fn body_at(
    tx: &dyn ReadTx,
    key: ResourceKey,
    at: Timestamp,
) -> Result<Option<StoredResource>> {
    let last = match tx.resource(key)? {
        Some(stored) => Some(stored),
        None => tx.past_resource(key)?.map(|past| past.last),
    };
    if let Some(last) = last.as_ref().filter(|last| last.version > at.0)
        && let Some(past) = tx.past_version_at(last, at)?
    {
        return Ok(Some(StoredResource { key, version: past.version, body: past.body }));
    }
    Ok(last)
}

fn subject_at(
    tx: &dyn ReadTx,
    account: &Account,
    key: ResourceKey,
    at: Timestamp,
) -> Result<PastSubject> {
    let Some(stored) = body_at(tx, key, at)? else {
        return Ok(PastSubject {
            id: account.domain_id.clone(),
            name: account_resource::NAME.to_owned(),
            provider: None,
            type_name: None,
            region_id: account_resource::REGION.to_owned(),
        });
    };
    let view = view::read_head(&stored.body);
    Ok(PastSubject {
        id: view.id.into_owned(),
        name: view.name.into_owned(),
        provider: Some(view.provider.into_owned()),
        type_name: Some(view.type_name.into_owned()),
        region_id: view.region_id.into_owned(),
    })
}
