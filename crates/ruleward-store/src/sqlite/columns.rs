//! Columns.

use ruleward_types::{ChunkNo, Error, ResourceKey, Result};
use rusqlite::params;

use super::{Tx, failed};
use crate::{ReadColumns, WriteColumns};

fn key(chunk: ChunkNo, place: usize) -> i64 {
    ResourceKey::new(chunk, place).0
}

impl ReadColumns for Tx<'_> {
    fn column_ids(&self, chunk: ChunkNo) -> Result<Vec<u64>> {
        let sql = "SELECT ids FROM column_directory WHERE chunk = ?1";
        let bytes: Vec<u8> = self.one(sql, [chunk.0], |row| row.get(0))?.unwrap_or_default();
        let (ids, _) = bytes.as_chunks::<8>();
        Ok(ids.iter().map(|id| u64::from_le_bytes(*id)).collect())
    }

    fn columns(
        &self,
        chunk: ChunkNo,
        places: &[usize],
        visit: &mut dyn FnMut(usize, &[u8]),
    ) -> Result<()> {
        // A range costs less than look-ups, but it reads what nobody asks for between them as well.
        let ranges: Vec<&[usize]> = match (places.first(), places.last()) {
            (Some(first), Some(last)) if last - first < 2 * places.len() => vec![places],
            _ => places.chunks(1).collect(),
        };
        let failed = failed("read columns");
        let sql = "SELECT key, bytes FROM resource_column WHERE key >= ?1 AND key <= ?2";
        let mut statement = self.connection.prepare_cached(sql).map_err(&failed)?;
        for range in ranges {
            let (Some(first), Some(last)) = (range.first(), range.last()) else { continue };
            let ends = [key(chunk, *first), key(chunk, *last)];
            let mut rows = statement.query(ends).map_err(&failed)?;
            let mut wanted = range.iter().copied();
            let mut next = wanted.next();
            while let Some(row) = rows.next().map_err(&failed)? {
                let found: i64 = row.get(0).map_err(&failed)?;
                if let Some(place) = next.filter(|place| key(chunk, *place) == found) {
                    let bytes = row.get_ref(1).map_err(&failed)?;
                    visit(place, bytes.as_blob().map_err(|e| Error::internal("read columns", e))?);
                    next = wanted.next();
                }
            }
            if next.is_some() {
                return Err(Error::internal("read columns", "one is not there"));
            }
        }
        Ok(())
    }

    fn stale_slots(&self, chunk: ChunkNo) -> Result<Vec<u8>> {
        let sql = "SELECT stale_slots FROM chunk WHERE no = ?1";
        Ok(self.one(sql, [chunk.0], |row| row.get(0))?.unwrap_or_default())
    }
}

impl WriteColumns for Tx<'_> {
    fn put_columns(&self, chunk: ChunkNo, columns: &[(u64, Vec<u8>)]) -> Result<()> {
        let mut ids = self.column_ids(chunk)?;
        let known = ids.len();
        for (id, bytes) in columns {
            let place = ids.iter().position(|known| known == id).unwrap_or_else(|| {
                ids.push(*id);
                ids.len() - 1
            });
            self.execute(
                "INSERT INTO resource_column (key, bytes) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes",
                params![key(chunk, place), bytes],
            )?;
        }
        if ids.len() == known {
            return Ok(());
        }
        let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        self.execute(
            "INSERT INTO column_directory (chunk, ids) VALUES (?1, ?2)
             ON CONFLICT (chunk) DO UPDATE SET ids = excluded.ids",
            params![chunk.0, bytes],
        )
        .map(drop)
    }

    fn delete_columns(&self, chunk: ChunkNo) -> Result<()> {
        let (first, end) = (key(chunk, 0), key(ChunkNo(chunk.0 + 1), 0));
        self.execute("DELETE FROM resource_column WHERE key >= ?1 AND key < ?2", [first, end])?;
        self.execute("DELETE FROM column_directory WHERE chunk = ?1", [chunk.0]).map(drop)
    }

    fn put_stale_slots(&self, chunk: ChunkNo, slots: &[u8]) -> Result<()> {
        self.execute("UPDATE chunk SET stale_slots = ?2 WHERE no = ?1", params![chunk.0, slots])
            .map(drop)
    }
}
