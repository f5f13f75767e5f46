//! Facets: what resources of a type have in common, which have it and how many.

use std::ops::RangeInclusive;

use ruleward_types::{AccountNo, ChunkNo, Facet, FacetCounts, FacetKind, FacetNo, Result, TypeNo};

/// A facet of a type, with its kept numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetRow {
    /// Its row.
    pub no: FacetNo,
    /// Of which type its resources are.
    pub type_no: TypeNo,
    /// What they have in common.
    pub facet: Facet,
    /// How many have it.
    pub counts: FacetCounts,
}

/// Reading them.
pub trait ReadFacets {
    /// The facets of a kind, of all types, in the order of name, value and type; only those of a
    /// name, or of a name and a value, where these are given.
    fn facets(
        &self,
        account: AccountNo,
        kind: FacetKind,
        name: Option<&str>,
        value: Option<&str>,
    ) -> Result<Vec<FacetRow>>;
    /// The rows of a facet and their types, in the order of the types.
    fn facet_numbers(&self, account: AccountNo, facet: &Facet) -> Result<Vec<(TypeNo, FacetNo)>>;
    /// The facet of that row, if it is the account's.
    fn facet(&self, account: AccountNo, no: FacetNo) -> Result<Option<FacetRow>>;
    /// The row of a facet.
    fn facet_no(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        facet: &Facet,
    ) -> Result<Option<FacetNo>>;
    /// The row of a facet, and the slots of a chunk that have it; these are empty if none.
    fn facet_in_chunk(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        facet: &Facet,
        chunk: ChunkNo,
    ) -> Result<Option<(FacetNo, Vec<u8>)>>;
    /// Names of facets of a kind after a name, each once, with one of the facets, in order.
    fn facet_names(
        &self,
        account: AccountNo,
        kind: FacetKind,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(FacetNo, String)>>;
    /// The slots of a chunk that have a facet; empty if none.
    fn posting(&self, facet: FacetNo, chunk: ChunkNo) -> Result<Vec<u8>>;
    /// Calls for the first chunks of a range in which slots have a facet, in order, with these slots.
    fn scan_postings(
        &self,
        facet: FacetNo,
        chunks: RangeInclusive<ChunkNo>,
        limit: usize,
        visit: &mut dyn FnMut(ChunkNo, &[u8]) -> Result<()>,
    ) -> Result<()>;
}

/// Changing them.
pub trait WriteFacets {
    /// Adds a facet with its numbers.
    fn insert_facet(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        facet: &Facet,
        counts: FacetCounts,
    ) -> Result<FacetNo>;
    /// Moves the kept numbers of facets. One that no resource has any more goes, but for the keys
    /// of tags: places in lists are bound to these.
    fn add_facet_counts(&self, deltas: &[(FacetNo, FacetCounts)]) -> Result<()>;
    /// Replaces the slots of chunks that have a facet; empty removes them.
    fn put_postings(&self, postings: &[((FacetNo, ChunkNo), Vec<u8>)]) -> Result<()>;
}
