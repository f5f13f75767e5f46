//! The bare store: the same bodies, the same indexes, the same sync, nothing else. What every
//! ratio of a write is measured against.

use std::hash::Hasher;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use ruleward_types::Resource;
use rusqlite::{Connection, params};
use siphasher::sip::SipHasher13;

/// Inserts the resources of an NDJSON file in batches of `batch` bytes, one synced commit each.
/// Returns how many and the seconds that the inserts and commits took, reading not included.
pub fn insert(file: &Path, database: &Path, batch: usize) -> Result<(u64, f64)> {
    let connection = Connection::open(database)?;
    for (name, value) in [
        ("page_size", "8192"),
        ("journal_mode", "wal"),
        ("synchronous", "full"),
        ("cache_size", "-32768"),
    ] {
        connection.pragma_update(None, name, value)?;
    }
    connection.execute_batch(
        "CREATE TABLE resource (key INTEGER PRIMARY KEY, version INTEGER NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL);
         CREATE TABLE resource_by_id (hash INTEGER NOT NULL, key INTEGER NOT NULL, PRIMARY KEY (hash, key)) WITHOUT ROWID;",
    )?;
    let reader = std::io::BufReader::new(std::fs::File::open(file)?);
    let mut keys = std::collections::HashMap::new();
    let (mut pending, mut bytes, mut count, mut seconds) = (Vec::new(), 0, 0, 0.0);
    for line in reader.split(b'\n') {
        let line = line?;
        let resource = Resource::parse(&line, |given| given)?;
        bytes += line.len() + 1;
        pending.push(resource);
        if bytes >= batch {
            seconds += commit(&connection, &mut keys, std::mem::take(&mut pending), &mut count)?;
            bytes = 0;
        }
    }
    seconds += commit(&connection, &mut keys, pending, &mut count)?;
    Ok((count, seconds))
}

type Keys = std::collections::HashMap<String, (i64, i64)>;

fn commit(
    connection: &Connection,
    keys: &mut Keys,
    mut resources: Vec<Resource>,
    count: &mut u64,
) -> Result<f64> {
    resources.sort_by_cached_key(|of| (of.resource_type.key(), of.id.clone()));
    let begun = Instant::now();
    connection.execute_batch("BEGIN IMMEDIATE")?;
    {
        let mut body = connection.prepare_cached(
            "INSERT INTO resource (key, version, id, body) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let mut index =
            connection.prepare_cached("INSERT INTO resource_by_id (hash, key) VALUES (?1, ?2)")?;
        for resource in &resources {
            let next_chunk = i64::try_from(keys.len()).context("types")? * 1_000_000;
            let (chunk, slot) = keys.entry(resource.resource_type.key()).or_insert((next_chunk, 0));
            if *slot == 4096 {
                (*chunk, *slot) = (*chunk + 1, 0);
            }
            let key = (*chunk << 12) | *slot;
            *slot += 1;
            let mut hasher = SipHasher13::new_with_key(&[7; 16]);
            hasher.write(resource.id.as_bytes());
            body.execute(params![key, 1, resource.id, resource.body])?;
            index.execute(params![hasher.finish().cast_signed(), key])?;
            *count += 1;
        }
    }
    connection.execute_batch("COMMIT")?;
    Ok(begun.elapsed().as_secs_f64())
}
