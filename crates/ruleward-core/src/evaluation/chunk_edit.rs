//! A chunk while it is changed inside a write job: loaded once, changed in memory, written
//! once, the kept numbers moved by the difference.

use ruleward_store::{Chunk, WriteTx};
use ruleward_types::{ChunkNo, ComplianceCounts, Error, Result, RuleNo};

use super::bits::Bits;
use super::each_chunk::every_chunk;
use super::planes::Planes;
use super::rule_set::RuleSet;

/// A chunk being changed.
#[derive(Debug)]
pub(crate) struct ChunkEdit {
    pub(crate) chunk: Chunk,
    pub(crate) planes: Planes,
    stored_chunk: Chunk,
    stored_planes: Vec<u8>,
    tally: ComplianceCounts,
    rules: Vec<(u32, ComplianceCounts)>,
    /// Slots that changed since the columns were written, once one more did.
    stale: Option<Bits>,
}

impl ChunkEdit {
    /// Loads a chunk. `counted_before` says whose verdicts count in the kept numbers now.
    pub(crate) fn load(
        tx: &dyn WriteTx,
        no: ChunkNo,
        counted_before: impl Fn(u32) -> bool,
    ) -> Result<Self> {
        let chunk =
            tx.chunk(no)?.ok_or_else(|| Error::internal("load a chunk", "the chunk is gone"))?;
        Self::begin(tx, chunk, counted_before)
    }

    /// Takes up a chunk whose row is at hand.
    pub(crate) fn begin(
        tx: &dyn WriteTx,
        chunk: Chunk,
        counted_before: impl Fn(u32) -> bool,
    ) -> Result<Self> {
        let stored_planes = tx.planes(chunk.no)?;
        let planes = Planes::decode(&stored_planes)?;
        Ok(Self {
            tally: planes.tally(counted_before),
            rules: planes.rules().iter().map(|of| (of.rule, of.counts())).collect(),
            chunk,
            stored_chunk: chunk,
            planes,
            stored_planes,
            stale: None,
        })
    }

    /// The resource of a slot changed: what the columns say of it holds no longer.
    pub(crate) fn mark_stale(&mut self, tx: &dyn WriteTx, slot: usize) -> Result<()> {
        if slot >= self.chunk.column_slots {
            return Ok(());
        }
        if self.stale.is_none() {
            self.stale = Some(Bits::from_bytes(&tx.stale_slots(self.chunk.no)?));
        }
        if let Some(stale) = &mut self.stale {
            stale.set(slot, true);
        }
        Ok(())
    }

    /// Whether slots were handed out.
    pub(crate) fn has_grown(&self) -> bool {
        self.chunk.used > self.stored_chunk.used
    }

    /// Writes what changed and moves the kept numbers. `counted_after` says whose verdicts
    /// count from now on.
    pub(crate) fn flush(
        &self,
        tx: &dyn WriteTx,
        counted_after: impl Fn(u32) -> bool,
    ) -> Result<()> {
        let tally = self.planes.tally(counted_after);
        tx.add_account_counts(self.chunk.account, tally.minus(self.tally))?;
        for planes in self.planes.rules() {
            let before = self.counts_before(planes.rule);
            tx.add_rule_counts(RuleNo(planes.rule.into()), planes.counts().minus(before))?;
        }
        for (rule, before) in &self.rules {
            if self.planes.rule(*rule).is_none() {
                tx.add_rule_counts(
                    RuleNo(i64::from(*rule)),
                    ComplianceCounts::default().minus(*before),
                )?;
            }
        }
        if self.chunk != self.stored_chunk {
            tx.update_chunk(&self.chunk)?;
        }
        if let Some(stale) = &self.stale {
            tx.put_stale_slots(self.chunk.no, &stale.to_bytes())?;
        }
        let bytes = self.planes.encode();
        if bytes != self.stored_planes {
            tx.put_planes(self.chunk.no, &bytes)?;
        }
        Ok(())
    }

    fn counts_before(&self, rule: u32) -> ComplianceCounts {
        self.rules
            .binary_search_by_key(&rule, |(no, _)| *no)
            .ok()
            .and_then(|n| self.rules.get(n))
            .map_or_else(ComplianceCounts::default, |(_, counts)| *counts)
    }
}

/// Changes every chunk of an account that holds planes, one after the other.
pub(crate) fn edit_chunks(
    tx: &dyn WriteTx,
    account: ruleward_types::AccountNo,
    counted_before: impl Fn(u32) -> bool,
    counted_after: impl Fn(u32) -> bool,
    mut edit: impl FnMut(&mut ChunkEdit) -> Result<()>,
) -> Result<()> {
    every_chunk(tx, account, None, |chunk| {
        let mut editing = ChunkEdit::begin(tx, chunk, &counted_before)?;
        edit(&mut editing)?;
        editing.flush(tx, &counted_after)
    })
}

/// Whose verdicts count by a rule set.
pub(crate) fn counted(set: &RuleSet) -> impl Fn(u32) -> bool + '_ {
    |no| set.counts(no)
}
