//! A chunk while it is changed inside a write job: loaded once, changed in memory, written
//! once, the kept numbers moved by the difference.

use ruleward_store::{Chunk, WriteTx};
use ruleward_types::{ChunkNo, ComplianceCounts, Error, Result, RuleNo, Timestamp};

use super::bits::Bits;
use super::each_chunk::every_chunk;
use super::ledger::Ledger;
use super::planes::{Head, Planes, RulePlanes};
use super::rule_set::RuleSet;

/// A chunk being changed.
#[derive(Debug)]
pub(crate) struct ChunkEdit {
    pub(crate) chunk: Chunk,
    pub(crate) planes: Planes,
    stored_chunk: Chunk,
    stored_planes: Planes,
    tally: ComplianceCounts,
    /// Slots that changed since the columns were written, once one more did.
    stale: Option<Bits>,
    /// Slots of which something newer was told than is recorded.
    shadowed: Bits,
    shadows_changed: bool,
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
        let planes = Planes::decode(&tx.planes(chunk.no)?)?;
        Ok(Self {
            tally: planes.tally(counted_before),
            stored_planes: planes.clone(),
            chunk,
            stored_chunk: chunk,
            planes,
            stale: None,
            shadowed: Bits::from_bytes(&tx.shadowed_slots(chunk.no)?),
            shadows_changed: false,
        })
    }

    /// Whether something newer was told of the resource of a slot than is recorded.
    pub(crate) fn is_shadowed(&self, slot: usize) -> bool {
        self.shadowed.get(slot)
    }

    /// Sets whether it was; whether that is new.
    pub(crate) fn set_shadowed(&mut self, slot: usize, on: bool) -> bool {
        let changes = self.shadowed.get(slot) != on;
        if changes {
            self.shadowed.set(slot, on);
            self.shadows_changed = true;
        }
        changes
    }

    /// The resource of a slot changed: what the columns say of it holds no longer.
    pub(crate) fn mark_stale(&mut self, tx: &dyn WriteTx, slot: usize) -> Result<()> {
        if slot >= self.chunk.column_slots {
            return Ok(());
        }
        if let Some(stale) = &mut self.stale {
            stale.set(slot, true);
            return Ok(());
        }
        let mut stale = Bits::from_bytes(&tx.stale_slots(self.chunk.no)?);
        if !stale.get(slot) {
            stale.set(slot, true);
            self.stale = Some(stale);
        }
        Ok(())
    }

    /// Whether slots were handed out.
    pub(crate) fn has_grown(&self) -> bool {
        self.chunk.used > self.stored_chunk.used
    }

    /// Writes what changed and notes by how much the kept numbers move. `counted_after` says
    /// whose verdicts count from now on.
    pub(crate) fn flush(
        &self,
        tx: &dyn WriteTx,
        counted_after: impl Fn(u32) -> bool,
        ledger: &mut Ledger,
    ) -> Result<()> {
        let tally = self.planes.tally(counted_after);
        ledger.add_account(self.chunk.account, tally.minus(self.tally));
        for planes in self.planes.rules() {
            match self.stored_planes.rule(planes.rule) {
                Some(stored) if stored.has_verdicts_of(planes) => {}
                stored => {
                    let before = stored.map(RulePlanes::counts).unwrap_or_default();
                    ledger.add_rule(RuleNo(planes.rule.into()), planes.counts().minus(before));
                }
            }
        }
        for stored in self.stored_planes.rules() {
            if self.planes.rule(stored.rule).is_none() {
                let gone = ComplianceCounts::default().minus(stored.counts());
                ledger.add_rule(RuleNo(stored.rule.into()), gone);
            }
        }
        if self.chunk != self.stored_chunk {
            tx.update_chunk(&self.chunk)?;
        }
        if let Some(stale) = &self.stale {
            tx.put_stale_slots(self.chunk.no, &stale.to_bytes())?;
        }
        if self.shadows_changed {
            let shadowed =
                if self.shadowed.is_empty() { Vec::new() } else { self.shadowed.to_bytes() };
            tx.put_shadowed_slots(self.chunk.no, &shadowed)?;
        }
        if self.planes != self.stored_planes {
            tx.put_planes(self.chunk.no, &self.planes.encode())?;
        }
        Ok(())
    }
}

/// Changes the chunks of an account for which `wanted` holds, one after the other. Others must not
/// have to change, nor to be counted otherwise.
pub(crate) fn edit_chunks(
    tx: &dyn WriteTx,
    account: ruleward_types::AccountNo,
    wanted: impl Fn(&Chunk, &Head) -> bool,
    counted_before: impl Fn(u32) -> bool,
    counted_after: impl Fn(u32) -> bool,
    now: Timestamp,
    mut edit: impl FnMut(&mut ChunkEdit) -> Result<()>,
) -> Result<()> {
    let mut ledger = Ledger::default();
    every_chunk(tx, account, None, |chunk| {
        if !wanted(&chunk, &Head::decode(&tx.planes(chunk.no)?)?) {
            return Ok(());
        }
        let mut editing = ChunkEdit::begin(tx, chunk, &counted_before)?;
        edit(&mut editing)?;
        editing.flush(tx, &counted_after, &mut ledger)
    })?;
    ledger.write(tx, now)
}

/// Whose verdicts count by a rule set.
pub(crate) fn counted(set: &RuleSet) -> impl Fn(u32) -> bool + '_ {
    |no| set.counts(no)
}
