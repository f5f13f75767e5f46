//! Whatever the copies meet, the log has what is not durable.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use super::*;
use crate::sqlite::{READER_CACHE_KIB, connect};

/// A database with a writer, and with what a checkpointer needs.
struct Database {
    path: PathBuf,
    writer: Connection,
    _directory: tempfile::TempDir,
}

impl Database {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ruleward.sqlite");
        let writer = connect(&path, READER_CACHE_KIB).unwrap();
        writer.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)").unwrap();
        Self { path, writer, _directory: directory }
    }

    fn connections(&self) -> [Connection; 3] {
        [(); 3].map(|()| connect(&self.path, READER_CACHE_KIB).unwrap())
    }

    fn write(&self, from: i64, rows: i64) {
        let row = "INSERT OR REPLACE INTO t (n, body) VALUES (?1, randomblob(6000))";
        for n in from..from + rows {
            self.writer.execute(row, [n]).unwrap();
        }
    }

    /// Whether the writer can start the log over.
    fn starts_over(&self) -> bool {
        self.writer.busy_timeout(Duration::ZERO).unwrap();
        checkpoint(&self.writer, "PRAGMA wal_checkpoint(RESTART)").unwrap().is_done
    }

    /// What the file says without its log.
    fn rows_in_file(&self) -> i64 {
        let copy = self.path.with_extension("copy");
        std::fs::copy(&self.path, &copy).unwrap();
        let copy = Connection::open(copy).unwrap();
        copy.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
    }
}

fn log_of(database: &Path) -> PathBuf {
    let mut log = database.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Steps until all is durable; how often the log could not start over meanwhile.
fn settle(back: &mut WriteBack, database: &Database) -> usize {
    let begun = Instant::now();
    let mut held = 0;
    loop {
        back.step(&mut || true).unwrap();
        if back.held.is_some() {
            assert!(!database.starts_over());
            held += 1;
        } else if held > 0 {
            return held;
        }
        assert!(begun.elapsed() < Duration::from_mins(1));
        std::thread::sleep(back.due().pause.min(Duration::from_millis(5)));
    }
}

#[test]
fn the_log_stays_until_what_was_copied_of_it_is_durable() {
    let database = Database::new();
    let mut back = WriteBack::new(&database.path, database.connections(), 100_000).unwrap();
    for round in 0..3 {
        database.write(round * 40, 40);
        assert!(settle(&mut back, &database) > 0);
        assert_eq!(database.rows_in_file(), (round + 1) * 40);
        // Nobody holds it any more.
        assert!(database.starts_over());
    }
    // With nothing in the log there is nothing to hold.
    back.step(&mut || false).unwrap();
    assert_eq!(back.held, None);
    database.write(500, 7);
    back.finish().unwrap();
    assert_eq!(database.rows_in_file(), 127);
    assert_eq!(std::fs::metadata(log_of(&database.path)).unwrap().len(), 0);
}

#[test]
fn who_stops_does_not_wait_for_others() {
    let database = Database::new();
    let back = WriteBack::new(&database.path, database.connections(), 100_000).unwrap();
    database.write(0, 9);
    // Another process, say, in the middle of reading.
    let other = connect(&database.path, READER_CACHE_KIB).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM t").unwrap();
    database.write(9, 1);
    let begun = Instant::now();
    back.finish().unwrap();
    assert!(begun.elapsed() < BUSY / 2);
    assert_eq!(database.writer.query_row("SELECT count(*) FROM t", [], |row| row.get(0)), Ok(10));
}

#[test]
fn what_is_written_while_pages_wait_is_held_as_well() {
    let database = Database::new();
    let mut back = WriteBack::new(&database.path, database.connections(), 100_000).unwrap();
    for n in 0..30 {
        database.write(n, 1);
        back.step(&mut || true).unwrap();
        std::thread::sleep(Duration::from_millis(25));
        assert!(!database.starts_over(), "{n}");
    }
    settle(&mut back, &database);
    assert_eq!(database.rows_in_file(), 30);
}

/// SQLite starts a log over by itself with the first commit that finds all of it copied and nobody
/// reading it. What was copied may not be durable then.
#[test]
fn no_commit_starts_the_log_over_while_it_is_held() {
    let database = Database::new();
    let mut back = WriteBack::new(&database.path, database.connections(), 100_000).unwrap();
    // Which time it is held, between two steps; else zero.
    let held = AtomicI64::new(0);
    let seen = AtomicI64::new(0);
    std::thread::scope(|scope| {
        let (path, held, seen) = (database.path.clone(), &held, &seen);
        let stream = scope.spawn(move || {
            let writer = connect(&path, READER_CACHE_KIB).unwrap();
            let begun = Instant::now();
            let log = || checkpoint(&writer, "PRAGMA wal_checkpoint(NOOP)").unwrap().pages;
            while begun.elapsed() < Duration::from_secs(2) {
                let before = (held.load(Ordering::SeqCst), log());
                writer.execute("INSERT INTO t (body) VALUES (zeroblob(50))", []).unwrap();
                let after = (log(), held.load(Ordering::SeqCst));
                if before.0 != 0 && before.0 == after.1 {
                    seen.fetch_add(1, Ordering::SeqCst);
                    assert!(after.0 > before.1, "{before:?} {after:?}");
                }
                // Often enough all is copied before the next commit.
                std::thread::sleep(Duration::from_micros(300));
            }
        });
        for time in 1.. {
            back.step(&mut || true).unwrap();
            held.store(back.held.map_or(0, |_| time), Ordering::SeqCst);
            std::thread::sleep(Duration::from_micros(1500));
            held.store(0, Ordering::SeqCst);
            back.next_copy = Instant::now();
            if stream.is_finished() {
                break;
            }
        }
    });
    assert!(seen.into_inner() > 100);
}

/// Of the file, as it was when all was durable and as it is now, whichever of the system's pages, and
/// the log.
fn after_a_power_cut(durable: &[u8], database: &Database, seed: u64) -> Connection {
    let now = std::fs::read(&database.path).unwrap();
    let mut file = durable.to_vec();
    file.resize(now.len(), 0);
    let mut random = seed;
    for (of_file, of_now) in file.chunks_mut(4096).zip(now.chunks(4096)) {
        random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        if random >> 63 == 1 {
            of_file.copy_from_slice(of_now);
        }
    }
    let copy = database.path.with_extension(format!("cut-{seed}"));
    std::fs::write(&copy, file).unwrap();
    std::fs::copy(log_of(&database.path), log_of(&copy)).unwrap();
    Connection::open(copy).unwrap()
}

#[test]
fn whatever_pages_a_power_cut_leaves_the_log_has_the_rest() {
    let database = Database::new();
    let mut back = WriteBack::new(&database.path, database.connections(), 100_000).unwrap();
    let mut rows = 0;
    for round in 0..4 {
        database.write(rows, 20);
        rows += 20;
        settle(&mut back, &database);
        let durable = std::fs::read(&database.path).unwrap();
        for step in 0..12 {
            // New rows, and the same pages again and again.
            database.write(rows, 1);
            database.write(step % 3, 1);
            rows += 1;
            back.step(&mut || true).unwrap();
            std::thread::sleep(Duration::from_millis(11));
            let after = after_a_power_cut(&durable, &database, round * 100 + step.unsigned_abs());
            let intact: String =
                after.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            let count: i64 =
                after.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
            assert_eq!((intact.as_str(), count), ("ok", rows), "{round} {step}");
        }
    }
}

/// Commits until the log has started over some times; how long it was at most.
fn restarted(rows_of_commit: i64, pause: Duration, too_long: i64) -> i64 {
    let database = Database::new();
    let checkpointer =
        Checkpointer::start_at(&database.path, database.connections(), too_long).unwrap();
    let wal = checkpointer.wal();
    let begun = Instant::now();
    let (mut longest, mut restarts, mut rows) = (0, 0, 0);
    while restarts < 3 {
        assert!(begun.elapsed() < Duration::from_mins(1), "{longest} {restarts}");
        let before = length(&database);
        database.writer.execute_batch("BEGIN").unwrap();
        database.write(rows % 1500, rows_of_commit);
        database.writer.execute_batch("COMMIT").unwrap();
        rows += rows_of_commit;
        longest = longest.max(length(&database));
        wal.after_commit(&database.writer);
        restarts += usize::from(length(&database) < before);
        std::thread::sleep(pause);
    }
    drop(checkpointer);
    assert_eq!(database.rows_in_file(), rows.min(1500));
    longest
}

#[test]
fn under_a_steady_stream_the_log_starts_over() {
    let longest = restarted(1, Duration::ZERO, 400);
    assert!((400..8000).contains(&longest), "{longest}");
}

#[test]
fn under_an_import_the_log_starts_over() {
    let longest = restarted(300, Duration::from_millis(60), 400);
    assert!((400..8000).contains(&longest), "{longest}");
}

/// Pages in the log.
fn length(database: &Database) -> i64 {
    checkpoint(&database.writer, "PRAGMA wal_checkpoint(NOOP)").unwrap().pages
}

#[test]
fn the_pages_of_a_log_are_found() {
    let database = Database::new();
    let mut pages = log_pages::LogPages::new(&database.path);
    let mut found = Vec::new();
    let mut read = |database: &Database, pages: &mut log_pages::LogPages| {
        found.clear();
        let frames = u64::try_from(length(database)).unwrap();
        let commits = pages.up_to(frames, &mut found).unwrap();
        assert!(commits <= found.len() && (commits > 0) != found.is_empty());
        found.clone()
    };
    let last = |database: &Database| -> u32 {
        database.writer.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap()
    };
    read(&database, &mut pages);
    database.write(0, 20);
    let grown = read(&database, &mut pages);
    assert!(grown.len() >= 20 && grown.contains(&last(&database)));
    assert!(grown.iter().all(|page| (1..=last(&database)).contains(page)));
    // Each is told once.
    assert!(read(&database, &mut pages).is_empty());
    assert!(database.starts_over());
    database.writer.execute("UPDATE t SET body = zeroblob(6000) WHERE n = 19", []).unwrap();
    let of_the_new = read(&database, &mut pages);
    assert!(!of_the_new.is_empty() && of_the_new.len() < 4);
    assert!(of_the_new.iter().all(|page| grown.contains(page)));
}
