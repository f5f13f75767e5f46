//! Which slots match a filter: for each type the postings of its facets, gone through side by
//! side, chunk after chunk. Where one of them has a gap, the others are not read.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::collections::binary_heap::{BinaryHeap, PeekMut};
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

/// Rows that are read at once. First so many for a group of facets: enough for nearly all types of a
/// million resources.
const FIRST: usize = 32;
/// Of each of its facets, however many there are, so many.
const FEWEST: usize = 4;
/// Then so many times as many as before, up to so many.
const GROWTH: usize = 8;
const MANY: usize = 64;

/// The postings of a facet, read as far as they are needed.
struct Postings {
    facet: FacetNo,
    /// Chunks, and where their slots are among those that were read.
    chunks: Vec<(ChunkNo, Range<usize>)>,
    /// How many of them are behind.
    behind: usize,
    slots: Box<[u8]>,
    /// How many are read next: more and more as long as most are needed.
    batch: usize,
    /// Of those that were read last, how many nobody needed.
    passed_over: usize,
    has_ended: bool,
}

impl Postings {
    fn of(facet: FacetNo, batch: usize) -> Self {
        Self {
            facet,
            chunks: Vec::new(),
            behind: 0,
            slots: Box::default(),
            batch,
            passed_over: 0,
            has_ended: false,
        }
    }

    /// The chunk of the first posting from a chunk on. Never asked to go back.
    fn seek(
        &mut self,
        view: &View<'_>,
        from: ChunkNo,
        room: &mut Vec<u8>,
    ) -> Result<Option<ChunkNo>> {
        while let Some((at, _)) = self.chunks.get(self.behind) {
            if *at >= from {
                return Ok(Some(*at));
            }
            self.behind += 1;
            self.passed_over += 1;
        }
        if self.has_ended {
            return Ok(None);
        }
        if self.passed_over * 2 > self.chunks.len() {
            self.batch = GROWTH;
        }
        self.read(view, from, room)?;
        self.has_ended = self.chunks.len() < self.batch;
        self.batch = MANY.min(self.batch * GROWTH);
        Ok(self.chunks.first().map(|(at, _)| *at))
    }

    fn read(&mut self, view: &View<'_>, from: ChunkNo, room: &mut Vec<u8>) -> Result<()> {
        (self.behind, self.passed_over) = (0, 0);
        self.chunks.clear();
        // Through room that is there already: what is kept is made once, in its size.
        room.clear();
        let chunks = &mut self.chunks;
        view.tx.scan_postings(self.facet, from, self.batch, &mut |chunk, slots| {
            let begin = room.len();
            room.extend_from_slice(slots);
            chunks.push((chunk, begin..room.len()));
        })?;
        self.slots = room.as_slice().into();
        Ok(())
    }

    /// The slots of a chunk, as they are stored, where it is the one that was found.
    fn take(&mut self, chunk: ChunkNo) -> &[u8] {
        let found = self.chunks.get(self.behind).filter(|(at, _)| *at == chunk);
        let Some((_, place)) = found else { return &[] };
        self.behind += 1;
        self.slots.get(place.clone()).unwrap_or_default()
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
}

/// Slots, kept for their room.
#[derive(Default)]
struct Room {
    /// Those of a chunk that are in all groups that were looked at.
    common: Bits,
    /// Those of a group of several facets.
    any: Bits,
    /// Postings while they are read.
    read: Vec<u8>,
}

impl TypePlan {
    fn new(type_no: TypeNo, groups: Vec<Vec<Postings>>) -> Self {
        Self {
            type_no,
            groups,
            ahead: VecDeque::new(),
            batch: FIRST,
            has_ended: false,
            from: ChunkNo(0),
        }
    }

    /// The first chunk from one on in which slots may match.
    fn seek(&mut self, view: &View<'_>, from: ChunkNo, room: &mut Room) -> Result<Option<ChunkNo>> {
        let from = from.max(self.from);
        if let Some([only]) = self.groups.first_mut().map(Vec::as_mut_slice) {
            // Costs as little as the chunks of the type, and tells more.
            return only.seek(view, from, &mut room.read);
        }
        while self.ahead.pop_front_if(|at| *at < from).is_some() {}
        if self.ahead.is_empty() && !self.has_ended {
            self.ahead =
                view.tx.chunk_numbers(view.account, self.type_no, from, self.batch)?.into();
            self.has_ended = self.ahead.len() < self.batch;
            self.batch = MANY;
        }
        Ok(self.ahead.front().copied())
    }

    /// Finds the slots of a chunk that are in all groups; whether there are any.
    fn meet(&mut self, view: &View<'_>, chunk: ChunkNo, room: &mut Room) -> Result<bool> {
        let Room { common, any, read } = room;
        for (place, group) in self.groups.iter_mut().enumerate() {
            let mut first: Option<ChunkNo> = None;
            for postings in &mut *group {
                if let Some(at) = postings.seek(view, chunk, read)? {
                    first = Some(first.map_or(at, |known| known.min(at)));
                }
            }
            // Where none is left, nothing matches any more.
            let first = first.unwrap_or(ChunkNo(i64::MAX));
            if first > chunk {
                self.from = first;
                return Ok(false);
            }
            // A posting has slots, so of the first group there are some.
            let is_left = match group.as_mut_slice() {
                [only] if place > 0 => posting::narrow(only.take(chunk), common, any)?,
                group => {
                    let slots = if place == 0 { &mut *common } else { &mut *any };
                    slots.clear();
                    for postings in group {
                        posting::add(postings.take(chunk), slots)?;
                    }
                    place == 0 || common.and(any)
                }
            };
            if !is_left {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Chunks whose marks are read at once.
const MARKED: usize = 64;

/// What of chunks is not seen, read for some marked chunks at a time. Never asked to go back.
struct Unseen {
    /// Of the chunks before this one the marks are known.
    to: ChunkNo,
    marked: Vec<MarkedChunk>,
}

impl Unseen {
    /// The slots of a chunk that are not seen; none where nothing of it is.
    fn of(&mut self, view: &View<'_>, chunk: ChunkNo) -> Result<Option<Bits>> {
        if chunk >= self.to {
            self.marked = view.tx.marked_chunks(view.account, chunk, MARKED)?;
            let last = self.marked.last().filter(|_| self.marked.len() == MARKED);
            self.to = ChunkNo(last.map_or(i64::MAX, |last| last.no.0 + 1));
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
    /// For each type a chunk, its own next one or one before it.
    next: BinaryHeap<Reverse<(ChunkNo, usize)>>,
    unseen: Unseen,
    room: Room,
}

impl<'a> Plan<'a> {
    /// From a chunk on, for a page: little is read ahead.
    pub(super) fn new(view: &'a View<'a>, filter: &ResourceFilter, from: ChunkNo) -> Result<Self> {
        Self::with(view, filter, from, |facets| (FIRST / facets.max(1)).max(FEWEST))
    }

    /// Of all chunks, each of which is going to be asked for.
    pub(super) fn whole(view: &'a View<'a>, filter: &ResourceFilter) -> Result<Self> {
        Self::with(view, filter, ChunkNo(0), |_| MANY)
    }

    /// `batch` says how many postings of each facet are read first, by how many facets their group has.
    fn with(
        view: &'a View<'a>,
        filter: &ResourceFilter,
        from: ChunkNo,
        batch: impl Fn(usize) -> usize,
    ) -> Result<Self> {
        let mut groups = Vec::new();
        for group in filter.groups() {
            let mut numbers = Vec::new();
            for facet in &group {
                numbers.extend(view.tx.facet_numbers(view.account, facet)?);
            }
            numbers.sort_by_key(|(type_no, _)| *type_no);
            groups.push(numbers);
        }
        let of_type = |numbers: &Vec<(TypeNo, FacetNo)>, type_no: TypeNo| {
            let begin = numbers.partition_point(|(other, _)| *other < type_no);
            let numbers = numbers.get(begin..).unwrap_or_default();
            let facets = numbers.partition_point(|(other, _)| *other == type_no);
            let found = numbers.iter().take(facets);
            let group: Vec<_> = found.map(|(_, no)| Postings::of(*no, batch(facets))).collect();
            (!group.is_empty()).then_some(group)
        };
        let mut plans = Vec::new();
        for row in types(view, filter)? {
            let groups = groups.iter().map(|numbers| of_type(numbers, row.no));
            if let Some(mut groups) = groups.collect::<Option<Vec<Vec<_>>>>() {
                groups.sort_by_key(Vec::len);
                plans.push(TypePlan::new(row.no, groups));
            }
        }
        let next = (0..plans.len()).map(|place| Reverse((from, place))).collect();
        let unseen = Unseen { to: ChunkNo(0), marked: Vec::new() };
        Ok(Self { view, types: plans, next, unseen, room: Room::default() })
    }

    /// The next chunk.
    pub(super) fn next(&mut self) -> Result<Option<Block>> {
        loop {
            let Some(mut first) = self.next.peek_mut() else { return Ok(None) };
            let Reverse((from, place)) = *first;
            let Some(plan) = self.types.get_mut(place) else { return Ok(None) };
            let Some(chunk) = plan.seek(self.view, from, &mut self.room)? else {
                PeekMut::pop(first);
                continue;
            };
            if chunk > from {
                // Another type may have one before.
                *first = Reverse((chunk, place));
                continue;
            }
            *first = Reverse((ChunkNo(chunk.0 + 1), place));
            drop(first);
            let is_narrowed = !plan.groups.is_empty();
            if is_narrowed && !plan.meet(self.view, chunk, &mut self.room)? {
                continue;
            }
            let Some(hidden) = self.unseen.of(self.view, chunk)? else { continue };
            let slots = if is_narrowed {
                let mut slots = std::mem::take(&mut self.room.common);
                slots.and_not(&hidden);
                Slots::These(slots)
            } else {
                Slots::AllBut(hidden)
            };
            return Ok(Some(Block { chunk, type_no: plan.type_no, slots }));
        }
    }
}
