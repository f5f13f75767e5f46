//! Daily statistics: today live, days before frozen at midnight UTC.

use ruleward_types::{DailyStatistics, Recorder};
use serde_json::{Value, json};

use crate::product::{Product, START_S, builtin};

const DAY: i64 = 24 * 3600;
/// The store begins at ten in the morning of this day.
const FIRST: i64 = START_S / DAY;

fn volume(id: &str, status: &str) -> Value {
    json!({"id": id, "provider": "evs", "type": "volumes", "properties": {"status": status}})
}

fn days(product: &Product) -> Vec<DailyStatistics> {
    let days = product.service.statistics(&product.access).unwrap();
    for (a, b) in days.iter().zip(days.iter().skip(1)) {
        assert_eq!(a.day + 1, b.day, "every day, oldest first: {days:?}");
    }
    days
}

fn row(day: i64, resources: [i64; 2], assignments: [i64; 2]) -> DailyStatistics {
    DailyStatistics {
        day,
        resources: resources[0],
        non_compliant_resources: resources[1],
        assignments: assignments[0],
        non_compliant_assignments: assignments[1],
    }
}

#[test]
fn days_freeze_at_midnight() {
    let mut product = Product::new();
    assert_eq!(days(&product), [row(FIRST, [0, 0], [0, 0])]);
    product.create(builtin("unused", "volume-unused-check"));
    product.create(builtin("eips", "eip-unbound-check"));
    product.put(&volume("a", "in-use"));
    // A rule without states counts nowhere.
    assert_eq!(days(&product), [row(FIRST, [1, 0], [1, 0])]);
    product.put(&volume("b", "available"));
    assert_eq!(days(&product), [row(FIRST, [2, 1], [1, 1])], "today is live");
    product.clock.advance(14 * 3600 - 60);
    assert_eq!(days(&product), [row(FIRST, [2, 1], [1, 1])], "a minute before midnight");
    product.clock.advance(120);
    // The first change of a day does not reach back into the day before.
    product.put(&volume("b", "in-use"));
    product.put(&volume("c", "in-use"));
    let first = row(FIRST, [2, 1], [1, 1]);
    assert_eq!(days(&product), [first, row(FIRST + 1, [3, 0], [1, 0])]);
    // A downtime is filled with what stood before it.
    product.clock.advance(3 * DAY);
    product = product.reopen();
    product.put(&volume("d", "available"));
    let still = |day| row(day, [3, 0], [1, 0]);
    let today = row(FIRST + 4, [4, 1], [1, 1]);
    let expected = [first, still(FIRST + 1), still(FIRST + 2), still(FIRST + 3), today];
    assert_eq!(days(&product), expected);
    product = product.reopen();
    assert_eq!(days(&product), expected);
    // A look freezes, too.
    product.clock.advance(DAY);
    assert_eq!(days(&product).len(), 6);
    // Ninety days are kept, today among them.
    product.clock.advance(84 * DAY);
    assert_eq!(days(&product).len(), 90);
    assert_eq!(days(&product)[0], first);
    product.clock.advance(DAY);
    let kept = days(&product);
    assert_eq!((kept.len(), kept[0]), (90, still(FIRST + 1)));
    product.clock.advance(400 * DAY);
    product = product.reopen();
    let kept = days(&product);
    assert_eq!(kept.len(), 90);
    assert!(kept.iter().all(|day| (day.resources, day.non_compliant_resources) == (4, 1)));
    assert_eq!(kept[89].day, FIRST + 490);
}

#[test]
fn an_account_begins_with_its_first_day() {
    let product = Product::new();
    product.clock.advance(5 * DAY);
    let later = product.service.create_account("later", None, Recorder::ON).unwrap();
    let access = ruleward_core::Access::operator(&later);
    product.clock.advance(2 * DAY);
    let found: Vec<i64> =
        product.service.statistics(&access).unwrap().iter().map(|of| of.day).collect();
    assert_eq!(found, [FIRST + 5, FIRST + 6, FIRST + 7]);
    assert_eq!(days(&product).len(), 8);
}

#[test]
fn the_running_service_freezes_idle_days() {
    let product = Product::new();
    product.create(builtin("unused", "volume-unused-check"));
    product.put(&volume("a", "available"));
    let workers = product.service.start().unwrap();
    product.clock.advance(DAY);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let frozen = || product.store.as_ref().read(|tx| tx.statistics(product.account.no, 0)).unwrap();
    while frozen().is_empty() {
        assert!(std::time::Instant::now() < until);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(workers);
    assert_eq!(frozen(), [row(FIRST, [1, 1], [1, 1])]);
}
