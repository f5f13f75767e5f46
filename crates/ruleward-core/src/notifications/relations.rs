//! Relations that changed: of a resource whose body names others than before, and of those others.

use std::collections::BTreeSet;

use ruleward_store::NamedBy;
use ruleward_types::{ResourceType, Result, Timestamp};

use super::messages::{RelationFrom, relation_changed};
use super::{Addressee, subject};
use crate::policy_states::type_of;
use crate::relations::own_edges;
use crate::service::Writing;

/// Another resource, and what the one at hand is to it.
type Edge = (String, String, String);

fn edges(resource_type: &ResourceType, body: Option<&[u8]>) -> Result<BTreeSet<Edge>> {
    let Some(body) = body else { return Ok(BTreeSet::new()) };
    let own = own_edges(resource_type, body)?;
    let edge = |edge: &crate::relations::OwnEdge<'_>| {
        let by = if edge.row.by == NamedBy::Id { edge.row.to.to_string() } else { String::new() };
        (by, edge.name.clone().into_owned(), edge.row.relation.clone())
    };
    Ok(own.edges.iter().map(edge).collect())
}

impl Addressee {
    /// Tells of relations that come or go with a resource's body.
    pub(super) fn related(
        &self,
        writing: &Writing<'_>,
        (resource_type, id): (&ResourceType, &str),
        version: i64,
        before: Option<&[u8]>,
        after: Option<&[u8]>,
    ) -> Result<()> {
        let exists = after.is_some();
        let (before, after) = (edges(resource_type, before)?, edges(resource_type, after)?);
        let changed: BTreeSet<&Edge> = before.symmetric_difference(&after).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let at = Timestamp(version);
        let own = resource_type.to_string();
        let message = relation_changed(&self.domain_id, writing.now, (id, &own), at, None);
        self.tell(writing, subject(id, resource_type), None, message)?;
        for (of, other, relation) in changed {
            let Some(of) = ResourceType::parse(of) else { continue };
            if !self.is_known(writing, &of, other)? {
                continue;
            }
            let from = exists.then_some(RelationFrom { id, resource_type: &own, relation });
            let resource = (other.as_str(), of.to_string());
            let resource = (resource.0, resource.1.as_str());
            let message = relation_changed(&self.domain_id, writing.now, resource, at, from);
            self.tell(writing, subject(other, &of), None, message)?;
        }
        Ok(())
    }

    /// Whether the inventory has a resource: what it lacks has no relations of its own.
    fn is_known(&self, writing: &Writing<'_>, of: &ResourceType, id: &str) -> Result<bool> {
        for key in writing.tx.resources_by_id(self.account, id)? {
            if type_of(writing.tx, key.chunk())?.as_ref() == Some(of) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
