//! Which slots match a filter: for each type the postings of its facets, gone through side by
//! side, chunk after chunk. Where one of them has a gap, the others are not read.

use std::collections::HashMap;

use ruleward_types::{ChunkNo, FacetNo, Result, TypeNo};

use super::{ResourceFilter, View};
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

/// What comes next of something that is read as far as it is needed.
#[derive(Debug)]
enum Ahead<T> {
    Unread,
    Next(T),
    Ended,
}

impl<T> Ahead<T> {
    fn of(found: Option<T>) -> Self {
        found.map_or(Self::Ended, Self::Next)
    }

    fn next(&self) -> Option<&T> {
        match self {
            Self::Next(next) => Some(next),
            Self::Unread | Self::Ended => None,
        }
    }

    fn take(&mut self) -> Option<T> {
        match std::mem::replace(self, Self::Unread) {
            Self::Next(next) => Some(next),
            Self::Unread | Self::Ended => None,
        }
    }
}

/// The postings of a facet, read as far as they are needed.
struct Postings {
    facet: FacetNo,
    head: Ahead<(ChunkNo, Bits)>,
}

impl Postings {
    /// The first posting from a chunk on. Never asked to go back.
    fn seek(&mut self, view: &View<'_>, from: ChunkNo) -> Result<Option<&(ChunkNo, Bits)>> {
        let is_behind = match &self.head {
            Ahead::Unread => true,
            Ahead::Next((at, _)) => *at < from,
            Ahead::Ended => false,
        };
        if is_behind {
            self.head = match view.tx.next_posting(self.facet, from)? {
                Some((chunk, slots)) => Ahead::Next((chunk, posting::decode(&slots)?)),
                None => Ahead::Ended,
            };
        }
        Ok(self.head.next())
    }
}

/// What of one type matches.
struct TypePlan {
    type_no: TypeNo,
    /// All have to match, in each any.
    groups: Vec<Vec<Postings>>,
    next: Ahead<Block>,
}

impl TypePlan {
    fn find(&mut self, view: &View<'_>, mut from: ChunkNo) -> Result<Option<Block>> {
        loop {
            let found = if self.groups.is_empty() {
                view.tx.next_chunk(view.account, self.type_no, from)?.map(|chunk| (chunk.no, None))
            } else {
                self.common(view, from)?.map(|(chunk, slots)| (chunk, Some(slots)))
            };
            let Some((no, slots)) = found else { return Ok(None) };
            from = ChunkNo(no.0 + 1);
            let is_seen = view.inventory == super::Inventory::All
                || view.tx.chunk(no)?.is_some_and(|chunk| chunk.recorded);
            if !is_seen {
                continue;
            }
            let hidden = view.hidden(no)?;
            let slots = match slots {
                None => Slots::AllBut(hidden),
                Some(mut slots) => {
                    slots.and_not(&hidden);
                    if slots.is_empty() {
                        continue;
                    }
                    Slots::These(slots)
                }
            };
            return Ok(Some(Block { chunk: no, type_no: self.type_no, slots }));
        }
    }

    /// The first chunk from one on in which slots are in all groups.
    fn common(&mut self, view: &View<'_>, mut from: ChunkNo) -> Result<Option<(ChunkNo, Bits)>> {
        'chunk: loop {
            let mut common: Option<Bits> = None;
            for group in &mut self.groups {
                let mut first: Option<ChunkNo> = None;
                for postings in &mut *group {
                    if let Some((chunk, _)) = postings.seek(view, from)? {
                        first = Some(first.map_or(*chunk, |known| known.min(*chunk)));
                    }
                }
                let Some(first) = first else { return Ok(None) };
                if first > from {
                    from = first;
                    if common.is_some() {
                        continue 'chunk;
                    }
                }
                let mut any = Bits::default();
                for postings in group {
                    if let Some((chunk, slots)) = postings.head.next()
                        && *chunk == from
                    {
                        any.unite(slots);
                    }
                }
                common = Some(match common.take() {
                    None => any,
                    Some(mut slots) => {
                        slots.and(&any);
                        slots
                    }
                });
                if common.as_ref().is_some_and(Bits::is_empty) {
                    from = ChunkNo(from.0 + 1);
                    continue 'chunk;
                }
            }
            return Ok(common.map(|slots| (from, slots)));
        }
    }
}

/// The facets of a group, by their types.
pub(super) type Group = HashMap<TypeNo, Vec<FacetNo>>;

/// The groups of a filter, and the sums of their kept numbers by type.
pub(super) struct Groups {
    pub(super) facets: Vec<Group>,
    pub(super) counts: Vec<HashMap<TypeNo, i64>>,
}

impl Groups {
    pub(super) fn load(view: &View<'_>, filter: &ResourceFilter) -> Result<Self> {
        let mut groups = Self { facets: Vec::new(), counts: Vec::new() };
        for group in filter.groups() {
            let (mut facets, mut counts) = (Group::new(), HashMap::new());
            for facet in group {
                let (name, value) = (facet.name.as_str(), facet.value.as_str());
                for row in view.tx.facets(view.account, facet.kind, Some(name), Some(value))? {
                    facets.entry(row.type_no).or_default().push(row.no);
                    *counts.entry(row.type_no).or_default() += view.inventory.count_of(row.counts);
                }
            }
            groups.facets.push(facets);
            groups.counts.push(counts);
        }
        Ok(groups)
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
    from: ChunkNo,
}

impl<'a> Plan<'a> {
    /// From a chunk on.
    pub(super) fn new(view: &'a View<'a>, filter: &ResourceFilter, from: ChunkNo) -> Result<Self> {
        let groups = Groups::load(view, filter)?.facets;
        let mut plans = Vec::new();
        for row in types(view, filter)? {
            let of_type: Option<Vec<Vec<Postings>>> = groups
                .iter()
                .map(|group| {
                    let facets = group.get(&row.no)?.iter();
                    Some(
                        facets
                            .map(|facet| Postings { facet: *facet, head: Ahead::Unread })
                            .collect(),
                    )
                })
                .collect();
            if let Some(groups) = of_type {
                plans.push(TypePlan { type_no: row.no, groups, next: Ahead::Unread });
            }
        }
        Ok(Self { view, types: plans, from })
    }

    /// The next chunk.
    pub(super) fn next(&mut self) -> Result<Option<Block>> {
        let mut first: Option<(usize, ChunkNo)> = None;
        for (place, plan) in self.types.iter_mut().enumerate() {
            if matches!(plan.next, Ahead::Unread) {
                plan.next = Ahead::of(plan.find(self.view, self.from)?);
            }
            if let Some(block) = plan.next.next()
                && first.is_none_or(|(_, known)| block.chunk < known)
            {
                first = Some((place, block.chunk));
            }
        }
        let Some((place, chunk)) = first else { return Ok(None) };
        self.from = ChunkNo(chunk.0 + 1);
        Ok(self.types.get_mut(place).and_then(|plan| plan.next.take()))
    }
}
