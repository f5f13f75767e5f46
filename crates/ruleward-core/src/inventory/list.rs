//! Lists of resources, and single ones.

use ruleward_store::StoredResource;
use ruleward_types::{FacetKind, ResourceKey, ResourceType, Result};

use super::plan::{Plan, Slots};
use super::{Inventory, ListedResource, ResourceFilter, View, missing};
use crate::Service;
use crate::access::Access;
use crate::evaluation::facets::Listed;
use crate::page::{Cursor, Page, Paged};
use crate::policy_states::type_of;

/// Keys of a name that are read at a time.
const NAMED: usize = 256;

impl Service {
    /// Resources in the order in which they came, narrowed.
    pub fn resources(
        &self,
        access: &Access,
        inventory: Inventory,
        filter: &ResourceFilter,
        page: Page,
    ) -> Result<Paged<ListedResource>> {
        self.read(|tx| {
            let view = View::new(tx, access.account(), inventory)?;
            let after = page.after.map_or(ResourceKey(0), |cursor| ResourceKey(cursor.0));
            // One more than the page holds tells that there is a next one.
            let mut found = view.page(filter, after, page.limit.saturating_add(1))?;
            let has_next = found.len() > page.limit;
            found.truncate(page.limit);
            let last = found.last().map(|(stored, _)| Cursor(stored.key.0, 0));
            Ok(Paged {
                items: found.into_iter().map(listed).collect(),
                next: last.filter(|_| has_next),
            })
        })
    }

    /// One resource; of several of one id the one that changed last.
    pub fn listed_resource(
        &self,
        access: &Access,
        inventory: Inventory,
        id: &str,
        resource_type: Option<&ResourceType>,
    ) -> Result<ListedResource> {
        self.read(|tx| {
            let view = View::new(tx, access.account(), inventory)?;
            let types = resource_type.cloned().into_iter().collect();
            let filter =
                ResourceFilter { id: Some(id.to_owned()), types, ..ResourceFilter::default() };
            let found = view.page(&filter, ResourceKey(0), usize::MAX)?;
            let last = found.into_iter().max_by_key(|(stored, _)| stored.version);
            last.map(listed).ok_or_else(missing)
        })
    }
}

fn listed((stored, is_deleted): (StoredResource, bool)) -> ListedResource {
    ListedResource { body: stored.body, is_deleted }
}

impl View<'_> {
    /// So many resources after a key, in order, and whether each was deleted.
    fn page(
        &self,
        filter: &ResourceFilter,
        after: ResourceKey,
        limit: usize,
    ) -> Result<Vec<(StoredResource, bool)>> {
        let mut found = Vec::new();
        self.each_match(filter, after, limit, |stored| found.push((stored, false)))?;
        let lives = found.len();
        self.each_deleted(filter, after, limit, |stored| found.push((stored, true)))?;
        if found.len() > lives {
            found.sort_by_key(|(stored, _)| stored.key);
            found.truncate(limit);
        }
        Ok(found)
    }

    /// Calls for up to so many resources that live after a key, in order.
    pub(super) fn each_match(
        &self,
        filter: &ResourceFilter,
        after: ResourceKey,
        limit: usize,
        mut visit: impl FnMut(StoredResource),
    ) -> Result<()> {
        let mut left = limit;
        if let Some(id) = &filter.id {
            for key in self.keys_of(id)?.into_iter().filter(|key| *key > after) {
                if left > 0
                    && let Some(stored) = self.read_matching(filter, key)?
                {
                    visit(stored);
                    left -= 1;
                }
            }
            return Ok(());
        }
        if let Some(name) = &filter.name {
            return self.each_named(filter, name, after, left, visit);
        }
        let mut plan = Plan::new(self, filter, after.chunk())?;
        // Read all at once, when it is known which.
        let mut keys = Vec::new();
        while left > 0
            && let Some(block) = plan.next()?
        {
            let from = if block.chunk == after.chunk() { after.slot() + 1 } else { 0 };
            match block.slots {
                Slots::These(slots) => {
                    let known = keys.len();
                    let slots = slots.iter_from(from).take(left);
                    keys.extend(slots.map(|slot| ResourceKey::new(block.chunk, slot)));
                    left -= keys.len() - known;
                }
                Slots::AllBut(hidden) => {
                    let mut from = from;
                    loop {
                        let rows = self.tx.resources_from(block.chunk, from, left)?;
                        let Some(last) = rows.last() else { break };
                        from = last.key.slot() + 1;
                        for stored in rows.into_iter().filter(|row| !hidden.get(row.key.slot())) {
                            visit(stored);
                            left -= 1;
                        }
                        if left == 0 {
                            break;
                        }
                    }
                }
            }
        }
        self.tx.resources(&keys)?.into_iter().for_each(visit);
        Ok(())
    }

    fn each_named(
        &self,
        filter: &ResourceFilter,
        name: &str,
        mut after: ResourceKey,
        mut left: usize,
        mut visit: impl FnMut(StoredResource),
    ) -> Result<()> {
        while left > 0 {
            let keys = self.tx.resources_by_name(self.account, name, after, NAMED)?;
            let Some(last) = keys.last() else { break };
            after = *last;
            for key in keys {
                if left > 0
                    && self.is_seen(key)?
                    && let Some(stored) = self.read_matching(filter, key)?
                {
                    visit(stored);
                    left -= 1;
                }
            }
        }
        Ok(())
    }

    fn is_seen(&self, key: ResourceKey) -> Result<bool> {
        let is_listed = self.inventory == Inventory::All
            || self.tx.chunk(key.chunk())?.is_some_and(|chunk| chunk.recorded);
        Ok(is_listed && !self.hidden(key.chunk())?.get(key.slot()))
    }

    /// A resource, where it matches. This reads its body: for the few of an id or a name.
    fn read_matching(
        &self,
        filter: &ResourceFilter,
        key: ResourceKey,
    ) -> Result<Option<StoredResource>> {
        let resource_type = type_of(self.tx, key.chunk())?;
        let covered = resource_type.is_some_and(|of| self.shows(&of) && filter.covers_type(&of));
        if !covered {
            return Ok(None);
        }
        let stored = self.tx.resource(key)?;
        Ok(stored.filter(|stored| matches(filter, &stored.body)))
    }
}

/// Whether a body matches a filter in all but its id and its type.
pub(super) fn matches(filter: &ResourceFilter, body: &[u8]) -> bool {
    let listed = Listed::of(body);
    filter.name.as_ref().is_none_or(|name| *name == listed.name)
        && filter
            .groups()
            .iter()
            .all(|group| group.iter().any(|facet| listed.facets.binary_search(facet).is_ok()))
}

/// The region of a body.
pub(super) fn region(body: &[u8]) -> String {
    let facets = Listed::of(body).facets;
    let region = facets.into_iter().find(|facet| facet.kind == FacetKind::Region);
    region.map_or_else(String::new, |facet| facet.name)
}
