//! Types, chunks, planes and tickets.

use ruleward_types::{AccountNo, ChunkNo, Error, ResourceType, Result, TypeNo};
use rusqlite::{Row, params};

use super::Tx;
use crate::{Chunk, MarkedChunk, ReadChunks, Ticket, TypeRow, WholeChunk, WriteChunks};

fn chunk(row: &Row<'_>) -> rusqlite::Result<Chunk> {
    let slots = |n: i64| usize::try_from(n).unwrap_or(0);
    Ok(Chunk {
        no: ChunkNo(row.get(0)?),
        account: AccountNo(row.get(1)?),
        type_no: TypeNo(row.get(2)?),
        version: row.get(3)?,
        used: slots(row.get(4)?),
        live: slots(row.get(5)?),
        column_slots: slots(row.get(6)?),
        checkpoint: row.get(7)?,
        recorded: row.get(8)?,
    })
}

fn number(n: usize) -> Result<i64> {
    i64::try_from(n).map_err(|e| Error::internal("store", e))
}

impl ReadChunks for Tx<'_> {
    fn types(&self, account: AccountNo) -> Result<Vec<TypeRow>> {
        let sql =
            "SELECT no, provider, name, changes FROM resource_type WHERE account = ?1 ORDER BY no";
        self.all(sql, [account.0], |row| {
            Ok(TypeRow {
                no: TypeNo(row.get(0)?),
                resource_type: ResourceType::new(
                    row.get::<_, String>(1)?,
                    row.get::<_, String>(2)?,
                ),
                changes: row.get(3)?,
            })
        })
    }

    fn newest_type(&self, account: AccountNo) -> Result<Option<TypeNo>> {
        let sql = "SELECT max(no) FROM resource_type WHERE account = ?1";
        Ok(self.one(sql, [account.0], |row| row.get(0))?.flatten().map(TypeNo))
    }

    fn resource_type(&self, no: TypeNo) -> Result<Option<ResourceType>> {
        let sql = "SELECT provider, name FROM resource_type WHERE no = ?1";
        self.one(sql, [no.0], |row| {
            Ok(ResourceType::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
    }

    fn chunks(
        &self,
        account: AccountNo,
        type_no: Option<TypeNo>,
        after: Option<ChunkNo>,
        limit: usize,
    ) -> Result<Vec<Chunk>> {
        let after = after.map_or(0, |no| no.0);
        let limit = number(limit.min(1 << 30))?;
        match type_no {
            Some(type_no) => self.all(
                "SELECT no, account, type, version, used, live, column_slots, checkpoint, recorded
                   FROM chunk
                 WHERE account = ?1 AND type = ?2 AND no > ?3 AND recorded = 1 ORDER BY no LIMIT ?4",
                [account.0, type_no.0, after, limit],
                chunk,
            ),
            None => self.all(
                "SELECT no, account, type, version, used, live, column_slots, checkpoint, recorded
                   FROM chunk
                 WHERE account = ?1 AND no > ?2 AND recorded = 1 ORDER BY no LIMIT ?3",
                [account.0, after, limit],
                chunk,
            ),
        }
    }

    fn next_chunk(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        from: ChunkNo,
    ) -> Result<Option<Chunk>> {
        let sql =
            "SELECT no, account, type, version, used, live, column_slots, checkpoint, recorded
                   FROM chunk
                   WHERE account = ?1 AND type = ?2 AND no >= ?3 ORDER BY no LIMIT 1";
        self.one(sql, [account.0, type_no.0, from.0], chunk)
    }

    fn chunk_numbers(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        from: ChunkNo,
        limit: usize,
    ) -> Result<Vec<ChunkNo>> {
        let sql = "SELECT no FROM chunk WHERE account = ?1 AND type = ?2 AND no >= ?3
                   ORDER BY no LIMIT ?4";
        self.all(sql, [account.0, type_no.0, from.0, number(limit)?], |row| row.get(0).map(ChunkNo))
    }

    fn last_chunk(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        recorded: bool,
    ) -> Result<Option<Chunk>> {
        // Spelled out, so that each is found in the index that has no others.
        let sql = if recorded {
            "SELECT no, account, type, version, used, live, column_slots, checkpoint, recorded
                   FROM chunk
                   WHERE account = ?1 AND type = ?2 AND recorded = 1 ORDER BY no DESC LIMIT 1"
        } else {
            "SELECT no, account, type, version, used, live, column_slots, checkpoint, recorded
                   FROM chunk
                   WHERE account = ?1 AND type = ?2 AND recorded = 0 ORDER BY no DESC LIMIT 1"
        };
        self.one(sql, [account.0, type_no.0], chunk)
    }

    fn shadowed_slots(&self, no: ChunkNo) -> Result<Vec<u8>> {
        let sql = "SELECT shadowed_slots FROM chunk WHERE no = ?1";
        Ok(self.one(sql, [no.0], |row| row.get(0))?.unwrap_or_default())
    }

    fn marked_chunks(
        &self,
        account: AccountNo,
        from: ChunkNo,
        limit: usize,
    ) -> Result<Vec<MarkedChunk>> {
        // As the index says it that has no others.
        let sql = "SELECT no, recorded, shadowed_slots FROM chunk WHERE account = ?1 AND no >= ?2
                   AND ((recorded = 0 AND live > 0) OR shadowed_slots <> x'') ORDER BY no LIMIT ?3";
        self.all(sql, [account.0, from.0, number(limit)?], |row| {
            let (no, recorded, shadowed_slots) = (ChunkNo(row.get(0)?), row.get(1)?, row.get(2)?);
            Ok(MarkedChunk { no, recorded, shadowed_slots })
        })
    }

    fn chunks_to_catch_up(&self, account: AccountNo) -> Result<Vec<Chunk>> {
        let sql =
            "SELECT no, account, type, version, used, live, column_slots, checkpoint, recorded
                   FROM chunk WHERE account = ?1
                   AND ((recorded = 0 AND live > 0) OR shadowed_slots <> x'') ORDER BY no";
        self.all(sql, [account.0], chunk)
    }

    fn chunks_without_facets(&self, limit: usize) -> Result<Vec<Chunk>> {
        let sql =
            "SELECT no, account, type, version, used, live, column_slots, checkpoint, recorded
                   FROM chunk
                   WHERE has_facets = 0 ORDER BY no LIMIT ?1";
        self.all(sql, [number(limit)?], chunk)
    }

    fn chunk(&self, no: ChunkNo) -> Result<Option<Chunk>> {
        let sql =
            "SELECT no, account, type, version, used, live, column_slots, checkpoint, recorded
                   FROM chunk WHERE no = ?1";
        self.one(sql, [no.0], chunk)
    }

    fn whole_chunk(&self, no: ChunkNo) -> Result<Option<WholeChunk>> {
        let sql =
            "SELECT no, account, type, version, used, live, column_slots, checkpoint, recorded,
                    bytes, stale_slots, shadowed_slots
                   FROM chunk LEFT JOIN planes ON planes.chunk = chunk.no WHERE no = ?1";
        self.one(sql, [no.0], |row| {
            Ok(WholeChunk {
                chunk: chunk(row)?,
                planes: row.get::<_, Option<_>>(9)?.unwrap_or_default(),
                stale_slots: row.get(10)?,
                shadowed_slots: row.get(11)?,
            })
        })
    }

    fn planes(&self, no: ChunkNo) -> Result<Vec<u8>> {
        let sql = "SELECT bytes FROM planes WHERE chunk = ?1";
        Ok(self.one(sql, [no.0], |row| row.get(0))?.unwrap_or_default())
    }

    fn tickets(&self, after: ChunkNo, limit: usize) -> Result<Vec<Ticket>> {
        let sql = "SELECT chunk, generation FROM ticket WHERE chunk > ?1 ORDER BY chunk LIMIT ?2";
        self.all(sql, [after.0, number(limit)?], |row| {
            Ok(Ticket { chunk: ChunkNo(row.get(0)?), generation: row.get(1)? })
        })
    }

    fn ticket_count(&self) -> Result<i64> {
        Ok(self.one("SELECT count(*) FROM ticket", [], |row| row.get(0))?.unwrap_or(0))
    }
}

impl WriteChunks for Tx<'_> {
    fn ensure_type(&self, account: AccountNo, resource_type: &ResourceType) -> Result<TypeNo> {
        let folded = resource_type.key();
        let sql = "SELECT no FROM resource_type WHERE account = ?1 AND folded = ?2";
        if let Some(no) = self.one(sql, params![account.0, folded], |row| row.get(0))? {
            return Ok(TypeNo(no));
        }
        self.execute(
            "INSERT INTO resource_type (account, folded, provider, name) VALUES (?1, ?2, ?3, ?4)",
            params![account.0, folded, resource_type.provider, resource_type.name],
        )?;
        Ok(TypeNo(self.inserted_row()))
    }

    fn bump_type_changes(&self, no: TypeNo) -> Result<()> {
        self.execute("UPDATE resource_type SET changes = changes + 1 WHERE no = ?1", [no.0])
            .map(drop)
    }

    fn insert_chunk(&self, account: AccountNo, type_no: TypeNo, recorded: bool) -> Result<Chunk> {
        self.execute(
            "INSERT INTO chunk (account, type, version, used, live, recorded, has_facets)
             VALUES (?1, ?2, 0, 0, 0, ?3, 1)",
            params![account.0, type_no.0, recorded],
        )?;
        let no = ChunkNo(self.inserted_row());
        Ok(Chunk {
            no,
            account,
            type_no,
            version: 0,
            used: 0,
            live: 0,
            column_slots: 0,
            checkpoint: 0,
            recorded,
        })
    }

    fn put_shadowed_slots(&self, no: ChunkNo, slots: &[u8]) -> Result<()> {
        let sql = "UPDATE chunk SET shadowed_slots = ?2 WHERE no = ?1";
        self.execute(sql, params![no.0, slots]).map(drop)
    }

    fn set_has_facets(&self, no: ChunkNo) -> Result<()> {
        self.execute("UPDATE chunk SET has_facets = 1 WHERE no = ?1", [no.0]).map(drop)
    }

    fn update_chunk(&self, chunk: &Chunk) -> Result<()> {
        self.execute(
            "UPDATE chunk SET version = ?2, used = ?3, live = ?4, column_slots = ?5,
             checkpoint = ?6 WHERE no = ?1",
            [
                chunk.no.0,
                chunk.version,
                number(chunk.used)?,
                number(chunk.live)?,
                number(chunk.column_slots)?,
                chunk.checkpoint,
            ],
        )
        .map(drop)
    }

    fn put_planes(&self, no: ChunkNo, bytes: &[u8]) -> Result<()> {
        let sql = "INSERT INTO planes (chunk, bytes) VALUES (?1, ?2)
                   ON CONFLICT (chunk) DO UPDATE SET bytes = excluded.bytes";
        self.execute(sql, params![no.0, bytes]).map(drop)
    }

    fn enqueue(&self, no: ChunkNo) -> Result<()> {
        let sql = "INSERT INTO ticket (chunk, generation) VALUES (?1, 1)
                   ON CONFLICT (chunk) DO UPDATE SET generation = generation + 1";
        self.execute(sql, [no.0]).map(drop)
    }

    fn finish_ticket(&self, ticket: Ticket) -> Result<()> {
        let sql = "DELETE FROM ticket WHERE chunk = ?1 AND generation = ?2";
        self.execute(sql, [ticket.chunk.0, ticket.generation]).map(drop)
    }
}
