//! A rule set by hand over the bodies of a store: read in the order of their keys, one look-up
//! for each path that a rule reads.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use super::rules::{Described, Room, TypeRules};
use crate::cpu;

fn open(database: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "cache_size", -8192)?;
    Ok(connection)
}

/// The chunks with their types, in the order of their keys.
fn chunks(connection: &Connection) -> Result<Vec<(i64, String)>> {
    let sql = "SELECT chunk.no, provider || '.' || name FROM chunk
               JOIN resource_type ON resource_type.no = chunk.type
               WHERE provider <> 'account' ORDER BY chunk.no";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn each_body(connection: &Connection, chunk: i64, mut job: impl FnMut(&[u8])) -> Result<()> {
    let sql = "SELECT body FROM resource WHERE key >= ?1 AND key < ?2 ORDER BY key";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([chunk << 12, (chunk + 1) << 12])?;
    while let Some(row) = rows.next()? {
        job(row.get_ref(0)?.as_blob()?);
    }
    Ok(())
}

/// Reads all bodies: how many, and a sum over them so that all of it is there.
fn read(connection: &Connection, chunks: &[(i64, String)]) -> Result<(u64, u64)> {
    let (mut resources, mut sum) = (0, 0_u64);
    for (chunk, _) in chunks {
        each_body(connection, *chunk, |body| {
            resources += 1;
            sum += body.iter().step_by(64).map(|byte| u64::from(*byte)).sum::<u64>();
        })?;
    }
    Ok((resources, sum))
}

/// Reads the bodies, and then reads and judges them, so many times. CPU nanoseconds of both,
/// and the violations by rule.
pub fn run(database: &Path, set: &[Described], passes: usize) -> Result<Value> {
    let connection = open(database)?;
    let chunks = chunks(&connection)?;
    let mut by_type = HashMap::new();
    for (_, kind) in &chunks {
        if !by_type.contains_key(kind) {
            by_type.insert(kind.clone(), TypeRules::new(set, kind)?);
        }
    }
    let (mut reading, mut judging) = (Vec::new(), Vec::new());
    let (mut counts, mut evaluations, mut resources) = (Vec::new(), 0, 0);
    let mut room = Room::default();
    for _ in 0..passes {
        let ((read, _), ns) = cpu::timed(|| read(&connection, &chunks))?;
        resources = read;
        reading.push(ns);
        counts = vec![0_u64; set.len()];
        evaluations = 0;
        let ((), ns) = cpu::timed(|| {
            for (chunk, kind) in &chunks {
                let rules = by_type.get(kind).context("a type without rules")?;
                each_body(&connection, *chunk, |body| {
                    evaluations += rules.judge(body, &mut room, &mut counts);
                })?;
            }
            Ok(())
        })?;
        judging.push(ns);
    }
    let named: serde_json::Map<String, Value> =
        set.iter().zip(&counts).map(|(rule, count)| (rule.name.clone(), json!(count))).collect();
    Ok(json!({ "engine": "by-hand", "resources": resources, "evaluations": evaluations,
        "reading_cpu_ns": reading, "cpu_ns": judging, "non_compliant": named }))
}
