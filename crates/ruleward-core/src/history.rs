//! The history of a resource: every version it had, who made it so and when, and its end.

use std::sync::Arc;

use ruleward_store::{PastResource, ReadTx, Span, StoredResource};
use ruleward_types::{AccountNo, ResourceKey, ResourceType, Result, Timestamp, TypeNo};

use crate::Service;
use crate::access::Access;
use crate::causes::Cause;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::past::{body_at, kept_since};
use crate::policy_states::type_of;
use crate::relations::{Direction, Moments, Relation, relation_changes_of, relations_of};

/// Relations that an entry shows at most.
const RELATIONS: usize = 1000;
/// Rows of each kind that one transaction prunes at most: it holds the writer for a moment only.
const PRUNED_AT_ONCE: usize = 2000;

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryEvent {
    /// It was told for the first time.
    Created,
    /// It was told with other content.
    Updated,
    /// It was removed.
    Deleted,
    /// Others began or ceased to belong to it.
    RelationsChanged,
}

impl HistoryEvent {
    /// Its name on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Created => "ResourceChanged.CREATE",
            Self::Updated => "ResourceChanged.UPDATE",
            Self::Deleted => "ResourceChanged.DELETE",
            Self::RelationsChanged => "ResourceRelationChanged.CHANGE",
        }
    }
}

/// One entry of a resource's history.
#[derive(Debug, Clone)]
pub struct HistoryItem {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: HistoryEvent,
    /// Its type.
    pub resource_type: ResourceType,
    /// Its content from then on: compact JSON of the wire's entity; of a removed one the last.
    pub body: Vec<u8>,
    /// What it was to others from then on: of very many the first ones.
    pub relations: Vec<Relation>,
    /// Because of what.
    pub cause: Option<Cause>,
}

/// What a history is narrowed to.
#[derive(Debug, Clone, Copy)]
pub struct HistoryQuery<'a> {
    /// Only the resource of this type; else of those of the id the one that changed last.
    pub resource_type: Option<&'a ResourceType>,
    /// Not before that moment.
    pub earlier: Option<Timestamp>,
    /// Not after that moment.
    pub later: Option<Timestamp>,
    /// Newest first.
    pub newest_first: bool,
}

impl Service {
    /// The history of the resource of an id, also of one that is gone; empty where none is known.
    pub fn resource_history(
        &self,
        access: &Access,
        id: &str,
        query: HistoryQuery<'_>,
        page: Page,
    ) -> Result<Paged<HistoryItem>> {
        let account = access.account();
        self.read(|tx| {
            let kept = kept_since(tx, account, self.clock().now())?;
            let mut span = Span {
                from: query.earlier.map_or(kept.0, |earlier| earlier.0.max(kept.0)),
                to: query.later.map_or(i64::MAX, |later| later.0),
            };
            match page.after {
                Some(Cursor(at, _)) if query.newest_first => span.to = span.to.min(at - 1),
                Some(Cursor(at, _)) => span.from = span.from.max(at + 1),
                None => {}
            }
            let mut found = Collector::new(page);
            let Some((resource_type, mut places)) = places(tx, account, id, query.resource_type)?
            else {
                return Ok(found.finish());
            };
            if query.newest_first {
                places.reverse();
            }
            for place in places {
                let key = place.last.key;
                let entries =
                    place.entries(tx, account, span, query.newest_first, page.limit + 1)?;
                for (at, event, body) in entries {
                    if !found.has_room() {
                        found.overflow();
                        break;
                    }
                    let body = match body {
                        Some(body) => body,
                        None => {
                            body_at(tx, key, Timestamp(at))?.map_or_else(Vec::new, |of| of.body)
                        }
                    };
                    let relations = if event == HistoryEvent::Deleted {
                        Vec::new()
                    } else {
                        let page = Page { limit: RELATIONS, after: None };
                        relations_of(tx, account, &body, Direction::Out, Some(at), page)?.items
                    };
                    let cause = match tx.change(account, Timestamp(at))? {
                        Some((_, cause)) => Some(Cause::decode(&cause)?),
                        None => None,
                    };
                    let (resource_type, at) = (resource_type.clone(), Timestamp(at));
                    let item = HistoryItem { at, event, resource_type, body, relations, cause };
                    found.push(Cursor(at.0, 0), item);
                }
            }
            Ok(found.finish())
        })
    }

    /// Forgets what ended longer ago than each account keeps its past, bit by bit. Returns whether
    /// there may be more.
    pub fn prune_history(self: &Arc<Self>) -> Result<bool> {
        let now = self.clock().now();
        let old = self.read(|tx| {
            let mut old = Vec::new();
            for account in tx.accounts()? {
                // A younger account has nothing that is old enough.
                if account.created < kept_since(tx, account.no, now)? {
                    old.push(account.no);
                }
            }
            Ok(old)
        })?;
        if old.is_empty() {
            return Ok(false);
        }
        self.write(move |writing| {
            let mut gone = 0;
            for account in old {
                let before = kept_since(writing.tx, account, writing.now)?;
                gone += writing.tx.prune_history(account, before, PRUNED_AT_ONCE)?;
                gone += writing.tx.prune_relations(account, before.0, PRUNED_AT_ONCE)?;
                if gone >= PRUNED_AT_ONCE {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }
}

/// When, what, and the body from then on, where it is at hand.
type Entry = (i64, HistoryEvent, Option<Vec<u8>>);

/// A place in which the resource lives or lived.
struct HeldPlace {
    last: StoredResource,
    created: i64,
    deleted: Option<i64>,
}

impl HeldPlace {
    fn entries(
        self,
        tx: &dyn ReadTx,
        account: AccountNo,
        span: Span,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let event = |version| {
            if version == self.created { HistoryEvent::Created } else { HistoryEvent::Updated }
        };
        let held = |at: i64| at >= span.from && at <= span.to;
        // While it was there only.
        let moments = Moments {
            from: span.from.max(self.created),
            to: span.to.min(self.deleted.map_or(i64::MAX, |deleted| deleted - 1)),
            newest_first,
            limit,
        };
        let related = relation_changes_of(tx, account, &self.last.body, moments)?;
        let mut entries: Vec<Entry> =
            related.into_iter().map(|at| (at, HistoryEvent::RelationsChanged, None)).collect();
        if let Some(deleted) = self.deleted.filter(|at| held(*at)) {
            entries.push((deleted, HistoryEvent::Deleted, Some(self.last.body.clone())));
        }
        let past = tx.past_versions(&self.last, span, newest_first, limit)?;
        entries.extend(
            past.into_iter().map(|past| (past.version, event(past.version), Some(past.body))),
        );
        if held(self.last.version) {
            let version = self.last.version;
            entries.push((version, event(version), Some(self.last.body)));
        }
        // A version of its own says all that changed then.
        entries.sort_by_key(|(at, event, _)| (*at, *event == HistoryEvent::RelationsChanged));
        entries.dedup_by_key(|(at, ..)| *at);
        if newest_first {
            entries.reverse();
        }
        Ok(entries)
    }
}

/// The places of the resource of an id, oldest first, and its type. Of several types the one that
/// changed last.
fn places(
    tx: &dyn ReadTx,
    account: AccountNo,
    id: &str,
    wanted: Option<&ResourceType>,
) -> Result<Option<(ResourceType, Vec<HeldPlace>)>> {
    let mut types: Vec<(TypeNo, ResourceType, Vec<HeldPlace>)> = Vec::new();
    let mut keys = tx.past_resources_by_id(account, id)?;
    keys.extend(tx.resources_by_id(account, id)?);
    for key in keys {
        let (Some(chunk), Some(resource_type)) =
            (tx.chunk(key.chunk())?, type_of(tx, key.chunk())?)
        else {
            continue;
        };
        if wanted.is_some_and(|wanted| *wanted != resource_type) {
            continue;
        }
        let Some(place) = held_place(tx, key)? else { continue };
        match types.iter_mut().find(|(no, ..)| *no == chunk.type_no) {
            Some((_, _, places)) => places.push(place),
            None => types.push((chunk.type_no, resource_type, vec![place])),
        }
    }
    let changed = |places: &Vec<HeldPlace>| {
        places.iter().map(|place| place.deleted.unwrap_or(place.last.version)).max()
    };
    let latest = types.into_iter().max_by_key(|(_, _, places)| changed(places));
    Ok(latest.map(|(_, resource_type, mut places)| {
        places.sort_by_key(|place| place.created);
        (resource_type, places)
    }))
}

fn held_place(tx: &dyn ReadTx, key: ResourceKey) -> Result<Option<HeldPlace>> {
    if let Some(last) = tx.resource(key)? {
        let created = tx.resource_created(key)?.unwrap_or(last.version);
        return Ok(Some(HeldPlace { last, created, deleted: None }));
    }
    let past = tx.past_resource(key)?;
    Ok(past.map(|PastResource { last, created, deleted }| HeldPlace {
        last,
        created,
        deleted: Some(deleted),
    }))
}
