//! The scopes of a row that are not the live plane, each stored once however many rules share it.
//!
//! A scope lies in a *domain* and has a bit for each slot of that: all slots, what another scope takes,
//! or what another scope leaves of its own domain. So the scopes of rules for single regions share
//! the slots between them, and a region's resources with a tag are told among those of the region.

use std::cell::{OnceCell, RefCell};
use std::cmp::Reverse;

use ruleward_types::Result;

use super::super::bits::Bits;
use super::codec::{Input, damaged, put_number};
use super::packing::{bit, packed_bytes, plane_bytes, put_packed, put_plane, rank, unpacked};

/// All slots. What scope `n` takes has the number `2n + 1`, what it leaves `2n + 2`.
const ALL_SLOTS: usize = 0;

/// The scopes of a stored row.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    slots: usize,
    all: Vec<Scope>,
    /// Of the slot that was asked about last: many rules ask about it.
    places: RefCell<Places>,
}

/// The how-manieth of each domain a slot is; `None` where it is not in it.
#[derive(Debug, Default)]
struct Places {
    slot: usize,
    of_domains: Vec<Option<usize>>,
}

#[derive(Debug)]
struct Scope {
    domain: usize,
    /// Slots in the domain, and of those in the scope.
    room: usize,
    count: usize,
    /// Where its bits lie in the row.
    start: usize,
    bits: OnceCell<Bits>,
}

impl Scope {
    fn length(&self, slots: usize) -> usize {
        if self.domain == ALL_SLOTS { plane_bytes(slots) } else { packed_bytes(self.room) }
    }
}

impl Scopes {
    fn with_capacity(slots: usize, number: usize) -> Self {
        Self { slots, all: Vec::with_capacity(number.min(1024)), places: RefCell::default() }
    }

    /// Reads how the scopes lie in each other.
    pub(super) fn read_heads(input: &mut Input<'_>, slots: usize, number: usize) -> Result<Self> {
        let mut of = Self::with_capacity(slots, number);
        for _ in 0..number {
            let (domain, count) = (input.number()?, input.number()?);
            let room = of.room(domain).ok_or_else(damaged)?;
            if count > room {
                return Err(damaged());
            }
            of.all.push(Scope { domain, room, count, start: 0, bits: OnceCell::new() });
        }
        Ok(of)
    }

    /// Notes where the bits of the scopes lie, which begin here; returns where they end.
    pub(super) fn place(&mut self, mut start: usize) -> usize {
        for scope in &mut self.all {
            scope.start = start;
            start += scope.length(self.slots);
        }
        start
    }

    /// Scopes of a row of the version before, which all lie in all slots; and where they end.
    pub(super) fn side_by_side(
        row: &[u8],
        mut start: usize,
        slots: usize,
        number: usize,
    ) -> Result<(Self, usize)> {
        let mut of = Self::with_capacity(slots, number);
        for _ in 0..number {
            let end = start + plane_bytes(slots);
            let bits = row.get(start..end).ok_or_else(damaged)?;
            let count = rank(bits, 8 * bits.len());
            let bits = OnceCell::new();
            of.all.push(Scope { domain: ALL_SLOTS, room: slots, count, start, bits });
            start = end;
        }
        Ok((of, start))
    }

    fn room(&self, domain: usize) -> Option<usize> {
        let Some(of) = domain.checked_sub(1) else { return Some(self.slots) };
        let scope = self.all.get(of / 2)?;
        Some(if of % 2 == 0 { scope.count } else { scope.room - scope.count })
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// How many slots are in a scope.
    pub(super) fn count(&self, n: usize) -> Option<usize> {
        self.all.get(n).map(|scope| scope.count)
    }

    /// The how-manieth of a scope a slot is; `None` where it is not in it.
    pub(super) fn place_of(&self, row: &[u8], n: usize, slot: usize) -> Option<usize> {
        let mut known = self.places.borrow_mut();
        if known.slot != slot || known.of_domains.is_empty() {
            *known = self.places_of(row, slot);
        }
        known.of_domains.get(2 * n + 1).copied().flatten()
    }

    fn places_of(&self, row: &[u8], slot: usize) -> Places {
        let mut of_domains = Vec::with_capacity(1 + 2 * self.all.len());
        of_domains.push(Some(slot));
        for scope in &self.all {
            let place = of_domains.get(scope.domain).copied().flatten();
            of_domains.extend(place.map_or([None, None], |place| {
                let bits = self.bytes(row, scope);
                let taken = rank(bits, place);
                if bit(bits, place) { [Some(taken), None] } else { [None, Some(place - taken)] }
            }));
        }
        Places { slot, of_domains }
    }

    fn bytes<'a>(&self, row: &'a [u8], scope: &Scope) -> &'a [u8] {
        row.get(scope.start..scope.start + scope.length(self.slots)).unwrap_or_default()
    }

    /// The slots of a scope.
    pub(super) fn bits(&self, row: &[u8], n: usize) -> Option<&Bits> {
        let scope = self.all.get(n)?;
        if let Some(known) = scope.bits.get() {
            return Some(known);
        }
        let bytes = self.bytes(row, scope);
        let bits = match scope.domain.checked_sub(1) {
            None => Bits::from_slots(bytes, self.slots.div_ceil(64)),
            Some(_) => unpacked(bytes, &self.domain(row, scope.domain)?),
        };
        Some(scope.bits.get_or_init(|| bits))
    }

    fn domain(&self, row: &[u8], domain: usize) -> Option<Bits> {
        let Some(of) = domain.checked_sub(1) else { return Some(Bits::first(self.slots)) };
        let bits = self.bits(row, of / 2)?;
        if of % 2 == 0 {
            return Some(bits.clone());
        }
        let mut rest = self.domain(row, self.all.get(of / 2)?.domain)?;
        rest.and_not(bits);
        Some(rest)
    }
}

/// The scopes of a row that is written.
#[derive(Debug, Default)]
pub(super) struct Nested {
    pub(super) number: usize,
    pub(super) heads: Vec<u8>,
    pub(super) planes: Vec<u8>,
}

impl Nested {
    /// The scopes of a stored row as they are.
    pub(super) fn copied(row: &[u8], of: &Scopes) -> Self {
        let mut nested = Self::default();
        for scope in &of.all {
            nested.head(scope.domain, scope.count);
            nested.planes.extend_from_slice(of.bytes(row, scope));
        }
        nested
    }

    /// Lays scopes into each other where that is shorter. Returns their order as well.
    pub(super) fn new(scopes: &[&Bits], slots: usize) -> (Self, Vec<usize>) {
        let mut nested = Self::default();
        let counts: Vec<usize> = scopes.iter().map(|scope| size(scope)).collect();
        let count = |n: usize| counts.get(n).copied().unwrap_or_default();
        let mut order: Vec<usize> = (0..scopes.len()).collect();
        order.sort_by_key(|n| Reverse(count(*n)));
        let mut domains = vec![Bits::first(slots)];
        let mut rooms = vec![slots];
        for n in &order {
            let Some(scope) = scopes.get(*n) else { continue };
            let smaller = |(number, _): &(usize, &Bits)| {
                rooms.get(*number).is_some_and(|room| *room < slots && *room >= count(*n))
            };
            let found = domains
                .iter()
                .enumerate()
                .filter(smaller)
                .filter(|(_, domain)| scope.is_within(domain))
                .min_by_key(|(number, _)| rooms.get(*number).copied());
            let (number, domain) = match found {
                Some((number, domain)) => (number, domain.clone()),
                None => (ALL_SLOTS, Bits::first(slots)),
            };
            nested.head(number, count(*n));
            if number == ALL_SLOTS {
                put_plane(&mut nested.planes, scope, plane_bytes(slots));
            } else {
                put_packed(&mut nested.planes, scope, &domain);
            }
            let room = rooms.get(number).copied().unwrap_or_default();
            rooms.extend([count(*n), room - count(*n)]);
            let mut rest = domain;
            rest.and_not(scope);
            domains.extend([Bits::clone(scope), rest]);
        }
        (nested, order)
    }

    fn head(&mut self, domain: usize, count: usize) {
        self.number += 1;
        put_number(&mut self.heads, domain as u64);
        put_number(&mut self.heads, count as u64);
    }
}

fn size(bits: &Bits) -> usize {
    usize::try_from(bits.count()).unwrap_or_default()
}
