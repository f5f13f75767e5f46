//! The embedded store: SQLite in WAL mode, `synchronous=FULL`, one writer thread that groups
//! commits, readers on their callers' threads, our own checkpointer.
//!
//! Layout and figures behind it: `docs/adr/0002-embedded-store.md`.

mod accounts;
pub mod checkpoint;
mod chunks;
mod columns;
mod decoded_rules;
mod facets;
mod functions;
mod history;
mod imports;
mod notifications;
mod organization_policy_assignments;
mod organizations;
mod past_versions;
mod policy_assignments;
mod relations;
mod resources;
mod runs;
mod statistics;
mod tracker_config;
mod writer;

use std::fmt;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use ruleward_types::{Error, Result};
use rusqlite::{Connection, OpenFlags};
use siphasher::sip::SipHasher13;

use self::checkpoint::Checkpointer;
use self::decoded_rules::DecodedRules;
use self::writer::Writer;
use crate::{ReadAccounts, ReadTx, Store, Told, WriteAccounts, WriteJob, WriteTx};

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

/// Bytes of a page of a new file: 8 KiB reads chunks twice as fast as 4 and writes less than 16.
const PAGE_BYTES: u32 = 8192;
/// Readers that may hold a snapshot at the same time.
const READERS: usize = 4;
/// Prepared statements kept per connection; more than there are different ones.
const STATEMENTS: usize = 448;
/// How long a statement waits for a lock of another process.
const BUSY: Duration = Duration::from_secs(10);
const WRITER_CACHE_KIB: i64 = 32 * 1024;
const READER_CACHE_KIB: i64 = 4 * 1024;

/// Translates a driver's error.
pub(crate) fn failed(context: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |e| Error::internal(context, e)
}

/// The embedded store.
pub struct SqliteStore {
    path: PathBuf,
    id_hash_key: [u8; 16],
    rules: Arc<DecodedRules>,
    readers: Mutex<Vec<Connection>>,
    reader_free: Condvar,
    writer: Writer,
    // Dropped after the writer, so that it can do a last checkpoint.
    _checkpointer: Checkpointer,
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens the store in a file, makes it if it is new, and brings its schema up to date.
    pub fn open(path: &Path) -> Result<Arc<Self>> {
        private(path)?;
        let mut connection = connect(path, WRITER_CACHE_KIB)?;
        embedded::migrations::runner()
            .run(&mut connection)
            .map_err(|e| Error::internal("migrate the store", e))?;
        let id_hash_key = id_hash_key(&connection)?;
        let mut readers = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = connect(path, READER_CACHE_KIB)?;
            reader.pragma_update(None, "query_only", true).map_err(failed("open a reader"))?;
            readers.push(reader);
        }
        let another = || connect(path, READER_CACHE_KIB);
        let checkpointer = Checkpointer::start(path, [another()?, another()?, another()?])?;
        let rules = Arc::new(DecodedRules::default());
        let writer =
            Writer::start(connection, id_hash_key, Arc::clone(&rules), checkpointer.wal())?;
        Ok(Arc::new(Self {
            path: path.to_owned(),
            id_hash_key,
            rules,
            readers: Mutex::new(readers),
            reader_free: Condvar::new(),
            writer,
            _checkpointer: checkpointer,
        }))
    }

    /// Lends a connection, as soon as one is free. It comes back also when the job panics.
    fn lend(&self) -> Lent<'_> {
        let mut free = self.readers.lock();
        loop {
            if let Some(connection) = free.pop() {
                return Lent { store: self, connection: Some(connection) };
            }
            self.reader_free.wait(&mut free);
        }
    }
}

struct Lent<'a> {
    store: &'a SqliteStore,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.store.readers.lock().push(connection);
            self.store.reader_free.notify_one();
        }
    }
}

/// A snapshot on a reader; dropping ends it. Its statements are kept prepared, which a transaction of
/// the driver does not do: they would cost as much as the read of a row.
struct Snapshot<'a>(&'a Connection);

impl<'a> Snapshot<'a> {
    fn begin(connection: &'a Connection) -> Result<Self> {
        run(connection, "BEGIN").map_err(failed("begin reading"))?;
        Ok(Self(connection))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // A reader has nothing to lose; where even this fails, its next snapshot does not begin.
        let _ = run(self.0, "ROLLBACK");
    }
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<usize> {
    connection.prepare_cached(sql)?.execute([])
}

impl Store for SqliteStore {
    fn read_job(&self, job: &mut dyn FnMut(&dyn ReadTx) -> Result<()>) -> Result<()> {
        let lent = self.lend();
        let Some(connection) = &lent.connection else {
            return Err(Error::internal("begin reading", "no connection"));
        };
        let snapshot = Snapshot::begin(connection)?;
        job(&Tx { connection: snapshot.0, id_hash_key: self.id_hash_key, rules: &self.rules })
    }

    fn reads_at_once(&self) -> bool {
        // One more than is needed: somebody may be about to take one.
        self.readers.lock().len() > 1
    }

    fn submit_job(&self, job: WriteJob, told: Told<()>) {
        self.writer.submit(job, told);
    }
}

/// A transaction on a connection.
pub(crate) struct Tx<'a> {
    connection: &'a Connection,
    id_hash_key: [u8; 16],
    rules: &'a DecodedRules,
}

impl Tx<'_> {
    /// The 64-bit hash under which an id is indexed.
    fn id_hash(&self, account: ruleward_types::AccountNo, id: &str) -> i64 {
        let mut hasher = SipHasher13::new_with_key(&self.id_hash_key);
        hasher.write_i64(account.0);
        hasher.write(id.as_bytes());
        hasher.finish().cast_signed()
    }
}

impl ReadTx for Tx<'_> {}
impl WriteTx for Tx<'_> {}

/// Makes a new file for its owner only; SQLite makes its other files alike.
fn private(path: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Error::internal("make the store", e))
        }
        _ => Ok(()),
    }
}

fn connect(path: &Path, cache_kib: i64) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed("open the store"))?;
    let set = |name: &str, value: &dyn rusqlite::ToSql| {
        connection.pragma_update(None, name, value).map_err(failed("configure the store"))
    };
    connection.busy_timeout(BUSY).map_err(failed("configure the store"))?;
    // Only a new file takes a page size.
    set("page_size", &PAGE_BYTES)?;
    set("journal_mode", &"wal")?;
    // An acknowledged write survives a power cut.
    set("synchronous", &"full")?;
    set("wal_autocheckpoint", &0)?;
    set("foreign_keys", &true)?;
    set("temp_store", &"memory")?;
    set("cache_size", &-cache_kib)?;
    // A plan holds for every value bound to it, so a kept statement is never prepared anew.
    connection
        .set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(failed("configure the store"))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn id_hash_key(connection: &Connection) -> Result<[u8; 16]> {
    const NAME: &str = "id_hash_key";
    let tx = Tx { connection, id_hash_key: [0; 16], rules: &DecodedRules::default() };
    if let Some(key) = tx.meta(NAME)?.and_then(|key| key.try_into().ok()) {
        return Ok(key);
    }
    let random = ruleward_types::ids::random_hex(8)?;
    let key: [u8; 16] =
        random.into_bytes().try_into().map_err(|_| Error::internal("store", "no hash key"))?;
    tx.set_meta(NAME, &key)?;
    Ok(key)
}
