//! What rules read, beside a chunk.

use ruleward_types::ChunkNo;

use super::Place;

type Columns = Vec<(u64, Vec<u8>)>;

/// The columns of a chunk, in the order of their places.
fn columns(place: &Place, chunk: ChunkNo) -> Columns {
    place
        .store()
        .read(|tx| {
            let ids = tx.column_ids(chunk)?;
            ids.into_iter().enumerate().map(|(n, id)| Ok((id, tx.column(chunk, n)?))).collect()
        })
        .unwrap()
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
    assert!(place.store().read(|tx| tx.column(one, 0)).is_err());
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
