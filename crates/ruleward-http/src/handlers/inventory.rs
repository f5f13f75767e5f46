//! The inventory: lists, single resources, counts, summaries and tags, of everything and of what is
//! recorded.

use ruleward_core::{Access, Inventory, ResourceFilter};
use ruleward_types::{ResourceType, Result};

use crate::call::{Answer, Call};
use crate::query::Query;
use crate::validation;
use crate::wire::inventory::{CountAnswer, TagAnswer, TagsAnswer, resource, resources, summary};

/// Most resources of one page.
const PAGE: usize = 200;
/// Resources of one page where nothing is said.
const DEFAULT_PAGE: usize = 100;

fn page(
    call: &Call,
    access: &Access,
    query: &Query,
    (inventory, filter): (Inventory, &ResourceFilter),
    default: usize,
) -> Result<Answer> {
    let page = call.page_or(query, default, PAGE)?;
    let found = call.service().resources(access, inventory, filter, page)?;
    let page_info = call.page_info(query, found.items.len(), found.next);
    resources(&found.items, &page_info).map(Answer::raw_json)
}

fn list(call: &Call, access: &Access, query: &Query, inventory: Inventory) -> Result<Answer> {
    page(call, access, query, (inventory, &query.listed_resources()?), DEFAULT_PAGE)
}

pub(crate) fn list_all(call: &Call, access: &Access) -> Result<Answer> {
    list(call, access, &call.query()?, Inventory::All)
}

pub(crate) fn list_tracked(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    list(call, access, &query, query.tracked()?)
}

fn type_in_path(call: &Call) -> Result<ResourceType> {
    let (provider, name) = (call.parameter("provider")?, call.parameter("type")?);
    validation::PROVIDER.check("provider", provider)?;
    validation::TYPE_IN_PATH.check("type", name)?;
    Ok(ResourceType::new(provider, name))
}

pub(crate) fn list_of_type(call: &Call, access: &Access) -> Result<Answer> {
    let (kind, query) = (type_in_path(call)?, call.query()?);
    page(call, access, &query, (Inventory::All, &query.resources_of_type(kind)?), PAGE)
}

fn show(
    call: &Call,
    access: &Access,
    inventory: Inventory,
    kind: Option<&ResourceType>,
) -> Result<Answer> {
    let id = call.resource_id()?;
    let found = call.service().listed_resource(access, inventory, id, kind)?;
    Ok(Answer::raw_json(resource(&found)))
}

pub(crate) fn show_any(call: &Call, access: &Access) -> Result<Answer> {
    show(call, access, Inventory::All, None)
}

pub(crate) fn show_tracked(call: &Call, access: &Access) -> Result<Answer> {
    show(call, access, Inventory::TRACKED, None)
}

pub(crate) fn show_of_type(call: &Call, access: &Access) -> Result<Answer> {
    show(call, access, Inventory::All, Some(&type_in_path(call)?))
}

fn count(call: &Call, access: &Access, query: &Query, inventory: Inventory) -> Result<Answer> {
    let filter = query.counted_resources()?;
    let total_count = call.service().count_resources(access, inventory, &filter)?;
    Answer::json(&CountAnswer { total_count })
}

pub(crate) fn count_all(call: &Call, access: &Access) -> Result<Answer> {
    count(call, access, &call.query()?, Inventory::All)
}

pub(crate) fn count_tracked(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    count(call, access, &query, query.tracked()?)
}

fn summarize(call: &Call, access: &Access, query: &Query, inventory: Inventory) -> Result<Answer> {
    let filter = query.summarized_resources()?;
    Answer::json(&summary(&call.service().summarize_resources(access, inventory, &filter)?))
}

pub(crate) fn summarize_all(call: &Call, access: &Access) -> Result<Answer> {
    summarize(call, access, &call.query()?, Inventory::All)
}

pub(crate) fn summarize_tracked(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    summarize(call, access, &query, query.tracked()?)
}

fn tags(call: &Call, access: &Access, query: &Query, inventory: Inventory) -> Result<Answer> {
    let key = query.tag_key()?;
    let page = call.page_or(query, DEFAULT_PAGE, PAGE)?;
    let found = call.service().resource_tags(access, inventory, key, page)?;
    let page_info = call.page_info(query, found.items.len(), found.next);
    Answer::json(&TagsAnswer { tags: found.items.iter().map(TagAnswer::from).collect(), page_info })
}

pub(crate) fn tags_of_all(call: &Call, access: &Access) -> Result<Answer> {
    tags(call, access, &call.query()?, Inventory::All)
}

pub(crate) fn tags_of_tracked(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    tags(call, access, &query, query.tracked()?)
}
