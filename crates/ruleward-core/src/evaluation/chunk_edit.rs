//! A chunk while it is changed inside a write job: loaded once, changed in memory, written
//! once, the kept numbers moved by the difference, the difference kept as history.

use ruleward_store::{Chunk, WholeChunk, WriteTx};
use ruleward_types::{AccountNo, ChunkNo, ComplianceCounts, Error, Result, RuleNo};

use super::bits::Bits;
use super::each_chunk::every_chunk;
use super::ledger::Ledger;
use super::planes::{Planes, RulePlanes, Transition};
use super::rule_set::RuleSet;
use crate::notifications::note_flips;
use crate::service::Writing;

/// Days after which planes that change are kept as they were: no look back goes over more.
const CHECKPOINT_DAYS: i64 = 30;

/// Up to so many slots are looked at one by one where they changed; of more, all are.
const FEW_SLOTS: i64 = 32;

/// A chunk being changed.
#[derive(Debug)]
pub(crate) struct ChunkEdit {
    pub(crate) chunk: Chunk,
    pub(crate) planes: Planes,
    stored_chunk: Chunk,
    stored_planes: Planes,
    /// Slots that changed since the columns were written.
    stale: Bits,
    stale_changed: bool,
    /// Slots of which something newer was told than is recorded.
    shadowed: Bits,
    shadows_changed: bool,
}

impl ChunkEdit {
    /// Loads a chunk.
    pub(crate) fn load(tx: &dyn WriteTx, no: ChunkNo) -> Result<Self> {
        let whole = tx
            .whole_chunk(no)?
            .ok_or_else(|| Error::internal("load a chunk", "the chunk is gone"))?;
        Self::of(whole)
    }

    /// Takes up a chunk that was added just now.
    pub(crate) fn added(chunk: Chunk) -> Result<Self> {
        Self::of(WholeChunk {
            chunk,
            planes: Vec::new(),
            stale_slots: Vec::new(),
            shadowed_slots: Vec::new(),
        })
    }

    fn of(whole: WholeChunk) -> Result<Self> {
        let WholeChunk { chunk, planes, stale_slots, shadowed_slots } = whole;
        let planes = Planes::decode(planes)?;
        Ok(Self {
            stored_planes: planes.clone(),
            chunk,
            stored_chunk: chunk,
            planes,
            stale: Bits::from_bytes(&stale_slots),
            stale_changed: false,
            shadowed: Bits::from_bytes(&shadowed_slots),
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
    pub(crate) fn mark_stale(&mut self, slot: usize) {
        if slot < self.chunk.column_slots && !self.stale.get(slot) {
            self.stale.set(slot, true);
            self.stale_changed = true;
        }
    }

    /// Whether slots were handed out.
    pub(crate) fn has_grown(&self) -> bool {
        self.chunk.used > self.stored_chunk.used
    }

    /// Writes what changed and notes by how much the kept numbers move. `counted` says whose
    /// verdicts count, before and after.
    pub(crate) fn flush(
        &mut self,
        writing: &Writing<'_>,
        counted: impl Fn(u32) -> bool,
        ledger: &mut Ledger,
    ) -> Result<()> {
        let transition = Transition::between(&self.stored_planes, &self.planes);
        if let Some(transition) = &transition {
            ledger.add_account(self.chunk.account, self.moved(transition, counted));
        }
        self.write(writing, transition, ledger)
    }

    /// The same where other rules count from now on.
    pub(crate) fn flush_recounted(
        &mut self,
        writing: &Writing<'_>,
        counted_before: impl Fn(u32) -> bool,
        counted_after: impl Fn(u32) -> bool,
        ledger: &mut Ledger,
    ) -> Result<()> {
        let moved = self.stored_planes.moved(&self.planes, counted_before, counted_after);
        ledger.add_account(self.chunk.account, moved);
        let transition = Transition::between(&self.stored_planes, &self.planes);
        self.write(writing, transition, ledger)
    }

    /// By how much the resources by verdict move.
    fn moved(&self, transition: &Transition, counted: impl Fn(u32) -> bool) -> ComplianceCounts {
        let (before, after) = (&self.stored_planes, &self.planes);
        let slots = transition.slots(after);
        if slots.count() > FEW_SLOTS {
            return before.moved(after, &counted, &counted);
        }
        let mut moved = ComplianceCounts::default();
        for slot in slots.iter_from(0) {
            moved.add(after.tally_of(slot, &counted).minus(before.tally_of(slot, &counted)));
        }
        moved
    }

    fn write(
        &mut self,
        writing: &Writing<'_>,
        transition: Option<Transition>,
        ledger: &mut Ledger,
    ) -> Result<()> {
        let (tx, chunk) = (writing.tx, self.chunk.no);
        let counts = |of: Option<&RulePlanes>| of.map(RulePlanes::counts).unwrap_or_default();
        let mut planes_differ = self.planes.live != self.stored_planes.live
            || !self.planes.stands_as(&self.stored_planes);
        for (before, after) in self.stored_planes.differing(&self.planes) {
            planes_differ = true;
            if let Some(rule) = before.or(after).map(|of| of.rule) {
                let delta = counts(after).minus(counts(before));
                ledger.add_rule(self.chunk.account, RuleNo(rule.into()), delta);
            }
        }
        if let Some(transition) = transition {
            writing.note_change(self.chunk.account)?;
            self.keep_checkpoint(writing)?;
            tx.insert_transition(chunk, writing.now, &transition.encode())?;
            note_flips(writing, &self.chunk, &self.stored_planes, &self.planes)?;
        }
        if self.chunk != self.stored_chunk {
            tx.update_chunk(&self.chunk)?;
        }
        if self.stale_changed {
            tx.put_stale_slots(chunk, &self.stale.to_bytes())?;
        }
        if self.shadows_changed {
            let shadowed =
                if self.shadowed.is_empty() { Vec::new() } else { self.shadowed.to_bytes() };
            tx.put_shadowed_slots(chunk, &shadowed)?;
        }
        if planes_differ {
            tx.put_planes(chunk, &self.planes.encode())?;
        }
        Ok(())
    }

    /// Keeps the planes as they were, once in a while.
    fn keep_checkpoint(&mut self, writing: &Writing<'_>) -> Result<()> {
        let day = writing.now.day();
        if day - self.chunk.checkpoint < CHECKPOINT_DAYS {
            return Ok(());
        }
        self.chunk.checkpoint = day;
        if self.stored_planes.words() == 0 {
            return Ok(());
        }
        let bytes = self.stored_planes.encode();
        writing.tx.insert_planes_checkpoint(self.chunk.no, writing.now, &bytes)
    }
}

/// Changes the chunks of an account for which `wanted` holds, one after the other. Others must not
/// have to change, nor to be counted otherwise.
pub(crate) fn edit_chunks(
    writing: &Writing<'_>,
    account: AccountNo,
    wanted: impl Fn(&Chunk, &Planes) -> bool,
    counted_before: impl Fn(u32) -> bool,
    counted_after: impl Fn(u32) -> bool,
    mut edit: impl FnMut(&mut ChunkEdit) -> Result<()>,
) -> Result<()> {
    let (tx, mut ledger) = (writing.tx, Ledger::default());
    every_chunk(tx, account, None, |chunk| {
        let mut editing = ChunkEdit::load(tx, chunk.no)?;
        if !wanted(&chunk, &editing.planes) {
            return Ok(());
        }
        edit(&mut editing)?;
        editing.flush_recounted(writing, &counted_before, &counted_after, &mut ledger)
    })?;
    ledger.write(tx, writing.now)
}

/// Whose verdicts count by a rule set.
pub(crate) fn counted(set: &RuleSet) -> impl Fn(u32) -> bool + '_ {
    |no| set.counts(no)
}
