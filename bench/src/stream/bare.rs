//! The same stream as bare synced inserts: one writer that groups what waits into a commit,
//! and the store's own checkpointer.

use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use anyhow::{Result, anyhow};
use ruleward_store::sqlite::checkpoint::{Checkpointer, Wal};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::changes::change;
use super::{Load, made, open_loop, told, watching_wal};

type Insert = (u64, Vec<u8>, mpsc::SyncSender<()>);

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

fn write(connection: &Connection, receiver: &mpsc::Receiver<Insert>, wal: &Wal) -> Result<()> {
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
        wal.after_commit(connection);
    }
    Ok(())
}

/// Runs a load as bare inserts into a database.
pub fn bare(database: &Path, load: Load) -> Result<Value> {
    let connection = connect(database)?;
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS resource (key INTEGER PRIMARY KEY, version INTEGER NOT NULL, body BLOB NOT NULL)",
    )?;
    let another = || connect(database);
    let checkpointer = Checkpointer::start(database, [another()?, another()?, another()?])?;
    let wal = checkpointer.wal();
    let (sender, receiver) = mpsc::channel::<Insert>();
    let writer = std::thread::spawn(move || write(&connection, &receiver, &wal));
    let sender = Mutex::new(sender);
    let messages = made(load, |n| Ok((n, serde_json::to_vec(&change(load, n).1)?)))?;
    let measured = watching_wal(database, || {
        open_loop(
            load,
            messages,
            || Ok(sender.lock().map_err(|_| anyhow!("poisoned"))?.clone()),
            |sender, (n, body)| {
                let (reply, done) = mpsc::sync_channel(1);
                sender.send((n, body, reply))?;
                Ok(done.recv()?)
            },
        )
    });
    drop(sender);
    writer.join().map_err(|_| anyhow!("the writer panicked"))??;
    drop(checkpointer);
    let (sorted, wal) = measured?;
    Ok(told(&sorted, wal, &json!({})))
}
