//! The embedded store.

use std::path::Path;
use std::sync::Arc;

use ruleward_store::sqlite::SqliteStore;
use ruleward_store::{ReadTx, Span, Store, StoredResource};
use ruleward_types::{AccountNo, ComplianceCounts, FacetKind, ResourceKey};

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

mod embedded {
    refinery::embed_migrations!("migrations/sqlite");
}

#[test]
fn a_store_from_before_organizations_knows_which_rules_judge() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ruleward.sqlite");
    let mut old = rusqlite::Connection::open(&path).unwrap();
    let runner = embedded::migrations::runner().set_target(refinery::Target::Version(2));
    runner.run(&mut old).unwrap();
    let account = "INSERT INTO account (domain_id, name, created, recorder_enabled)
                   VALUES ('d', 'n', 1, 1)";
    old.execute(account, []).unwrap();
    for state in ["Enabled", "Disabled", "Evaluating"] {
        let rule = "INSERT INTO policy_assignment (account, id, name, body)
                    VALUES (1, ?1, ?1, ?2)";
        old.execute(rule, [state, &format!(r#"{{"state":"{state}"}}"#)]).unwrap();
    }
    drop(old);
    drop(open(directory.path()));
    let now = rusqlite::Connection::open(&path).unwrap();
    let mut rows = now.prepare("SELECT name FROM policy_assignment WHERE judges = 0").unwrap();
    let names: Vec<String> =
        rows.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(names, ["Disabled"]);
}

#[test]
fn a_store_from_before_marks_keeps_its_past() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ruleward.sqlite");
    let mut old = rusqlite::Connection::open(&path).unwrap();
    let runner = embedded::migrations::runner().set_target(refinery::Target::Version(9));
    runner.run(&mut old).unwrap();
    for (version, until) in [(10, 20), (20, 35), (35, 50)] {
        let past = "INSERT INTO resource_version (account, key, version, until, body)
                    VALUES (1, 4099, ?1, ?2, x'7b7d')";
        old.execute(past, [version, until]).unwrap();
    }
    drop(old);
    let store = open(directory.path());
    let last = StoredResource { key: ResourceKey(4099), version: 50, body: Vec::new() };
    let all = Span { from: 0, to: i64::MAX };
    let found = store.as_ref().read(|tx| tx.past_versions(&last, all, false, 9)).unwrap();
    let found: Vec<_> = found.into_iter().map(|past| (past.version, past.until)).collect();
    assert_eq!(found, [(10, 20), (20, 35), (35, 50)]);
}

#[test]
fn a_store_from_before_counts_lay_apart_keeps_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ruleward.sqlite");
    let mut old = rusqlite::Connection::open(&path).unwrap();
    let runner = embedded::migrations::runner().set_target(refinery::Target::Version(10));
    runner.run(&mut old).unwrap();
    old.execute_batch(
        r"INSERT INTO account (domain_id, name, created, recorder_enabled)
             VALUES ('d', 'n', 1, 1), ('e', 'o', 1, 1);
           INSERT INTO policy_assignment
             (no, account, id, name, body, compliant, non_compliant, undetermined, exempt)
             VALUES (5, 2, 'i', 'r', '{}', 1, 2, 3, 4), (3, 2, 'j', 's', '{}', 0, 7, 0, 0),
                    (4, 1, 'i', 'r', '{}', 9, 0, 0, 0);
           INSERT INTO resource_type (no, account, folded, provider, name)
             VALUES (1, 1, 'evs.volumes', 'evs', 'volumes');
           INSERT INTO facet (no, account, kind, name, value, type, tracked, told)
             VALUES (8, 1, 4, 'env', '', 1, 30, 31), (6, 1, 4, 'team', '', 1, 2, 0);",
    )
    .unwrap();
    drop(old);
    let store = open(directory.path());
    let rules = |account| {
        let found = store.as_ref().read(|tx| tx.rule_counts(AccountNo(account))).unwrap();
        let numbers =
            |of: ComplianceCounts| [of.compliant, of.non_compliant, of.undetermined, of.exempt];
        found.into_iter().map(|(no, of)| (no.0, numbers(of))).collect::<Vec<_>>()
    };
    assert_eq!(rules(2), [(3, [0, 7, 0, 0]), (5, [1, 2, 3, 4])]);
    assert_eq!(rules(1), [(4, [9, 0, 0, 0])]);
    let keys = |tx: &dyn ReadTx| tx.facets(AccountNo(1), FacetKind::TagKey, None, None);
    let found = store.as_ref().read(keys).unwrap();
    let found: Vec<_> =
        found.into_iter().map(|of| (of.no.0, of.counts.tracked, of.counts.told)).collect();
    assert_eq!(found, [(8, 30, 31), (6, 2, 0)]);
}
