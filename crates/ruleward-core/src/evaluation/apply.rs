//! Changes of resources: stored, judged and counted in one transaction.
//!
//! Judging happens before the writer is entered, on the caller's thread, by the rule set of a
//! snapshot; the write job judges again only if the rules changed meanwhile.

mod met;
mod told;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ruleward_policy::{Outcome, Scratch};
use ruleward_store::{Chunk, PastResource, WriteTx};
use ruleward_types::WriteOutcome::{self, Changed, Created, Unchanged};
use ruleward_types::{
    AccountNo, ChunkNo, Resource, ResourceKey, ResourceType, ResourceView, Result, RuleNo,
    SLOTS_PER_CHUNK, Timestamp, TypeNo,
};

use self::met::{Before, Met};
use super::chunk_edit::{ChunkEdit, counted};
use super::each_chunk::every_chunk;
use super::environment::Alone;
use super::facets::{BOTH, FacetEdits, Listed, SHADOWED};
use super::ledger::Ledger;
use super::planes::Verdict;
use super::rule_set::{RuleSet, TypeRules};
use super::view;
use crate::functions::jobs;
use crate::relations::{Relinked, Relinks, targets};
use crate::service::Writing;

/// What the rules make of one resource: by rule number; `None` keeps the verdict that stands.
pub(crate) type Judgement = Vec<(u32, Option<Verdict>)>;

/// A resource with its judgement, and with what is recorded of it where that was looked up.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) resource: Resource,
    judgement: Judgement,
    listed: Listed,
    met: Option<Met>,
}

/// Judges resources by one rule set, with buffers that are reused.
#[derive(Debug)]
pub(crate) struct Judge {
    set: Arc<RuleSet>,
    now: Timestamp,
    types: HashMap<ResourceType, Arc<TypeRules>>,
    scratch: Scratch,
    outcomes: Vec<Outcome>,
}

impl Judge {
    pub(crate) fn new(set: Arc<RuleSet>, now: Timestamp) -> Self {
        Self { set, now, types: HashMap::new(), scratch: Scratch::default(), outcomes: Vec::new() }
    }

    pub(crate) fn judge(&mut self, resource: Resource) -> Judged {
        let judgement = self.judgement(&resource.resource_type, &resource.body);
        let listed = Listed::of(&resource.body);
        Judged { resource, judgement, listed, met: None }
    }

    fn judgement(&mut self, resource_type: &ResourceType, body: &[u8]) -> Judgement {
        let rules = if let Some(rules) = self.types.get(resource_type) {
            Arc::clone(rules)
        } else {
            let rules = self.set.for_type(resource_type);
            self.types.insert(resource_type.clone(), Arc::clone(&rules));
            rules
        };
        let resource = if rules.needs_view { view::read(body) } else { ResourceView::default() };
        let in_scope = |rule: &super::rule_set::CompiledRule| {
            !rule.scope.narrows_inside_type() || rule.scope.matches(&resource)
        };
        let mut judgement: Judgement = self
            .set
            .covering(&rules)
            // A disabled rule keeps its last states, with the recorder off every rule does.
            .filter(|rule| rule.judges && self.set.recorder.enabled)
            .map(|rule| (rule.no, (!in_scope(rule)).then_some(Verdict::OutOfScope)))
            .collect();
        // These read the resource and the clock; the others get their verdicts by tickets.
        let alone = Alone { now: self.now, account: Arc::clone(&self.set.account) };
        rules.change_programs.evaluate(&mut self.scratch, body, &alone, &mut self.outcomes);
        for (rule, outcome) in self.set.changes(&rules).zip(&self.outcomes) {
            if let Ok(n) = judgement.binary_search_by_key(&rule.no, |(no, _)| *no)
                && let Some((_, verdict @ None)) = judgement.get_mut(n)
            {
                *verdict = Some(verdict_of(*outcome));
            }
        }
        judgement
    }
}

/// An outcome as a verdict.
pub(crate) fn verdict_of(outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Compliant => Verdict::Compliant,
        Outcome::NonCompliant => Verdict::NonCompliant,
        Outcome::Undetermined(_) => Verdict::Undetermined,
    }
}

/// What a body is to who was told another one last.
fn news(told: Option<&[u8]>, body: &[u8]) -> WriteOutcome {
    match told {
        None => Created,
        Some(told) if told == body => Unchanged,
        Some(_) => Changed,
    }
}

/// The changes of one write job, chunk by chunk.
pub(crate) struct Changes<'a> {
    writing: &'a Writing<'a>,
    tx: &'a dyn WriteTx,
    account: AccountNo,
    set: Arc<RuleSet>,
    judge: Judge,
    types: HashMap<String, (TypeNo, ResourceType)>,
    edits: BTreeMap<ChunkNo, ChunkEdit>,
    /// The chunks of a type that have room, recorded or not.
    open_chunks: HashMap<(TypeNo, bool), ChunkNo>,
    facets: FacetEdits,
    /// Types of which a resource changed.
    touched: HashMap<TypeNo, ResourceType>,
    relinks: Relinks,
    /// Whether more comes soon.
    is_import: bool,
}

impl<'a> Changes<'a> {
    /// Begins a batch of an import: when that is complete it builds the columns of all chunks that
    /// grew, so only those that are full are built before.
    pub(crate) fn of_import(writing: &'a Writing<'a>, account: AccountNo) -> Result<Self> {
        Ok(Self { is_import: true, ..Self::begin(writing, account)? })
    }

    /// Begins.
    pub(crate) fn begin(writing: &'a Writing<'a>, account: AccountNo) -> Result<Self> {
        let set = writing.rule_set(account)?;
        Ok(Self {
            writing,
            tx: writing.tx,
            account,
            judge: Judge::new(Arc::clone(&set), writing.now),
            set,
            types: HashMap::new(),
            edits: BTreeMap::new(),
            open_chunks: HashMap::new(),
            facets: FacetEdits::new(account),
            touched: HashMap::new(),
            relinks: Relinks::default(),
            is_import: false,
        })
    }

    /// Writes what the changes left in memory. Nothing is complete without it.
    pub(crate) fn finish(mut self) -> Result<()> {
        let touched = std::mem::take(&mut self.touched);
        for (no, resource_type) in touched {
            self.follow(no, &resource_type)?;
        }
        std::mem::take(&mut self.relinks).write(self.tx)?;
        if !self.edits.is_empty() {
            self.writing.note_change(self.account)?;
        }
        let mut ledger = Ledger::default();
        let upkeep = self.writing.service.column_sets.upkeep;
        for mut edit in std::mem::take(&mut self.edits).into_values() {
            edit.flush(self.writing, counted(&self.set), &mut ledger)?;
            let wants_columns = if self.is_import {
                upkeep.lacks_the_end(&edit.chunk)
            } else {
                upkeep.has_outgrown(&edit.chunk)
            };
            if edit.chunk.recorded && edit.has_grown() && wants_columns {
                self.enqueue(edit.chunk.no)?;
            }
        }
        self.facets.flush(self.tx)?;
        ledger.write(self.tx, self.writing.now)
    }

    /// Wakes the chunks whose verdicts hang on a type of which a resource changed.
    fn follow(&mut self, no: TypeNo, resource_type: &ResourceType) -> Result<()> {
        let set = Arc::clone(&self.set);
        let followers: Vec<_> = set.followers(resource_type).collect();
        if followers.is_empty() {
            return Ok(());
        }
        self.tx.bump_type_changes(no)?;
        for row in self.tx.types(self.account)? {
            if followers.iter().any(|rule| rule.scope.covers_type(&row.resource_type)) {
                every_chunk(self.tx, self.account, Some(row.no), |chunk| self.enqueue(chunk.no))?;
            }
        }
        Ok(())
    }

    fn enqueue(&self, chunk: ChunkNo) -> Result<()> {
        self.tx.enqueue(chunk)?;
        self.writing.service.signal.wake_after_commit();
        Ok(())
    }

    /// A type's row and its spelling; both are made with its first resource.
    fn known_type(&mut self, given: &ResourceType) -> Result<(TypeNo, ResourceType)> {
        let key = given.key();
        if let Some(known) = self.types.get(&key) {
            return Ok(known.clone());
        }
        let no = self.tx.ensure_type(self.account, given)?;
        let spelled = self.tx.resource_type(no)?.unwrap_or_else(|| given.clone());
        self.types.insert(key, (no, spelled.clone()));
        Ok((no, spelled))
    }

    fn edit(&mut self, no: ChunkNo) -> Result<&mut ChunkEdit> {
        match self.edits.entry(no) {
            std::collections::btree_map::Entry::Occupied(known) => Ok(known.into_mut()),
            std::collections::btree_map::Entry::Vacant(place) => {
                Ok(place.insert(ChunkEdit::load(self.tx, no)?))
            }
        }
    }

    /// The type's row. A resource whose type was first seen in another spelling while this one was
    /// read is spelled, and judged, like that.
    fn spelled(&mut self, judged: Judged) -> Result<(Judged, TypeNo)> {
        // Where something is recorded of it, the type was known, and spelled as it is.
        if let Some(Before { type_no, .. }) =
            judged.met.as_ref().and_then(|met| met.before.as_ref())
        {
            let type_no = *type_no;
            return Ok((judged, type_no));
        }
        let given = &judged.resource.resource_type;
        let (type_no, known) = self.known_type(given)?;
        if known.provider == given.provider && known.name == given.name {
            return Ok((judged, type_no));
        }
        let resource = Resource::parse(&judged.resource.body, |_| known.clone())?;
        Ok((self.judge.judge(resource), type_no))
    }

    fn edit_type(&self, no: ChunkNo) -> Result<TypeNo> {
        if let Some(edit) = self.edits.get(&no) {
            return Ok(edit.chunk.type_no);
        }
        Ok(self.tx.chunk(no)?.map_or(TypeNo(0), |chunk| chunk.type_no))
    }

    /// A slot for a new resource of a type.
    fn allot(&mut self, type_no: TypeNo, recorded: bool) -> Result<ResourceKey> {
        let open = match self.open_chunks.get(&(type_no, recorded)) {
            Some(no) => Some(*no),
            None => self.tx.last_chunk(self.account, type_no, recorded)?.map(|chunk| chunk.no),
        };
        let no = match open {
            Some(no) if self.edit(no)?.chunk.used < SLOTS_PER_CHUNK => no,
            _ if recorded => self.new_chunk(type_no)?,
            _ => self.tx.insert_chunk(self.account, type_no, false)?.no,
        };
        self.open_chunks.insert((type_no, recorded), no);
        let edit = self.edit(no)?;
        let slot = edit.chunk.used;
        edit.chunk.used += 1;
        edit.chunk.live += 1;
        edit.planes.occupy(slot);
        Ok(ResourceKey::new(no, slot))
    }

    /// A new chunk is at the mark of the rules that judge changes: each resource in it was
    /// judged on its way in. Rules that look at more come to it by a ticket, periodic ones on
    /// their next run and not before; a run that is going on does not count it.
    fn new_chunk(&mut self, type_no: TypeNo) -> Result<ChunkNo> {
        let chunk: Chunk = self.tx.insert_chunk(self.account, type_no, true)?;
        let mut edit = ChunkEdit::added(chunk)?;
        if let Some(resource_type) = self.tx.resource_type(type_no)? {
            let rules = self.set.for_type(&resource_type);
            let (changes, deferred) = (self.set.changes(&rules), self.set.deferred(&rules));
            for rule in changes.chain(deferred).chain(self.set.periodic(&rules)) {
                edit.planes.rule_mut(rule.no).standing.mark = rule.rule.mark;
            }
        }
        self.edits.insert(chunk.no, edit);
        Ok(chunk.no)
    }

    /// Stores a resource, and where the recorder covers it, its verdicts. `judged_by` is the version
    /// of the rules that judged it; `version` grows with every change.
    pub(crate) fn put(
        &mut self,
        judged: Judged,
        judged_by: i64,
        version: i64,
    ) -> Result<(WriteOutcome, ResourceKey)> {
        let (judged, type_no) = self.spelled(judged)?;
        if self.set.records(&judged.resource.resource_type) {
            self.record(judged, type_no, judged_by, version)
        } else {
            self.tell(judged, type_no, version)
        }
    }

    fn record(
        &mut self,
        judged: Judged,
        type_no: TypeNo,
        judged_by: i64,
        version: i64,
    ) -> Result<(WriteOutcome, ResourceKey)> {
        let Judged { resource, judgement, listed, met } = judged;
        let judgement = if judged_by == self.set.version {
            judgement
        } else {
            self.judge.judgement(&resource.resource_type, &resource.body)
        };
        let of_type = (type_no, &resource.resource_type);
        let (targets, before) = match met {
            Some(met) => (met.targets, met.before),
            None => (targets(self.tx, self.account, of_type.1, &resource.body)?, None),
        };
        let before = self.before(before, of_type, &resource.id)?;
        let told = self.forget_told(type_no, &resource.id, version)?;
        let (outcome, key) = if let Some(before) = before {
            let Before { stored, listed: before, targets: named, .. } = before;
            let key = stored.key;
            let was_shadowed = self.unshadow(key, &before)?;
            let told = if was_shadowed { told.as_deref() } else { Some(stored.body.as_slice()) };
            let outcome = news(told, &resource.body);
            if stored.body == resource.body {
                return Ok((outcome, key));
            }
            self.tx.insert_past_version(self.account, &stored, version)?;
            self.tx.update_resource(key, version, &resource.body)?;
            let of = self.relinked(&resource.resource_type, key, &resource.id, version);
            self.relinks.note(&of, &named, &targets);
            self.tell_of(&of, Some(&stored.body), Some(&resource.body))?;
            self.facets.change((type_no, key), (&before, &listed), BOTH);
            (outcome, key)
        } else {
            let key = self.allot(type_no, true)?;
            self.tx.insert_resource(self.account, key, version, &resource.id, &resource.body)?;
            let of = self.relinked(&resource.resource_type, key, &resource.id, version);
            self.relinks.note(&of, &[], &targets);
            self.tell_of(&of, None, Some(&resource.body))?;
            self.facets.enter((type_no, key), &listed, BOTH);
            (news(told.as_deref(), &resource.body), key)
        };
        self.set_verdicts(key, version, judgement)?;
        self.defer(key, type_no, &resource.resource_type)?;
        Ok((outcome, key))
    }

    fn set_verdicts(&mut self, key: ResourceKey, version: i64, judgement: Judgement) -> Result<()> {
        let tx = self.tx;
        let set = Arc::clone(&self.set);
        let (account, now) = (self.account, self.judge.now);
        let edit = self.edit(key.chunk())?;
        edit.chunk.version = edit.chunk.version.max(version);
        edit.mark_stale(key.slot());
        let mut has_asked = false;
        for (no, verdict) in judgement {
            if set.asks(no) {
                let rule = RuleNo(no.into());
                if verdict == Some(Verdict::OutOfScope) {
                    jobs::drop_of(tx, key, Some(rule), now)?;
                } else {
                    jobs::ask(tx, account, rule, (key, version), None, now)?;
                    has_asked = true;
                }
            }
            let Some(verdict) = verdict else { continue };
            if verdict == Verdict::OutOfScope {
                if edit.planes.verdict(no, key.slot()) == verdict {
                    continue;
                }
                tx.delete_reported_results(key, Some(RuleNo(no.into())))?;
            }
            edit.planes.set(no, key.slot(), verdict);
        }
        if has_asked {
            self.writing.service.signal.wake_after_commit();
        }
        Ok(())
    }

    fn vacate(&mut self, key: ResourceKey, version: i64) -> Result<TypeNo> {
        let edit = self.edit(key.chunk())?;
        edit.planes.vacate(key.slot());
        edit.chunk.live = edit.chunk.live.saturating_sub(1);
        edit.chunk.version = edit.chunk.version.max(version);
        Ok(edit.chunk.type_no)
    }

    /// Leaves a resource to the rules that look at more than it: its chunk is not current with
    /// them until a ticket is done.
    fn defer(
        &mut self,
        key: ResourceKey,
        type_no: TypeNo,
        resource_type: &ResourceType,
    ) -> Result<()> {
        self.touched.entry(type_no).or_insert_with(|| resource_type.clone());
        let set = Arc::clone(&self.set);
        let rules = set.for_type(resource_type);
        let mut deferred = set.deferred(&rules).peekable();
        if deferred.peek().is_none() {
            return Ok(());
        }
        let edit = self.edit(key.chunk())?;
        for rule in deferred {
            if edit.planes.standing(rule.no).is_none_or(|of| of.followed != 0) {
                edit.planes.rule_mut(rule.no).standing.followed = 0;
            }
        }
        self.enqueue(key.chunk())
    }

    fn relinked<'r>(
        &self,
        resource_type: &'r ResourceType,
        key: ResourceKey,
        id: &'r str,
        version: i64,
    ) -> Relinked<'r> {
        Relinked { account: self.account, resource_type, key, id, version }
    }

    /// Tells of a change whoever is to be told.
    fn tell_of(
        &self,
        of: &Relinked<'_>,
        before: Option<&[u8]>,
        after: Option<&[u8]>,
    ) -> Result<()> {
        match &self.set.addressee {
            Some(to) => {
                to.recorded(self.writing, (of.resource_type, of.id), of.version, before, after)
            }
            None => Ok(()),
        }
    }

    /// Removes a resource, with all verdicts on it, those of disabled rules included. Where the
    /// recorder does not cover it, what is recorded stays and nobody is told of it any more.
    pub(crate) fn delete(&mut self, key: ResourceKey, id: &str, version: i64) -> Result<()> {
        let type_no = self.edit_type(key.chunk())?;
        let Some(resource_type) = self.tx.resource_type(type_no)? else { return Ok(()) };
        self.forget_told(type_no, id, version)?;
        let Some(before) = self.before(None, (type_no, &resource_type), id)? else {
            return Ok(());
        };
        let Before { stored: last, listed, targets, .. } = before;
        let key = last.key;
        if !self.set.records(&resource_type) {
            return self.shadow(key, &listed);
        }
        let was_shadowed = self.edit(key.chunk())?.set_shadowed(key.slot(), false);
        let counts = if was_shadowed { SHADOWED } else { BOTH };
        self.facets.leave((type_no, key), &listed, counts);
        let of = self.relinked(&resource_type, key, id, version);
        self.relinks.note(&of, &targets, &[]);
        self.tell_of(&of, Some(&last.body), None)?;
        let created = self.tx.resource_created(key)?.unwrap_or(last.version);
        let past = PastResource { last, created, deleted: version };
        self.tx.insert_past_resource(self.account, id, &past)?;
        self.tx.delete_resource(self.account, key, id)?;
        self.tx.delete_reported_results(key, None)?;
        if self.set.has_custom_rules() {
            jobs::drop_of(self.tx, key, None, self.judge.now)?;
        }
        self.vacate(key, version)?;
        self.touched.entry(type_no).or_insert(resource_type);
        Ok(())
    }
}
