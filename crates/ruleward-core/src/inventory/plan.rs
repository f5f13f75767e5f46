//! Which slots match a filter: for each type the postings of its facets, gone through side by
//! side for some chunks at a time. Where one of them has a gap, the others are not read.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::collections::binary_heap::{BinaryHeap, PeekMut};

use ruleward_store::MarkedChunk;
use ruleward_types::{ChunkNo, FacetNo, Result, TypeNo};

use super::{Inventory, ResourceFilter, View};
use crate::evaluation::bits::Bits;
use crate::evaluation::posting;

#[cfg(test)]
mod tests;

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

/// Chunks of a type that are looked at together: first so many, enough for nearly all types of a
/// million resources, and fewer where each has postings of many facets.
const FIRST: usize = 32;
const FEWEST: usize = 4;
/// Then so many times as many as before, up to so many.
const GROWTH: usize = 8;
const MANY: usize = 64;

/// Chunks in order, and slots of each.
type Window = VecDeque<(ChunkNo, Bits)>;

/// What of one type matches, looked at for some chunks at a time.
struct TypePlan {
    type_no: TypeNo,
    /// All have to match, in each any. Those of the fewest facets first.
    groups: Vec<Vec<FacetNo>>,
    /// Chunks, and the slots that may match in each.
    window: Window,
    /// Whether all groups were looked at for these.
    is_narrowed: bool,
    /// How many chunks are looked at next: more and more, but few where most are in vain.
    batch: usize,
    /// Where to go on.
    from: ChunkNo,
    has_ended: bool,
}

impl TypePlan {
    /// The first chunk that is left in which slots may match. As long as another type has one before,
    /// nothing more is read.
    fn seek(&mut self, view: &View<'_>) -> Result<Option<ChunkNo>> {
        while self.window.is_empty() && !self.has_ended {
            self.read(view)?;
        }
        Ok(self.window.front().map(|(at, _)| *at))
    }

    /// The slots of the chunk that was found, where any are in all groups.
    fn take(&mut self, view: &View<'_>, chunk: ChunkNo, room: &mut Bits) -> Result<Option<Bits>> {
        if !self.is_narrowed {
            self.is_narrowed = true;
            self.narrow(view, room)?;
        }
        Ok(self.window.pop_front_if(|(at, _)| *at == chunk).map(|(_, slots)| slots))
    }

    /// The facet of the first group, where it is the only one. Its postings cost as little as the
    /// chunks of the type, and tell more.
    fn leading(&self) -> Option<FacetNo> {
        match self.groups.first()?.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    fn read(&mut self, view: &View<'_>) -> Result<()> {
        let leading = self.leading();
        let Self { window, batch, from, .. } = self;
        if let Some(only) = leading {
            let chunks = *from..=ChunkNo(i64::MAX);
            view.tx.scan_postings(only, chunks, *batch, &mut |chunk, slots| {
                window.push_back((chunk, posting::decode(slots)?));
                Ok(())
            })?;
        } else {
            let chunks = view.tx.chunk_numbers(view.account, self.type_no, *from, *batch)?;
            window.extend(chunks.into_iter().map(|chunk| (chunk, Bits::default())));
        }
        self.has_ended = window.len() < *batch;
        if let Some((last, _)) = window.back() {
            *from = ChunkNo(last.0 + 1);
        }
        self.is_narrowed = false;
        *batch = MANY.min(*batch * GROWTH);
        Ok(())
    }

    /// Leaves the slots that are in all groups, and the chunks that have some.
    fn narrow(&mut self, view: &View<'_>, room: &mut Bits) -> Result<()> {
        let is_led = self.leading().is_some();
        for (place, group) in self.groups.iter().enumerate().skip(usize::from(is_led)) {
            if self.window.is_empty() {
                return Ok(());
            }
            let looked_at = self.window.len();
            let met = match group.as_slice() {
                [only] => narrow_to(view, *only, &mut self.window, room)?,
                several => narrow_to_any(view, several, &mut self.window, place == 0)?,
            };
            if met * 2 < looked_at {
                self.batch = GROWTH;
            }
            if met == 0 && !self.has_ended {
                // Where the group has nothing, the others are not read.
                match first_from(view, group, self.from)? {
                    Some(next) => self.from = next,
                    None => self.has_ended = true,
                }
            }
        }
        Ok(())
    }
}

/// Leaves the slots that have a facet, and the chunks that have some; in how many it was met.
fn narrow_to(
    view: &View<'_>,
    facet: FacetNo,
    window: &mut Window,
    room: &mut Bits,
) -> Result<usize> {
    let chunks: Vec<ChunkNo> = window.iter().map(|(at, _)| *at).collect();
    let (mut met, mut left) = (0, Window::new());
    scan_in(view, facet, &chunks, |place, bytes| {
        met += 1;
        if let Some((at, slots)) = window.get_mut(place)
            && posting::narrow(bytes, slots, room)?
        {
            left.push_back((*at, std::mem::take(slots)));
        }
        Ok(())
    })?;
    *window = left;
    Ok(met)
}

/// Leaves the slots that have any of several facets, and the chunks that have some; in how many one
/// was met. Nothing is known of the slots before, where this is the `first` group.
fn narrow_to_any(
    view: &View<'_>,
    facets: &[FacetNo],
    window: &mut Window,
    first: bool,
) -> Result<usize> {
    let chunks: Vec<ChunkNo> = window.iter().map(|(at, _)| *at).collect();
    let mut any = vec![Bits::default(); chunks.len()];
    for facet in facets {
        scan_in(view, *facet, &chunks, |place, bytes| match any.get_mut(place) {
            Some(slots) => posting::add(bytes, slots),
            None => Ok(()),
        })?;
    }
    let met = any.iter().filter(|slots| !slots.is_empty()).count();
    for ((_, slots), any) in window.iter_mut().zip(any) {
        if first {
            *slots = any;
        } else {
            slots.and(&any);
        }
    }
    window.retain(|(_, slots)| !slots.is_empty());
    Ok(met)
}

/// Calls for the postings of a facet in some chunks, which are in order, by the place of the chunk.
fn scan_in(
    view: &View<'_>,
    facet: FacetNo,
    chunks: &[ChunkNo],
    mut visit: impl FnMut(usize, &[u8]) -> Result<()>,
) -> Result<()> {
    let (mut place, mut limit) = (0, chunks.len());
    while let (Some(from), Some(to)) = (chunks.get(place), chunks.last()) {
        let (mut read, mut met) = (0, 0);
        view.tx.scan_postings(facet, *from..=*to, limit, &mut |chunk, bytes| {
            read += 1;
            while chunks.get(place).is_some_and(|at| *at < chunk) {
                place += 1;
            }
            if chunks.get(place) == Some(&chunk) {
                met += 1;
                place += 1;
                return visit(place - 1, bytes);
            }
            Ok(())
        })?;
        if read < limit {
            break;
        }
        if met * 2 < read {
            // Most lie between the chunks: from each on only some.
            limit = GROWTH;
        }
    }
    Ok(())
}

/// The first chunk from one on in which slots have any of some facets.
fn first_from(view: &View<'_>, facets: &[FacetNo], from: ChunkNo) -> Result<Option<ChunkNo>> {
    let mut first: Option<ChunkNo> = None;
    for facet in facets {
        let to = first.unwrap_or(ChunkNo(i64::MAX));
        view.tx.scan_postings(*facet, from..=to, 1, &mut |chunk, _| {
            first = Some(chunk);
            Ok(())
        })?;
    }
    Ok(first)
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
    /// Slots, kept for their room.
    room: Bits,
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

    /// `batch` says how many chunks of a type are looked at first, by the facets of its largest group.
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
            let numbers = numbers.iter().skip(begin);
            let group: Vec<_> =
                numbers.take_while(|(other, _)| *other == type_no).map(|(_, no)| *no).collect();
            (!group.is_empty()).then_some(group)
        };
        let mut plans = Vec::new();
        for row in types(view, filter)? {
            let groups = groups.iter().map(|numbers| of_type(numbers, row.no));
            if let Some(mut groups) = groups.collect::<Option<Vec<Vec<_>>>>() {
                groups.sort_by_key(Vec::len);
                plans.push(TypePlan {
                    type_no: row.no,
                    window: Window::new(),
                    is_narrowed: false,
                    batch: batch(groups.last().map_or(0, Vec::len)),
                    groups,
                    from,
                    has_ended: false,
                });
            }
        }
        let next = (0..plans.len()).map(|place| Reverse((from, place))).collect();
        let unseen = Unseen { to: ChunkNo(0), marked: Vec::new() };
        Ok(Self { view, types: plans, next, unseen, room: Bits::default() })
    }

    /// The next chunk.
    pub(super) fn next(&mut self) -> Result<Option<Block>> {
        loop {
            let Some(mut first) = self.next.peek_mut() else { return Ok(None) };
            let Reverse((from, place)) = *first;
            let Some(plan) = self.types.get_mut(place) else { return Ok(None) };
            let Some(chunk) = plan.seek(self.view)? else {
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
            let Some(mut slots) = plan.take(self.view, chunk, &mut self.room)? else { continue };
            let Some(hidden) = self.unseen.of(self.view, chunk)? else { continue };
            let slots = if plan.groups.is_empty() {
                Slots::AllBut(hidden)
            } else {
                slots.and_not(&hidden);
                Slots::These(slots)
            };
            return Ok(Some(Block { chunk, type_no: plan.type_no, slots }));
        }
    }
}
