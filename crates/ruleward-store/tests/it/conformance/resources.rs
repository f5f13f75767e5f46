//! Resource bodies.

use ruleward_store::{Chunk, StoredResource};
use ruleward_types::{AccountNo, Error, ErrorCode, ResourceKey, ResourceType, SLOTS_PER_CHUNK};

use super::Place;

fn insert(place: &Place, account: AccountNo, key: ResourceKey, version: i64, id: &str) {
    let id = id.to_owned();
    place
        .store()
        .write(move |tx| tx.insert_resource(account, key, version, &id, b"{\"a\":1}"))
        .unwrap();
}

fn keys(place: &Place, account: AccountNo, id: &str) -> Vec<ResourceKey> {
    place.store().read(|tx| tx.resources_by_id(account, id)).unwrap()
}

pub(crate) fn found_by_id_in_types_and_accounts(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let (volumes, theirs) = (place.chunk(account), place.chunk(other));
    let buckets: Chunk = place
        .store()
        .write(move |tx| {
            let no = tx.ensure_type(account, &ResourceType::new("obs", "buckets"))?;
            tx.insert_chunk(account, no, true)
        })
        .unwrap();
    let of = |chunk: &Chunk, slot| ResourceKey::new(chunk.no, slot);
    insert(&place, account, of(&buckets, 0), 1, "x");
    insert(&place, account, of(&volumes, 9), 2, "x");
    insert(&place, account, of(&volumes, 10), 3, "y");
    insert(&place, other, of(&theirs, 0), 4, "x");
    assert_eq!(keys(&place, account, "x"), [of(&volumes, 9), of(&buckets, 0)]);
    assert_eq!(keys(&place, other, "x"), [of(&theirs, 0)]);
    assert_eq!(keys(&place, other, "y"), []);
    assert_eq!(keys(&place, account, "X"), [], "ids compare byte by byte");
    let key = of(&volumes, 9);
    place.store().write(move |tx| tx.delete_resource(account, key, "x")).unwrap();
    let place = place.reopen();
    assert_eq!(keys(&place, account, "x"), [of(&buckets, 0)]);
    assert_eq!(keys(&place, account, "y"), [of(&volumes, 10)]);
    assert_eq!(keys(&place, other, "x"), [of(&theirs, 0)]);
}

pub(crate) fn bodies_change_and_go(place: Place) {
    let account = place.account("a");
    let chunk = place.chunk(account);
    let key = ResourceKey::new(chunk.no, SLOTS_PER_CHUNK - 1);
    insert(&place, account, key, 1, "x");
    let read = || place.store().read(|tx| tx.resource(key)).unwrap();
    assert_eq!(read(), Some(StoredResource { key, version: 1, body: b"{\"a\":1}".to_vec() }));
    let body = vec![b'x'; 1_000_000];
    let written = body.clone();
    place.store().write(move |tx| tx.update_resource(key, i64::MAX, &written)).unwrap();
    assert_eq!(read(), Some(StoredResource { key, version: i64::MAX, body }));
    assert_eq!(keys(&place, account, "x"), [key]);
    let (first, gone) = (ResourceKey::new(chunk.no, 0), ResourceKey::new(chunk.no, 7));
    insert(&place, account, first, 2, "y");
    let of_keys = place.store().read(|tx| tx.resources(&[key, gone, first])).unwrap();
    assert_eq!(of_keys.iter().map(|stored| stored.key).collect::<Vec<_>>(), [key, first]);
    assert_eq!(of_keys.first(), read().as_ref());
    place.store().write(move |tx| tx.delete_resource(account, key, "x")).unwrap();
    assert_eq!(read(), None);
    assert_eq!(keys(&place, account, "x"), []);
}

pub(crate) fn a_scan_is_ordered_and_filtered(place: Place) {
    let account = place.account("a");
    let (before, chunk, after) = (place.chunk(account), place.chunk(account), place.chunk(account));
    insert(&place, account, ResourceKey::new(before.no, SLOTS_PER_CHUNK - 1), 9, "p");
    insert(&place, account, ResourceKey::new(after.no, 0), 9, "q");
    for (slot, version) in [(4095, 5), (0, 3), (70, 1), (63, 4)] {
        insert(&place, account, ResourceKey::new(chunk.no, slot), version, &format!("x{slot}"));
    }
    let scan = |from: usize, after: i64| {
        let mut met = Vec::new();
        place
            .store()
            .read(|tx| {
                tx.scan_chunk(chunk.no, from, after, &mut |slot, version, body| {
                    assert_eq!(body, b"{\"a\":1}");
                    met.push((slot, version));
                    Ok(())
                })
            })
            .unwrap();
        met
    };
    assert_eq!(scan(0, -1), [(0, 3), (63, 4), (70, 1), (4095, 5)]);
    assert_eq!(scan(1, -1), [(63, 4), (70, 1), (4095, 5)]);
    assert_eq!(scan(63, 1), [(63, 4), (4095, 5)], "changed after that version");
    assert_eq!(scan(0, 5), []);
    assert_eq!(scan(4095, 0), [(4095, 5)]);
}

pub(crate) fn a_scan_ends_with_an_error(place: Place) {
    let account = place.account("a");
    let chunk = place.chunk(account);
    for slot in 0..3 {
        insert(&place, account, ResourceKey::new(chunk.no, slot), 1, &format!("x{slot}"));
    }
    let mut met = 0;
    let ended = place.store().read(|tx| {
        tx.scan_chunk(chunk.no, 0, -1, &mut |slot, _, _| {
            met += 1;
            if slot == 1 { Err(Error::new(ErrorCode::Unavailable)) } else { Ok(()) }
        })
    });
    assert_eq!((ended.unwrap_err().code(), met), (ErrorCode::Unavailable, 2));
}

pub(crate) fn the_highest_version(place: Place) {
    let highest = |place: &Place| place.store().read(|tx| tx.highest_version()).unwrap();
    assert_eq!(highest(&place), 0);
    let (account, other) = (place.account("a"), place.account("b"));
    let (one, two) = (place.chunk(account), place.chunk(other));
    place
        .store()
        .write(move |tx| {
            tx.update_chunk(&Chunk { version: 70, ..one })?;
            tx.update_chunk(&Chunk { version: 60, ..two })
        })
        .unwrap();
    assert_eq!(highest(&place.reopen()), 70);
}

pub(crate) fn names_lead_to_resources(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let chunk = place.chunk(account);
    let of = move |slot| ResourceKey::new(chunk.no, slot);
    place
        .store()
        .write(move |tx| {
            let change = |slot, name: &str, has| ruleward_store::NameChange {
                key: of(slot),
                name: name.to_owned(),
                has,
            };
            let begun = [5, 0, 9, 5].map(|slot| change(slot, "n", true));
            tx.change_resource_names(account, &begun)?;
            tx.change_resource_names(other, &[change(7, "n", true)])?;
            let more = [
                change(9, "n", false),
                change(1, "", true),
                change(9, "never", false),
                // Renamed and back in one job.
                change(0, "n", false),
                change(0, "n", true),
            ];
            tx.change_resource_names(account, &more)
        })
        .unwrap();
    let place = place.reopen();
    let named = |name: &str, after, limit| {
        place.store().read(|tx| tx.resources_by_name(account, name, after, limit)).unwrap()
    };
    assert_eq!(named("n", ResourceKey(0), 9), [of(0), of(5)]);
    assert_eq!(named("n", ResourceKey(0), 1), [of(0)]);
    assert_eq!(named("n", of(0), 9), [of(5)]);
    assert_eq!(named("", ResourceKey(0), 9), [], "no name");
    assert_eq!(named("N", ResourceKey(0), 9), []);
}

pub(crate) fn a_part_of_a_chunk(place: Place) {
    let account = place.account("a");
    let (chunk, next) = (place.chunk(account), place.chunk(account));
    for (at, slot) in [(&chunk, 0), (&chunk, 70), (&chunk, 4095), (&next, 0)] {
        insert(&place, account, ResourceKey::new(at.no, slot), 1, &format!("{}-{slot}", at.no));
    }
    let slots = |from, limit| -> Vec<usize> {
        let found = place.store().read(|tx| tx.resources_from(chunk.no, from, limit)).unwrap();
        assert!(found.iter().all(|of| of.key.chunk() == chunk.no && of.body == b"{\"a\":1}"));
        found.iter().map(|of| of.key.slot()).collect()
    };
    assert_eq!(slots(0, 9), [0, 70, 4095]);
    assert_eq!(slots(1, 1), [70]);
    assert_eq!(slots(4095, 9), [4095]);
    assert_eq!(slots(SLOTS_PER_CHUNK, 9), [0; 0]);
}
