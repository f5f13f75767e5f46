//! A snapshot: every resource that is recorded, each as it is when it is read.
//!
//! Chunk by chunk, a few hundred resources on one read snapshot: memory does not grow with the
//! inventory, and no reader holds back the store for long.

use std::sync::Arc;

use ruleward_store::ReadTx;
use ruleward_types::{Account, AccountNo, ChunkNo, ResourceKey, Result, TypeNo};
use serde_json::{Value, json};

use super::Job;
use super::file::{Part, Written, key};
use crate::Service;
use crate::evaluation::planes::Planes;
use crate::page::Page;
use crate::relations::{Direction, relations_of};

/// Resources of one file at most, as documented.
const PART: usize = 2000;
/// Resources and bytes that are read at a time.
const READ: usize = 256;
const READ_BYTES: usize = 4 * 1024 * 1024;
const CHUNKS: usize = 64;
/// Relations of one resource at most: a network may have hundreds of thousands.
const RELATIONS: usize = 1000;

/// A resource with its relations, as the snapshot has them.
struct Item {
    body: Vec<u8>,
    relations: Vec<u8>,
}

/// The file that is being written, and those that are.
struct Parts<'a> {
    job: &'a Job,
    part: Option<Part>,
    written: Written,
}

impl Parts<'_> {
    fn push(&mut self, item: &Item) -> Result<()> {
        let part =
            if let Some(part) = &mut self.part { part } else { self.part.insert(self.begin()?) };
        part.push(&[b"{\"resource\":", &item.body, b",\"relations\":", &item.relations, b"}"])?;
        if part.items >= PART {
            self.store()?;
        }
        Ok(())
    }

    fn begin(&self) -> Result<Part> {
        let (id, time) = (&self.job.begun.id, self.job.begun.at.to_wire());
        Part::begin(&format!(
            "{{\"snapshot_id\":{},\"snapshot_time\":{},\"items\":[",
            json!(id),
            json!(time)
        ))
    }

    fn store(&mut self) -> Result<()> {
        let Some(part) = self.part.take() else { return Ok(()) };
        let Job { account, obs, begun, bucket, .. } = self.job;
        let name = key(
            obs,
            &format!(
                "RMSLogs/{id}/Snapshot/{day}/{id}_Snapshot_{region}_ResourceSnapshot_{time}_\
                 {snapshot}_part-{n}.json.gz",
                id = account.domain_id,
                day = begun.at.to_short_date_path(),
                region = obs.region_id,
                time = begun.at.to_file_name(),
                snapshot = begun.id,
                n = self.written.keys.len() + 1,
            ),
        );
        self.written.items += part.items;
        part.store(&**bucket, &name)?;
        self.written.keys.push(name);
        Ok(())
    }
}

impl Service {
    /// Writes a snapshot; `None` where the server stops before its end.
    pub(super) fn write_snapshot(self: &Arc<Self>, job: &Job) -> Result<Option<Written>> {
        let mut parts = Parts { job, part: None, written: Written::default() };
        let selection = &job.config.selection;
        let types = self.read(|tx| tx.types(job.account.no))?;
        for row in types {
            if row.resource_type.is_account() || !selection.selects(&row.resource_type) {
                continue;
            }
            let mut after = None;
            loop {
                let chunks = self.chunks_after(&job.account, row.no, after)?;
                let Some(last) = chunks.last().copied() else { break };
                after = Some(last);
                for chunk in chunks {
                    if !self.snapshot_chunk(chunk, &mut parts)? {
                        return Ok(None);
                    }
                }
            }
        }
        if parts.written.keys.is_empty() && parts.part.is_none() {
            // An empty inventory is told, too.
            parts.part = Some(parts.begin()?);
        }
        parts.store()?;
        Ok(Some(parts.written))
    }

    fn chunks_after(
        &self,
        account: &Account,
        type_no: TypeNo,
        after: Option<ChunkNo>,
    ) -> Result<Vec<ChunkNo>> {
        let chunks = self.read(|tx| tx.chunks(account.no, Some(type_no), after, CHUNKS))?;
        Ok(chunks.into_iter().map(|chunk| chunk.no).collect())
    }

    /// False where the server stops.
    fn snapshot_chunk(&self, chunk: ChunkNo, parts: &mut Parts<'_>) -> Result<bool> {
        let mut from = Some(0);
        while let Some(slot) = from {
            if self.signal.is_stopping() {
                return Ok(false);
            }
            let account = parts.job.account.no;
            let (items, next) = self.read(|tx| items(tx, account, chunk, slot))?;
            items.iter().try_for_each(|item| parts.push(item))?;
            from = next;
        }
        Ok(true)
    }
}

/// Some resources of a chunk from a slot on, and where to go on.
fn items(
    tx: &dyn ReadTx,
    account: AccountNo,
    chunk: ChunkNo,
    from: usize,
) -> Result<(Vec<Item>, Option<usize>)> {
    let live = Planes::decode(tx.planes(chunk)?)?.live;
    let (mut items, mut bytes) = (Vec::new(), 0);
    for slot in live.iter_from(from) {
        if items.len() >= READ || bytes >= READ_BYTES {
            return Ok((items, Some(slot)));
        }
        let key = ResourceKey::new(chunk, slot);
        let Some(stored) = tx.resource(key)? else { continue };
        let relations = relations(tx, account, &stored.body)?;
        bytes += stored.body.len() + relations.len();
        items.push(Item { body: stored.body, relations });
    }
    Ok((items, None))
}

/// The relations of a resource to others as a JSON list.
fn relations(tx: &dyn ReadTx, account: AccountNo, body: &[u8]) -> Result<Vec<u8>> {
    let page = Page { limit: RELATIONS, after: None };
    let found = relations_of(tx, account, body, Direction::Out, None, page)?;
    let relations: Vec<Value> = found
        .items
        .iter()
        .map(|of| {
            json!({
                "from_resource_id": of.from_id,
                "to_resource_id": of.to_id,
                "from_resource_type": of.from_type,
                "to_resource_type": of.to_type,
                "relation_type": of.relation_type,
            })
        })
        .collect();
    Ok(Value::Array(relations).to_string().into_bytes())
}
