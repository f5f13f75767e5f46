//! Facets.

use std::ops::RangeInclusive;

use ruleward_types::{
    AccountNo, ChunkNo, Error, Facet, FacetCounts, FacetKind, FacetNo, Result, TypeNo,
};
use rusqlite::{Row, params};

use super::{Tx, failed};
use crate::{FacetRow, ReadFacets, WriteFacets};

const FACET: &str = "SELECT no, type, kind, name, value, tracked, told
                     FROM facet CROSS JOIN facet_count ON facet = no";

fn facet(row: &Row<'_>) -> rusqlite::Result<FacetRow> {
    Ok(FacetRow {
        no: FacetNo(row.get(0)?),
        type_no: TypeNo(row.get(1)?),
        facet: Facet {
            kind: FacetKind::from_number(row.get(2)?).unwrap_or(FacetKind::Region),
            name: row.get(3)?,
            value: row.get(4)?,
        },
        counts: FacetCounts { tracked: row.get(5)?, told: row.get(6)? },
    })
}

impl ReadFacets for Tx<'_> {
    fn facets(
        &self,
        account: AccountNo,
        kind: FacetKind,
        name: Option<&str>,
        value: Option<&str>,
    ) -> Result<Vec<FacetRow>> {
        let (account, kind) = (account.0, kind.number());
        match (name, value) {
            (Some(name), Some(value)) => self.all(
                &format!(
                    "{FACET} WHERE account = ?1 AND kind = ?2 AND name = ?3 AND value = ?4
                     ORDER BY type"
                ),
                params![account, kind, name, value],
                facet,
            ),
            (Some(name), None) => self.all(
                &format!(
                    "{FACET} WHERE account = ?1 AND kind = ?2 AND name = ?3 ORDER BY value, type"
                ),
                params![account, kind, name],
                facet,
            ),
            (None, _) => self.all(
                &format!("{FACET} WHERE account = ?1 AND kind = ?2 ORDER BY name, value, type"),
                params![account, kind],
                facet,
            ),
        }
    }

    fn facet_numbers(&self, account: AccountNo, facet: &Facet) -> Result<Vec<(TypeNo, FacetNo)>> {
        // From the index alone: the row with its counts is not looked up.
        let sql = "SELECT type, no FROM facet
                   WHERE account = ?1 AND kind = ?2 AND name = ?3 AND value = ?4 ORDER BY type";
        self.all(sql, params![account.0, facet.kind.number(), facet.name, facet.value], |row| {
            Ok((TypeNo(row.get(0)?), FacetNo(row.get(1)?)))
        })
    }

    fn facet(&self, account: AccountNo, no: FacetNo) -> Result<Option<FacetRow>> {
        self.one(&format!("{FACET} WHERE no = ?1 AND account = ?2"), [no.0, account.0], facet)
    }

    fn facet_no(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        facet: &Facet,
    ) -> Result<Option<FacetNo>> {
        let sql = "SELECT no FROM facet
                   WHERE account = ?1 AND kind = ?2 AND name = ?3 AND value = ?4 AND type = ?5";
        self.one(
            sql,
            params![account.0, facet.kind.number(), facet.name, facet.value, type_no.0],
            |row| row.get(0).map(FacetNo),
        )
    }

    fn facet_in_chunk(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        facet: &Facet,
        chunk: ChunkNo,
    ) -> Result<Option<(FacetNo, Vec<u8>)>> {
        let sql = "SELECT no, ifnull(slots, x'') FROM facet
                   LEFT JOIN posting p ON p.facet = no AND p.chunk = ?6
                   WHERE account = ?1 AND kind = ?2 AND name = ?3 AND value = ?4 AND type = ?5";
        let Facet { kind, name, value } = facet;
        self.one(sql, params![account.0, kind.number(), name, value, type_no.0, chunk.0], |row| {
            Ok((FacetNo(row.get(0)?), row.get(1)?))
        })
    }

    fn facet_names(
        &self,
        account: AccountNo,
        kind: FacetKind,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(FacetNo, String)>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.all(
            "SELECT min(no), name FROM facet WHERE account = ?1 AND kind = ?2 AND name > ?3
             GROUP BY name ORDER BY name LIMIT ?4",
            params![account.0, kind.number(), after, limit],
            |row| Ok((FacetNo(row.get(0)?), row.get(1)?)),
        )
    }

    fn posting(&self, facet: FacetNo, chunk: ChunkNo) -> Result<Vec<u8>> {
        let sql = "SELECT slots FROM posting WHERE facet = ?1 AND chunk = ?2";
        Ok(self.one(sql, [facet.0, chunk.0], |row| row.get(0))?.unwrap_or_default())
    }

    fn scan_postings(
        &self,
        facet: FacetNo,
        chunks: RangeInclusive<ChunkNo>,
        limit: usize,
        visit: &mut dyn FnMut(ChunkNo, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let context = failed("scan postings");
        let of_another_type = |e| Error::internal("scan postings", e);
        let sql = "SELECT chunk, slots FROM posting WHERE facet = ?1
                   AND chunk BETWEEN ?2 AND ?3 ORDER BY chunk LIMIT ?4";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(sql).map_err(&context)?;
        let mut rows = statement
            .query([facet.0, chunks.start().0, chunks.end().0, limit])
            .map_err(&context)?;
        while let Some(row) = rows.next().map_err(&context)? {
            let chunk = row.get_ref(0).map_err(&context)?.as_i64().map_err(of_another_type)?;
            let slots = row.get_ref(1).map_err(&context)?.as_blob().map_err(of_another_type)?;
            visit(ChunkNo(chunk), slots)?;
        }
        Ok(())
    }
}

impl WriteFacets for Tx<'_> {
    fn insert_facet(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        facet: &Facet,
        counts: FacetCounts,
    ) -> Result<FacetNo> {
        let Facet { kind, name, value } = facet;
        self.execute(
            "INSERT INTO facet (account, kind, name, value, type) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![account.0, kind.number(), name, value, type_no.0],
        )?;
        let no = self.inserted_row();
        let sql = "INSERT INTO facet_count (facet, tracked, told) VALUES (?1, ?2, ?3)";
        self.execute(sql, [no, counts.tracked, counts.told])?;
        Ok(FacetNo(no))
    }

    fn add_facet_counts(&self, deltas: &[(FacetNo, FacetCounts)]) -> Result<()> {
        let context = failed("count facets");
        // Not RETURNING: that has SQLite keep a way back from each statement, which takes the longer the
        // more the job has changed.
        let sql =
            "UPDATE facet_count SET tracked = tracked + ?2, told = told + ?3 WHERE facet = ?1";
        let mut add = self.connection.prepare_cached(sql).map_err(&context)?;
        for (no, FacetCounts { tracked, told }) in deltas {
            add.execute([no.0, *tracked, *told]).map_err(&context)?;
            if *tracked < 0 || *told < 0 {
                self.forget_facet(*no)?;
            }
        }
        Ok(())
    }

    fn put_postings(&self, postings: &[((FacetNo, ChunkNo), Vec<u8>)]) -> Result<()> {
        let context = failed("write postings");
        let sql = "INSERT INTO posting (facet, chunk, slots) VALUES (?1, ?2, ?3)
                   ON CONFLICT (facet, chunk) DO UPDATE SET slots = excluded.slots";
        let mut put = self.connection.prepare_cached(sql).map_err(&context)?;
        for ((facet, chunk), slots) in postings {
            if slots.is_empty() {
                let sql = "DELETE FROM posting WHERE facet = ?1 AND chunk = ?2";
                self.execute(sql, [facet.0, chunk.0])?;
            } else {
                put.execute(params![facet.0, chunk.0, slots]).map_err(&context)?;
            }
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Removes a facet if it counts nothing, unless somebody has it: a resource that is shadowed keeps its
    /// facets while nobody counts it.
    fn forget_facet(&self, no: FacetNo) -> Result<()> {
        let sql = "SELECT 1 FROM facet_count WHERE facet = ?1 AND tracked = 0 AND told = 0";
        if self.one(sql, [no.0], |_| Ok(()))?.is_none() {
            return Ok(());
        }
        let gone = self.execute(
            "DELETE FROM facet WHERE no = ?1 AND kind <> ?2
             AND NOT EXISTS (SELECT 1 FROM posting WHERE facet = ?1)",
            [no.0, FacetKind::TagKey.number()],
        )?;
        if gone > 0 {
            self.execute("DELETE FROM facet_count WHERE facet = ?1", [no.0])?;
        }
        Ok(())
    }
}
