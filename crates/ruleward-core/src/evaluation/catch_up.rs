//! What was told of resources while the recorder did not cover them, moved to where it is recorded
//! and judged once it covers them again.
//!
//! A ticket on a chunk of such resources, or on a recorded chunk that they shadow, says that there
//! may be some. They go the way of every other change, a few in one commit, so that no writer waits
//! for long; and before any other ticket of the account, so that no rule judges, or looks up, what
//! is recorded only in part.

use std::sync::Arc;

use ruleward_store::{Chunk, ReadTx, StoredResource};
use ruleward_types::{AccountNo, Resource, ResourceKey, ResourceType, Result};

use super::apply::{Changes, Judge, Judged};
use super::bits::Bits;
use super::rule_set::RuleSet;
use super::view;
use crate::Service;
use crate::causes::{Cause, CauseKind};
use crate::service::Writing;

/// Resources of one commit.
const BATCH: usize = 256;

/// Wakes the chunks that hold what the recorder covers and has not recorded.
pub(crate) fn wake(writing: &Writing<'_>, account: AccountNo) -> Result<()> {
    let set = writing.rule_set(account)?;
    for chunk in chunks(writing.tx, account, &set)? {
        writing.tx.enqueue(chunk.no)?;
        writing.service.signal.wake_after_commit();
    }
    Ok(())
}

fn chunks(tx: &dyn ReadTx, account: AccountNo, set: &RuleSet) -> Result<Vec<Chunk>> {
    let mut found = Vec::new();
    for chunk in tx.chunks_to_catch_up(account)? {
        if tx.resource_type(chunk.type_no)?.is_some_and(|of| set.records(&of)) {
            found.push(chunk);
        }
    }
    Ok(found)
}

/// What a snapshot says is to be done.
struct Behind {
    set: Arc<RuleSet>,
    /// Of resources that are told: each is recorded, unless it was told anew since.
    told: Vec<StoredResource>,
    /// Recorded resources of which nothing is told any more.
    gone: Vec<(ResourceKey, String)>,
    resource_type: ResourceType,
    /// Whether this may be all.
    is_last: bool,
}

impl Service {
    /// Records all that the recorder covers and that was only told as yet.
    pub(crate) fn catch_up(self: &Arc<Self>, account: AccountNo) -> Result<()> {
        let behind = self.read(|tx| chunks(tx, account, &*self.rule_set(tx, account)?))?;
        for chunk in behind {
            while self.catch_up_some(&chunk)? {}
        }
        Ok(())
    }

    /// A part of a chunk; whether there may be more to do.
    fn catch_up_some(self: &Arc<Self>, chunk: &Chunk) -> Result<bool> {
        let Some(behind) = self.read(|tx| self.behind(tx, chunk))? else { return Ok(false) };
        let Behind { set, told, gone, resource_type, is_last } = behind;
        let account = chunk.account;
        let judged_by = set.version;
        let mut judge = Judge::new(set, self.tick());
        let judged: Vec<(ResourceKey, i64, Judged)> = told
            .into_iter()
            .map(|stored| {
                let resource = Resource::parse(&stored.body, |_| resource_type.clone())?;
                Ok((stored.key, stored.version, judge.judge(resource)))
            })
            .collect::<Result<_>>()?;
        self.write_because(Cause::server(CauseKind::Recorder), move |writing| {
            if !writing.rule_set(account)?.records(&resource_type) {
                // The next one who lets the recorder cover the type wakes the chunk again.
                return Ok(false);
            }
            let mut changes = Changes::begin(writing, account)?;
            for (key, version, judged) in judged {
                if writing.tx.resource(key)?.is_some_and(|stored| stored.version == version) {
                    changes.put(judged, judged_by, writing.service.tick().0)?;
                }
            }
            for (key, id) in gone {
                changes.delete_if_shadowed(key, &id, writing.service.tick().0)?;
            }
            changes.finish()?;
            Ok(!is_last)
        })
    }

    fn behind(&self, tx: &dyn ReadTx, chunk: &Chunk) -> Result<Option<Behind>> {
        let Some(resource_type) = tx.resource_type(chunk.type_no)? else { return Ok(None) };
        let (account, set) = (chunk.account, self.rule_set(tx, chunk.account)?);
        let shadowed = Bits::from_bytes(&tx.shadowed_slots(chunk.no)?);
        let (mut told, mut gone) = (Vec::new(), Vec::new());
        if chunk.recorded {
            for slot in shadowed.iter_from(0) {
                let key = ResourceKey::new(chunk.no, slot);
                let Some(stored) = tx.resource(key)? else { continue };
                let id = view::read_head(&stored.body).id.into_owned();
                let mut is_told = false;
                for told in tx.told_resources_by_id(account, &id)? {
                    is_told |=
                        tx.chunk(told.chunk())?.is_some_and(|of| of.type_no == chunk.type_no);
                }
                if !is_told && gone.len() < BATCH {
                    gone.push((key, id));
                }
            }
            if gone.is_empty() {
                return Ok(None);
            }
        } else {
            told = tx.resources_from(chunk.no, 0, BATCH)?;
        }
        let is_last = told.len() < BATCH && gone.len() < BATCH;
        Ok(Some(Behind { set, told, gone, resource_type, is_last }))
    }
}
