//! Walking over chunks, a page at a time: an account may have more than memory should hold.

use std::ops::ControlFlow;

use ruleward_store::{Chunk, ReadTx};
use ruleward_types::{AccountNo, ChunkNo, Result, TypeNo};

const PAGE: usize = 256;

/// Calls for each chunk of an account, or of one type of it, in order from after a chunk on,
/// until it says stop.
pub(crate) fn each_chunk(
    tx: &dyn ReadTx,
    account: AccountNo,
    type_no: Option<TypeNo>,
    mut after: Option<ChunkNo>,
    mut visit: impl FnMut(Chunk) -> Result<ControlFlow<()>>,
) -> Result<()> {
    loop {
        let chunks = tx.chunks(account, type_no, after, PAGE)?;
        let Some(last) = chunks.last() else { return Ok(()) };
        after = Some(last.no);
        for chunk in chunks {
            if visit(chunk)?.is_break() {
                return Ok(());
            }
        }
    }
}

/// Calls for each of them.
pub(crate) fn every_chunk(
    tx: &dyn ReadTx,
    account: AccountNo,
    type_no: Option<TypeNo>,
    mut visit: impl FnMut(Chunk) -> Result<()>,
) -> Result<()> {
    each_chunk(tx, account, type_no, None, |chunk| {
        visit(chunk)?;
        Ok(ControlFlow::Continue(()))
    })
}
