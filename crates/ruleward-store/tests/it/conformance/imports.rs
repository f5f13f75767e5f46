//! Import sessions.

use ruleward_types::{ChunkNo, ImportReport, ImportSession, Timestamp};

use super::Place;

fn session(id: &str, source: &str) -> ImportSession {
    ImportSession {
        id: id.to_owned(),
        source: source.to_owned(),
        replace: vec!["evs.volumes".to_owned()],
        next_offset: 7,
        report: ImportReport::default(),
        opened: Timestamp(4),
        closed: false,
    }
}

pub(crate) fn sessions_are_found_by_id_and_source(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let mut first = session("1", "file");
    first.report.refuse(3, "wörds".to_owned());
    let second = session("2", "other file");
    for one in [&first, &second] {
        let one = one.clone();
        place.store().write(move |tx| tx.put_import_session(account, &one)).unwrap();
    }
    place
        .store()
        .read(|tx| {
            assert_eq!(tx.import_session(account, "1")?, Some(first.clone()));
            assert_eq!(tx.open_import(account, "file")?, Some(first.clone()));
            assert_eq!(tx.open_import(account, "other file")?, Some(second.clone()));
            assert_eq!(tx.open_import(account, "no file")?, None);
            assert_eq!(tx.import_session(other, "1")?, None);
            assert_eq!(tx.open_import(other, "file")?, None);
            Ok(())
        })
        .unwrap();
    let closed = ImportSession { closed: true, next_offset: 9, ..first };
    let written = closed.clone();
    place.store().write(move |tx| tx.put_import_session(account, &written)).unwrap();
    let place = place.reopen();
    let found = place
        .store()
        .read(|tx| Ok((tx.import_session(account, "1")?, tx.open_import(account, "file")?)));
    assert_eq!(found.unwrap(), (Some(closed), None));
}

pub(crate) fn seen_slots(place: Place) {
    place
        .store()
        .write(|tx| {
            assert!(tx.import_seen("1", ChunkNo(1))?.is_empty());
            tx.put_import_seen("1", ChunkNo(1), b"\x01")?;
            tx.put_import_seen("1", ChunkNo(2), b"\x02")?;
            tx.put_import_seen("2", ChunkNo(1), b"\x03")?;
            tx.put_import_seen("1", ChunkNo(1), b"\xff\0")?;
            assert_eq!(tx.import_seen("1", ChunkNo(1))?, b"\xff\0");
            tx.clear_import_seen("1")?;
            assert!(tx.import_seen("1", ChunkNo(1))?.is_empty());
            assert!(tx.import_seen("1", ChunkNo(2))?.is_empty());
            assert_eq!(tx.import_seen("2", ChunkNo(1))?, b"\x03");
            Ok(())
        })
        .unwrap();
}
