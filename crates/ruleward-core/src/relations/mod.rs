//! Relations: which resources belong together, as their bodies say it.
//!
//! A body names others ([`edges`], by the [`table`]); that is derived whenever it is asked for. What
//! is stored is the way back ([`upkeep`]): who names a resource, now and at any moment that is kept.
//! An edge that both sides name is one pair of relations.

mod edges;
mod listing;
mod table;
#[cfg(test)]
mod tests;
mod upkeep;

use ruleward_store::{NamedBy, ReadTx};
use ruleward_types::{AccountNo, Error, ErrorCode, ResourceType, Result};

use crate::Service;
use crate::access::Access;
use crate::evaluation::view;
use crate::page::{Page, Paged};

pub(crate) use edges::{OwnEdge, own_edges, targets};
use listing::Listing;
pub(crate) use table::spelled_types;
pub(crate) use upkeep::{Relinked, Relinks};

/// One resource is something to another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relation {
    /// `provider.type` of the first.
    pub from_type: String,
    /// Its id.
    pub from_id: String,
    /// What it is to the other: `contains`, `isContainedIn`, `isAttachedTo`, `isAssociatedWith`.
    pub relation_type: String,
    /// `provider.type` of the other.
    pub to_type: String,
    /// Its id; it need not be in the inventory.
    pub to_id: String,
}

/// Which relations of a resource are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Those of others to it.
    In,
    /// Those of it to others.
    Out,
}

/// Which moments are wanted: from one to the other, both included, at most so many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moments {
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// The last ones, the newest first; else the first ones.
    pub(crate) newest_first: bool,
    pub(crate) limit: usize,
}

impl Service {
    /// Relations of a resource, in one direction.
    pub fn resource_relations(
        &self,
        access: &Access,
        resource_id: &str,
        direction: Direction,
        page: Page,
    ) -> Result<Paged<Relation>> {
        let account = access.account();
        self.read(|tx| {
            let Some(body) = latest(tx, account, resource_id)? else {
                // Relations are of what is recorded; of what was only told there are none.
                if tx.told_resources_by_id(account, resource_id)?.is_empty() {
                    return Err(Error::with(ErrorCode::NotFound, "No resource has this id."));
                }
                return Ok(Paged { items: Vec::new(), next: None });
            };
            relations_of(tx, account, &body, direction, None, page)
        })
    }
}

/// The recorded resource of an id; of several, the one that changed last.
fn latest(tx: &dyn ReadTx, account: AccountNo, id: &str) -> Result<Option<Vec<u8>>> {
    let mut found = Vec::new();
    for key in tx.resources_by_id(account, id)? {
        found.extend(tx.resource(key)?);
    }
    let last = found.into_iter().max_by_key(|stored| stored.version);
    Ok(last.map(|stored| stored.body))
}

/// Relations of a resource in one direction, now or as they were at a version; `body` is that of
/// the resource at the same moment.
///
/// First those that the body names, then those of others that name it; a page costs what stands
/// on it, however many there are.
pub(crate) fn relations_of(
    tx: &dyn ReadTx,
    account: AccountNo,
    body: &[u8],
    direction: Direction,
    at: Option<i64>,
    page: Page,
) -> Result<Paged<Relation>> {
    Listing::new(tx, account, body, at)?.page(direction, page)
}

/// Versions at which relations of a resource changed because others began or ceased to name it, or
/// because what has a name that it uses came or went. What its own body changes in its relations are
/// versions of its own.
pub(crate) fn relation_changes_of(
    tx: &dyn ReadTx,
    account: AccountNo,
    body: &[u8],
    moments: Moments,
) -> Result<Vec<i64>> {
    let head = view::read_head(body);
    let resource_type = ResourceType::new(head.provider.as_ref(), head.type_name.as_ref());
    let key = resource_type.key();
    let own = own_edges(&resource_type, body)?;
    let mut targets = vec![tx.relation_target(account, &key, NamedBy::Id, &head.id)];
    for name in &own.names {
        targets.push(tx.relation_target(account, &key, NamedBy::Name, name));
    }
    for edge in &own.edges {
        let named = (edge.row.by == NamedBy::Name).then_some(&edge.row.to_key);
        for of in named.into_iter().chain(edge.row.unless.as_ref()) {
            targets.push(tx.relation_target(account, of, NamedBy::Itself, &edge.name));
        }
    }
    for rival in table::table()?.rivals(&key) {
        targets.push(tx.relation_target(account, rival, NamedBy::Itself, &head.id));
    }
    let Moments { from, to, newest_first, limit } = moments;
    let mut changes = Vec::new();
    for target in targets {
        changes.extend(tx.naming_changes(target, from, to, newest_first, limit)?);
    }
    changes.sort_unstable();
    changes.dedup();
    if newest_first {
        changes.reverse();
    }
    changes.truncate(limit);
    Ok(changes)
}
