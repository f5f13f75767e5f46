//! Snapshots, the order of writes, commits that several jobs share.

use std::sync::Arc;
use std::sync::mpsc::channel;

use ruleward_types::{Error, ErrorCode, ResourceKey};

use super::Place;

fn value(place: &Place, name: &str) -> Option<Vec<u8>> {
    place.store().read(|tx| tx.meta(name)).unwrap()
}

pub(crate) fn a_reader_sees_one_snapshot(place: Place) {
    let store = place.store();
    store.write(|tx| tx.set_meta("a", b"1")).unwrap();
    store
        .read(|tx| {
            assert_eq!(tx.meta("a")?, Some(b"1".to_vec()));
            store.write(|tx| tx.set_meta("a", b"2").and_then(|()| tx.set_meta("b", b"2")))?;
            // Committed meanwhile, not seen here.
            assert_eq!(tx.meta("a")?, Some(b"1".to_vec()));
            assert_eq!(tx.meta("b")?, None);
            assert_eq!(store.read(|other| other.meta("a"))?, Some(b"2".to_vec()));
            Ok(())
        })
        .unwrap();
    assert_eq!(value(&place, "a"), Some(b"2".to_vec()));
}

pub(crate) fn readers_see_what_was_acknowledged(place: Place) {
    let store = place.shared();
    std::thread::scope(|scope| {
        for who in 0..4 {
            let store = Arc::clone(&store);
            scope.spawn(move || {
                for n in 0..50_u8 {
                    let name = format!("of {who}");
                    let written = name.clone();
                    store.as_ref().write(move |tx| tx.set_meta(&written, &[n])).unwrap();
                    assert_eq!(store.as_ref().read(|tx| tx.meta(&name)).unwrap(), Some(vec![n]));
                }
            });
        }
    });
}

pub(crate) fn a_reader_cannot_hold_up_the_writer(place: Place) {
    let store = place.shared();
    // More readers than there may be places for them; each holds a snapshot for a while.
    std::thread::scope(|scope| {
        for _ in 0..12 {
            let store = Arc::clone(&store);
            scope.spawn(move || {
                store
                    .as_ref()
                    .read(|tx| {
                        let before = tx.meta("a")?;
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        assert_eq!(tx.meta("a")?, before);
                        Ok(())
                    })
                    .unwrap();
            });
        }
        for n in 0..20_u8 {
            store.as_ref().write(move |tx| tx.set_meta("a", &[n])).unwrap();
        }
    });
    assert_eq!(value(&place, "a"), Some(vec![19]));
}

pub(crate) fn every_clients_jobs_run_once_and_in_their_order(place: Place) {
    const CLIENTS: usize = 4;
    const JOBS: usize = 25;
    let (order, ran) = channel();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (store, order) = (place.shared(), order.clone());
            std::thread::spawn(move || {
                for n in 0..JOBS {
                    let order = order.clone();
                    let job = move |_: &dyn ruleward_store::WriteTx| {
                        let _ = order.send((client, n));
                        Ok(())
                    };
                    store.as_ref().write(job).unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    drop(order);
    let ran: Vec<(usize, usize)> = ran.iter().collect();
    for client in 0..CLIENTS {
        let of_client: Vec<usize> =
            ran.iter().filter(|(of, _)| *of == client).map(|(_, n)| *n).collect();
        assert_eq!(of_client, (0..JOBS).collect::<Vec<_>>());
    }
}

/// Changes much and then ends as `end` says.
fn spoil(
    place: &Place,
    end: impl FnOnce() -> ruleward_types::Result<()> + Send + 'static,
) -> ruleward_types::Result<()> {
    let account = place.account("a");
    let chunk = place.chunk(account);
    let mut rule = super::rule("x");
    let spoiled = place.store().write(move |tx| {
        tx.set_meta("spoiled", b"1")?;
        tx.bump_rules_version(account)?;
        tx.insert_rule(account, &mut rule)?;
        tx.enqueue(chunk.no)?;
        tx.put_planes(chunk.no, b"1")?;
        tx.insert_resource(account, ResourceKey::new(chunk.no, 0), 1, "x", b"{}")?;
        end()
    });
    place
        .store()
        .read(|tx| {
            assert_eq!(tx.meta("spoiled")?, None);
            assert_eq!(tx.account(account)?.unwrap().rules_version, 0);
            assert!(tx.rules(account)?.is_empty());
            assert_eq!(tx.ticket_count()?, 0);
            assert!(tx.planes(chunk.no)?.is_empty());
            assert!(tx.resources_by_id(account, "x")?.is_empty());
            Ok(())
        })
        .unwrap();
    place.store().write(|tx| tx.set_meta("after", b"1")).unwrap();
    assert_eq!(value(place, "after"), Some(b"1".to_vec()));
    spoiled
}

pub(crate) fn a_failing_job_leaves_nothing(place: Place) {
    let spoiled = spoil(&place, || Err(Error::new(ErrorCode::QuotaExceeded)));
    assert_eq!(spoiled.unwrap_err().code(), ErrorCode::QuotaExceeded);
}

pub(crate) fn a_panicking_job_leaves_nothing(place: Place) {
    let spoiled = spoil(&place, || panic!("on purpose"));
    assert_eq!(spoiled.unwrap_err().code(), ErrorCode::Internal);
}

pub(crate) fn failures_in_one_commit_disturb_no_other(place: Place) {
    let place = failures_behind(place, false);
    failures_behind(place, true);
}

/// Many jobs in one commit, of which most fail, behind one that fails or does not.
fn failures_behind(place: Place, first_fails: bool) -> Place {
    let store = place.shared();
    let (begun, go) = channel::<()>();
    std::thread::scope(|scope| {
        let first = Arc::clone(&store);
        scope.spawn(move || {
            let outcome = first.as_ref().write(move |tx| {
                let _ = begun.send(());
                // Holds the writer so that what follows stands in line together.
                std::thread::sleep(std::time::Duration::from_millis(100));
                tx.set_meta(&format!("first {first_fails}"), b"1")?;
                if first_fails { Err(Error::new(ErrorCode::NotFound)) } else { Ok(()) }
            });
            assert_eq!(outcome.is_err(), first_fails);
        });
        go.recv().unwrap();
        for n in 0..30_u8 {
            let store = Arc::clone(&store);
            scope.spawn(move || {
                let outcome = store.as_ref().write(move |tx| {
                    tx.set_meta(&format!("job {n} {first_fails}"), &[n])?;
                    match n % 3 {
                        0 => Err(Error::new(ErrorCode::NotFound)),
                        1 => panic!("on purpose"),
                        _ => Ok(n),
                    }
                });
                match n % 3 {
                    0 => assert_eq!(outcome.unwrap_err().code(), ErrorCode::NotFound),
                    1 => assert_eq!(outcome.unwrap_err().code(), ErrorCode::Internal),
                    _ => assert_eq!(outcome.unwrap(), n),
                }
            });
        }
    });
    drop(store);
    let place = place.reopen();
    let first = (!first_fails).then(|| b"1".to_vec());
    assert_eq!(value(&place, &format!("first {first_fails}")), first);
    for n in 0..30_u8 {
        let expected = (n % 3 == 2).then(|| vec![n]);
        assert_eq!(value(&place, &format!("job {n} {first_fails}")), expected, "{n}");
    }
    place
}

pub(crate) fn a_failing_reader_gives_its_place_back(place: Place) {
    let store = place.shared();
    for n in 0..20 {
        let store = Arc::clone(&store);
        let outcome = std::thread::spawn(move || {
            store.as_ref().read(|_| -> ruleward_types::Result<()> {
                assert!(n % 2 == 0, "on purpose");
                Err(Error::new(ErrorCode::NotFound))
            })
        })
        .join();
        assert_eq!(outcome.is_ok(), n % 2 == 0);
    }
    // What was acknowledged after them is seen: no old snapshot is left open.
    store.as_ref().write(|tx| tx.set_meta("a", b"1")).unwrap();
    for _ in 0..10 {
        assert_eq!(value(&place, "a"), Some(b"1".to_vec()));
    }
}

pub(crate) fn a_reopened_store_has_everything(place: Place) {
    let account = place.account("a");
    let chunk = place.chunk(account);
    let rule = place.rule(account, "x");
    let key = ResourceKey::new(chunk.no, 3);
    place
        .store()
        .write(move |tx| {
            tx.insert_resource(account, key, 5, "id", b"{\"id\":\"id\"}")?;
            tx.put_planes(chunk.no, b"planes")?;
            tx.enqueue(chunk.no)
        })
        .unwrap();
    let mut place = place;
    for _ in 0..2 {
        place = place.reopen();
        place
            .store()
            .read(|tx| {
                assert_eq!(tx.account(account)?.unwrap().name, "a");
                assert_eq!(
                    super::policy_assignments::rules(tx, account),
                    std::slice::from_ref(&rule)
                );
                assert_eq!(tx.resources_by_id(account, "id")?, [key]);
                assert_eq!(tx.resource(key)?.unwrap().body, b"{\"id\":\"id\"}");
                assert_eq!(tx.planes(chunk.no)?, b"planes");
                assert_eq!(tx.ticket_count()?, 1);
                Ok(())
            })
            .unwrap();
    }
    assert!(place.chunk(account).no > chunk.no);
}

pub(crate) fn submitted_jobs_are_told(place: Place) {
    let (sender, told) = channel();
    let (store, to) = (place.shared(), sender.clone());
    place.store().submit(
        |tx| tx.set_meta("a", b"1").map(|()| 7),
        move |outcome| {
            // It is there for everybody by now.
            let seen = store.as_ref().read(|tx| tx.meta("a"));
            to.send((outcome.map_err(|e| e.code()), seen.unwrap())).unwrap();
        },
    );
    assert_eq!(told.recv().unwrap(), (Ok(7), Some(b"1".to_vec())));
    place.store().submit::<()>(|_| Ok(()), |_| panic!("whoever is told may be broken"));
    place.store().submit(
        |tx| {
            tx.set_meta("a", b"2")?;
            Err::<i32, _>(Error::new(ErrorCode::NotFound))
        },
        move |outcome| sender.send((outcome.map_err(|e| e.code()), None)).unwrap(),
    );
    assert_eq!(told.recv().unwrap(), (Err(ErrorCode::NotFound), None));
    assert_eq!(value(&place, "a"), Some(b"1".to_vec()));
}

pub(crate) fn who_is_told_may_be_the_last_to_hold_the_store(place: Place) {
    let (release, waits) = channel::<()>();
    let (done, ended) = channel();
    let last = place.shared();
    place.store().submit(
        move |tx| {
            let _ = waits.recv();
            tx.set_meta("a", b"1")
        },
        move |outcome| {
            drop(last);
            done.send(outcome).unwrap();
        },
    );
    let place = place.reopen_after(|| {
        drop(release);
        ended.recv().unwrap().unwrap();
    });
    assert_eq!(value(&place, "a"), Some(b"1".to_vec()));
}
