//! Facets for the chunks of a store from before there were any.

use ruleward_store::{Chunk, Store, WriteTx};
use ruleward_types::{ResourceKey, Result};

use crate::evaluation::facets::{BOTH, FacetEdits, Listed};

/// Chunks that get their facets in one commit.
const CHUNKS: usize = 8;

/// Gives facets to all chunks that have none. Done again from where it was interrupted.
pub(crate) fn give_facets(store: &(dyn Store + 'static)) -> Result<()> {
    loop {
        let chunks = store.read(|tx| tx.chunks_without_facets(CHUNKS))?;
        if chunks.is_empty() {
            return Ok(());
        }
        store.write(move |tx| chunks.iter().try_for_each(|chunk| give(tx, chunk)))?;
    }
}

fn give(tx: &dyn WriteTx, chunk: &Chunk) -> Result<()> {
    let mut facets = FacetEdits::new(chunk.account);
    tx.scan_chunk(chunk.no, 0, -1, &mut |slot, _, body| {
        facets.enter((chunk.type_no, ResourceKey::new(chunk.no, slot)), &Listed::of(body), BOTH);
        Ok(())
    })?;
    facets.flush(tx)?;
    tx.set_has_facets(chunk.no)
}
