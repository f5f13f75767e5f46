//! Messages on their way, lanes and archives.

use ruleward_types::{
    AccountNo, Archive, ArchiveBegun, ArchiveTask, ChunkNo, DeliveryLane, Notification, RuleNo,
    Timestamp,
};

use ruleward_store::Flip;

use super::Place;

const TOPIC: &str = "urn:smn:r:p:t";

fn message(account: AccountNo, subject: &str, archive: Option<&str>, created: i64) -> Notification {
    Notification {
        no: 0,
        account,
        topic: TOPIC.to_owned(),
        subject: subject.to_owned(),
        archive: archive.map(str::to_owned),
        created: Timestamp(created),
        body: format!("{{\"n\":{created}}}").into_bytes(),
    }
}

fn insert(place: &Place, message: Notification) -> i64 {
    place.store().write(move |tx| tx.insert_notification(&message)).unwrap()
}

fn waiting(place: &Place, account: AccountNo) -> Vec<i64> {
    let found = place.store().read(|tx| tx.waiting_notifications(account, TOPIC, 10)).unwrap();
    found.into_iter().map(|of| of.no).collect()
}

pub(crate) fn messages_wait_in_order(place: Place) {
    let (no, other) = (place.account("a"), place.account("b"));
    assert_eq!(place.store().read(|tx| tx.last_notification()).unwrap(), 0);
    let first = insert(&place, message(no, "s", None, 1));
    insert(&place, message(other, "s", None, 2));
    let last = insert(&place, message(no, "s", Some("evs.volumes"), 3));
    let place = place.reopen();
    assert_eq!(waiting(&place, no), [first, last]);
    let found = place.store().read(|tx| tx.waiting_notifications(no, TOPIC, 1)).unwrap();
    assert_eq!(found, [Notification { no: first, ..message(no, "s", None, 1) }]);
    assert!(place.store().read(|tx| tx.waiting_notifications(no, "t", 9)).unwrap().is_empty());
    place
        .store()
        .write(move |tx| tx.finish_notification(first).and(tx.finish_notification(last)))
        .unwrap();
    assert!(waiting(&place, no).is_empty());
    assert_eq!(place.store().read(|tx| tx.last_notification()).unwrap(), last);
    let kept = place
        .store()
        .read(|tx| tx.notifications_to_archive(no, "evs.volumes", 0, last, 10))
        .unwrap();
    assert_eq!(kept.len(), 1, "what was delivered and is to be archived stays");
    let pruned = |through| {
        place
            .store()
            .write(move |tx| tx.prune_notifications(no, through, Timestamp(0), 10))
            .unwrap()
    };
    assert_eq!((pruned(last - 1), pruned(last), pruned(last)), (0, 1, 0));
}

pub(crate) fn messages_are_given_up(place: Place) {
    let no = place.account("a");
    let numbers: Vec<i64> = (1..=4).map(|n| insert(&place, message(no, "s", None, n))).collect();
    place
        .store()
        .write(move |tx| {
            tx.ensure_lane(no, TOPIC)?;
            assert_eq!(tx.give_up_older(no, TOPIC, Timestamp(4), 2)?, 2);
            assert_eq!(tx.give_up_older(no, TOPIC, Timestamp(4), 2)?, 1);
            assert_eq!(tx.give_up_older(no, TOPIC, Timestamp(4), 2)?, 0);
            Ok(())
        })
        .unwrap();
    assert_eq!(waiting(&place, no), numbers[3..]);
    let last = numbers[3];
    place.store().write(move |tx| tx.give_up_notification(last)).unwrap();
    let counts = || place.store().read(|tx| Ok(tx.lanes(no)?[0].1)).unwrap();
    assert_eq!((counts().waiting, counts().dead, counts().oldest), (0, 4, None));
    let pruned =
        place.store().write(move |tx| tx.prune_notifications(no, 0, Timestamp(3), 9)).unwrap();
    assert_eq!((pruned, counts().dead), (2, 2), "the dead are kept for a while");
}

pub(crate) fn lanes_are_due(place: Place) {
    let (no, other) = (place.account("a"), place.account("b"));
    place
        .store()
        .write(move |tx| tx.ensure_lane(no, TOPIC).and(tx.ensure_lane(other, TOPIC)))
        .unwrap();
    let due = |now| {
        let lanes = place.store().read(|tx| tx.due_lanes(Timestamp(now), 10)).unwrap();
        lanes.into_iter().map(|lane| lane.account).collect::<Vec<_>>()
    };
    assert!(due(100).is_empty(), "nothing waits");
    insert(&place, message(no, "s", None, 1));
    insert(&place, message(other, "s", None, 1));
    assert_eq!(due(0), [no, other]);
    let lane = DeliveryLane {
        account: no,
        topic: TOPIC.to_owned(),
        due: Timestamp(50),
        attempts: 3,
        delivered: 7,
        last_delivered: Some(Timestamp(4)),
        last_failed: Some(Timestamp(5)),
        last_error: Some("é".to_owned()),
    };
    let updated = lane.clone();
    place.store().write(move |tx| tx.update_lane(&updated).and(tx.ensure_lane(no, TOPIC))).unwrap();
    assert_eq!((due(49), due(50)), (vec![other], vec![other, no]));
    let lanes = place.store().read(|tx| tx.lanes(no)).unwrap();
    assert_eq!(lanes.len(), 1);
    assert_eq!(lanes[0].0, lane);
    assert_eq!((lanes[0].1.waiting, lanes[0].1.oldest), (1, Some(Timestamp(1))));
}

pub(crate) fn archives(place: Place) {
    let (no, other) = (place.account("a"), place.account("b"));
    for (n, kind) in ["x.b", "x.a", "x.b", "x.c"].into_iter().enumerate() {
        insert(&place, message(no, "s", Some(kind), i64::try_from(n).unwrap()));
    }
    insert(&place, message(no, "s", None, 9));
    insert(&place, message(other, "s", Some("x.z"), 9));
    place
        .store()
        .read(|tx| {
            assert_eq!(tx.archived_types(no, 0, 9)?, ["x.a", "x.b", "x.c"]);
            assert_eq!(tx.archived_types(no, 2, 3)?, ["x.b"]);
            let of = |after, through, limit| {
                let found = tx.notifications_to_archive(no, "x.b", after, through, limit);
                found.unwrap().into_iter().map(|of| of.no).collect::<Vec<_>>()
            };
            assert_eq!((of(0, 9, 9), of(0, 9, 1), of(1, 9, 9)), (vec![1, 3], vec![1], vec![3]));
            assert!(of(0, 0, 9).is_empty());
            Ok(())
        })
        .unwrap();
    let begun =
        ArchiveBegun { id: "i".to_owned(), at: Timestamp(1), since: Timestamp(0), through: 3 };
    let archive = Archive {
        snapshot: ArchiveTask { due: Some(Timestamp(20)), ..ArchiveTask::default() },
        changes: ArchiveTask {
            begun: Some(begun),
            retry: Some(Timestamp(10)),
            ..ArchiveTask::default()
        },
        archived_through: 3,
    };
    let (put, never) = (archive.clone(), Archive::default());
    place
        .store()
        .write(move |tx| tx.put_archive(no, &put).and(tx.put_archive(other, &never)))
        .unwrap();
    let place = place.reopen();
    let due = |now| place.store().read(|tx| tx.due_archives(Timestamp(now), 9)).unwrap();
    assert_eq!((due(9), due(10)), (vec![], vec![no]));
    assert_eq!(place.store().read(|tx| tx.archive(no)).unwrap(), Some(archive));
}

pub(crate) fn flips_are_taken_in_order(place: Place) {
    let no = place.account("a");
    let flip = |n: i64| Flip {
        no: n,
        account: no,
        chunk: ChunkNo(7),
        rule: RuleNo(8),
        at: Timestamp(n),
        bytes: vec![0, 255, u8::try_from(n).unwrap()],
    };
    let (first, second) = (flip(1), flip(2));
    place.store().write(move |tx| tx.insert_flip(&first).and(tx.insert_flip(&second))).unwrap();
    let place = place.reopen();
    let flips = |limit| place.store().read(|tx| tx.flips(limit)).unwrap();
    assert_eq!((flips(9), flips(1)), (vec![flip(1), flip(2)], vec![flip(1)]));
    place.store().write(|tx| tx.shorten_flip(1, &[3]).and(tx.delete_flip(2))).unwrap();
    assert_eq!(flips(9), [Flip { bytes: vec![3], ..flip(1) }]);
}
