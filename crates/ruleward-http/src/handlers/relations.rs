//! Which resources belong together.

use ruleward_core::Access;
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::wire::relations::{RelationAnswer, RelationList};

/// Relations of a page that asks for no number, and most of one.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 1000;

pub(crate) fn list(call: &Call, access: &Access) -> Result<Answer> {
    let id = call.resource_id()?;
    let query = call.query()?;
    let (direction, page) = (query.direction()?, call.page_or(&query, PAGE, LARGEST_PAGE)?);
    let found = call.service().resource_relations(access, id, direction, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let relations = found.items.iter().map(RelationAnswer::from).collect();
    Answer::json(&RelationList { relations, page_info })
}
