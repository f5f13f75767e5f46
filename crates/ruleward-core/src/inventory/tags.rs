//! The tags that resources carry.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ruleward_types::{FacetKind, FacetNo, ResourceKey, Result, TypeNo};

use super::plan::types;
use super::{Inventory, ResourceFilter, View};
use crate::Service;
use crate::access::Access;
use crate::evaluation::facets::Listed;
use crate::page::{Collector, Cursor, Page, Paged};

/// The key of a tag with all values that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagValues {
    /// The key.
    pub key: String,
    /// Its values, in order.
    pub values: Vec<String>,
}

impl Service {
    /// The tags of resources in the order of their keys; only one key's where it is given.
    pub fn resource_tags(
        &self,
        access: &Access,
        inventory: Inventory,
        key: Option<&str>,
        page: Page,
    ) -> Result<Paged<TagValues>> {
        self.read(|tx| View::new(tx, access.account(), inventory)?.tags(key, page))
    }
}

impl View<'_> {
    fn tags(&self, key: Option<&str>, page: Page) -> Result<Paged<TagValues>> {
        let shown: HashSet<TypeNo> =
            types(self, &ResourceFilter::default())?.into_iter().map(|row| row.no).collect();
        if self.inventory == (Inventory::Tracked { with_deleted: true }) {
            return self.tags_with_deleted(key, &shown, page);
        }
        if let Some(key) = key {
            let values = self.values(key, &shown)?;
            let items = values.map(|values| TagValues { key: key.to_owned(), values });
            return Ok(Paged { items: items.into_iter().collect(), next: None });
        }
        let mut after = match page.after {
            // Keys of tags stay, so that there is always a place to go on from.
            Some(cursor) => self
                .tx
                .facet(self.account, FacetNo(cursor.0))?
                .map_or_else(String::new, |row| row.facet.name),
            None => String::new(),
        };
        let mut found = Collector::new(page);
        while !found.is_full() {
            let limit = page.limit.saturating_add(1);
            let names = self.tx.facet_names(self.account, FacetKind::TagKey, &after, limit)?;
            let Some((_, last)) = names.last() else { break };
            after.clone_from(last);
            for (no, key) in names {
                if let Some(values) = self.values(&key, &shown)? {
                    found.push(Cursor(no.0, 0), TagValues { key, values });
                }
            }
        }
        Ok(found.finish())
    }

    /// The same with those of deleted resources, which are read one by one. Keys are numbered in
    /// their order, so a place in the list moves when one before it comes or goes.
    fn tags_with_deleted(
        &self,
        key: Option<&str>,
        shown: &HashSet<TypeNo>,
        page: Page,
    ) -> Result<Paged<TagValues>> {
        let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in self.tx.facets(self.account, FacetKind::Tag, key, None)? {
            if shown.contains(&row.type_no) && self.inventory.count_of(row.counts) > 0 {
                tags.entry(row.facet.name).or_default().insert(row.facet.value);
            }
        }
        self.each_deleted(&ResourceFilter::default(), ResourceKey(0), usize::MAX, |stored| {
            for facet in Listed::of(&stored.body).facets {
                let is_wanted = key.is_none_or(|key| key == facet.name);
                if facet.kind == FacetKind::Tag && is_wanted {
                    tags.entry(facet.name).or_default().insert(facet.value);
                }
            }
        })?;
        let start = page.after.map_or(0, |cursor| cursor.0);
        let mut found = Collector::new(page);
        for (place, (key, values)) in (1..).zip(tags).filter(|(place, _)| *place > start) {
            let values = values.into_iter().collect();
            found.push(Cursor(place, 0), TagValues { key, values });
        }
        Ok(found.finish())
    }

    /// The values of a tag's key; none if no resource that is shown carries it.
    fn values(&self, key: &str, shown: &HashSet<TypeNo>) -> Result<Option<Vec<String>>> {
        let mut values: Vec<String> = self
            .tx
            .facets(self.account, FacetKind::Tag, Some(key), None)?
            .into_iter()
            .filter(|row| shown.contains(&row.type_no) && self.inventory.count_of(row.counts) > 0)
            .map(|row| row.facet.value)
            .collect();
        values.dedup();
        Ok((!values.is_empty()).then_some(values))
    }
}
