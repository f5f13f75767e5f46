//! Judging a chunk from what is kept beside it, so that no body is read.
//!
//! A chunk has columns of what the policies of the catalogue read of its type. They are built from
//! the bodies, by a run that reads them anyway or when a chunk has grown, and not changed after: a
//! resource that changes is noted as stale and judged from its body, until so many are that the
//! columns are built anew.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use ruleward_policy::json::RawValue;
use ruleward_policy::{Catalogue, ColumnBuilder, ColumnSet, Columns, Inputs, Scratch};
use ruleward_store::{Chunk, ReadTx, WriteTx};
use ruleward_types::{ResourceKey, ResourceType, Result, SLOTS_PER_CHUNK};

use super::bits::Bits;
use super::judging::{Found, Judging, Place};
use super::planes::{RulePlanes, Standing};
use super::rule_set::CompiledRule;
use super::view;

/// When chunks have columns, and when these are worn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Upkeep {
    /// A chunk with fewer slots is read as quickly as its columns.
    small: usize,
}

impl Upkeep {
    /// How many bodies of a chunk are read one by one rather than all together.
    fn few(self, used: usize) -> usize {
        (used / 8).max(self.small / 4)
    }

    /// Whether a chunk has so many new slots that its columns should be built.
    pub(crate) fn has_outgrown(self, chunk: &Chunk) -> bool {
        let grown = chunk.used.saturating_sub(chunk.column_slots);
        grown >= chunk.column_slots.max(2 * self.small) || self.lacks_the_end(chunk)
    }

    /// Whether a chunk takes no more, and has many slots that its columns do not know.
    pub(crate) fn lacks_the_end(self, chunk: &Chunk) -> bool {
        let grown = chunk.used.saturating_sub(chunk.column_slots);
        chunk.used >= SLOTS_PER_CHUNK && grown > self.few(chunk.used)
    }

    /// Whether a chunk's columns know nearly all of its slots, or it needs none. Looked at where
    /// nothing waits for it, so it asks for more than a run does.
    pub(crate) fn is_built(self, chunk: &Chunk) -> bool {
        let grown = chunk.used.saturating_sub(chunk.column_slots);
        chunk.used < self.small || grown <= self.small / 8
    }

    /// Whether a chunk has no columns, or such of too many slots that changed since.
    pub(crate) fn wants_columns(self, tx: &dyn ReadTx, chunk: &Chunk, live: &Bits) -> Result<bool> {
        if chunk.used < self.small {
            return Ok(false);
        }
        if !self.is_built(chunk) {
            return Ok(true);
        }
        let kept = Kept::load(tx, chunk, live)?;
        Ok(kept.is_worn(self))
    }
}

/// The columns that each type has.
#[derive(Debug)]
pub(crate) struct ColumnSets {
    pub(crate) upkeep: Upkeep,
    catalogue: &'static Catalogue,
    by_type: Mutex<HashMap<String, Arc<ColumnSet>>>,
    buffers: Arc<Buffers>,
}

impl ColumnSets {
    /// `small` slots make no columns.
    pub(crate) fn new(catalogue: &'static Catalogue, small: usize) -> Self {
        let upkeep = Upkeep { small };
        Self { upkeep, catalogue, by_type: Mutex::default(), buffers: Arc::default() }
    }

    /// The columns of a type: of what every policy of the catalogue that is for it reads.
    fn of(&self, resource_type: &ResourceType) -> Arc<ColumnSet> {
        let key = resource_type.key();
        if let Some(known) = self.by_type.lock().get(&key) {
            return Arc::clone(known);
        }
        let policies = self.catalogue.list().iter().filter(|definition| {
            let types = &definition.default_resource_types;
            definition.subject == ruleward_policy::Subject::Resource
                && (types.is_empty()
                    || types.iter().any(|of| {
                        of.provider.eq_ignore_ascii_case(&resource_type.provider)
                            && of.kind.eq_ignore_ascii_case(&resource_type.name)
                    }))
        });
        let set = Arc::new(ColumnSet::new(policies.map(|definition| &definition.policy)));
        self.by_type.lock().insert(key, Arc::clone(&set));
        set
    }
}

/// How the rules that can have a type in scope read its columns.
#[derive(Debug)]
pub(crate) struct TypeColumns {
    upkeep: Upkeep,
    set: Arc<ColumnSet>,
    /// By the number of the rule; the others read bodies.
    rules: HashMap<u32, RuleColumns>,
    buffers: Arc<Buffers>,
}

#[derive(Debug)]
struct RuleColumns {
    inputs: Inputs,
    /// Where the filter looks past the type.
    filter: Option<Inputs>,
}

impl TypeColumns {
    pub(crate) fn new<'a>(
        sets: &ColumnSets,
        resource_type: &ResourceType,
        rules: impl IntoIterator<Item = &'a CompiledRule>,
    ) -> Self {
        let set = sets.of(resource_type);
        let of = |rule: &CompiledRule| {
            let filter = if rule.scope.narrows_inside_type() {
                // Few resources have one of the ids: their bodies are read quickly.
                Some(set.filter_inputs(rule.scope.tag_keys()).filter(|_| !rule.scope.names_ids())?)
            } else {
                None
            };
            Some(RuleColumns { inputs: set.inputs(rule.program.as_ref()?)?, filter })
        };
        let rules = rules.into_iter().filter_map(|rule| Some((rule.no, of(rule)?))).collect();
        Self { upkeep: sets.upkeep, set, rules, buffers: Arc::clone(&sets.buffers) }
    }
}

impl RuleColumns {
    fn ids(&self) -> impl Iterator<Item = u64> + '_ {
        self.inputs.ids().chain(self.filter.iter().flat_map(Inputs::ids))
    }

    fn needed(&self) -> impl Iterator<Item = u64> + '_ {
        self.inputs.needed().chain(self.filter.iter().flat_map(Inputs::needed))
    }
}

/// Columns that were built, to be stored.
#[derive(Debug)]
pub(crate) struct Built {
    columns: Vec<(u64, Vec<u8>)>,
    /// All of them, over so many slots; else they join those that are there.
    slots: Option<usize>,
}

impl Built {
    /// Stores them. `moved` are the slots whose resources changed since the snapshot.
    pub(crate) fn store(self, tx: &dyn WriteTx, chunk: &mut Chunk, moved: &[usize]) -> Result<()> {
        let mut stale = if let Some(slots) = self.slots {
            tx.delete_columns(chunk.no)?;
            chunk.column_slots = slots;
            Bits::default()
        } else {
            // Those that are there may be newer than the snapshot, and know of slots that these
            // do not.
            Bits::from_bytes(&tx.stale_slots(chunk.no)?)
        };
        let known = moved.iter().filter(|slot| **slot < chunk.column_slots);
        known.for_each(|slot| stale.set(*slot, true));
        if self.slots.is_some() || !moved.is_empty() {
            tx.put_stale_slots(chunk.no, &stale.to_bytes())?;
        }
        tx.put_columns(chunk.no, &self.columns)
    }
}

/// Which slots a chunk's columns know.
struct Kept {
    /// What is there, by place.
    ids: Vec<u64>,
    known: Bits,
    /// The other slots that live.
    unknown: Bits,
    used: usize,
}

impl Kept {
    fn load(tx: &dyn ReadTx, chunk: &Chunk, live: &Bits) -> Result<Self> {
        let mut known = Bits::default();
        let ids = if chunk.column_slots == 0 { Vec::new() } else { tx.column_ids(chunk.no)? };
        if !ids.is_empty() {
            known = Bits::first(chunk.column_slots);
            known.and_not(&Bits::from_bytes(&tx.stale_slots(chunk.no)?));
            known.resize(live.words().len());
            known.and(live);
        }
        let mut unknown = live.clone();
        unknown.and_not(&known);
        Ok(Self { ids, known, unknown, used: chunk.used })
    }

    /// Whether it is better to read all bodies.
    fn is_worn(&self, upkeep: Upkeep) -> bool {
        self.ids.is_empty() || is_more(&self.unknown, upkeep.few(self.used))
    }
}

fn is_more(slots: &Bits, most: usize) -> bool {
    usize::try_from(slots.count()).is_ok_and(|count| count > most)
}

/// Judges a chunk by some rules: from its columns where they are there and the rules read no
/// more, else from its bodies. With `building`, columns that are missing are built from bodies that
/// are read.
pub(crate) fn judge_chunk<'a>(
    place: &Place<'a>,
    rules: &[&'a CompiledRule],
    columns: &TypeColumns,
    building: bool,
) -> Result<(Vec<Found>, Option<Built>)> {
    let upkeep = columns.upkeep;
    let kept = Kept::load(place.tx, place.chunk, place.live)?;
    // Without rules it is the columns that are asked for.
    let is_worn = kept.is_worn(upkeep) || (rules.is_empty() && !upkeep.is_built(place.chunk));
    let of_columns = |rule: &&CompiledRule| {
        let of = columns.rules.get(&rule.no).filter(|_| !is_worn)?;
        of.needed().all(|id| kept.ids.contains(&id)).then_some(of)
    };
    let mut found: Vec<Option<Found>> = Vec::with_capacity(rules.len());
    let mut again = kept.unknown.clone();
    let reading: Vec<(&CompiledRule, &RuleColumns)> =
        rules.iter().filter_map(|rule| Some((*rule, of_columns(rule)?))).collect();
    let mut buffer = columns.buffers.take();
    let stored = buffer.load(place, &kept.ids, reading.iter().map(|(_, of)| *of))?;
    let mut at_hand = Columns::new();
    for (id, bytes) in buffer.columns(&stored) {
        at_hand.insert(id, bytes);
    }
    let surroundings = place.surroundings();
    let mut scratch = Scratch::new();
    // Many rules have the same filter.
    let mut selected: Vec<(&CompiledRule, Bits)> = Vec::new();
    for rule in rules {
        found.push(of_columns(rule).and_then(|of| {
            let scope = match &of.filter {
                None => kept.known.clone(),
                Some(inputs) => {
                    let known =
                        selected.iter().find(|(like, _)| like.scope.takes_alike(&rule.scope));
                    if let Some((_, scope)) = known {
                        scope.clone()
                    } else {
                        let (scope, unknown) = select(&at_hand, inputs, rule, &kept.known)?;
                        again.or(&unknown);
                        selected.push((rule, scope.clone()));
                        scope
                    }
                }
            };
            let program = rule.program.as_ref()?;
            let judged =
                at_hand.judge(program, &of.inputs, scope.words(), &surroundings, &mut scratch)?;
            again.or(&Bits::from_words(judged.unjudged));
            let planes = RulePlanes {
                rule: rule.no,
                standing: Standing::default(),
                scope,
                non_compliant: Bits::from_words(judged.non_compliant),
                undetermined: Bits::from_words(judged.undetermined),
            };
            Some(Found { planes, reason: judged.reason })
        }));
    }
    // Rules that could read columns look at the few slots that these do not tell of; all others
    // read every body.
    let all: Vec<usize> = (0..rules.len()).filter(|n| is_none(&found, *n)).collect();
    let few: Vec<usize> = (0..rules.len()).filter(|n| !is_none(&found, *n)).collect();
    let missing =
        missing(&kept, &columns.set, is_worn, building && place.chunk.used >= upkeep.small);
    let many = is_more(&again, upkeep.few(place.chunk.used));
    let reads_all = !all.is_empty() || many || (rules.is_empty() && missing.is_some());
    let mut builder = missing
        .filter(|_| reads_all)
        .map(|(ids, slots)| (ColumnBuilder::new(&columns.set, |id| ids.contains(&id)), slots));
    let pick = |places: &[usize]| -> Vec<&'a CompiledRule> {
        places.iter().filter_map(|n| rules.get(*n).copied()).collect()
    };
    let mut further = Judging::further(place, &pick(&few), take(&mut found, &few));
    let mut fresh = Judging::new(place, &pick(&all));
    if reads_all {
        place.tx.scan_chunk(place.chunk.no, 0, -1, &mut |slot, _, body| {
            if !all.is_empty() {
                fresh.judge(slot, body);
            }
            if again.get(slot) && !few.is_empty() {
                further.judge(slot, body);
            }
            if let Some((builder, _)) = &mut builder {
                builder.add(slot, body);
            }
            Ok(())
        })?;
    } else if !few.is_empty() {
        for slot in again.iter_from(0) {
            if let Some(stored) = place.tx.resource(ResourceKey::new(place.chunk.no, slot))? {
                further.judge(slot, &stored.body);
            }
        }
    }
    for (places, judging) in [(few, further), (all, fresh)] {
        for (n, one) in places.into_iter().zip(judging.finish()) {
            if let Some(open) = found.get_mut(n) {
                *open = Some(one);
            }
        }
    }
    let built =
        builder.map(|(builder, slots)| Built { columns: builder.finish(place.chunk.used), slots });
    Ok((found.into_iter().flatten().collect(), built))
}

/// The slots that a rule's filter takes, and those of which only the bodies tell.
fn select(
    columns: &Columns<'_>,
    inputs: &Inputs,
    rule: &CompiledRule,
    within: &Bits,
) -> Option<(Bits, Bits)> {
    let keys = rule.scope.tag_keys();
    let mut takes =
        |values: &[Option<RawValue<'_>>]| rule.scope.matches(&view::of_values(&keys, values));
    let (selected, unknown) = columns.select(inputs, within.words(), &mut takes)?;
    Some((Bits::from_words(selected), Bits::from_words(unknown)))
}

fn is_none(found: &[Option<Found>], n: usize) -> bool {
    found.get(n).is_none_or(Option::is_none)
}

fn take(found: &mut [Option<Found>], places: &[usize]) -> Vec<Found> {
    places.iter().filter_map(|n| found.get_mut(*n)?.take()).collect()
}

/// The columns to build, and over how many slots if it is all of them.
fn missing(
    kept: &Kept,
    set: &ColumnSet,
    is_worn: bool,
    building: bool,
) -> Option<(Vec<u64>, Option<usize>)> {
    if !building {
        return None;
    }
    if is_worn {
        return Some((set.ids().collect(), Some(kept.used)));
    }
    let ids: Vec<u64> = set.ids().filter(|id| !kept.ids.contains(id)).collect();
    (!ids.is_empty()).then_some((ids, None))
}

/// Room for the columns of chunks, used again and again: the page faults of memory that is asked for
/// anew cost more than the reads.
#[derive(Debug, Default)]
struct Buffers(Mutex<Vec<Vec<u8>>>);

/// Room for the columns of one chunk; it goes back where it came from.
struct Buffer<'a> {
    bytes: Vec<u8>,
    of: &'a Buffers,
}

impl Buffers {
    fn take(&self) -> Buffer<'_> {
        Buffer { bytes: self.0.lock().pop().unwrap_or_default(), of: self }
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        self.of.0.lock().push(std::mem::take(&mut self.bytes));
    }
}

impl Buffer<'_> {
    /// Reads the stored columns that some rules read: their ids, and where each ends.
    fn load<'a>(
        &mut self,
        place: &Place<'_>,
        ids: &[u64],
        rules: impl Iterator<Item = &'a RuleColumns>,
    ) -> Result<Vec<(u64, usize)>> {
        let mut wanted: Vec<u64> = rules.flat_map(RuleColumns::ids).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let is_wanted =
            |place: &usize| ids.get(*place).is_some_and(|id| wanted.binary_search(id).is_ok());
        let places: Vec<usize> = (0..ids.len()).filter(is_wanted).collect();
        let mut stored = Vec::with_capacity(places.len());
        self.bytes.clear();
        place.tx.columns(place.chunk.no, &places, &mut |place, bytes| {
            self.bytes.extend_from_slice(bytes);
            stored.extend(ids.get(place).map(|id| (*id, self.bytes.len())));
        })?;
        Ok(stored)
    }

    fn columns<'b>(&'b self, stored: &'b [(u64, usize)]) -> impl Iterator<Item = (u64, &'b [u8])> {
        let starts = std::iter::once(0).chain(stored.iter().map(|(_, end)| *end));
        let of = starts.zip(stored);
        of.filter_map(|(start, (id, end))| Some((*id, self.bytes.get(start..*end)?)))
    }
}
