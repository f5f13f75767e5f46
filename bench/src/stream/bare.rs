//! The same stream as bare synced inserts: one writer that groups what waits into a commit,
//! and the store's own way of checkpoints.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::changes::change;
use super::{Load, open_loop, told, watching_wal};

/// When and how the log is copied back and restarted: as in the store.
const RESTART_PAGES: i64 = 16384;
const PAUSE: Duration = Duration::from_millis(20);
const SHORT_PASS: Duration = Duration::from_millis(2);

type Insert = (u64, Vec<u8>, mpsc::SyncSender<()>);

#[derive(Debug, Default)]
struct Log {
    stop: AtomicBool,
    dirty: AtomicBool,
    pages: AtomicI64,
}

fn connect(database: &Path) -> Result<Connection> {
    let connection = Connection::open(database)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    for (name, value) in [
        ("page_size", "8192"),
        ("journal_mode", "wal"),
        ("synchronous", "full"),
        ("wal_autocheckpoint", "0"),
        ("cache_size", "-32768"),
    ] {
        connection.pragma_update(None, name, value)?;
    }
    Ok(connection)
}

fn checkpoint(connection: &Connection, sql: &str) -> Result<i64> {
    Ok(connection.query_row(sql, [], |row| row.get(1))?)
}

/// Copies pages back all the time, as the store's checkpointer does.
fn copy_back(connection: &Connection, log: &Log) -> Result<()> {
    while !log.stop.load(Ordering::Acquire) {
        std::thread::sleep(PAUSE);
        if log.dirty.swap(false, Ordering::AcqRel) {
            log.pages.store(copy_once(connection)?, Ordering::Release);
        }
    }
    checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

/// Again and again before a restart, until little is left; pages in the log.
fn copy_once(connection: &Connection) -> Result<i64> {
    loop {
        let begun = Instant::now();
        let pages = checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
        if pages < RESTART_PAGES || begun.elapsed() < SHORT_PASS {
            return Ok(pages);
        }
    }
}

fn write(connection: &Connection, receiver: &mpsc::Receiver<Insert>, log: &Log) -> Result<()> {
    while let Ok(first) = receiver.recv() {
        let mut group = vec![first];
        group.extend(receiver.try_iter().take(255));
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for (n, body, _) in &group {
            connection
                .prepare_cached("INSERT INTO resource (version, body) VALUES (?1, ?2)")?
                .execute(params![i64::try_from(*n)?, body])?;
        }
        connection.execute_batch("COMMIT")?;
        for (_, _, reply) in group {
            let _ = reply.send(());
        }
        log.dirty.store(true, Ordering::Release);
        if log.pages.load(Ordering::Acquire) >= RESTART_PAGES {
            checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)")?;
            log.pages.store(0, Ordering::Release);
        }
    }
    Ok(())
}

/// Runs a load as bare inserts into a database.
pub fn bare(database: &Path, load: Load) -> Result<Value> {
    let connection = connect(database)?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS resource (key INTEGER PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL)",
    )?;
    let log = Arc::new(Log::default());
    let (theirs, second) = (Arc::clone(&log), connect(database)?);
    let checkpointer = std::thread::spawn(move || copy_back(&second, &theirs));
    let (sender, receiver) = mpsc::channel::<Insert>();
    let theirs = Arc::clone(&log);
    let writer = std::thread::spawn(move || write(&connection, &receiver, &theirs));
    let sender = Mutex::new(sender);
    let measured = watching_wal(database, || {
        open_loop(
            load,
            || Ok(sender.lock().map_err(|_| anyhow!("poisoned"))?.clone()),
            |n| Ok((n, serde_json::to_vec(&change(load, n).1)?)),
            |sender, (n, body)| {
                let (reply, done) = mpsc::sync_channel(1);
                sender.send((n, body, reply))?;
                Ok(done.recv()?)
            },
        )
    });
    drop(sender);
    writer.join().map_err(|_| anyhow!("the writer panicked"))??;
    log.stop.store(true, Ordering::Release);
    checkpointer.join().map_err(|_| anyhow!("the checkpointer panicked"))??;
    let (sorted, wal) = measured?;
    Ok(told(&sorted, wal, &json!({})))
}
