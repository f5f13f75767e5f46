//! What rules read of the resources of a chunk, kept beside it.

use ruleward_types::{ChunkNo, Result};

/// Reading it.
pub trait ReadColumns {
    /// The ids of a chunk's columns, in the order of their places; empty if it has none.
    fn column_ids(&self, chunk: ChunkNo) -> Result<Vec<u64>>;
    /// Calls with the columns at these places, which ascend.
    fn columns(
        &self,
        chunk: ChunkNo,
        places: &[usize],
        visit: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<()>;
    /// The slots in the columns whose resources changed since, as bits.
    fn stale_slots(&self, chunk: ChunkNo) -> Result<Vec<u8>>;
}

/// Changing it.
pub trait WriteColumns {
    /// Adds columns to those of a chunk; one whose id is there already replaces it.
    fn put_columns(&self, chunk: ChunkNo, columns: &[(u64, Vec<u8>)]) -> Result<()>;
    /// Removes all columns of a chunk.
    fn delete_columns(&self, chunk: ChunkNo) -> Result<()>;
    /// Replaces the set of slots that changed since the columns were written.
    fn put_stale_slots(&self, chunk: ChunkNo, slots: &[u8]) -> Result<()>;
}
