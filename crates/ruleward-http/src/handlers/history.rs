//! The history of a resource.

use ruleward_core::{Access, HistoryQuery};
use ruleward_types::{Result, Timestamp};

use crate::call::{Answer, Call};
use crate::wire::List;
use crate::wire::history::{CausedHistoryItemAnswer, HistoryAnswer};

/// Most entries of one page.
const PAGE: usize = 200;

/// As it is published.
pub(crate) fn list(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let narrowed = HistoryQuery {
        resource_type: None,
        earlier: query.milliseconds("earlier_time")?,
        // The whole last millisecond.
        later: query.milliseconds("later_time")?.map(Timestamp::end_of_ms),
        newest_first: query.newest_first()?,
    };
    let page = call.page(&query, PAGE)?;
    let found = call.service().resource_history(access, call.resource_id()?, narrowed, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    Answer::json(&HistoryAnswer::new(access.domain_id(), &found.items, page_info)?)
}

/// With the change behind each entry; of one type where one is named.
pub(crate) fn list_with_causes(call: &Call, access: &Access) -> Result<Answer> {
    let query = call.query()?;
    let resource_type = call.resource_type()?;
    let narrowed = HistoryQuery {
        resource_type: resource_type.as_ref(),
        earlier: query.moment("from")?,
        later: query.moment("to")?,
        newest_first: query.newest_first()?,
    };
    let page = call.page(&query, PAGE)?;
    let found = call.service().resource_history(access, call.resource_id()?, narrowed, page)?;
    let page_info = call.page_info(&query, found.items.len(), found.next);
    let value: Vec<_> = found
        .items
        .iter()
        .map(|item| CausedHistoryItemAnswer::new(access.domain_id(), item))
        .collect::<Result<_>>()?;
    Answer::json(&List { value, page_info })
}
