//! Which resources name which.

use ruleward_store::{NamedBy, Namer, ReadTx, RelationTarget, Store, WriteTx};
use ruleward_types::{AccountNo, ResourceKey, Result};

use super::Place;

const ONE: ResourceKey = ResourceKey(10);
const TWO: ResourceKey = ResourceKey(20);

fn target(place: &Place, account: AccountNo, id: &str) -> RelationTarget {
    let store: &(dyn Store + 'static) = place.store();
    store.read(|tx| Ok(tx.relation_target(account, "vpc.vpcs", NamedBy::Id, id))).unwrap()
}

fn write(place: &Place, job: impl FnOnce(&dyn WriteTx) -> Result<()> + Send + 'static) {
    place.store().write(job).unwrap();
}

fn namers(place: &Place, target: RelationTarget, at: Option<i64>) -> Vec<(i64, Option<String>)> {
    let read = |tx: &dyn ReadTx| tx.namers(target, at, None, 100);
    let found = place.store().read(read).unwrap();
    found.into_iter().map(|Namer { key, past_id }| (key.0, past_id)).collect()
}

pub(crate) fn targets_differ(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let read = |tx: &dyn ReadTx| {
        let of = |account, kind, by, name| tx.relation_target(account, kind, by, name);
        Ok([
            of(account, "vpc.vpcs", NamedBy::Id, "x"),
            of(other, "vpc.vpcs", NamedBy::Id, "x"),
            of(account, "vpc.publicips", NamedBy::Id, "x"),
            of(account, "vpc.publicips", NamedBy::Name, "x"),
            of(account, "vpc.publicips", NamedBy::Itself, "x"),
            of(account, "vpc.vpcs", NamedBy::Id, "y"),
        ])
    };
    let mut made = place.store().read(read).unwrap().to_vec();
    let place = place.reopen();
    assert_eq!(place.store().read(read).unwrap().to_vec(), made, "the same for ever");
    made.sort_unstable();
    made.dedup();
    assert_eq!(made.len(), 6);
}

pub(crate) fn who_names_a_target_now_and_then(place: Place) {
    let account = place.account("a");
    let (vpc, other) = (target(&place, account, "v"), target(&place, account, "w"));
    write(&place, move |tx| {
        tx.begin_naming(vpc, TWO, 100)?;
        tx.begin_naming(vpc, ONE, 200)?;
        tx.begin_naming(vpc, ONE, 250)?;
        tx.begin_naming(other, ONE, 100)
    });
    write(&place, move |tx| {
        tx.end_naming(account, vpc, TWO, 300, "two")?;
        tx.end_naming(account, vpc, TWO, 310, "two")?;
        tx.begin_naming(vpc, TWO, 400)
    });
    let place = place.reopen();
    let (one, two) = ((10, None), (20, None));
    assert_eq!(namers(&place, vpc, None), [one.clone(), two.clone()]);
    let past = (20, Some("two".to_owned()));
    for (at, wanted) in [
        (99, vec![]),
        (100, vec![past.clone()]),
        (200, vec![one.clone(), past.clone()]),
        (299, vec![one.clone(), past]),
        (300, vec![one.clone()]),
        (400, vec![one.clone(), two.clone()]),
    ] {
        assert_eq!(namers(&place, vpc, Some(at)), wanted, "at {at}");
    }
    assert_eq!(namers(&place, other, None), [one]);
    let page = |after, at| {
        let read = |tx: &dyn ReadTx| tx.namers(vpc, at, after, 1);
        place.store().read(read).unwrap().into_iter().map(|of| of.key.0).collect::<Vec<_>>()
    };
    for at in [None, Some(250)] {
        assert_eq!(page(None, at), [10]);
        assert_eq!(page(Some(ONE), at), [20]);
        assert!(page(Some(TWO), at).is_empty());
    }
}

pub(crate) fn changes_are_listed_and_forgotten(place: Place) {
    let account = place.account("a");
    let vpc = target(&place, account, "v");
    write(&place, move |tx| {
        tx.begin_naming(vpc, ONE, 100)?;
        tx.begin_naming(vpc, TWO, 100)?;
        tx.end_naming(account, vpc, ONE, 200, "one")?;
        tx.begin_naming(vpc, ONE, 300)?;
        tx.end_naming(account, vpc, ONE, 400, "one")
    });
    let changes = |from, to, newest_first, limit| {
        let read = |tx: &dyn ReadTx| tx.naming_changes(vpc, from, to, newest_first, limit);
        place.store().read(read).unwrap()
    };
    assert_eq!(changes(0, i64::MAX, false, 10), [100, 200, 300, 400]);
    assert_eq!(changes(0, i64::MAX, true, 3), [400, 300, 200]);
    assert_eq!(changes(200, 300, false, 10), [200, 300]);
    assert!(changes(101, 199, false, 10).is_empty());
    let prune = |before, limit| {
        place.store().write(move |tx| tx.prune_relations(account, before, limit)).unwrap()
    };
    assert_eq!((prune(200, 10), prune(500, 1), prune(500, 10)), (0, 1, 1));
    assert_eq!(changes(0, i64::MAX, false, 10), [100], "what is named now stays");
    write(&place, |tx| tx.clear_naming());
    assert_eq!(namers(&place, vpc, None), []);
}
