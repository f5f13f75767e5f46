//! The inventory as it is listed, counted and summed up. Nothing here reads more resources than it
//! answers: lists come from postings, numbers from those that are kept
//! (`docs/adr/0008-facets.md`).

mod counts;
mod deleted;
mod list;
mod plan;
mod tags;
pub(crate) mod upgrade;

use ruleward_store::ReadTx;
use ruleward_types::{
    AccountNo, Error, ErrorCode, Facet, FacetCounts, FacetKind, FilterTag, ResourceKey,
    ResourceType, Result, Selection,
};

use crate::evaluation::bits::Bits;
use crate::resources::only_one;

pub use counts::TypeCounts;
pub use tags::TagValues;

/// Which inventory is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inventory {
    /// Everything, as it was last told.
    All,
    /// What is recorded, and with that judged.
    Tracked {
        /// Also what was deleted, as far as history is kept.
        with_deleted: bool,
    },
}

impl Inventory {
    /// The tracked resources that are there.
    pub const TRACKED: Self = Self::Tracked { with_deleted: false };

    fn count_of(self, counts: FacetCounts) -> i64 {
        match self {
            Self::All => counts.told,
            Self::Tracked { .. } => counts.tracked,
        }
    }
}

/// What a list, a count or a summary is narrowed to: all that is set has to match, of a list any
/// element.
#[derive(Debug, Clone, Default)]
pub struct ResourceFilter {
    /// The id, exactly.
    pub id: Option<String>,
    /// The name, exactly.
    pub name: Option<String>,
    /// Types, without regard to case.
    pub types: Vec<ResourceType>,
    /// Regions.
    pub regions: Vec<String>,
    /// Enterprise projects.
    pub enterprise_projects: Vec<String>,
    /// Projects.
    pub projects: Vec<String>,
    /// Tags: each key has to be there, with any of its values where these are given.
    pub tags: Vec<FilterTag>,
}

impl ResourceFilter {
    fn covers_type(&self, resource_type: &ResourceType) -> bool {
        self.types.is_empty() || self.types.contains(resource_type)
    }

    /// What has to match, group by group; inside a group any facet does.
    fn groups(&self) -> Vec<Vec<Facet>> {
        let of = |kind: FacetKind, names: &[String]| -> Vec<Facet> {
            names.iter().map(|name| Facet::named(kind, name.as_str())).collect()
        };
        let mut groups = vec![
            of(FacetKind::Region, &self.regions),
            of(FacetKind::EnterpriseProject, &self.enterprise_projects),
            of(FacetKind::Project, &self.projects),
        ];
        groups.retain(|group| !group.is_empty());
        groups.extend(self.tags.iter().map(|FilterTag { key, values }| {
            if values.is_empty() {
                vec![Facet::named(FacetKind::TagKey, key.as_str())]
            } else {
                values.iter().map(|value| Facet::tag(key.as_str(), value.as_str())).collect()
            }
        }));
        for group in &mut groups {
            group.sort_unstable();
            group.dedup();
        }
        groups
    }
}

/// A resource as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedResource {
    /// The wire's resource entity as it is stored: compact JSON, an object.
    pub body: Vec<u8>,
    /// Whether it was deleted.
    pub is_deleted: bool,
}

/// What is seen of an account's inventory on one snapshot.
struct View<'a> {
    tx: &'a dyn ReadTx,
    account: AccountNo,
    inventory: Inventory,
    /// The types of which what is recorded is shown.
    recorded: Selection,
}

impl<'a> View<'a> {
    fn new(tx: &'a dyn ReadTx, account: AccountNo, inventory: Inventory) -> Result<Self> {
        let of_account = tx.account(account)?.map(|of| of.recorder).unwrap_or_default();
        // Turned off, everything that is recorded stays to be seen as it was.
        let recorded = if of_account.enabled { of_account.selection } else { Selection::All };
        Ok(Self { tx, account, inventory, recorded })
    }

    /// Whether resources of a type are seen.
    fn shows(&self, resource_type: &ResourceType) -> bool {
        let is_shown = match self.inventory {
            Inventory::All => true,
            Inventory::Tracked { .. } => self.recorded.selects(resource_type),
        };
        is_shown && !resource_type.is_account()
    }

    /// The slots of a chunk that are not seen, though resources live there.
    fn hidden(&self, chunk: ruleward_types::ChunkNo) -> Result<Bits> {
        match self.inventory {
            Inventory::All => Ok(Bits::from_bytes(&self.tx.shadowed_slots(chunk)?)),
            Inventory::Tracked { .. } => Ok(Bits::default()),
        }
    }

    /// Where resources of an id are seen, in order.
    fn keys_of(&self, id: &str) -> Result<Vec<ResourceKey>> {
        let mut keys = Vec::new();
        for key in self.tx.resources_by_id(self.account, id)? {
            if !self.hidden(key.chunk())?.get(key.slot()) {
                keys.push(key);
            }
        }
        if self.inventory == Inventory::All {
            keys.extend(self.tx.told_resources_by_id(self.account, id)?);
            keys.sort_unstable();
        }
        Ok(keys)
    }
}

/// Where the resource that was last told of an id lives; 404 without one, 409 with several of
/// several types.
pub(crate) fn find_told(
    tx: &dyn ReadTx,
    account: AccountNo,
    id: &str,
    resource_type: Option<&ResourceType>,
) -> Result<ResourceKey> {
    only_one(tx, View::new(tx, account, Inventory::All)?.keys_of(id)?, resource_type)
}

fn missing() -> Error {
    Error::with(ErrorCode::NotFound, "No resource has this id.")
}
