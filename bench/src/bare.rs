//! The bare store: the same bodies, the same indexes, the same sync, nothing else. What every
//! ratio of a write is measured against.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hasher as _;
use std::io::BufRead as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use ruleward_types::Resource;
use rusqlite::{Connection, OpenFlags, params};
use serde_json::Value;
use siphasher::sip::SipHasher13;

const SLOTS: i64 = 4096;

const SCHEMA: &str = "
    CREATE TABLE resource (key INTEGER PRIMARY KEY, version INTEGER NOT NULL, id TEXT NOT NULL,
        body BLOB NOT NULL, created INTEGER NOT NULL);
    CREATE TABLE resource_by_id (hash INTEGER NOT NULL, key INTEGER NOT NULL,
        PRIMARY KEY (hash, key)) WITHOUT ROWID;
    CREATE TABLE resource_by_name (hash INTEGER NOT NULL, key INTEGER NOT NULL,
        PRIMARY KEY (hash, key)) WITHOUT ROWID;
    CREATE TABLE relation (target INTEGER NOT NULL, key INTEGER NOT NULL, since INTEGER NOT NULL,
        PRIMARY KEY (target, key)) WITHOUT ROWID;
    CREATE TABLE facet (no INTEGER PRIMARY KEY, account INTEGER NOT NULL, kind INTEGER NOT NULL,
        name TEXT NOT NULL, value TEXT NOT NULL, type INTEGER NOT NULL, count INTEGER NOT NULL,
        UNIQUE (account, kind, name, value, type));
    CREATE TABLE posting (facet INTEGER NOT NULL, chunk INTEGER NOT NULL, slots BLOB NOT NULL,
        PRIMARY KEY (facet, chunk)) WITHOUT ROWID;";

/// Kind, name and value.
type Facet = (i64, String, String);

/// By facet and type: the keys of those that have it.
type Marks<'a> = BTreeMap<(&'a Facet, i64), Vec<i64>>;

/// A resource with what stands in the indexes.
struct Row {
    resource: Resource,
    name: String,
    facets: Vec<Facet>,
}

impl Row {
    fn of(resource: Resource) -> Result<Self> {
        let body: Value = serde_json::from_slice(&resource.body)?;
        let text =
            |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let named = |kind, name| (kind, text(name), String::new());
        let mut facets = vec![named(1, "region_id"), named(2, "project_id"), named(3, "ep_id")];
        for (key, value) in body.get("tags").and_then(Value::as_object).into_iter().flatten() {
            facets.push((4, key.clone(), String::new()));
            facets.push((5, key.clone(), value.as_str().unwrap_or_default().to_owned()));
        }
        Ok(Self { name: text("name"), facets, resource })
    }
}

/// What the bare store knows of the rows that it wrote.
#[derive(Default)]
struct State {
    /// The chunk and the next slot of each type, and its number.
    types: HashMap<String, (i64, i64, i64)>,
    chunks: i64,
    facets: HashMap<(Facet, i64), i64>,
    postings: HashMap<(i64, i64), Vec<u8>>,
    /// Rows of relations that were not written yet, the next one last.
    relations: Vec<[i64; 3]>,
    count: i64,
}

impl State {
    /// A key for a resource, and the number of its type.
    fn allot(&mut self, resource: &Resource) -> Result<(i64, i64)> {
        let number = i64::try_from(self.types.len()).context("types")?;
        let chunks = &mut self.chunks;
        let place = self.types.entry(resource.resource_type.key()).or_insert_with(|| {
            *chunks += 1;
            (*chunks, 0, number)
        });
        if place.1 == SLOTS {
            *chunks += 1;
            (place.0, place.1) = (*chunks, 0);
        }
        let key = (place.0 << 12) | place.1;
        place.1 += 1;
        Ok((key, place.2))
    }
}

/// Inserts the resources of an NDJSON file in batches of `batch` bytes, one synced commit each.
/// The rows of relations are those that an import of the same file left in `imported`. Returns how many
/// resources and the seconds that the inserts and commits took, reading not included.
pub fn insert(file: &Path, database: &Path, imported: &Path, batch: usize) -> Result<(u64, f64)> {
    let connection = Connection::open(database)?;
    for (name, value) in [
        ("page_size", "8192"),
        ("journal_mode", "wal"),
        ("synchronous", "full"),
        ("cache_size", "-32768"),
    ] {
        connection.pragma_update(None, name, value)?;
    }
    connection.execute_batch(SCHEMA)?;
    let (relations, resources) = relations(imported)?;
    let each = relations.len() as u64 / resources.max(1) + 1;
    let mut state = State { relations, ..State::default() };
    let reader = std::io::BufReader::new(std::fs::File::open(file)?);
    let (mut pending, mut bytes, mut seconds) = (Vec::new(), 0, 0.0);
    for line in reader.split(b'\n') {
        let line = line?;
        bytes += line.len() + 1;
        pending.push(Row::of(Resource::parse(&line, |given| given)?)?);
        if bytes >= batch {
            seconds += commit(&connection, &mut state, std::mem::take(&mut pending), each)?;
            bytes = 0;
        }
    }
    seconds += commit(&connection, &mut state, pending, each)?;
    Ok((state.count.cast_unsigned(), seconds))
}

/// The rows of relations of a store in the order in which they were written, the first one last, and
/// how many resources it has.
fn relations(like: &Path) -> Result<(Vec<[i64; 3]>, u64)> {
    let like = Connection::open_with_flags(like, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut rows =
        like.prepare("SELECT target, key, since FROM relation ORDER BY since DESC, target DESC")?;
    let rows = rows
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))?
        .collect::<rusqlite::Result<_>>()?;
    let resources: i64 = like.query_row("SELECT count(*) FROM resource", [], |row| row.get(0))?;
    Ok((rows, resources.cast_unsigned()))
}

fn hash(text: &str) -> i64 {
    let mut hasher = SipHasher13::new_with_key(&[7; 16]);
    hasher.write(text.as_bytes());
    hasher.finish().cast_signed()
}

fn commit(
    connection: &Connection,
    state: &mut State,
    mut rows: Vec<Row>,
    relations_each: u64,
) -> Result<f64> {
    rows.sort_by_cached_key(|of| (of.resource.resource_type.key(), of.resource.id.clone()));
    let (mut keys, mut names, mut marks) = (Vec::new(), Vec::new(), Marks::new());
    for Row { resource, name, facets } in &rows {
        let (key, of_type) = state.allot(resource)?;
        keys.push(key);
        names.push((hash(name), key));
        for facet in facets {
            marks.entry((facet, of_type)).or_default().push(key);
        }
    }
    names.sort_unstable();
    let due = usize::try_from(rows.len() as u64 * relations_each)?.min(state.relations.len());
    let mut due = state.relations.split_off(state.relations.len() - due);
    due.sort_unstable();
    let begun = Instant::now();
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut body = connection.prepare_cached(
        "INSERT INTO resource (key, version, id, body, created) VALUES (?1, ?2, ?3, ?4, ?2)",
    )?;
    let mut index =
        connection.prepare_cached("INSERT INTO resource_by_id (hash, key) VALUES (?1, ?2)")?;
    for (key, Row { resource, .. }) in keys.iter().zip(&rows) {
        state.count += 1;
        body.execute(params![key, state.count, resource.id, resource.body])?;
        index.execute(params![hash(&resource.id), key])?;
    }
    let mut by_name =
        connection.prepare_cached("INSERT INTO resource_by_name (hash, key) VALUES (?1, ?2)")?;
    for (hash, key) in names {
        by_name.execute([hash, key])?;
    }
    let mut relation = connection
        .prepare_cached("INSERT INTO relation (target, key, since) VALUES (?1, ?2, ?3)")?;
    for row in due {
        relation.execute(row)?;
    }
    write_facets(connection, state, &marks)?;
    connection.execute_batch("COMMIT")?;
    Ok(begun.elapsed().as_secs_f64())
}

fn write_facets(connection: &Connection, state: &mut State, marks: &Marks<'_>) -> Result<()> {
    let mut new = connection.prepare_cached(
        "INSERT INTO facet (account, kind, name, value, type, count) VALUES (1, ?1, ?2, ?3, ?4, ?5)",
    )?;
    let mut counted =
        connection.prepare_cached("UPDATE facet SET count = count + ?2 WHERE no = ?1")?;
    let mut touched = BTreeSet::new();
    for ((facet, of_type), keys) in marks {
        let more = i64::try_from(keys.len())?;
        let place = ((*facet).clone(), *of_type);
        let no = if let Some(no) = state.facets.get(&place) {
            counted.execute([*no, more])?;
            *no
        } else {
            new.execute(params![facet.0, facet.1, facet.2, of_type, more])?;
            let no = connection.last_insert_rowid();
            state.facets.insert(place, no);
            no
        };
        for key in keys {
            let (chunk, slot) = (key >> 12, usize::try_from(key & (SLOTS - 1))?);
            let slots = state.postings.entry((no, chunk)).or_default();
            slots.resize(slots.len().max(slot / 8 + 1), 0);
            if let Some(byte) = slots.get_mut(slot / 8) {
                *byte |= 1 << (slot % 8);
            }
            touched.insert((no, chunk));
        }
    }
    let mut posting = connection.prepare_cached(
        "INSERT INTO posting (facet, chunk, slots) VALUES (?1, ?2, ?3)
         ON CONFLICT (facet, chunk) DO UPDATE SET slots = excluded.slots",
    )?;
    for (no, chunk) in touched {
        posting.execute(params![no, chunk, state.postings.get(&(no, chunk))])?;
    }
    Ok(())
}
