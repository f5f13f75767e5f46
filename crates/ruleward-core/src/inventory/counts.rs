//! How many resources there are: from kept numbers where a filter has one condition, from postings
//! where it has several.

use std::collections::{BTreeMap, HashMap};

use ruleward_types::{ChunkNo, Facet, FacetKind, ResourceKey, ResourceType, Result, TypeNo};

use super::list::region;
use super::plan::{Plan, Slots, types};
use super::{Inventory, ResourceFilter, View};
use crate::Service;
use crate::access::Access;
use crate::evaluation::posting;

/// Resources of a type, by region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeCounts {
    /// The type, as it was first spelled.
    pub resource_type: ResourceType,
    /// How many there are, where there are any, in the order of the regions' ids.
    pub regions: Vec<(String, i64)>,
}

/// Resources by type and region.
type Tally = HashMap<TypeNo, BTreeMap<String, i64>>;

impl Service {
    /// How many resources match.
    pub fn count_resources(
        &self,
        access: &Access,
        inventory: Inventory,
        filter: &ResourceFilter,
    ) -> Result<i64> {
        self.read(|tx| {
            let view = View::new(tx, access.account(), inventory)?;
            let mut deleted = 0;
            view.each_deleted(filter, ResourceKey(0), usize::MAX, |_| deleted += 1)?;
            Ok(view.count(filter)? + deleted)
        })
    }

    /// How many resources match, by type and region, in the order of the types' names.
    pub fn summarize_resources(
        &self,
        access: &Access,
        inventory: Inventory,
        filter: &ResourceFilter,
    ) -> Result<Vec<TypeCounts>> {
        self.read(|tx| {
            let view = View::new(tx, access.account(), inventory)?;
            let mut tally = view.tally(filter)?;
            view.add_deleted(filter, &mut tally)?;
            let mut counts: Vec<TypeCounts> = types(&view, filter)?
                .into_iter()
                .filter_map(|row| {
                    let regions: Vec<_> = tally
                        .remove(&row.no)?
                        .into_iter()
                        .filter(|(_, count)| *count > 0)
                        .collect();
                    (!regions.is_empty())
                        .then_some(TypeCounts { resource_type: row.resource_type, regions })
                })
                .collect();
            counts.sort_by_cached_key(|of| {
                (of.resource_type.provider.clone(), of.resource_type.name.clone())
            });
            Ok(counts)
        })
    }
}

impl View<'_> {
    fn count(&self, filter: &ResourceFilter) -> Result<i64> {
        if filter.id.is_some() || filter.name.is_some() {
            let mut count = 0;
            self.each_match(filter, ResourceKey(0), usize::MAX, |_| count += 1)?;
            return Ok(count);
        }
        let groups = filter.groups();
        if groups.len() > 1 {
            let mut count = 0;
            let mut plan = Plan::whole(self, filter)?;
            while let Some(block) = plan.next()? {
                if let Slots::These(slots) = block.slots {
                    count += slots.count();
                }
            }
            return Ok(count);
        }
        let by_type = match groups.first() {
            Some(group) => self.by_type(group)?,
            // Every resource is in one region.
            None => self.by_region()?.into_iter().map(|(no, of)| (no, of.values().sum())).collect(),
        };
        let types = types(self, filter)?;
        Ok(types.iter().filter_map(|row| by_type.get(&row.no)).sum())
    }

    /// The kept numbers of facets, summed up.
    fn by_type(&self, facets: &[Facet]) -> Result<HashMap<TypeNo, i64>> {
        let mut counts = HashMap::new();
        for Facet { kind, name, value } in facets {
            for row in self.tx.facets(self.account, *kind, Some(name), Some(value))? {
                *counts.entry(row.type_no).or_default() += self.inventory.count_of(row.counts);
            }
        }
        Ok(counts)
    }

    /// The kept numbers of all regions.
    fn by_region(&self) -> Result<Tally> {
        let mut tally = Tally::new();
        for row in self.tx.facets(self.account, FacetKind::Region, None, None)? {
            let count = self.inventory.count_of(row.counts);
            tally.entry(row.type_no).or_default().insert(row.facet.name, count);
        }
        Ok(tally)
    }

    fn add_deleted(&self, filter: &ResourceFilter, tally: &mut Tally) -> Result<()> {
        let mut met = Vec::new();
        self.each_deleted(filter, ResourceKey(0), usize::MAX, |stored| {
            met.push((stored.key.chunk(), region(&stored.body)));
        })?;
        self.add(met, tally)
    }

    /// Counts resources one by one, each by its chunk and its region.
    fn add(&self, met: Vec<(ChunkNo, String)>, tally: &mut Tally) -> Result<()> {
        for (chunk, region) in met {
            if let Some(chunk) = self.tx.chunk(chunk)? {
                *tally.entry(chunk.type_no).or_default().entry(region).or_default() += 1;
            }
        }
        Ok(())
    }

    fn tally(&self, filter: &ResourceFilter) -> Result<Tally> {
        let mut tally = Tally::new();
        if filter.id.is_some() || filter.name.is_some() {
            let mut met = Vec::new();
            self.each_match(filter, ResourceKey(0), usize::MAX, |stored| {
                met.push((stored.key.chunk(), region(&stored.body)));
            })?;
            self.add(met, &mut tally)?;
            return Ok(tally);
        }
        let conditions = filter.groups().len();
        if conditions == 0 || (conditions == 1 && !filter.regions.is_empty()) {
            let mut tally = self.by_region()?;
            if conditions == 1 {
                for regions in tally.values_mut() {
                    regions.retain(|region, _| filter.regions.contains(region));
                }
            }
            return Ok(tally);
        }
        let mut regions: HashMap<TypeNo, Vec<_>> = HashMap::new();
        for row in self.tx.facets(self.account, FacetKind::Region, None, None)? {
            regions.entry(row.type_no).or_default().push((row.no, row.facet.name));
        }
        let mut plan = Plan::whole(self, filter)?;
        while let Some(block) = plan.next()? {
            let Slots::These(slots) = block.slots else { continue };
            let of_type = tally.entry(block.type_no).or_default();
            for (facet, region) in regions.get(&block.type_no).into_iter().flatten() {
                let mut there = posting::decode(&self.tx.posting(*facet, block.chunk)?)?;
                there.and(&slots);
                *of_type.entry(region.clone()).or_default() += there.count();
            }
        }
        Ok(tally)
    }
}
