//! Types, chunks, planes and tickets.

use ruleward_types::{AccountNo, ChunkNo, ResourceType, Result, TypeNo};

/// A resource type of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeRow {
    /// Its row.
    pub no: TypeNo,
    /// Its name, as first spelled.
    pub resource_type: ResourceType,
    /// Moves with every change of a resource of a type that some rule looks up.
    pub changes: i64,
}

/// A chunk: up to 4,096 slots of one account and type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Its row.
    pub no: ChunkNo,
    /// Whose.
    pub account: AccountNo,
    /// Of which type.
    pub type_no: TypeNo,
    /// The version of the resource changed last.
    pub version: i64,
    /// Slots handed out; never reused.
    pub used: usize,
    /// Slots that hold a resource.
    pub live: usize,
    /// The first so many slots are in the columns.
    pub column_slots: usize,
    /// The day, since the epoch, of the last checkpoint of its planes.
    pub checkpoint: i64,
    /// Whether its resources are judged; else it holds what was told of resources that the
    /// recorder does not cover.
    pub recorded: bool,
}

/// A chunk with what is kept beside it: all that a change of one of its resources looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeChunk {
    /// Its row.
    pub chunk: Chunk,
    /// Its planes, empty if none were written.
    pub planes: Vec<u8>,
    /// Slots that changed since its columns were written, as bits; empty if none.
    pub stale_slots: Vec<u8>,
    /// Slots of which something newer was told, as bits; empty if none.
    pub shadowed_slots: Vec<u8>,
}

/// A chunk that holds something newer than is recorded, or is shadowed by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedChunk {
    /// Its row.
    pub no: ChunkNo,
    /// Whether its resources are recorded.
    pub recorded: bool,
    /// Slots of a recorded chunk of which something newer was told, as bits; empty if none.
    pub shadowed_slots: Vec<u8>,
}

/// Work that waits: bring every rule of the chunk to its current mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Where.
    pub chunk: ChunkNo,
    /// Which wake-up; a later one outlives the work done for this one.
    pub generation: i64,
}

/// Reading them.
pub trait ReadChunks {
    /// The types of an account, in the order first seen.
    fn types(&self, account: AccountNo) -> Result<Vec<TypeRow>>;
    /// The type of an account that was added last.
    fn newest_type(&self, account: AccountNo) -> Result<Option<TypeNo>>;
    /// The type of that row.
    fn resource_type(&self, no: TypeNo) -> Result<Option<ResourceType>>;
    /// The recorded chunks of an account, or of one type of it, in order, from after `after`.
    fn chunks(
        &self,
        account: AccountNo,
        type_no: Option<TypeNo>,
        after: Option<ChunkNo>,
        limit: usize,
    ) -> Result<Vec<Chunk>>;
    /// The first chunk of a type from one on, recorded or not.
    fn next_chunk(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        from: ChunkNo,
    ) -> Result<Option<Chunk>>;
    /// The numbers of the first chunks of a type from one on, recorded or not, in order.
    fn chunk_numbers(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        from: ChunkNo,
        limit: usize,
    ) -> Result<Vec<ChunkNo>>;
    /// The chunk of a type that was made last, among those that are recorded or not.
    fn last_chunk(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        recorded: bool,
    ) -> Result<Option<Chunk>>;
    /// Slots of a recorded chunk of which something newer was told, as bits; empty if none.
    fn shadowed_slots(&self, no: ChunkNo) -> Result<Vec<u8>>;
    /// The first chunks of an account from one on that hold something newer than is recorded, or are
    /// shadowed by it, in order.
    fn marked_chunks(
        &self,
        account: AccountNo,
        from: ChunkNo,
        limit: usize,
    ) -> Result<Vec<MarkedChunk>>;
    /// The chunks of an account that hold something newer than is recorded, or are shadowed by it.
    fn chunks_to_catch_up(&self, account: AccountNo) -> Result<Vec<Chunk>>;
    /// The chunks of all accounts that have no facets yet: those of an older store.
    fn chunks_without_facets(&self, limit: usize) -> Result<Vec<Chunk>>;
    /// The chunk of that row.
    fn chunk(&self, no: ChunkNo) -> Result<Option<Chunk>>;
    /// The chunk of that row, with what is kept beside it.
    fn whole_chunk(&self, no: ChunkNo) -> Result<Option<WholeChunk>>;
    /// The chunk's planes, empty if none were written.
    fn planes(&self, no: ChunkNo) -> Result<Vec<u8>>;
    /// Tickets after a chunk, in order, at most `limit`.
    fn tickets(&self, after: ChunkNo, limit: usize) -> Result<Vec<Ticket>>;
    /// How many tickets wait.
    fn ticket_count(&self) -> Result<i64>;
}

/// Changing them.
pub trait WriteChunks {
    /// The row of a type; made if it is new.
    fn ensure_type(&self, account: AccountNo, resource_type: &ResourceType) -> Result<TypeNo>;
    /// Notes that resources of a type changed.
    fn bump_type_changes(&self, no: TypeNo) -> Result<()>;
    /// Adds an empty chunk.
    fn insert_chunk(&self, account: AccountNo, type_no: TypeNo, recorded: bool) -> Result<Chunk>;
    /// Replaces the set of slots of which something newer was told.
    fn put_shadowed_slots(&self, no: ChunkNo, slots: &[u8]) -> Result<()>;
    /// Notes that the resources of a chunk have their facets.
    fn set_has_facets(&self, no: ChunkNo) -> Result<()>;
    /// Replaces a chunk's row.
    fn update_chunk(&self, chunk: &Chunk) -> Result<()>;
    /// Replaces a chunk's planes.
    fn put_planes(&self, no: ChunkNo, bytes: &[u8]) -> Result<()>;
    /// Wakes a chunk up.
    fn enqueue(&self, no: ChunkNo) -> Result<()>;
    /// Ends a ticket, unless it was woken up again.
    fn finish_ticket(&self, ticket: Ticket) -> Result<()>;
}
