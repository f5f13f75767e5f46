//! Facets in a write job: what lists, counts and summaries look at is kept beside the bodies and
//! moves with them. What changes is gathered in memory and written once at the end of the job.

use std::collections::HashMap;

use ruleward_policy::json::{Entries, RawString, RawValue, top_level};
use ruleward_store::{NameChange, WriteTx};
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
        facets.dedup();
        Self { name: text(name), facets }
    }
}

fn text(value: Option<RawValue<'_>>) -> String {
    value.and_then(RawValue::as_string).map_or_else(String::new, RawString::to_text)
}

/// Changes of one facet of a type.
#[derive(Debug, Default)]
struct Edit {
    /// What it counts more, beside what the marks say.
    counts: FacetCounts,
    /// In the order in which they were made.
    marks: Vec<Mark>,
}

/// What an edit comes to.
type Applied = (Option<FacetNo>, Vec<(ChunkNo, Vec<u8>)>, FacetCounts);

/// A resource has a facet from now on, or no longer.
#[derive(Debug, Clone, Copy)]
struct Mark {
    key: ResourceKey,
    has: bool,
    /// What the resource counts.
    counts: FacetCounts,
}

/// The facets of an account while they are changed. Nothing is complete without
/// [`FacetEdits::flush`].
#[derive(Debug)]
pub(crate) struct FacetEdits {
    account: AccountNo,
    names: Vec<NameChange>,
    edits: HashMap<TypeNo, HashMap<Facet, Edit>>,
}

impl FacetEdits {
    pub(crate) fn new(account: AccountNo) -> Self {
        Self { account, names: Vec::new(), edits: HashMap::new() }
    }

    /// A resource came to a slot.
    pub(crate) fn enter(
        &mut self,
        (type_no, key): (TypeNo, ResourceKey),
        listed: &Listed,
        counts: FacetCounts,
    ) {
        self.rename(key, &listed.name, true);
        for facet in &listed.facets {
            self.mark(type_no, facet, Mark { key, has: true, counts });
        }
    }

    /// The resource of a slot goes.
    pub(crate) fn leave(
        &mut self,
        (type_no, key): (TypeNo, ResourceKey),
        listed: &Listed,
        counts: FacetCounts,
    ) {
        self.rename(key, &listed.name, false);
        for facet in &listed.facets {
            self.mark(type_no, facet, Mark { key, has: false, counts });
        }
    }

    /// The resource of a slot changed. What stays is not touched.
    pub(crate) fn change(
        &mut self,
        (type_no, key): (TypeNo, ResourceKey),
        (before, after): (&Listed, &Listed),
        counts: FacetCounts,
    ) {
        if before.name != after.name {
            self.rename(key, &before.name, false);
            self.rename(key, &after.name, true);
        }
        for facet in &before.facets {
            if after.facets.binary_search(facet).is_err() {
                self.mark(type_no, facet, Mark { key, has: false, counts });
            }
        }
        for facet in &after.facets {
            if before.facets.binary_search(facet).is_err() {
                self.mark(type_no, facet, Mark { key, has: true, counts });
            }
        }
    }

    /// A resource counts otherwise from now on, and stays where it is.
    pub(crate) fn count(&mut self, type_no: TypeNo, listed: &Listed, delta: FacetCounts) {
        for facet in &listed.facets {
            self.edit(type_no, facet, |edit| edit.counts += delta);
        }
    }

    fn rename(&mut self, key: ResourceKey, name: &str, has: bool) {
        self.names.push(NameChange { key, name: name.to_owned(), has });
    }

    fn mark(&mut self, type_no: TypeNo, facet: &Facet, mark: Mark) {
        self.edit(type_no, facet, |edit| edit.marks.push(mark));
    }

    fn edit(&mut self, type_no: TypeNo, facet: &Facet, change: impl FnOnce(&mut Edit)) {
        let edits = self.edits.entry(type_no).or_default();
        // Of many resources nearly always one had it already, and it needs no copy.
        if let Some(edit) = edits.get_mut(facet) {
            return change(edit);
        }
        let mut edit = Edit::default();
        change(&mut edit);
        edits.insert(facet.clone(), edit);
    }

    /// Writes what changed: each facet, and each of its chunks, once, in the order of the store's
    /// pages.
    pub(crate) fn flush(self, tx: &dyn WriteTx) -> Result<()> {
        tx.change_resource_names(self.account, &self.names)?;
        let of_types = self.edits.into_iter();
        let mut edits: Vec<_> = of_types
            .flat_map(|(type_no, edits)| {
                edits.into_iter().map(move |(facet, edit)| (facet, type_no, edit))
            })
            .collect();
        edits.sort_unstable_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        let (mut new, mut postings, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for (facet, type_no, edit) in edits {
            let (known, changed, delta) = edit.apply(tx, (self.account, type_no, &facet))?;
            if let Some(no) = known {
                counts.push((no, delta));
                postings.extend(changed.into_iter().map(|(chunk, slots)| ((no, chunk), slots)));
            } else if !changed.is_empty() {
                new.push((type_no, facet, delta, changed));
            }
        }
        // Numbers of one type follow each other, so that the postings of a chunk lie close together.
        new.sort_by_key(|(type_no, ..)| *type_no);
        for (type_no, facet, delta, changed) in new {
            let no = tx.insert_facet(self.account, type_no, &facet, delta)?;
            postings.extend(changed.into_iter().map(|(chunk, slots)| ((no, chunk), slots)));
        }
        postings.sort_unstable_by_key(|(at, _)| *at);
        tx.put_postings(&postings)?;
        // After the postings: a facet that nobody has any more goes.
        counts.retain(|(_, delta)| !delta.is_zero());
        counts.sort_unstable_by_key(|(no, _)| *no);
        tx.add_facet_counts(&counts)
    }
}

impl Edit {
    /// The facet's row, the chunks whose slots with it change, with all that have it then as they are
    /// stored, and what it counts more.
    fn apply(
        mut self,
        tx: &dyn WriteTx,
        (account, type_no, facet): (AccountNo, TypeNo, &Facet),
    ) -> Result<Applied> {
        // Stable: of two about the same slot the later one stays the later one.
        self.marks.sort_by_key(|mark| mark.key.chunk());
        let known = match self.marks.first() {
            Some(mark) => tx.facet_in_chunk(account, type_no, facet, mark.key.chunk())?,
            None => tx.facet_no(account, type_no, facet)?.map(|no| (no, Vec::new())),
        };
        let (no, mut of_the_first) = known.unzip();
        let (mut changed, mut delta) = (Vec::new(), self.counts);
        for marks in self.marks.chunk_by(|a, b| a.key.chunk() == b.key.chunk()) {
            let Some(chunk) = marks.first().map(|mark| mark.key.chunk()) else { continue };
            let before = match (of_the_first.take(), no) {
                (Some(slots), _) => posting::decode(&slots)?,
                (None, Some(no)) => posting::decode(&tx.posting(no, chunk)?)?,
                (None, None) => Bits::default(),
            };
            let mut slots = before.clone();
            for Mark { key, has, counts } in marks {
                // What is so already is counted already.
                if slots.get(key.slot()) != *has {
                    slots.set(key.slot(), *has);
                    delta += if *has { *counts } else { minus(*counts) };
                }
            }
            if !slots.differences(&before).is_empty() {
                changed.push((chunk, posting::encode(&slots)));
            }
        }
        Ok((no, changed, delta))
    }
}
