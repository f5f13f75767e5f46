//! Which slots match a filter: for each type the postings of its facets, gone through side by
//! side, chunk after chunk. Where one of them has a gap, the others are not read.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;

use ruleward_store::MarkedChunk;
use ruleward_types::{ChunkNo, FacetNo, Result, TypeNo};

use super::{Inventory, ResourceFilter, View};
use crate::evaluation::bits::Bits;
use crate::evaluation::posting;

/// A chunk of which resources match.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) chunk: ChunkNo,
    pub(super) type_no: TypeNo,
    pub(super) slots: Slots,
}

/// The resources of a chunk that match.
#[derive(Debug)]
pub(super) enum Slots {
    /// All that live there, but for these.
    AllBut(Bits),
    /// These.
    These(Bits),
}

/// Rows that are read at once: 32, enough for nearly all types of a million resources, then so many
/// times as many as before, up to so many.
const GROWTH: usize = 8;
const MANY: usize = 64;
const BEFORE_THE_FIRST: usize = 32 / GROWTH;

/// The postings of a facet, read as far as they are needed.
struct Postings {
    facet: FacetNo,
    /// Chunks, and where their slots are among those that were read.
    ahead: VecDeque<(ChunkNo, Range<usize>)>,
    slots: Vec<u8>,
    /// How many were read at once: more and more as long as most are needed.
    batch: usize,
    /// Of these, how many nobody needed.
    passed_over: usize,
    has_ended: bool,
}

impl Postings {
    fn of(facet: FacetNo) -> Self {
        Self {
            facet,
            ahead: VecDeque::new(),
            slots: Vec::new(),
            batch: BEFORE_THE_FIRST,
            passed_over: 0,
            has_ended: false,
        }
    }

    /// The chunk of the first posting from a chunk on. Never asked to go back.
    fn seek(&mut self, view: &View<'_>, from: ChunkNo) -> Result<Option<ChunkNo>> {
        while self.ahead.pop_front_if(|(at, _)| *at < from).is_some() {
            self.passed_over += 1;
        }
        if self.ahead.is_empty() && !self.has_ended {
            let is_sparse = self.passed_over * 2 > self.batch;
            self.batch = if is_sparse { GROWTH } else { MANY.min(self.batch * GROWTH) };
            self.passed_over = 0;
            let (ahead, read) = (&mut self.ahead, &mut self.slots);
            read.clear();
            view.tx.scan_postings(self.facet, from, self.batch, &mut |chunk, slots| {
                let begin = read.len();
                read.extend_from_slice(slots);
                ahead.push_back((chunk, begin..read.len()));
            })?;
            self.has_ended = self.ahead.len() < self.batch;
        }
        Ok(self.ahead.front().map(|(at, _)| *at))
    }

    /// Adds the slots of a chunk to others, where it is the one that was found.
    fn add(&mut self, chunk: ChunkNo, others: &mut Bits) -> Result<()> {
        let found = self.ahead.pop_front_if(|(at, _)| *at == chunk);
        let slots = found.and_then(|(_, place)| self.slots.get(place));
        posting::add(slots.unwrap_or_default(), others)
    }
}

/// What of one type matches.
struct TypePlan {
    type_no: TypeNo,
    /// All have to match, in each any. Those of the fewest facets first.
    groups: Vec<Vec<Postings>>,
    /// Chunks of the type, read as far as they are needed.
    ahead: VecDeque<ChunkNo>,
    batch: usize,
    has_ended: bool,
    /// Nothing matches before.
    from: ChunkNo,
    /// The slots of a group. Kept for its room.
    any: Bits,
}

impl TypePlan {
    fn new(type_no: TypeNo, groups: Vec<Vec<Postings>>) -> Self {
        Self {
            type_no,
            groups,
            ahead: VecDeque::new(),
            batch: BEFORE_THE_FIRST,
            has_ended: false,
            from: ChunkNo(0),
            any: Bits::default(),
        }
    }

    /// The first chunk from one on in which slots may match.
    fn seek(&mut self, view: &View<'_>, from: ChunkNo) -> Result<Option<ChunkNo>> {
        let from = from.max(self.from);
        if let Some([only]) = self.groups.first_mut().map(Vec::as_mut_slice) {
            // Costs as little as the chunks of the type, and tells more.
            return only.seek(view, from);
        }
        while self.ahead.pop_front_if(|at| *at < from).is_some() {}
        if self.ahead.is_empty() && !self.has_ended {
            self.batch = MANY.min(self.batch * GROWTH);
            self.ahead =
                view.tx.chunk_numbers(view.account, self.type_no, from, self.batch)?.into();
            self.has_ended = self.ahead.len() < self.batch;
        }
        Ok(self.ahead.front().copied())
    }

    /// The slots of a chunk that are in all groups.
    fn common(&mut self, view: &View<'_>, chunk: ChunkNo) -> Result<Bits> {
        let mut common = Bits::default();
        for (place, group) in self.groups.iter_mut().enumerate() {
            let mut first: Option<ChunkNo> = None;
            for postings in &mut *group {
                if let Some(at) = postings.seek(view, chunk)? {
                    first = Some(first.map_or(at, |known| known.min(at)));
                }
            }
            // Where none is left, nothing matches any more.
            let first = first.unwrap_or(ChunkNo(i64::MAX));
            if first > chunk {
                self.from = first;
                return Ok(Bits::default());
            }
            self.any.clear();
            let slots = if place == 0 { &mut common } else { &mut self.any };
            for postings in group {
                postings.add(chunk, slots)?;
            }
            if place > 0 {
                common.and(&self.any);
            }
            if common.is_empty() {
                break;
            }
        }
        Ok(common)
    }
}

/// Chunks whose marks are read at once.
const STRETCH: i64 = 64;

/// What of chunks is not seen, read for a stretch of them at a time. Never asked to go back.
struct Unseen {
    to: ChunkNo,
    marked: Vec<MarkedChunk>,
}

impl Unseen {
    /// The slots of a chunk that are not seen; none where nothing of it is.
    fn of(&mut self, view: &View<'_>, chunk: ChunkNo) -> Result<Option<Bits>> {
        if chunk >= self.to {
            self.to = ChunkNo(chunk.0.saturating_add(STRETCH));
            self.marked = view.tx.marked_chunks(chunk, self.to)?;
        }
        let Ok(place) = self.marked.binary_search_by_key(&chunk, |marked| marked.no) else {
            return Ok(Some(Bits::default()));
        };
        let Some(marked) = self.marked.get(place) else { return Ok(None) };
        Ok(match view.inventory {
            Inventory::All => Some(Bits::from_bytes(&marked.shadowed_slots)),
            Inventory::Tracked { .. } => marked.recorded.then(Bits::default),
        })
    }
}

/// The types that a filter covers and the view shows.
pub(super) fn types(
    view: &View<'_>,
    filter: &ResourceFilter,
) -> Result<Vec<ruleward_store::TypeRow>> {
    let mut types = view.tx.types(view.account)?;
    types.retain(|row| view.shows(&row.resource_type) && filter.covers_type(&row.resource_type));
    Ok(types)
}

/// All chunks of which resources match the facets of a filter, in order. Its id and its name are
/// not looked at.
pub(super) struct Plan<'a> {
    view: &'a View<'a>,
    types: Vec<TypePlan>,
    unseen: Unseen,
    from: ChunkNo,
}

impl<'a> Plan<'a> {
    /// From a chunk on.
    pub(super) fn new(view: &'a View<'a>, filter: &ResourceFilter, from: ChunkNo) -> Result<Self> {
        let mut groups = Vec::new();
        for group in filter.groups() {
            let mut by_type: HashMap<TypeNo, Vec<Postings>> = HashMap::new();
            for facet in &group {
                for (type_no, no) in view.tx.facet_numbers(view.account, facet)? {
                    by_type.entry(type_no).or_default().push(Postings::of(no));
                }
            }
            groups.push(by_type);
        }
        let mut plans = Vec::new();
        for row in types(view, filter)? {
            let of_type = groups.iter_mut().map(|group| group.remove(&row.no));
            if let Some(mut groups) = of_type.collect::<Option<Vec<Vec<_>>>>() {
                groups.sort_by_key(Vec::len);
                plans.push(TypePlan::new(row.no, groups));
            }
        }
        let unseen = Unseen { to: ChunkNo(0), marked: Vec::new() };
        Ok(Self { view, types: plans, unseen, from })
    }

    /// The next chunk.
    pub(super) fn next(&mut self) -> Result<Option<Block>> {
        loop {
            let mut first: Option<(ChunkNo, &mut TypePlan)> = None;
            for plan in &mut self.types {
                if let Some(chunk) = plan.seek(self.view, self.from)?
                    && first.as_ref().is_none_or(|(known, _)| chunk < *known)
                {
                    first = Some((chunk, plan));
                }
            }
            let Some((chunk, plan)) = first else { return Ok(None) };
            self.from = ChunkNo(chunk.0 + 1);
            let mut slots = plan.common(self.view, chunk)?;
            let is_narrowed = !plan.groups.is_empty();
            if is_narrowed && slots.is_empty() {
                continue;
            }
            let Some(hidden) = self.unseen.of(self.view, chunk)? else { continue };
            let slots = if is_narrowed {
                slots.and_not(&hidden);
                Slots::These(slots)
            } else {
                Slots::AllBut(hidden)
            };
            return Ok(Some(Block { chunk, type_no: plan.type_no, slots }));
        }
    }
}
