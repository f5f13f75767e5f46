//! Imports: batches acknowledged by offset, deletions only at the end of a complete stream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ruleward_store::WriteTx;
use ruleward_types::ids::random_hex;
use ruleward_types::{
    AccountNo, ChunkNo, Error, ErrorCode, ImportReport, ImportSession, ResourceKey, ResourceType,
    Result, WriteOutcome,
};

use crate::Service;
use crate::access::Access;
use crate::causes::CauseKind;
use crate::evaluation::apply::Changes;
use crate::evaluation::bits::Bits;
use crate::evaluation::each_chunk::every_chunk;
use crate::evaluation::planes::Planes;
use crate::evaluation::view;
use crate::resources::{lines, store};
use crate::service::Writing;

/// How long a batch waits for its predecessor.
const TURN: Duration = Duration::from_secs(10);
/// Longest name of a source.
const SOURCE_CHARS: usize = 256;

impl Service {
    /// Opens an import, or finds the open one of the same source again.
    pub fn open_import(
        self: &Arc<Self>,
        access: &Access,
        source: &str,
        replace: &[ResourceType],
    ) -> Result<ImportSession> {
        if source.is_empty() || source.chars().count() > SOURCE_CHARS {
            return Err(Error::invalid("source has between 1 and 256 characters"));
        }
        let account = access.account();
        let mut session = ImportSession {
            id: random_hex(16)?,
            source: source.to_owned(),
            replace: replace.iter().map(ToString::to_string).collect(),
            next_offset: 0,
            report: ImportReport::default(),
            opened: self.tick(),
            closed: false,
        };
        self.write_by(access, CauseKind::Resource, move |writing| {
            if let Some(open) = writing.tx.open_import(account, &session.source)? {
                if open.replace == session.replace {
                    return Ok(open);
                }
                return Err(Error::invalid(format!(
                    "The import {} of this source is open and replaces [{}]; end or cancel it.",
                    open.id,
                    open.replace.join(", ")
                )));
            }
            session.opened = writing.service.tick();
            writing.tx.put_import_session(account, &session)?;
            Ok(session)
        })
    }

    /// An import as it stands.
    pub fn import(&self, access: &Access, id: &str) -> Result<ImportSession> {
        self.read(|tx| tx.import_session(access.account(), id))?.ok_or_else(missing)
    }

    /// Takes a batch of NDJSON lines that continues the import. One transaction; answered when
    /// it is durable and judged.
    ///
    /// A batch may be sent before its predecessor is answered: it is read and judged meanwhile
    /// and waits a little for its turn.
    pub fn import_batch(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        offset: u64,
        body: &[u8],
    ) -> Result<ImportSession> {
        let account = access.account();
        let prepared = self.prepare(account, offset, &lines(body))?;
        self.await_turn(access, id, offset)?;
        let id = id.to_owned();
        let taken = self.write_by(access, CauseKind::Resource, move |writing| {
            let mut session = open(writing.tx, account, &id)?;
            if session.next_offset != offset {
                let words = format!(
                    "The batch begins at line {offset}, the import continues at line {}.",
                    session.next_offset
                );
                return Err(Error::with(ErrorCode::ImportOffset, words));
            }
            let lines = prepared.lines;
            let mut changes = Changes::of_import(writing, account)?;
            let (report, met) = store(writing, &mut changes, prepared)?;
            changes.finish()?;
            if !session.replace.is_empty() {
                remember(writing.tx, &session.id, met)?;
            }
            session.next_offset += lines;
            session.report.add(report);
            writing.tx.put_import_session(account, &session)?;
            Ok(session)
        })?;
        self.signal.progressed();
        Ok(taken)
    }

    fn await_turn(&self, access: &Access, id: &str, offset: u64) -> Result<()> {
        let until = Instant::now() + TURN;
        while Instant::now() < until {
            let session = self.import(access, id)?;
            if session.closed || session.next_offset >= offset {
                break;
            }
            self.signal.wait_for_progress();
        }
        Ok(())
    }

    /// Ends an import. Where it replaces types, what it did not name is deleted: only if no
    /// line was refused, and more than half of a type only by force.
    pub fn complete_import(
        self: &Arc<Self>,
        access: &Access,
        id: &str,
        force: bool,
    ) -> Result<ImportSession> {
        let (account, id) = (access.account(), id.to_owned());
        self.write_by(access, CauseKind::Resource, move |writing| {
            let mut session = open(writing.tx, account, &id)?;
            if !session.replace.is_empty() {
                if session.report.refused > 0 {
                    return Err(Error::new(ErrorCode::ImportIncomplete));
                }
                let mut changes = Changes::begin(writing, account)?;
                for name in session.replace.clone() {
                    for key in unnamed(writing.tx, account, &session, &name, force)? {
                        let Some(stored) = writing.tx.resource(key)? else { continue };
                        let resource = view::read_head(&stored.body);
                        changes.delete(key, &resource.id, writing.service.tick().0)?;
                        session.report.count(WriteOutcome::Deleted);
                    }
                }
                changes.finish()?;
                writing.tx.clear_import_seen(&session.id)?;
            }
            build_columns(writing, account)?;
            session.closed = true;
            writing.tx.put_import_session(account, &session)?;
            Ok(session)
        })
    }

    /// Gives an import up; what it stored stays.
    pub fn cancel_import(self: &Arc<Self>, access: &Access, id: &str) -> Result<()> {
        let (account, id) = (access.account(), id.to_owned());
        self.write_by(access, CauseKind::Resource, move |writing| {
            let mut session = open(writing.tx, account, &id)?;
            session.closed = true;
            writing.tx.clear_import_seen(&session.id)?;
            build_columns(writing, account)?;
            writing.tx.put_import_session(account, &session)
        })
    }
}

/// Wakes the chunks of which too much is not in their columns: rules that are made next read these.
fn build_columns(writing: &Writing<'_>, account: AccountNo) -> Result<()> {
    let upkeep = writing.service.column_sets.upkeep;
    every_chunk(writing.tx, account, None, |chunk| {
        if !upkeep.is_built(&chunk) {
            writing.tx.enqueue(chunk.no)?;
            writing.service.signal.wake_after_commit();
        }
        Ok(())
    })
}

fn missing() -> Error {
    Error::with(ErrorCode::NotFound, "No import has this id.")
}

fn open(tx: &dyn WriteTx, account: AccountNo, id: &str) -> Result<ImportSession> {
    let session = tx.import_session(account, id)?.ok_or_else(missing)?;
    if session.closed { Err(Error::new(ErrorCode::ImportClosed)) } else { Ok(session) }
}

/// Notes the resources that the import has named.
fn remember(tx: &dyn WriteTx, session: &str, met: Vec<ResourceKey>) -> Result<()> {
    let mut chunks: BTreeMap<ChunkNo, Bits> = BTreeMap::new();
    for key in met {
        let seen = match chunks.entry(key.chunk()) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(Bits::from_bytes(&tx.import_seen(session, key.chunk())?))
            }
        };
        seen.set(key.slot(), true);
    }
    for (chunk, seen) in chunks {
        tx.put_import_seen(session, chunk, &seen.to_bytes())?;
    }
    Ok(())
}

/// The resources of a type that the import did not name and that nobody else wrote since it
/// was opened.
fn unnamed(
    tx: &dyn WriteTx,
    account: AccountNo,
    session: &ImportSession,
    name: &str,
    force: bool,
) -> Result<Vec<ResourceKey>> {
    let types = tx.types(account)?;
    let Some(row) = types.into_iter().find(|row| row.resource_type.is_called(name)) else {
        return Ok(Vec::new());
    };
    let (mut doomed, mut live) = (Vec::new(), 0);
    let mut from = ChunkNo(0);
    while let Some(chunk) = tx.next_chunk(account, row.no, from)? {
        from = ChunkNo(chunk.no.0 + 1);
        let seen = Bits::from_bytes(&tx.import_seen(&session.id, chunk.no)?);
        let mut told = Planes::decode(tx.planes(chunk.no)?)?.live;
        // Of these something newer is told elsewhere, or that they are gone.
        told.and_not(&Bits::from_bytes(&tx.shadowed_slots(chunk.no)?));
        live += usize::try_from(told.count()).unwrap_or(usize::MAX);
        for slot in told.iter_from(0) {
            let key = ResourceKey::new(chunk.no, slot);
            if !seen.get(slot)
                && tx.resource(key)?.is_some_and(|stored| stored.version < session.opened.0)
            {
                doomed.push(key);
            }
        }
    }
    if !force && doomed.len() * 2 > live {
        let words = format!(
            "{} of {live} resources of type {name} would be deleted; say force to do it.",
            doomed.len()
        );
        return Err(Error::with(ErrorCode::ImportDeletesMost, words));
    }
    Ok(doomed)
}
