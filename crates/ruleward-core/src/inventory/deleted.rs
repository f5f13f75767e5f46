//! Recorded resources that were deleted, for as long as history keeps them. There are few of them
//! beside those that live, so they have no facets: filters look at their bodies.

use ruleward_store::{PastResource, StoredResource};
use ruleward_types::{ResourceKey, ResourceType, Result, SLOTS_PER_CHUNK};

use super::list::matches;
use super::plan::Plan;
use super::{Inventory, ResourceFilter, View};
use crate::evaluation::view;
use crate::policy_states::type_of;

/// Rows that are read at a time.
const ROWS: usize = 256;

impl View<'_> {
    /// Calls for up to so many deleted resources after a key, in order, where they are asked for.
    pub(super) fn each_deleted(
        &self,
        filter: &ResourceFilter,
        after: ResourceKey,
        limit: usize,
        mut visit: impl FnMut(StoredResource),
    ) -> Result<()> {
        if self.inventory != (Inventory::Tracked { with_deleted: true }) {
            return Ok(());
        }
        let mut left = limit;
        if let Some(id) = &filter.id {
            for key in self.tx.past_resources_by_id(self.account, id)? {
                let past = self.tx.past_resource(key)?.filter(|_| key > after && left > 0);
                if let Some(past) = past
                    && self.is_asked_for(filter, &past)?
                {
                    visit(past.last);
                    left -= 1;
                }
            }
            return Ok(());
        }
        // Of all chunks of the types that are asked for.
        let types = ResourceFilter { types: filter.types.clone(), ..ResourceFilter::default() };
        let mut plan = Plan::new(self, &types, after.chunk())?;
        while left > 0
            && let Some(block) = plan.next()?
        {
            let mut from = if block.chunk == after.chunk() { after.slot() + 1 } else { 0 };
            while from < SLOTS_PER_CHUNK {
                let rows = self.tx.past_resources(block.chunk, from, ROWS)?;
                let Some(last) = rows.last() else { break };
                from = last.last.key.slot() + 1;
                for past in rows {
                    if left > 0 && self.is_asked_for(filter, &past)? {
                        visit(past.last);
                        left -= 1;
                    }
                }
            }
        }
        Ok(())
    }

    fn is_asked_for(&self, filter: &ResourceFilter, past: &PastResource) -> Result<bool> {
        let key = past.last.key;
        let Some(resource_type) = type_of(self.tx, key.chunk())? else { return Ok(false) };
        Ok(self.shows(&resource_type)
            && filter.covers_type(&resource_type)
            && matches(filter, &past.last.body)
            && self.is_gone(key, &resource_type, &past.last.body)?)
    }

    /// Whether a resource was not made again after it was deleted.
    fn is_gone(&self, key: ResourceKey, resource_type: &ResourceType, body: &[u8]) -> Result<bool> {
        let id = view::read_head(body).id;
        let live = self.tx.resources_by_id(self.account, &id)?;
        let later = self.tx.past_resources_by_id(self.account, &id)?;
        let later = later.into_iter().filter(|other| *other > key);
        for other in live.into_iter().chain(later) {
            if type_of(self.tx, other.chunk())?.as_ref() == Some(resource_type) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
