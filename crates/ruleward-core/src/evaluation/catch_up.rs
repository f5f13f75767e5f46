//! What was told of resources while the recorder did not cover them, moved to where it is recorded
//! and judged once it covers them again.
//!
//! A ticket on a chunk of such resources, or on a recorded chunk that they shadow, says that there
//! may be some. They go the way of every other change, a few in one commit, so that no writer waits
//! for long.

use std::sync::Arc;

use ruleward_store::{ReadTx, StoredResource, Ticket};
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
    for chunk in writing.tx.chunks_to_catch_up(account)? {
        let resource_type = writing.tx.resource_type(chunk.type_no)?;
        if resource_type.is_some_and(|of| set.records(&of)) {
            writing.tx.enqueue(chunk.no)?;
            writing.service.signal.wake_after_commit();
        }
    }
    Ok(())
}

/// What a snapshot says is to be done.
struct Behind {
    account: AccountNo,
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
    /// Does a part of what a ticket on a chunk asks for; whether there is more to do. A ticket on a
    /// chunk that is not recorded ends here; one on a recorded chunk is about verdicts, too.
    pub(crate) fn catch_up(self: &Arc<Self>, ticket: Ticket) -> Result<bool> {
        let Some(behind) = self.read(|tx| self.behind(tx, ticket))? else { return Ok(false) };
        let Behind { account, set, told, gone, resource_type, is_last } = behind;
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
            let is_told = !writing.tx.chunk(ticket.chunk)?.is_some_and(|chunk| chunk.recorded);
            if !writing.rule_set(account)?.records(&resource_type) {
                // The next one who lets the recorder cover the type wakes the chunk again.
                if is_told {
                    writing.tx.finish_ticket(ticket)?;
                }
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
            if is_last && is_told {
                writing.tx.finish_ticket(ticket)?;
            }
            Ok(!is_last)
        })
    }

    fn behind(&self, tx: &dyn ReadTx, ticket: Ticket) -> Result<Option<Behind>> {
        let Some(chunk) = tx.chunk(ticket.chunk)? else { return Ok(None) };
        let shadowed = Bits::from_bytes(&tx.shadowed_slots(chunk.no)?);
        if chunk.recorded && shadowed.is_empty() {
            return Ok(None);
        }
        let Some(resource_type) = tx.resource_type(chunk.type_no)? else { return Ok(None) };
        let (account, set) = (chunk.account, self.rule_set(tx, chunk.account)?);
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
        Ok(Some(Behind { account, set, told, gone, resource_type, is_last }))
    }
}
