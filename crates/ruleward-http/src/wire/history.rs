//! The history of a resource.

use ruleward_core::{Cause, HistoryEvent, HistoryItem};
use ruleward_types::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::PageInfo;
use super::relations::RelationAnswer;

/// A page of `ShowResourceHistory`.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryAnswer<'a> {
    items: Vec<HistoryItemAnswer<'a>>,
    page_info: PageInfo,
}

impl<'a> HistoryAnswer<'a> {
    pub(crate) fn new(
        domain_id: &'a str,
        items: &'a [HistoryItem],
        page_info: PageInfo,
    ) -> Result<Self> {
        let items = items.iter().map(|item| HistoryItemAnswer::new(domain_id, item));
        Ok(Self { items: items.collect::<Result<_>>()?, page_info })
    }
}

/// One entry.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryItemAnswer<'a> {
    domain_id: &'a str,
    resource_id: String,
    resource_type: String,
    capture_time: String,
    status: &'static str,
    relations: Vec<RelationAnswer<'a>>,
    resource: Box<RawValue>,
}

/// One entry, with the change that made it.
#[derive(Debug, Serialize)]
pub(crate) struct CausedHistoryItemAnswer<'a> {
    #[serde(flatten)]
    item: HistoryItemAnswer<'a>,
    cause: Option<&'a Cause>,
}

impl<'a> CausedHistoryItemAnswer<'a> {
    pub(crate) fn new(domain_id: &'a str, item: &'a HistoryItem) -> Result<Self> {
        let cause = item.cause.as_ref();
        Ok(Self { item: HistoryItemAnswer::new(domain_id, item)?, cause })
    }
}

/// What is left of a resource in the entry of its removal.
#[derive(Debug, Deserialize, Serialize)]
struct Removed {
    id: String,
    name: String,
    provider: String,
    #[serde(rename = "type")]
    type_name: String,
    region_id: String,
    project_id: String,
    project_name: String,
    ep_id: String,
    ep_name: String,
    #[serde(skip_deserializing)]
    checksum: String,
}

impl<'a> HistoryItemAnswer<'a> {
    fn new(domain_id: &'a str, item: &'a HistoryItem) -> Result<Self> {
        let failed = |e| Error::internal("a stored resource is no JSON", e);
        let removed: Removed = serde_json::from_slice(&item.body).map_err(failed)?;
        let resource = if item.event == HistoryEvent::Deleted {
            serde_json::value::to_raw_value(&removed).map_err(failed)?
        } else {
            serde_json::from_slice(&item.body).map_err(failed)?
        };
        Ok(Self {
            domain_id,
            resource_id: removed.id,
            resource_type: item.resource_type.to_string(),
            capture_time: item.at.to_wire(),
            status: item.event.wire(),
            relations: item.relations.iter().map(RelationAnswer::from).collect(),
            resource,
        })
    }
}
