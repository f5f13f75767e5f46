//! Facets, their numbers and their postings.

use ruleward_store::{FacetRow, ReadTx};
use ruleward_types::{
    AccountNo, ChunkNo, Facet, FacetCounts, FacetKind, FacetNo, ResourceType, TypeNo,
};

use super::Place;

fn ensure(place: &Place, account: AccountNo, kind: &str, facet: Facet) -> (TypeNo, FacetNo) {
    let kind = ResourceType::new("evs", kind);
    place
        .store()
        .write(move |tx| {
            let type_no = tx.ensure_type(account, &kind)?;
            let no = match tx.facet_no(account, type_no, &facet)? {
                Some(no) => no,
                None => tx.insert_facet(account, type_no, &facet, FacetCounts::default())?,
            };
            Ok((type_no, no))
        })
        .unwrap()
}

fn count(place: &Place, no: FacetNo, tracked: i64, told: i64) {
    let delta = FacetCounts { tracked, told };
    place.store().write(move |tx| tx.add_facet_counts(&[(no, delta)])).unwrap();
}

fn facets(
    place: &Place,
    account: AccountNo,
    kind: FacetKind,
    name: Option<&str>,
    value: Option<&str>,
) -> Vec<FacetRow> {
    place.store().read(|tx| tx.facets(account, kind, name, value)).unwrap()
}

pub(crate) fn facets_are_found(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    let (volumes, first) = ensure(&place, account, "volumes", Facet::tag("k", "b"));
    let (snapshots, second) = ensure(&place, account, "snapshots", Facet::tag("k", "b"));
    let (_, third) = ensure(&place, account, "volumes", Facet::tag("k", ""));
    let (_, fourth) = ensure(&place, account, "volumes", Facet::named(FacetKind::TagKey, "k"));
    let (_, theirs) = ensure(&place, other, "volumes", Facet::tag("k", "b"));
    assert_eq!(ensure(&place, account, "volumes", Facet::tag("k", "b")), (volumes, first));
    let place = place.reopen();
    let numbers = |name, value| -> Vec<FacetNo> {
        let found = facets(&place, account, FacetKind::Tag, name, value);
        found.iter().map(|row| row.no).collect()
    };
    assert_eq!(numbers(Some("k"), Some("b")), [first, second]);
    assert_eq!(numbers(Some("k"), None), [third, first, second]);
    assert_eq!(numbers(None, None), [third, first, second]);
    assert_eq!(numbers(Some("K"), None), []);
    let rows = |facet: Facet| place.store().read(|tx| tx.facet_numbers(account, &facet)).unwrap();
    assert_eq!(rows(Facet::tag("k", "b")), [(volumes, first), (snapshots, second)]);
    assert_eq!(rows(Facet::named(FacetKind::TagKey, "k")), [(volumes, fourth)]);
    assert_eq!(rows(Facet::tag("k", "c")), []);
    let row = facets(&place, account, FacetKind::TagKey, Some("k"), Some("")).remove(0);
    assert_eq!((row.no, row.type_no, row.counts), (fourth, volumes, FacetCounts::default()));
    assert_eq!(row.facet, Facet::named(FacetKind::TagKey, "k"));
    let read = |account, no| place.store().read(|tx| tx.facet(account, no)).unwrap();
    assert_eq!(read(account, second).map(|row| row.type_no), Some(snapshots));
    assert_eq!(read(account, theirs), None, "another account's");
}

pub(crate) fn numbers_move_and_what_nobody_has_goes(place: Place) {
    let account = place.account("a");
    let (_, region) = ensure(&place, account, "volumes", Facet::named(FacetKind::Region, "r"));
    let (_, key) = ensure(&place, account, "volumes", Facet::named(FacetKind::TagKey, "k"));
    for no in [region, key] {
        count(&place, no, 3, 4);
        count(&place, no, -1, -4);
    }
    let counts = |kind| -> Vec<FacetCounts> {
        facets(&place, account, kind, None, None).iter().map(|row| row.counts).collect()
    };
    assert_eq!(counts(FacetKind::Region), [FacetCounts { tracked: 2, told: 0 }]);
    let chunk = ChunkNo(1);
    place.store().write(move |tx| tx.put_postings(&[((region, chunk), b"x".to_vec())])).unwrap();
    for no in [region, key] {
        count(&place, no, -2, 0);
    }
    assert_eq!(counts(FacetKind::Region).len(), 1, "a slot still has it");
    place.store().write(move |tx| tx.put_postings(&[((region, chunk), b"".to_vec())])).unwrap();
    count(&place, region, 1, 0);
    count(&place, region, -1, 0);
    assert_eq!(counts(FacetKind::Region), []);
    assert_eq!(counts(FacetKind::TagKey), [FacetCounts::default()], "keys of tags stay");
}

pub(crate) fn names_are_paged(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    for name in ["b", "a", "ä", "c"] {
        for kind in ["volumes", "snapshots"] {
            ensure(&place, account, kind, Facet::named(FacetKind::TagKey, name));
        }
    }
    ensure(&place, other, "volumes", Facet::named(FacetKind::TagKey, "aa"));
    let names = |after: &str, limit| -> Vec<String> {
        let found =
            place.store().read(|tx| tx.facet_names(account, FacetKind::TagKey, after, limit));
        found.unwrap().into_iter().map(|(_, name)| name).collect()
    };
    assert_eq!(names("", 2), ["a", "b"]);
    assert_eq!(names("b", 9), ["c", "ä"]);
    assert_eq!(names("ä", 9), [""; 0]);
}

pub(crate) fn postings_are_replaced_and_sought(place: Place) {
    let account = place.account("a");
    let region = Facet::named(FacetKind::Region, "r");
    let (type_no, facet) = ensure(&place, account, "volumes", region.clone());
    let (_, other) = ensure(&place, account, "volumes", Facet::named(FacetKind::Region, "s"));
    place
        .store()
        .write(move |tx| {
            let at = |facet, chunk, slots: &[u8]| ((facet, ChunkNo(chunk)), slots.to_vec());
            tx.put_postings(&[at(facet, 3, b"x"), at(facet, 7, b"z"), at(facet, 8, b"gone")])?;
            tx.put_postings(&[at(facet, 3, b"y"), at(facet, 8, b""), at(other, 5, b"other")])
        })
        .unwrap();
    let place = place.reopen();
    let within = |from, to, limit| {
        let mut met = Vec::new();
        let read = place.store().read(|tx| {
            tx.scan_postings(facet, ChunkNo(from)..=ChunkNo(to), limit, &mut |chunk, slots| {
                met.push((chunk, slots.to_vec()));
                Ok(())
            })
        });
        read.map(|()| met).unwrap()
    };
    let from = |from, limit| within(from, i64::MAX, limit);
    let (first, second) = ((ChunkNo(3), b"y".to_vec()), (ChunkNo(7), b"z".to_vec()));
    assert_eq!(from(0, 9), [first.clone(), second.clone()]);
    assert_eq!(from(3, 1), [first]);
    assert_eq!(from(4, 2), [second]);
    assert_eq!(from(8, 2), []);
    assert_eq!(within(3, 7, usize::MAX).len(), 2);
    assert_eq!(within(3, 6, 9), from(3, 1));
    assert_eq!(within(4, 6, 9), []);
    let in_chunk = |facet: &Facet, chunk| {
        let read = |tx: &dyn ReadTx| tx.facet_in_chunk(account, type_no, facet, ChunkNo(chunk));
        place.store().read(read).unwrap()
    };
    assert_eq!(in_chunk(&region, 3), Some((facet, b"y".to_vec())));
    assert_eq!(in_chunk(&region, 5), Some((facet, Vec::new())));
    assert_eq!(in_chunk(&Facet::named(FacetKind::Region, "t"), 3), None);
    let posting = |chunk| place.store().read(|tx| tx.posting(facet, ChunkNo(chunk))).unwrap();
    assert_eq!((posting(7), posting(5)), (b"z".to_vec(), Vec::new()));
}
