//! Types, chunks, planes and tickets.

use ruleward_store::{Chunk, MarkedChunk, StoredResource, Ticket};
use ruleward_types::{AccountNo, ChunkNo, ResourceKey, ResourceType, TypeNo};

use super::Place;

pub(crate) fn types_fold_case(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let found = place.store().write(move |tx| {
        let first = tx.ensure_type(account, &ResourceType::new("EVS", "Volumes"))?;
        let again = tx.ensure_type(account, &ResourceType::new("evs", "volumes"))?;
        let second = tx.ensure_type(account, &ResourceType::account())?;
        let elsewhere = tx.ensure_type(other, &ResourceType::new("evs", "volumes"))?;
        Ok((first, again, second, elsewhere))
    });
    let (first, again, second, elsewhere) = found.unwrap();
    assert_eq!(first, again);
    assert!(first != second && first != elsewhere);
    place
        .store()
        .read(|tx| {
            let types = tx.types(account)?;
            let numbers: Vec<_> = types.iter().map(|row| row.no).collect();
            assert_eq!(numbers, [first, second], "in the order first seen");
            assert_eq!(tx.newest_type(account)?, Some(second));
            assert_eq!(tx.newest_type(other)?, Some(elsewhere));
            assert_eq!(tx.newest_type(AccountNo(other.0 + 1))?, None);
            assert_eq!(types[0].resource_type.provider, "EVS", "as first spelled");
            assert_eq!(tx.resource_type(second)?, Some(ResourceType::account()));
            assert_eq!(tx.resource_type(elsewhere)?.unwrap().provider, "evs");
            assert_eq!(tx.resource_type(TypeNo(999))?, None);
            Ok(())
        })
        .unwrap();
}

pub(crate) fn changes_of_types_are_counted(place: Place) {
    let account = place.account("a");
    let (one, two) = place
        .store()
        .write(move |tx| {
            let one = tx.ensure_type(account, &ResourceType::new("evs", "volumes"))?;
            let two = tx.ensure_type(account, &ResourceType::new("obs", "buckets"))?;
            Ok((one, two))
        })
        .unwrap();
    let changes = |place: &Place| -> Vec<i64> {
        let types = place.store().read(|tx| tx.types(account)).unwrap();
        types.into_iter().map(|row| row.changes).collect()
    };
    let before = changes(&place);
    place.store().write(move |tx| tx.bump_type_changes(two)).unwrap();
    place.store().write(move |tx| tx.bump_type_changes(two)).unwrap();
    let after = changes(&place.reopen());
    assert_eq!(after[0], before[0], "{one}");
    assert!(after[1] > before[1]);
}

pub(crate) fn chunks_in_order(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let made: Vec<Chunk> =
        [account, other, account, account].into_iter().map(|no| place.chunk(no)).collect();
    let buckets = place.store().write(move |tx| {
        let no = tx.ensure_type(account, &ResourceType::new("obs", "buckets"))?;
        tx.insert_chunk(account, no, true)
    });
    let buckets = buckets.unwrap();
    assert_eq!((made[0].used, made[0].live, made[0].version), (0, 0, 0));
    assert_eq!(made[0].account, account);
    assert!(made.windows(2).all(|pair| pair[0].no < pair[1].no));
    let changed = Chunk { used: 4096, live: 4000, version: i64::MAX, ..made[2] };
    place.store().write(move |tx| tx.update_chunk(&changed)).unwrap();
    place
        .store()
        .read(|tx| {
            let all = tx.chunks(account, None, None, usize::MAX)?;
            assert_eq!(all, [made[0], changed, made[3], buckets]);
            let volumes = tx.chunks(account, Some(made[0].type_no), None, 10)?;
            assert_eq!(volumes, [made[0], changed, made[3]]);
            let after = tx.chunks(account, Some(made[0].type_no), Some(made[0].no), 1)?;
            assert_eq!(after, [changed]);
            assert_eq!(tx.chunks(account, None, Some(made[3].no), 10)?, [buckets]);
            assert!(tx.chunks(account, None, Some(buckets.no), 10)?.is_empty());
            assert_eq!(tx.chunks(other, None, None, 10)?, [made[1]]);
            assert_eq!(tx.chunk(made[2].no)?, Some(changed));
            assert_eq!(tx.chunk(ChunkNo(999))?, None);
            Ok(())
        })
        .unwrap();
}

pub(crate) fn last_chunk_is_the_newest(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let (first, theirs) = (place.chunk(account), place.chunk(other));
    let last = |no: AccountNo, of: &Chunk| {
        let kind = of.type_no;
        place.store().read(|tx| tx.last_chunk(no, kind, true)).unwrap()
    };
    assert_eq!(last(account, &first), Some(first));
    let second = place.chunk(account);
    assert_eq!(last(account, &first), Some(second));
    assert_eq!(last(other, &theirs), Some(theirs));
    assert_eq!(last(account, &theirs), None);
    // Also inside the transaction that makes one.
    let kind = first.type_no;
    let found = place.store().write(move |tx| {
        let made = tx.insert_chunk(account, kind, true)?;
        Ok((made, tx.last_chunk(account, kind, true)?))
    });
    let (made, found) = found.unwrap();
    assert_eq!(found, Some(made));
}

pub(crate) fn planes_are_replaced(place: Place) {
    let account = place.account("a");
    let (chunk, other) = (place.chunk(account).no, place.chunk(account).no);
    let planes = |no| place.store().read(|tx| tx.planes(no)).unwrap();
    assert!(planes(chunk).is_empty());
    let long: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let written = long.clone();
    place.store().write(move |tx| tx.put_planes(chunk, &written)).unwrap();
    assert_eq!(planes(chunk), long);
    place.store().write(move |tx| tx.put_planes(chunk, b"\0short")).unwrap();
    assert_eq!(planes(chunk), b"\0short");
    assert!(planes(other).is_empty());
}

pub(crate) fn tickets_have_generations(place: Place) {
    let account = place.account("a");
    let chunk = place.chunk(account).no;
    let store = place.store();
    let tickets = || store.read(|tx| tx.tickets(ChunkNo(0), 10)).unwrap();
    store.write(move |tx| tx.enqueue(chunk)).unwrap();
    let first = tickets()[0];
    assert_eq!(first.chunk, chunk);
    // Woken up again while its work is done: the wake-up is not lost.
    store.write(move |tx| tx.enqueue(chunk)).unwrap();
    let second = tickets()[0];
    assert_ne!(second.generation, first.generation);
    store.write(move |tx| tx.finish_ticket(first)).unwrap();
    assert_eq!(tickets(), [second]);
    store.write(move |tx| tx.finish_ticket(second)).unwrap();
    assert!(tickets().is_empty());
    // Ending what has ended is nothing.
    store.write(move |tx| tx.finish_ticket(second)).unwrap();
    store.write(move |tx| tx.enqueue(chunk)).unwrap();
    assert_eq!(tickets().len(), 1);
}

pub(crate) fn tickets_are_listed_in_order(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let chunks = [account, other, account].map(|no| place.chunk(no).no);
    let store = place.store();
    store.write(move |tx| chunks.iter().rev().try_for_each(|no| tx.enqueue(*no))).unwrap();
    let listed = |after: ChunkNo, limit| -> Vec<ChunkNo> {
        let tickets: Vec<Ticket> = store.read(|tx| tx.tickets(after, limit)).unwrap();
        tickets.into_iter().map(|ticket| ticket.chunk).collect()
    };
    assert_eq!(listed(ChunkNo(0), 10), chunks);
    assert_eq!(listed(ChunkNo(0), 2), chunks[..2]);
    assert_eq!(listed(chunks[0], 10), chunks[1..]);
    assert_eq!(store.read(|tx| tx.ticket_count()).unwrap(), 3);
    let place = place.reopen();
    assert_eq!(place.store().read(|tx| tx.ticket_count()).unwrap(), 3);
}

pub(crate) fn told_chunks_are_apart(place: Place) {
    let account = place.account("a");
    let recorded = place.chunk(account);
    let kind = recorded.type_no;
    let told = place.store().write(move |tx| tx.insert_chunk(account, kind, false)).unwrap();
    let plain = place.store().write(move |tx| tx.insert_chunk(account, kind, true)).unwrap();
    assert!(recorded.recorded && !told.recorded);
    let slots = vec![0b10];
    let written = slots.clone();
    let marks =
        |no, recorded, slots: &[u8]| MarkedChunk { no, recorded, shadowed_slots: slots.to_vec() };
    let (shadowed, newer) = (marks(recorded.no, true, &slots), marks(told.no, false, &[]));
    place
        .store()
        .write(move |tx| {
            tx.insert_resource(account, ResourceKey::new(recorded.no, 1), 1, "x", b"{}")?;
            tx.insert_resource(account, ResourceKey::new(told.no, 0), 2, "x", b"{}")?;
            tx.put_shadowed_slots(recorded.no, &written)
        })
        .unwrap();
    let place = place.reopen();
    place
        .store()
        .read(|tx| {
            let numbers = |of: Vec<Chunk>| of.iter().map(|chunk| chunk.no).collect::<Vec<_>>();
            assert_eq!(numbers(tx.chunks(account, None, None, 9)?), [recorded.no, plain.no]);
            assert_eq!(numbers(tx.chunks(account, Some(kind), None, 9)?), [recorded.no, plain.no]);
            let last = |recorded| tx.last_chunk(account, kind, recorded);
            assert_eq!(last(true)?.map(|of| of.no), Some(plain.no));
            assert_eq!(last(false)?.map(|of| of.no), Some(told.no));
            let next = |from| tx.next_chunk(account, kind, ChunkNo(from));
            assert_eq!(next(0)?.map(|of| of.no), Some(recorded.no));
            assert_eq!(next(recorded.no.0 + 1)?.map(|of| of.no), Some(told.no));
            assert_eq!(next(plain.no.0 + 1)?, None);
            let numbers = |from, limit| tx.chunk_numbers(account, kind, ChunkNo(from), limit);
            assert_eq!(numbers(0, 9)?, [recorded.no, told.no, plain.no]);
            assert_eq!(numbers(told.no.0, 1)?, [told.no]);
            let key = |chunk: &Chunk, slot| [ResourceKey::new(chunk.no, slot)];
            assert_eq!(tx.resources_by_id(account, "x")?, key(&recorded, 1));
            assert_eq!(tx.told_resources_by_id(account, "x")?, key(&told, 0));
            let of_type = |no, id, recorded| tx.resource_of_type(account, no, id, recorded);
            let version = |of: Option<StoredResource>| of.map(|of| of.version);
            assert_eq!(version(of_type(kind, "x", true)?), Some(1));
            assert_eq!(version(of_type(kind, "x", false)?), Some(2));
            assert_eq!(of_type(kind, "y", true)?, None);
            assert_eq!(of_type(TypeNo(kind.0 + 1), "x", true)?, None);
            assert_eq!(tx.resource_version(ResourceKey::new(told.no, 0))?, Some(2));
            assert_eq!(tx.resource_version(ResourceKey::new(told.no, 1))?, None);
            assert_eq!(tx.shadowed_slots(recorded.no)?, slots);
            let whole = tx.whole_chunk(recorded.no)?.unwrap();
            assert_eq!((whole.chunk, &whole.shadowed_slots), (recorded, &slots));
            assert_eq!((whole.planes, whole.stale_slots), (vec![], vec![]));
            assert_eq!(tx.whole_chunk(ChunkNo(told.no.0 + 9))?, None);
            let marked = |from, limit| tx.marked_chunks(account, from, limit);
            // Nothing lives in the other one as yet.
            assert_eq!(marked(ChunkNo(0), 9)?, std::slice::from_ref(&shadowed));
            assert_eq!(marked(plain.no, 9)?, []);
            let behind = tx.chunks_to_catch_up(account)?;
            assert_eq!(behind.iter().map(|of| of.no).collect::<Vec<_>>(), [recorded.no]);
            assert_eq!(tx.chunks_without_facets(9)?, []);
            Ok(())
        })
        .unwrap();
    place.store().write(move |tx| tx.update_chunk(&Chunk { live: 1, ..told })).unwrap();
    let behind = place.store().read(|tx| tx.chunks_to_catch_up(account)).unwrap();
    assert_eq!(behind.len(), 2);
    let marked =
        |from, limit| place.store().read(|tx| tx.marked_chunks(account, from, limit)).unwrap();
    assert_eq!(marked(ChunkNo(0), 9), [shadowed.clone(), newer.clone()]);
    assert_eq!(marked(ChunkNo(0), 1), [shadowed]);
    assert_eq!(marked(told.no, 9), [newer]);
    assert_eq!(marked(plain.no, 9), []);
}
