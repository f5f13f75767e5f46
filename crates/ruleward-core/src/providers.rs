//! Services, their resource types and the regions: those that are known (`data/inventory.json`),
//! and those that an account has resources of.

use std::sync::LazyLock;

use ruleward_types::{Error, FacetKind, ResourceType, Result};
use serde::Deserialize;

use crate::Service;
use crate::access::Access;

/// Where resources of a service that is in no region are.
const GLOBAL: &str = "global";

/// A name in the two languages that there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct DisplayName {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl DisplayName {
    /// What is not known is called by its id.
    fn unknown(id: &str) -> Self {
        Self { zh: id.to_owned(), en: id.to_owned() }
    }
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its id, such as `ecs`.
    pub provider: String,
    /// Its name.
    pub name: DisplayName,
    /// The name of the category that it belongs to.
    pub category: DisplayName,
    /// Whether its resources are in no region.
    pub is_global: bool,
    /// Its types, in the order of their ids.
    pub types: Vec<ProviderType>,
}

/// A resource type of a service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderType {
    /// Its id inside the service.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its name.
    pub name: DisplayName,
}

/// A region.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its id.
    pub region: String,
    /// Its name.
    pub name: DisplayName,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    providers: Vec<Provider>,
    regions: Vec<Region>,
}

static KNOWN: LazyLock<Result<Known, String>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/inventory.json")).map_err(|e| e.to_string())
});

fn known() -> Result<&'static Known> {
    KNOWN.as_ref().map_err(|e| Error::internal("read the table of services", e))
}

impl Service {
    /// The services, in the order of their ids.
    pub fn providers(&self, access: &Access) -> Result<Vec<Provider>> {
        let seen = self.read(|tx| tx.types(access.account()))?;
        let mut providers = known()?.providers.clone();
        for row in seen.into_iter().filter(|row| !row.resource_type.is_account()) {
            add(&mut providers, &row.resource_type);
        }
        providers.sort_by(|a, b| a.provider.cmp(&b.provider));
        Ok(providers)
    }

    /// The regions, in the order of their ids.
    pub fn regions(&self, access: &Access) -> Result<Vec<Region>> {
        let seen = self.read(|tx| tx.facets(access.account(), FacetKind::Region, None, None))?;
        let mut regions = known()?.regions.clone();
        for row in seen.into_iter().filter(|row| row.counts.told > 0 || row.counts.tracked > 0) {
            let region = row.facet.name;
            let is_new = regions.iter().all(|known| known.region != region);
            if is_new && region != GLOBAL && !region.is_empty() {
                let name = DisplayName::unknown(&region);
                regions.push(Region { region, name });
            }
        }
        regions.sort_by(|a, b| a.region.cmp(&b.region));
        Ok(regions)
    }
}

fn add(providers: &mut Vec<Provider>, seen: &ResourceType) {
    let ResourceType { provider, name } = seen;
    let new = || ProviderType { type_name: name.clone(), name: DisplayName::unknown(name) };
    match providers.iter_mut().find(|of| of.provider.eq_ignore_ascii_case(provider)) {
        Some(of) => {
            if !of.types.iter().any(|known| known.type_name.eq_ignore_ascii_case(name)) {
                of.types.push(new());
                of.types.sort_by(|a, b| a.type_name.cmp(&b.type_name));
            }
        }
        None => providers.push(Provider {
            provider: provider.clone(),
            name: DisplayName::unknown(provider),
            category: DisplayName { zh: "其他".to_owned(), en: "Other".to_owned() },
            is_global: false,
            types: vec![new()],
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_in_order_and_has_every_type_of_the_catalogue() {
        let known = known().unwrap();
        let ids: Vec<_> = known.providers.iter().map(|of| of.provider.as_str()).collect();
        assert!(ids.is_sorted());
        let mut types = BTreeSet::new();
        for provider in &known.providers {
            for of in &provider.types {
                let key = ResourceType::new(provider.provider.clone(), of.type_name.clone());
                assert!(types.insert(key.key()), "{key} stands twice");
                assert!(!of.name.zh.is_empty() && !of.name.en.is_empty());
            }
        }
        for definition in ruleward_policy::catalogue().list() {
            for of in &definition.default_resource_types {
                let key = ResourceType::new(of.provider.clone(), of.kind.clone()).key();
                assert!(types.contains(&key), "{key} is missing");
            }
        }
        assert!(known.regions.iter().map(|of| &of.region).is_sorted());
    }

    #[test]
    fn what_is_seen_is_added_once() {
        let mut providers = known().unwrap().providers.clone();
        let count = providers.len();
        for (provider, name) in [("ECS", "cloudServers"), ("ecs", "new"), ("own", "thing")] {
            add(&mut providers, &ResourceType::new(provider, name));
            add(&mut providers, &ResourceType::new(provider, name));
        }
        assert_eq!(providers.len(), count + 1);
        let ecs = providers.iter().find(|of| of.provider == "ecs").unwrap();
        let names: Vec<_> = ecs.types.iter().map(|of| of.type_name.as_str()).collect();
        assert_eq!(names, ["cloudservers", "new"]);
    }
}
