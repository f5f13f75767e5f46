//! One page of relations.

use std::collections::{BTreeMap, HashMap};

use ruleward_store::{NamedBy, Namer, ReadTx, RelationTarget};
use ruleward_types::{AccountNo, ChunkNo, ResourceKey, ResourceType, Result};

use super::edges::{Own, OwnEdge, own_edges};
use super::table::{Row, table};
use super::{Direction, Relation};
use crate::evaluation::view;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::policy_states::type_of;

/// Resources that share a name, which only one should have.
const NAMESAKES: usize = 8;
/// The first number of a cursor: where in the list its place is.
const OWN: i64 = 0;
const OTHERS: i64 = 1;

/// The other end of a relation.
struct Other {
    resource_type: String,
    id: String,
    row: &'static Row,
}

/// The relations of a resource on one snapshot, now or at a version.
pub(super) struct Listing<'a> {
    tx: &'a dyn ReadTx,
    account: AccountNo,
    at: Option<i64>,
    resource_type: ResourceType,
    type_key: String,
    id: String,
    own: Own<'a>,
    types: HashMap<ChunkNo, Option<ResourceType>>,
}

impl<'a> Listing<'a> {
    pub(super) fn new(
        tx: &'a dyn ReadTx,
        account: AccountNo,
        body: &'a [u8],
        at: Option<i64>,
    ) -> Result<Self> {
        let head = view::read_head(body);
        let resource_type = ResourceType::new(head.provider.as_ref(), head.type_name.as_ref());
        Ok(Self {
            tx,
            account,
            at,
            own: own_edges(&resource_type, body)?,
            type_key: resource_type.key(),
            resource_type,
            id: head.id.into_owned(),
            types: HashMap::new(),
        })
    }

    pub(super) fn page(mut self, direction: Direction, page: Page) -> Result<Paged<Relation>> {
        let mut found = Collector::new(page);
        // By a hash of the other end, so that a place in the list holds also when the body changes.
        let own = self.named()?;
        let after = match page.after {
            None => Some(None),
            Some(Cursor(OWN, hash)) => Some(Some(hash)),
            Some(_) => None,
        };
        for (target, other) in &own {
            let place = Cursor(OWN, target.0);
            if after.is_some_and(|after| after.is_none_or(|after| target.0 > after)) {
                found.push(place, self.relation(direction, other, true));
            }
        }
        let mut after = match page.after {
            Some(Cursor(OTHERS, key)) => Some(ResourceKey(key)),
            _ => None,
        };
        while !found.is_full() {
            let namers = self.namers(after, page.limit + 1)?;
            let Some(last) = namers.last() else { break };
            after = Some(last.key);
            for namer in namers {
                let Some(other) = self.naming(&namer)? else { continue };
                if !own.contains_key(&self.target_of(&other)) {
                    found
                        .push(Cursor(OTHERS, namer.key.0), self.relation(direction, &other, false));
                }
            }
        }
        Ok(found.finish())
    }

    fn target_of(&self, other: &Other) -> RelationTarget {
        let key = other.resource_type.to_ascii_lowercase();
        self.tx.relation_target(self.account, &key, NamedBy::Id, &other.id)
    }

    /// What the body names; the ids of those that it names otherwise are looked up.
    fn named(&mut self) -> Result<BTreeMap<RelationTarget, Other>> {
        let mut named = BTreeMap::new();
        for OwnEdge { row, name } in std::mem::take(&mut self.own.edges) {
            if self.is_taken(row, &name)? {
                continue;
            }
            let ids = match row.by {
                NamedBy::Id => vec![name.into_owned()],
                NamedBy::Name | NamedBy::Itself => self.called(row, &name)?,
            };
            for id in ids {
                if row.to_key == self.type_key && id == self.id {
                    continue;
                }
                let other = Other { resource_type: row.to.to_string(), id, row };
                named.insert(self.target_of(&other), other);
            }
        }
        Ok(named)
    }

    /// Whether the name belongs to a resource of another type.
    fn is_taken(&self, row: &Row, name: &str) -> Result<bool> {
        let Some(other) = &row.unless else { return Ok(false) };
        let target = self.tx.relation_target(self.account, other, NamedBy::Itself, name);
        Ok(!self.tx.namers(target, self.at, None, 1)?.is_empty())
    }

    /// The ids of those that have that name.
    fn called(&self, row: &Row, name: &str) -> Result<Vec<String>> {
        let target = self.tx.relation_target(self.account, &row.to_key, NamedBy::Itself, name);
        let mut ids = Vec::new();
        for Namer { key, past_id } in self.tx.namers(target, self.at, None, NAMESAKES)? {
            if let Some(id) = past_id {
                ids.push(id);
            } else if let Some(stored) = self.tx.resource(key)?
                && own_edges(&row.to, &stored.body)?.names.iter().any(|own| own == name)
            {
                ids.push(view::read_head(&stored.body).id.into_owned());
            }
        }
        Ok(ids)
    }

    /// Resources after a key that name this one, by its id or by another name.
    fn namers(&self, after: Option<ResourceKey>, limit: usize) -> Result<Vec<Namer>> {
        let by_id = [(NamedBy::Id, self.id.as_str())];
        let by_name = self.own.names.iter().map(|name| (NamedBy::Name, name.as_ref()));
        let mut namers = BTreeMap::new();
        for (by, name) in by_id.into_iter().chain(by_name) {
            let target = self.tx.relation_target(self.account, &self.type_key, by, name);
            for namer in self.tx.namers(target, self.at, after, limit)? {
                namers.insert(namer.key, namer);
            }
        }
        // Further on, one of the lists may lack some.
        Ok(namers.into_values().take(limit).collect())
    }

    /// What a resource that names this one is, after a look at its body where that is the one that
    /// names it: a hash is no proof.
    fn naming(&mut self, namer: &Namer) -> Result<Option<Other>> {
        let chunk = namer.key.chunk();
        let resource_type = if let Some(known) = self.types.get(&chunk) {
            known.clone()
        } else {
            let of = type_of(self.tx, chunk)?;
            self.types.entry(chunk).or_insert(of).clone()
        };
        let Some(resource_type) = resource_type else { return Ok(None) };
        let from_key = resource_type.key();
        if let Some(id) = &namer.past_id {
            let Some(row) = table()?.between(&from_key, &self.type_key) else { return Ok(None) };
            let is_itself = from_key == self.type_key && *id == self.id;
            if is_itself || self.is_taken(row, &self.id)? {
                return Ok(None);
            }
            let (resource_type, id) = (resource_type.to_string(), id.clone());
            return Ok(Some(Other { resource_type, id, row }));
        }
        let Some(stored) = self.tx.resource(namer.key)? else { return Ok(None) };
        let id = view::read_head(&stored.body).id;
        if from_key == self.type_key && id == self.id {
            return Ok(None);
        }
        for OwnEdge { row, name } in own_edges(&resource_type, &stored.body)?.edges {
            let names_this = row.to_key == self.type_key
                && match row.by {
                    NamedBy::Id => name == self.id,
                    NamedBy::Name | NamedBy::Itself => self.own.names.contains(&name),
                };
            if names_this && !self.is_taken(row, &name)? {
                let (resource_type, id) = (resource_type.to_string(), id.into_owned());
                return Ok(Some(Other { resource_type, id, row }));
            }
        }
        Ok(None)
    }

    /// The relation in the wanted direction; `own` where this resource names the other one.
    fn relation(&self, direction: Direction, other: &Other, own: bool) -> Relation {
        let this = (self.resource_type.to_string(), self.id.clone());
        let that = (other.resource_type.clone(), other.id.clone());
        let is_out = direction == Direction::Out;
        let (from, to) = if is_out { (this, that) } else { (that, this) };
        let word = if own == is_out { &other.row.relation } else { &other.row.inverse };
        Relation {
            from_type: from.0,
            from_id: from.1,
            relation_type: word.clone(),
            to_type: to.0,
            to_id: to.1,
        }
    }
}
