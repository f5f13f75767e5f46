//! Relations as they are shown.

use ruleward_core::Relation;
use serde::Serialize;

use super::PageInfo;

/// A page of relations.
#[derive(Debug, Serialize)]
pub(crate) struct RelationList<'a> {
    pub(crate) relations: Vec<RelationAnswer<'a>>,
    pub(crate) page_info: PageInfo,
}

/// One of them.
#[derive(Debug, Serialize)]
pub(crate) struct RelationAnswer<'a> {
    from_resource_type: &'a str,
    to_resource_type: &'a str,
    relation_type: &'a str,
    from_resource_id: &'a str,
    to_resource_id: &'a str,
}

impl<'a> From<&'a Relation> for RelationAnswer<'a> {
    fn from(relation: &'a Relation) -> Self {
        Self {
            from_resource_type: &relation.from_type,
            to_resource_type: &relation.to_type,
            relation_type: &relation.relation_type,
            from_resource_id: &relation.from_id,
            to_resource_id: &relation.to_id,
        }
    }
}
