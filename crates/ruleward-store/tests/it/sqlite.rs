//! The embedded store.

use std::path::Path;
use std::sync::Arc;

use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;

fn open(directory: &Path) -> Arc<dyn Store> {
    SqliteStore::open(&directory.join("ruleward.sqlite")).unwrap()
}

crate::store_conformance!(open);

#[test]
fn a_directory_is_no_store() {
    let directory = tempfile::tempdir().unwrap();
    assert!(SqliteStore::open(directory.path()).is_err());
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ruleward.sqlite");
    let text = "this is a letter, not a database. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert!(SqliteStore::open(&path).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn migrations_apply_to_a_new_file_and_again_to_an_old_one() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let store = open(directory.path());
        assert!(store.as_ref().read(|tx| tx.accounts()).unwrap().is_empty());
    }
}
