//! What rules read, beside a chunk.

use ruleward_store::ReadTx;
use ruleward_types::{ChunkNo, Result};

use super::Place;

type Columns = Vec<(u64, Vec<u8>)>;

/// The columns of a chunk, in the order of their places.
fn columns(place: &Place, chunk: ChunkNo) -> Columns {
    place
        .store()
        .read(|tx| {
            let ids = tx.column_ids(chunk)?;
            let places: Vec<usize> = (0..ids.len()).collect();
            Ok(ids.into_iter().zip(at(tx, chunk, &places)?).collect())
        })
        .unwrap()
}

/// The columns at some places.
fn at(tx: &dyn ReadTx, chunk: ChunkNo, places: &[usize]) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    tx.columns(chunk, places, &mut |place, bytes| {
        assert_eq!(place, places[found.len()]);
        found.push(bytes.to_vec());
    })?;
    Ok(found)
}

fn put(place: &Place, chunk: ChunkNo, columns: Columns) {
    place.store().write(move |tx| tx.put_columns(chunk, &columns)).unwrap();
}

pub(crate) fn columns_join_and_replace(place: Place) {
    let account = place.account("a");
    let (one, other) = (place.chunk(account).no, place.chunk(account).no);
    assert_eq!(columns(&place, one), []);
    put(&place, one, vec![(7, vec![1; 20_000]), (u64::MAX, vec![2])]);
    put(&place, other, vec![(7, vec![9])]);
    put(&place, one, vec![(5, vec![3]), (7, vec![4])]);
    let expected = vec![(7, vec![4]), (u64::MAX, vec![2]), (5, vec![3])];
    assert_eq!(columns(&place, one), expected);
    let place = place.reopen();
    assert_eq!(columns(&place, one), expected);
    place.store().write(move |tx| tx.delete_columns(one)).unwrap();
    assert_eq!(columns(&place, one), []);
    assert_eq!(columns(&place, other), [(7, vec![9])]);
    assert!(place.store().read(|tx| at(tx, one, &[0])).is_err());
}

pub(crate) fn some_columns_are_read_of_many(place: Place) {
    let account = place.account("a");
    let (one, other) = (place.chunk(account).no, place.chunk(account).no);
    let bytes = |n: u8| vec![n; if n.is_multiple_of(3) { 20_000 } else { 3 }];
    put(&place, one, (0..20).map(|n| (n.into(), bytes(n))).collect());
    put(&place, other, vec![(7, vec![99])]);
    for places in [vec![], vec![0], vec![19], vec![3, 4, 6], vec![0, 9, 19], (0..20).collect()] {
        let expected: Vec<_> = places.iter().map(|n| bytes(u8::try_from(*n).unwrap())).collect();
        assert_eq!(place.store().read(|tx| at(tx, one, &places)).unwrap(), expected);
    }
    for places in [vec![20], vec![18, 19, 20], vec![3, 20]] {
        assert!(place.store().read(|tx| at(tx, one, &places)).is_err());
    }
}

pub(crate) fn what_columns_know_is_kept(place: Place) {
    let account = place.account("a");
    let mut chunk = place.chunk(account);
    let no = chunk.no;
    assert_eq!(chunk.column_slots, 0);
    assert!(place.store().read(|tx| tx.stale_slots(no)).unwrap().is_empty());
    (chunk.used, chunk.column_slots) = (20, 12);
    place
        .store()
        .write(move |tx| {
            tx.update_chunk(&chunk)?;
            tx.put_stale_slots(no, &[1, 0, 8])
        })
        .unwrap();
    let place = place.reopen();
    let found = place.store().read(|tx| Ok((tx.chunk(no)?, tx.stale_slots(no)?))).unwrap();
    assert_eq!(found, (Some(chunk), vec![1, 0, 8]));
    // Writing the row of the chunk leaves the set as it is.
    chunk.version = 9;
    place.store().write(move |tx| tx.update_chunk(&chunk)).unwrap();
    assert_eq!(place.store().read(|tx| tx.stale_slots(no)).unwrap(), [1, 0, 8]);
}
