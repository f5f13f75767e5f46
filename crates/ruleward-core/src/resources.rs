//! Resources: told, read and removed. A write returns with its verdicts already current.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use ruleward_policy::Catalogue;
use ruleward_store::{ReadTx, wait_for};
use ruleward_types::{
    AccountNo, Error, ErrorCode, Identity, ImportReport, Resource, ResourceKey, ResourceType,
    Result, TypeNo, WriteOutcome,
};
use serde_json::value::RawValue;

use crate::Service;
use crate::access::Access;
use crate::causes::{Cause, CauseKind};
use crate::evaluation::apply::{Changes, Judge, Judged};
use crate::inventory::find_told;
use crate::policy_states::type_of;
use crate::relations::spelled_types;
use crate::service::Writing;

/// Resources that were read, checked and judged on the caller's thread.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Each with its line in the input.
    pub(crate) judged: Vec<(u64, Judged)>,
    pub(crate) judged_by: i64,
    pub(crate) report: ImportReport,
    /// Lines of the input.
    pub(crate) lines: u64,
}

impl Service {
    /// Stores one resource. The id in the body may be absent and has to agree where it is not;
    /// so has the type with `resource_type`.
    pub fn put_resource(
        self: &Arc<Self>,
        access: &Access,
        resource_id: &str,
        resource_type: Option<&ResourceType>,
        body: &[u8],
    ) -> Result<(WriteOutcome, Vec<u8>)> {
        wait_for(|told| self.submit_resource(access, resource_id, resource_type, body, told))
    }

    /// The same; tells once it is durable. Whoever is told may not wait.
    pub fn submit_resource(
        self: &Arc<Self>,
        access: &Access,
        resource_id: &str,
        resource_type: Option<&ResourceType>,
        body: &[u8],
        told: impl FnOnce(Result<(WriteOutcome, Vec<u8>)>) + Send + 'static,
    ) {
        let identity = Identity { id: Some(resource_id), resource_type };
        let account = access.account();
        let judged = self.read(|tx| {
            let set = self.rule_set(tx, account)?;
            let spelling = Spelling::load(self, tx, account)?;
            let resource = Resource::parse_as(body, identity, |given| spelling.spell(given))?;
            let judged_by = set.version;
            let mut judged = Judge::new(set, self.tick()).judge(resource);
            judged.meet(tx, account, spelling.row_of(&judged.resource.resource_type))?;
            Ok((judged, judged_by))
        });
        let (judged, judged_by) = match judged {
            Ok(judged) => judged,
            Err(error) => return told(Err(error)),
        };
        let stored = judged.resource.body.clone();
        let job = move |writing: &Writing<'_>| {
            let mut changes = Changes::begin(writing, account)?;
            let version = writing.service.tick().0;
            let (outcome, _) = changes.put(judged, judged_by, version)?;
            changes.finish()?;
            Ok(outcome)
        };
        let told = |outcome: Result<WriteOutcome>| told(outcome.map(|outcome| (outcome, stored)));
        self.submit_because(Cause::by(access, CauseKind::Resource), job, told);
    }

    /// Stores many resources in one transaction: NDJSON or a JSON array. What is refused is
    /// named by line, the rest is stored.
    pub fn put_resources(self: &Arc<Self>, access: &Access, body: &[u8]) -> Result<ImportReport> {
        let account = access.account();
        let prepared = self.prepare(account, 0, &elements(body)?)?;
        self.write_by(access, CauseKind::Resource, move |writing| {
            let mut changes = Changes::begin(writing, account)?;
            let (report, _) = store(writing, &mut changes, prepared)?;
            changes.finish()?;
            Ok(report)
        })
    }

    /// A stored resource.
    pub fn resource(
        &self,
        access: &Access,
        resource_id: &str,
        resource_type: Option<&ResourceType>,
    ) -> Result<Vec<u8>> {
        self.read(|tx| {
            let key = find_told(tx, access.account(), resource_id, resource_type)?;
            tx.resource(key)?.map(|stored| stored.body).ok_or_else(missing)
        })
    }

    /// Removes a resource with its states.
    pub fn delete_resource(
        self: &Arc<Self>,
        access: &Access,
        resource_id: &str,
        resource_type: Option<&ResourceType>,
    ) -> Result<()> {
        wait_for(|told| self.submit_deletion(access, resource_id, resource_type, told))
    }

    /// The same; tells once it is durable. Whoever is told may not wait.
    pub fn submit_deletion(
        self: &Arc<Self>,
        access: &Access,
        resource_id: &str,
        resource_type: Option<&ResourceType>,
        told: impl FnOnce(Result<()>) + Send + 'static,
    ) {
        let account = access.account();
        let (id, resource_type) = (resource_id.to_owned(), resource_type.cloned());
        let job = move |writing: &Writing<'_>| {
            let key = find_told(writing.tx, account, &id, resource_type.as_ref())?;
            let mut changes = Changes::begin(writing, account)?;
            changes.delete(key, &id, writing.service.tick().0)?;
            changes.finish()
        };
        self.submit_because(Cause::by(access, CauseKind::Resource), job, told);
    }

    /// Reads, checks and judges the lines of an input, the first of which is line `first` + 1.
    pub(crate) fn prepare(
        &self,
        account: AccountNo,
        first: u64,
        lines: &[&[u8]],
    ) -> Result<Prepared> {
        let (set, spelling) =
            self.read(|tx| Ok((self.rule_set(tx, account)?, Spelling::load(self, tx, account)?)))?;
        let judged_by = set.version;
        let mut judge = Judge::new(set, self.tick());
        let mut report = ImportReport::default();
        let mut judged = Vec::with_capacity(lines.len());
        let mut line = first;
        for text in lines {
            line += 1;
            if text.trim_ascii().is_empty() {
                continue;
            }
            match Resource::parse(text, |given| spelling.spell(given)) {
                Ok(resource) => judged.push((line, judge.judge(resource))),
                Err(error) => report.refuse(line, error.message().to_owned()),
            }
        }
        // In the order of their keys the store's pages are met once, and of two lines about
        // the same resource the later one stays the later one.
        judged.sort_by_cached_key(|(_, of): &(u64, Judged)| {
            (of.resource.resource_type.key(), of.resource.id.clone())
        });
        // A snapshot of its own: one that is open while all are judged would keep the log from
        // starting over.
        self.read(|tx| {
            judged.iter_mut().try_for_each(|(_, of)| {
                of.meet(tx, account, spelling.row_of(&of.resource.resource_type))
            })
        })?;
        Ok(Prepared { judged, judged_by, report, lines: line - first })
    }
}

/// Stores what was prepared; the keys of all resources that were met.
pub(crate) fn store(
    writing: &Writing<'_>,
    changes: &mut Changes<'_>,
    prepared: Prepared,
) -> Result<(ImportReport, Vec<ResourceKey>)> {
    let Prepared { judged, judged_by, mut report, .. } = prepared;
    let mut met = Vec::with_capacity(judged.len());
    for (_, one) in judged {
        let (outcome, key) = changes.put(one, judged_by, writing.service.tick().0)?;
        report.count(outcome);
        met.push(key);
    }
    Ok((report, met))
}

/// The lines of NDJSON, or the elements of a JSON array.
pub(crate) fn elements(body: &[u8]) -> Result<Vec<&[u8]>> {
    let trimmed = body.trim_ascii();
    if trimmed.first() == Some(&b'[') {
        let elements: Vec<&RawValue> = serde_json::from_slice(trimmed).map_err(|e| {
            Error::with(ErrorCode::MalformedBody, format!("The body is not a JSON array: {e}."))
        })?;
        return Ok(elements.into_iter().map(|element| element.get().as_bytes()).collect());
    }
    Ok(lines(body))
}

/// The lines of NDJSON, blank ones included: they count, so that a refusal names the line as
/// an editor does.
pub(crate) fn lines(body: &[u8]) -> Vec<&[u8]> {
    let mut from = 0;
    let mut lines: Vec<&[u8]> = memchr::memchr_iter(b'\n', body)
        .filter_map(|end| {
            let line = body.get(from..end);
            from = end + 1;
            line
        })
        .collect();
    lines.extend(body.get(from..).filter(|rest| !rest.is_empty()));
    lines
}

/// Accounts whose types are kept at most.
const KEPT: usize = 1024;

/// Types of an account in the order in which they were added.
type SpelledTypes = Vec<(TypeNo, ResourceType)>;

/// The types of accounts, as they are spelled. A type is added once and stays as it is, so what is
/// known holds for as long as none was added after the newest of it.
#[derive(Debug, Default)]
pub(crate) struct KnownTypes(Mutex<HashMap<AccountNo, Arc<SpelledTypes>>>);

impl KnownTypes {
    fn get(&self, tx: &dyn ReadTx, account: AccountNo) -> Result<Arc<Vec<(TypeNo, ResourceType)>>> {
        let newest = tx.newest_type(account)?;
        if let Some(known) = self.0.lock().get(&account)
            && known.last().map(|(no, _)| *no) == newest
        {
            return Ok(Arc::clone(known));
        }
        let rows = tx.types(account)?;
        let rows = Arc::new(rows.into_iter().map(|row| (row.no, row.resource_type)).collect());
        let mut known = self.0.lock();
        if known.len() >= KEPT {
            // Those in use come back.
            known.clear();
        }
        known.insert(account, Arc::clone(&rows));
        Ok(rows)
    }
}

/// How types are spelled in an account: as the catalogue spells them (a policy's guards compare
/// byte by byte), else as they were first seen.
pub(crate) struct Spelling<'a> {
    catalogued: &'a HashMap<String, ResourceType>,
    rows: Arc<SpelledTypes>,
    /// Types that are met for the first time.
    seen: RefCell<Vec<ResourceType>>,
}

impl<'a> Spelling<'a> {
    pub(crate) fn load(service: &'a Service, tx: &dyn ReadTx, account: AccountNo) -> Result<Self> {
        let rows = service.known_types.get(tx, account)?;
        Ok(Self { catalogued: &service.catalogued_types, rows, seen: RefCell::default() })
    }

    /// The row of a type that the account has, and spells like that.
    fn row_of(&self, of: &ResourceType) -> Option<TypeNo> {
        let is_it =
            |row: &&(TypeNo, ResourceType)| row.1.provider == of.provider && row.1.name == of.name;
        self.rows.iter().find(is_it).map(|row| row.0)
    }

    pub(crate) fn spell(&self, given: ResourceType) -> ResourceType {
        if let Some(known) = self.catalogued.get(&given.key()) {
            return known.clone();
        }
        if let Some((_, known)) = self.rows.iter().find(|(_, known)| *known == given) {
            return known.clone();
        }
        let mut seen = self.seen.borrow_mut();
        if let Some(known) = seen.iter().find(|known| **known == given) {
            return known.clone();
        }
        seen.push(given.clone());
        given
    }
}

/// The types that a catalogue spells, and those of the table of relations, by their folded names.
pub(crate) fn catalogued_types(catalogue: &Catalogue) -> HashMap<String, ResourceType> {
    let catalogued = catalogue
        .list()
        .iter()
        .flat_map(|definition| &definition.default_resource_types)
        .map(|of| ResourceType::new(&of.provider, &of.kind));
    spelled_types().chain(catalogued).map(|of| (of.key(), of)).collect()
}

fn missing() -> Error {
    Error::with(ErrorCode::NotFound, "No resource has this id.")
}

/// Where a recorded resource lives; 404 without one, 409 with several of several types.
pub(crate) fn find(
    tx: &dyn ReadTx,
    account: AccountNo,
    id: &str,
    resource_type: Option<&ResourceType>,
) -> Result<ResourceKey> {
    only_one(tx, tx.resources_by_id(account, id)?, resource_type)
}

/// The one of some places that has the type; 404 without one, 409 with several of several types.
pub(crate) fn only_one(
    tx: &dyn ReadTx,
    keys: Vec<ResourceKey>,
    resource_type: Option<&ResourceType>,
) -> Result<ResourceKey> {
    let mut found = Vec::new();
    for key in keys {
        let actual = type_of(tx, key.chunk())?;
        if resource_type.is_none_or(|wanted| Some(wanted) == actual.as_ref()) {
            found.push(key);
        }
    }
    match found.as_slice() {
        [] => Err(missing()),
        [key] => Ok(*key),
        _ => Err(Error::new(ErrorCode::ResourceAmbiguous)),
    }
}
