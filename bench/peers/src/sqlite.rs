//! SQLite: bodies as JSONB, an index by type, one query a policy. Its regular expression is the
//! regex crate's, compiled once.

use std::path::Path;

use anyhow::Result;
use regex::Regex;
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, params};

use crate::cpu;
use crate::inventory::{Inventory, Kind};
use crate::mix::Mix;
use crate::report::Counts;

const QUERIES: [&str; 10] = [
    "kind = 0 AND body ->> '$.properties.status' = 'available'",
    "kind = 0 AND body ->> '$.properties.status' = 'in-use'
       AND coalesce(body ->> '$.properties.metadata.systemEncrypted', '0') = '0'",
    "coalesce(body ->> (SELECT tag_path FROM mix), '') NOT IN (SELECT value FROM tag_value)",
    "kind = 1 AND body ->> '$.properties.flavor.name' NOT IN (SELECT value FROM flavor)",
    "kind = 1 AND body ->> '$.properties.metadata.meteringImageId' NOT IN (SELECT value FROM image)",
    "NOT fits(body ->> '$.name')",
    "kind = 2 AND body ->> '$.properties.enabled' = 1
       AND json_array_length(body, '$.properties.mfa_devices') = 0",
    "kind = 3 AND EXISTS (SELECT 1 FROM json_each(resource.body, '$.properties.publicIps') WHERE value <> '')",
    "kind = 4 AND EXISTS (SELECT 1 FROM json_each(resource.body, '$.properties.security_group_rules') AS s
       WHERE s.value ->> '$.direction' = 'ingress' AND s.value ->> '$.action' <> 'deny'
         AND s.value ->> '$.protocol' IN ('tcp', '6', 'any', '')
         AND (s.value ->> '$.remote_ip_prefix' IN ('0.0.0.0/0', '::/0')
              OR (s.value ->> '$.remote_ip_prefix' IS NULL AND s.value ->> '$.remote_group_id' IS NULL
                  AND s.value ->> '$.remote_address_group_id' IS NULL))
         AND (s.value ->> '$.port_range_min' IS NULL
              OR (SELECT port FROM mix) BETWEEN s.value ->> '$.port_range_min' AND s.value ->> '$.port_range_max'))",
    "kind = 5 AND body ->> '$.properties.minimum_password_length' < (SELECT least FROM mix)",
];

fn load(connection: &Connection, inventory: &Inventory, mix: &Mix) -> Result<()> {
    connection.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = off; PRAGMA synchronous = off;
         PRAGMA cache_size = -524288;
         CREATE TABLE resource (key INTEGER PRIMARY KEY, kind INTEGER NOT NULL, body BLOB NOT NULL);
         CREATE TABLE mix (tag_path TEXT, port INTEGER, least INTEGER);
         CREATE TABLE tag_value (value TEXT PRIMARY KEY) WITHOUT ROWID;
         CREATE TABLE flavor (value TEXT PRIMARY KEY) WITHOUT ROWID;
         CREATE TABLE image (value TEXT PRIMARY KEY) WITHOUT ROWID;
         BEGIN;",
    )?;
    let tag_path = format!("$.tags.\"{}\"", mix.tag_key);
    connection
        .execute("INSERT INTO mix VALUES (?1, ?2, ?3)", params![tag_path, mix.port, mix.least])?;
    for (sql, list) in [
        ("INSERT INTO tag_value VALUES (?1)", &mix.tag_values),
        ("INSERT INTO flavor VALUES (?1)", &mix.flavors),
        ("INSERT INTO image VALUES (?1)", &mix.images),
    ] {
        for value in list {
            connection.execute(sql, [value])?;
        }
    }
    {
        let mut insert =
            connection.prepare("INSERT INTO resource (kind, body) VALUES (?1, jsonb(?2))")?;
        for (kind, body) in inventory.iter() {
            let kind = match kind {
                Kind::Volume => 0,
                Kind::Server => 1,
                Kind::User => 2,
                Kind::Database => 3,
                Kind::SecurityGroup => 4,
                Kind::PasswordPolicy => 5,
                Kind::Other => 6,
            };
            insert.execute(params![kind, std::str::from_utf8(body)?])?;
        }
    }
    connection
        .execute_batch("COMMIT; CREATE INDEX resource_by_kind ON resource (kind); ANALYZE;")?;
    Ok(())
}

/// Judges the inventory so many times, on this thread. CPU nanoseconds of each pass, loading
/// not included.
pub fn run(
    database: &Path,
    inventory: &Inventory,
    mix: &Mix,
    passes: usize,
) -> Result<(Vec<f64>, Counts)> {
    let connection = Connection::open(database)?;
    load(&connection, inventory, mix)?;
    let expression = Regex::new(&mix.expression)?;
    connection.create_scalar_function(
        "fits",
        1,
        FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_UTF8,
        move |given| Ok(given.get_raw(0).as_str().is_ok_and(|name| expression.is_match(name))),
    )?;
    let mut times = Vec::new();
    let mut counts = Counts::default();
    // Once more than asked for: the first pass warms the cache.
    for pass in 0..=passes {
        let (found, ns) = cpu::timed(|| {
            let mut counts = Counts::default();
            for (count, query) in counts.iter_mut().zip(QUERIES) {
                let sql = format!("SELECT count(*) FROM resource WHERE {query}");
                *count =
                    connection.query_row(&sql, [], |row| row.get::<_, i64>(0))?.cast_unsigned();
            }
            Ok(counts)
        })?;
        counts = found;
        if pass > 0 {
            times.push(ns);
        }
    }
    Ok((times, counts))
}
