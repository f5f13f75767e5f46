//! What was when.

use ruleward_store::{PastResource, PastVersion, ReadTx, Span, StoredResource, WriteTx};
use ruleward_types::{ChunkNo, ResourceKey, Result, Timestamp};

use super::Place;

const ALL: Span = Span { from: 0, to: i64::MAX };

fn write(place: &Place, job: impl FnOnce(&dyn WriteTx) -> Result<()> + Send + 'static) {
    place.store().write(job).unwrap();
}

fn read<R>(place: &Place, job: impl FnOnce(&dyn ReadTx) -> Result<R>) -> R {
    place.store().read(job).unwrap()
}

fn stored(key: ResourceKey, version: i64, body: &str) -> StoredResource {
    StoredResource { key, version, body: body.as_bytes().to_vec() }
}

pub(crate) fn a_moment_belongs_to_the_change_before_it(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    write(&place, move |tx| {
        tx.insert_change(account, Timestamp(10), "first")?;
        tx.insert_change(account, Timestamp(10), "of the same moment")?;
        tx.insert_change(account, Timestamp(20), "second")?;
        tx.insert_change(other, Timestamp(15), "other")
    });
    let place = place.reopen();
    let of = |at| read(&place, |tx| tx.change(account, Timestamp(at)));
    assert_eq!(of(9), None);
    assert_eq!(of(10), Some((Timestamp(10), "first".to_owned())));
    assert_eq!(of(19), Some((Timestamp(10), "first".to_owned())));
    assert_eq!(of(99), Some((Timestamp(20), "second".to_owned())));
}

pub(crate) fn transitions_are_walked_newest_first(place: Place) {
    let account = place.account("a");
    let (chunk, next) = (place.chunk(account).no, place.chunk(account).no);
    write(&place, move |tx| {
        tx.insert_transition(chunk, Timestamp(10), b"a")?;
        tx.insert_transition(chunk, Timestamp(20), b"b")?;
        tx.insert_transition(chunk, Timestamp(20), b"c")?;
        tx.insert_transition(next, Timestamp(15), b"d")?;
        tx.insert_planes_checkpoint(chunk, Timestamp(20), b"before b")?;
        tx.insert_planes_checkpoint(chunk, Timestamp(90), b"later")
    });
    let walk = |chunk: ChunkNo, from, to| {
        read(&place, |tx| {
            let mut found = Vec::new();
            tx.transitions(chunk, Span { from, to }, &mut |at, bytes| {
                found.push((at.0, String::from_utf8(bytes.to_vec()).unwrap()));
                Ok(())
            })?;
            Ok(found)
        })
    };
    let told = |at: i64, bytes: &str| (at, bytes.to_owned());
    assert_eq!(walk(chunk, 0, 99), [told(20, "c"), told(20, "b"), told(10, "a")]);
    assert_eq!(walk(chunk, 10, 19), [told(10, "a")]);
    assert_eq!(walk(next, 0, 99), [told(15, "d")]);
    let checkpoint = |after| read(&place, |tx| tx.planes_checkpoint(chunk, Timestamp(after)));
    assert_eq!(checkpoint(19), Some((Timestamp(20), b"before b".to_vec())));
    assert_eq!(checkpoint(20), Some((Timestamp(90), b"later".to_vec())));
    assert_eq!(checkpoint(90), None);
}

pub(crate) fn replaced_bodies_are_kept(place: Place) {
    let account = place.account("a");
    let key = ResourceKey::new(place.chunk(account).no, 3);
    write(&place, move |tx| {
        tx.insert_resource(account, key, 10, "x", b"one")?;
        tx.insert_past_version(account, &stored(key, 10, "one"), 20)?;
        tx.update_resource(key, 20, b"two")?;
        tx.insert_past_version(account, &stored(key, 20, "two"), 30)?;
        tx.update_resource(key, 30, b"three")
    });
    let place = place.reopen();
    let version =
        |version, until, body: &str| PastVersion { version, until, body: body.as_bytes().to_vec() };
    let (one, two) = (version(10, 20, "one"), version(20, 30, "two"));
    let held = stored(key, 30, "three");
    let list = |span, newest_first, limit| {
        read(&place, |tx| tx.past_versions(&held, span, newest_first, limit))
    };
    assert_eq!(list(ALL, false, 9), [one.clone(), two.clone()]);
    assert_eq!(list(ALL, true, 1), std::slice::from_ref(&two));
    assert_eq!(list(Span { from: 11, to: 20 }, false, 9), std::slice::from_ref(&two));
    let at = |at| read(&place, |tx| tx.past_version_at(&held, Timestamp(at)));
    assert_eq!(
        [at(9), at(10), at(19), at(20), at(30)],
        [None, Some(one.clone()), Some(one), Some(two), None]
    );
    assert_eq!(read(&place, |tx| tx.resource_created(key)), Some(10));
}

/// Two resources that change in turns, more often than anything is looked at one by one.
pub(crate) fn many_replaced_bodies_are_found(place: Place) {
    const VERSIONS: i64 = 400;
    let account = place.account("a");
    let chunk = place.chunk(account).no;
    let key = move |slot| ResourceKey::new(chunk, slot);
    let moment = |n: i64| 1000 + n * 7;
    write(&place, move |tx| {
        for n in 0..VERSIONS {
            let slot = usize::from(n % 2 == 1);
            if n % 7 == 0 {
                tx.insert_change(account, Timestamp(moment(n + 2) - 1), "cause")?;
            }
            tx.insert_past_version(account, &stored(key(slot), moment(n), "body"), moment(n + 2))?;
        }
        Ok(())
    });
    let place = place.reopen();
    for slot in [0, 1] {
        let last = stored(key(slot), moment(VERSIONS + i64::try_from(slot).unwrap()), "last");
        let all: Vec<i64> =
            (0..VERSIONS).filter(|n| n % 2 == i64::try_from(slot).unwrap()).map(moment).collect();
        for (from, to) in [(0, i64::MAX), (1000, 1400), (1333, 2222), (2222, 2222), (3700, 9000)] {
            let mut expected: Vec<i64> =
                all.iter().copied().filter(|version| (from..=to).contains(version)).collect();
            for newest_first in [false, true] {
                for limit in [1, 10, 100, 1000] {
                    let span = Span { from, to };
                    let found =
                        read(&place, |tx| tx.past_versions(&last, span, newest_first, limit));
                    let found: Vec<i64> = found.into_iter().map(|past| past.version).collect();
                    let most = limit.min(expected.len());
                    assert_eq!(found, expected[..most], "{from} {to} {newest_first} {limit}");
                }
                expected.reverse();
            }
        }
        for at in (990..moment(VERSIONS + 4)).step_by(3) {
            let found = read(&place, |tx| tx.past_version_at(&last, Timestamp(at)));
            let held = all.iter().rfind(|version| **version <= at && at < last.version);
            assert_eq!(found.map(|past| past.version), held.copied(), "{at}");
        }
    }
    // In the middle of what one change replaced, and then all of it.
    let last = stored(key(0), moment(VERSIONS), "last");
    for before in [moment(VERSIONS / 2), moment(2 * VERSIONS)] {
        let prune = move |tx: &dyn WriteTx| tx.prune_history(account, Timestamp(before), 1000);
        assert!(place.store().write(prune).unwrap() > 100);
        let left = read(&place, |tx| tx.past_versions(&last, ALL, false, 1000));
        let expected = (0..VERSIONS).filter(|n| n % 2 == 0 && moment(n + 2) >= before).count();
        assert_eq!(left.len(), expected, "{before}");
        assert!(left.iter().all(|past| past.until >= before), "{before}");
    }
}

fn gone(key: ResourceKey, created: i64, deleted: i64) -> PastResource {
    PastResource { last: stored(key, created, "body"), created, deleted }
}

pub(crate) fn deleted_resources_are_found(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let (chunk, theirs) = (place.chunk(account).no, place.chunk(other).no);
    let key = move |slot| ResourceKey::new(chunk, slot);
    write(&place, move |tx| {
        tx.insert_past_resource(account, "x", &gone(key(4), 10, 20))?;
        tx.insert_past_resource(account, "x", &gone(key(7), 30, 40))?;
        tx.insert_past_resource(account, "y", &gone(key(5), 10, 50))?;
        tx.insert_past_resource(other, "x", &gone(ResourceKey::new(theirs, 1), 10, 20))
    });
    let place = place.reopen();
    assert_eq!(read(&place, |tx| tx.past_resources_by_id(account, "x")), [key(4), key(7)]);
    assert_eq!(read(&place, |tx| tx.past_resource(key(5))), Some(gone(key(5), 10, 50)));
    assert_eq!(read(&place, |tx| tx.past_resource(key(6))), None);
    let of_chunk = |from, limit| {
        let found = read(&place, |tx| tx.past_resources(chunk, from, limit));
        found.into_iter().map(|past| past.last.key).collect::<Vec<_>>()
    };
    assert_eq!(of_chunk(0, 9), [key(4), key(5), key(7)]);
    assert_eq!(of_chunk(5, 1), [key(5)]);
}

pub(crate) fn rules_as_they_stood(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let (mut rule, theirs) = (place.rule(account, "old name"), place.rule(other, "theirs"));
    let no = rule.no;
    write(&place, move |tx| {
        tx.insert_rule_version(account, &rule, Timestamp(10))?;
        tx.insert_rule_version(other, &theirs, Timestamp(10))?;
        "passing".clone_into(&mut rule.name);
        tx.insert_rule_version(account, &rule, Timestamp(20))?;
        // Of one transaction the last word stands.
        "new name".clone_into(&mut rule.name);
        tx.insert_rule_version(account, &rule, Timestamp(20))?;
        tx.insert_rule_end(account, rule.no, Timestamp(30))
    });
    let place = place.reopen();
    let names = |at| {
        let rules = read(&place, |tx| tx.rules_at(account, Timestamp(at)));
        rules.into_iter().map(|rule| rule.name).collect::<Vec<_>>()
    };
    assert_eq!([names(9), names(10), names(29)], [vec![], vec!["old name"], vec!["new name"]]);
    assert_eq!(names(30), Vec::<String>::new());
    let one = |at| read(&place, |tx| tx.rule_at(account, no, Timestamp(at))).map(|rule| rule.name);
    assert_eq!([one(9), one(19), one(30)], [None, Some("old name".to_owned()), None]);
    let changed = |at| read(&place, |tx| tx.rule_changed(account, no, Timestamp(at)));
    assert_eq!([changed(9), changed(99)], [None, Some(Timestamp(30))]);
}

pub(crate) fn what_is_pruned_is_the_account_s_and_old(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let (chunk, theirs) = (place.chunk(account).no, place.chunk(other).no);
    let rule = place.rule(account, "rule");
    let no = rule.no;
    let key = move |slot| ResourceKey::new(chunk, slot);
    write(&place, move |tx| {
        for at in [10, 20] {
            tx.insert_change(account, Timestamp(at), "cause")?;
            tx.insert_change(other, Timestamp(at), "cause")?;
            tx.insert_transition(chunk, Timestamp(at), b"t")?;
            tx.insert_transition(theirs, Timestamp(at), b"t")?;
            tx.insert_rule_version(account, &rule, Timestamp(at))?;
        }
        tx.insert_past_version(account, &stored(key(0), 1, "old"), 10)?;
        tx.insert_past_version(account, &stored(key(0), 10, "new"), 20)?;
        tx.insert_past_resource(account, "x", &gone(key(1), 1, 10))?;
        tx.insert_past_resource(account, "x", &gone(key(2), 1, 20))
    });
    let prune = |before| {
        place.store().write(move |tx| tx.prune_history(account, Timestamp(before), 100)).unwrap()
    };
    assert_eq!(prune(10), 0);
    assert_eq!(read(&place, |tx| tx.past_begins(account)), Timestamp(0), "nothing went");
    assert_eq!(prune(15), 4, "change, transition, version, resource");
    assert_eq!(read(&place, |tx| tx.past_begins(account)), Timestamp(15));
    assert_eq!(read(&place, |tx| tx.past_begins(other)), Timestamp(0));
    assert_eq!(prune(15), 0);
    assert_eq!(read(&place, |tx| tx.change(account, Timestamp(15))), None);
    assert!(read(&place, |tx| tx.change(other, Timestamp(15))).is_some());
    assert_eq!(read(&place, |tx| tx.past_resources_by_id(account, "x")), [key(2)]);
    assert_eq!(
        read(&place, |tx| tx.past_versions(&stored(key(0), 20, "last"), ALL, false, 9)).len(),
        1
    );
    // How the rule stood then is still known, by the version that was the last one.
    assert!(read(&place, |tx| tx.rule_at(account, no, Timestamp(15))).is_some());
    assert!(prune(25) >= 4);
    assert!(read(&place, |tx| tx.rule_at(account, no, Timestamp(25))).is_some());
}
