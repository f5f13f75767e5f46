//! Facets in a write job: what lists, counts and summaries look at is kept beside the bodies and
//! moves with them. Postings are loaded once for each facet and chunk and written once.

use std::collections::{BTreeMap, HashMap};

use ruleward_policy::json::{Entries, RawString, RawValue, top_level};
use ruleward_store::WriteTx;
use ruleward_types::{
    AccountNo, ChunkNo, Facet, FacetCounts, FacetKind, FacetNo, ResourceKey, Result, TypeNo,
};

use super::bits::Bits;
use super::posting;

const LISTED: [&str; 5] = ["name", "region_id", "project_id", "ep_id", "tags"];

/// A resource that is recorded and of which nothing newer was told.
pub(crate) const BOTH: FacetCounts = FacetCounts { tracked: 1, told: 1 };
/// What was told of a resource that the recorder does not cover.
pub(crate) const TOLD: FacetCounts = FacetCounts { tracked: 0, told: 1 };
/// A recorded resource of which something newer was told.
pub(crate) const SHADOWED: FacetCounts = FacetCounts { tracked: 1, told: 0 };

fn minus(counts: FacetCounts) -> FacetCounts {
    FacetCounts { tracked: -counts.tracked, told: -counts.told }
}

/// What lists look at in a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// Ascending, each once.
    pub(crate) facets: Vec<Facet>,
}

impl Listed {
    /// Of a stored body.
    pub(crate) fn of(body: &[u8]) -> Self {
        let mut out = [None; 5];
        // Stored bodies are objects.
        let _ = top_level(body, &LISTED, &mut out);
        let [name, region, project, enterprise_project, tags] = out;
        let mut facets = vec![
            Facet::named(FacetKind::Region, text(region)),
            Facet::named(FacetKind::Project, text(project)),
            Facet::named(FacetKind::EnterpriseProject, text(enterprise_project)),
        ];
        if let Some(RawValue::Object(tags)) = tags {
            let mut entries = Entries::new(tags);
            while let Ok(Some((key, value))) = entries.try_next() {
                let key = key.to_text();
                facets.push(Facet::named(FacetKind::TagKey, key.clone()));
                facets.push(Facet::tag(key, text(Some(value))));
            }
        }
        facets.sort_unstable();
        Self { name: text(name), facets }
    }
}

fn text(value: Option<RawValue<'_>>) -> String {
    value.and_then(RawValue::as_string).map_or_else(String::new, RawString::to_text)
}

#[derive(Debug)]
struct Posting {
    slots: Bits,
    changed: bool,
}

/// The facets of an account while they are changed. Nothing is complete without
/// [`FacetEdits::flush`].
#[derive(Debug)]
pub(crate) struct FacetEdits {
    account: AccountNo,
    numbers: HashMap<TypeNo, HashMap<Facet, FacetNo>>,
    postings: HashMap<(FacetNo, ChunkNo), Posting>,
    deltas: BTreeMap<FacetNo, FacetCounts>,
}

impl FacetEdits {
    pub(crate) fn new(account: AccountNo) -> Self {
        Self { account, numbers: HashMap::new(), postings: HashMap::new(), deltas: BTreeMap::new() }
    }

    /// A resource came to a slot.
    pub(crate) fn enter(
        &mut self,
        tx: &dyn WriteTx,
        of: (TypeNo, ResourceKey),
        listed: &Listed,
        counts: FacetCounts,
    ) -> Result<()> {
        tx.insert_resource_name(self.account, of.1, &listed.name)?;
        listed.facets.iter().try_for_each(|facet| self.mark(tx, of, facet, counts, true))
    }

    /// The resource of a slot goes.
    pub(crate) fn leave(
        &mut self,
        tx: &dyn WriteTx,
        of: (TypeNo, ResourceKey),
        listed: &Listed,
        counts: FacetCounts,
    ) -> Result<()> {
        tx.delete_resource_name(self.account, of.1, &listed.name)?;
        listed.facets.iter().try_for_each(|facet| self.mark(tx, of, facet, counts, false))
    }

    /// The resource of a slot changed. What stays is not touched.
    pub(crate) fn change(
        &mut self,
        tx: &dyn WriteTx,
        (type_no, key): (TypeNo, ResourceKey),
        (before, after): (&Listed, &Listed),
        counts: FacetCounts,
    ) -> Result<()> {
        if before.name != after.name {
            tx.delete_resource_name(self.account, key, &before.name)?;
            tx.insert_resource_name(self.account, key, &after.name)?;
        }
        for facet in &before.facets {
            if after.facets.binary_search(facet).is_err() {
                self.mark(tx, (type_no, key), facet, counts, false)?;
            }
        }
        for facet in &after.facets {
            if before.facets.binary_search(facet).is_err() {
                self.mark(tx, (type_no, key), facet, counts, true)?;
            }
        }
        Ok(())
    }

    /// A resource counts otherwise from now on, and stays where it is.
    pub(crate) fn count(
        &mut self,
        tx: &dyn WriteTx,
        type_no: TypeNo,
        listed: &Listed,
        delta: FacetCounts,
    ) -> Result<()> {
        for facet in &listed.facets {
            let no = self.number(tx, type_no, facet)?;
            *self.deltas.entry(no).or_default() += delta;
        }
        Ok(())
    }

    /// Whether the resource of a slot has a facet, from now on.
    fn mark(
        &mut self,
        tx: &dyn WriteTx,
        (type_no, key): (TypeNo, ResourceKey),
        facet: &Facet,
        counts: FacetCounts,
        has: bool,
    ) -> Result<()> {
        let no = self.number(tx, type_no, facet)?;
        let posting = self.posting(tx, no, key.chunk())?;
        // What is so already is counted already.
        if posting.slots.get(key.slot()) != has {
            posting.slots.set(key.slot(), has);
            posting.changed = true;
            *self.deltas.entry(no).or_default() += if has { counts } else { minus(counts) };
        }
        Ok(())
    }

    fn number(&mut self, tx: &dyn WriteTx, type_no: TypeNo, facet: &Facet) -> Result<FacetNo> {
        let known = self.numbers.entry(type_no).or_default();
        if let Some(no) = known.get(facet) {
            return Ok(*no);
        }
        let no = tx.ensure_facet(self.account, type_no, facet)?;
        known.insert(facet.clone(), no);
        Ok(no)
    }

    fn posting(
        &mut self,
        tx: &dyn WriteTx,
        facet: FacetNo,
        chunk: ChunkNo,
    ) -> Result<&mut Posting> {
        match self.postings.entry((facet, chunk)) {
            std::collections::hash_map::Entry::Occupied(known) => Ok(known.into_mut()),
            std::collections::hash_map::Entry::Vacant(place) => {
                let slots = posting::decode(&tx.posting(facet, chunk)?)?;
                Ok(place.insert(Posting { slots, changed: false }))
            }
        }
    }

    /// Writes what changed.
    pub(crate) fn flush(self, tx: &dyn WriteTx) -> Result<()> {
        let mut changed: Vec<_> =
            self.postings.into_iter().filter(|(_, posting)| posting.changed).collect();
        // In the order of their keys the store's pages are met once.
        changed.sort_unstable_by_key(|(at, _)| *at);
        for ((facet, chunk), posting) in changed {
            tx.put_posting(facet, chunk, &posting::encode(&posting.slots))?;
        }
        // After the postings: a facet that nobody has any more goes.
        for (no, delta) in self.deltas {
            if !delta.is_zero() {
                tx.add_facet_counts(no, delta)?;
            }
        }
        Ok(())
    }
}
