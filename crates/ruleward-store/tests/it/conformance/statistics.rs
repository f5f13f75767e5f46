//! Daily statistics.

use ruleward_types::DailyStatistics;

use super::Place;

fn day(day: i64, resources: i64) -> DailyStatistics {
    DailyStatistics {
        day,
        resources,
        non_compliant_resources: 1,
        assignments: 2,
        non_compliant_assignments: 3,
    }
}

pub(crate) fn days_are_frozen_once_and_pruned(place: Place) {
    let (account, other) = (place.account("a"), place.account("b"));
    place
        .store()
        .write(move |tx| {
            for one in [day(3, 30), day(1, 10), day(2, 20)] {
                tx.put_statistics(account, &one)?;
            }
            tx.put_statistics(account, &day(2, 99))?;
            tx.put_statistics(other, &day(2, 7))
        })
        .unwrap();
    let list = |no, from| place.store().read(|tx| tx.statistics(no, from)).unwrap();
    assert_eq!(list(account, 0), [day(1, 10), day(2, 20), day(3, 30)], "frozen is frozen");
    assert_eq!(list(account, 2), [day(2, 20), day(3, 30)]);
    assert_eq!(list(other, 0), [day(2, 7)]);
    place.store().write(|tx| tx.prune_statistics(3)).unwrap();
    assert_eq!(list(account, 0), [day(3, 30)]);
    assert_eq!(list(other, 0), []);
}
