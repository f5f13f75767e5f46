//! What changes.

use serde_json::{Value, json};

use super::Load;
use crate::inventory;
use crate::random::Random;

/// Changes of which each kind has its share.
const GROUP: u64 = 20;

/// The kinds of a group's changes, in an order of its own: what costs most should neither come in a row
/// nor at even distances. Each round through the resources has the same.
fn kinds(load: Load, group: u64) -> Vec<u64> {
    let of_round = group % (load.resources / GROUP).max(1);
    let (mut left, mut random) = ((0..GROUP).collect::<Vec<_>>(), Random::new(of_round));
    std::iter::from_fn(|| {
        let place = usize::try_from(random.below(left.len() as u64)).ok()?;
        (!left.is_empty()).then(|| left.swap_remove(place))
    })
    .collect()
}

/// The number of the change of a kind in a group.
fn number_of(load: Load, group: u64, kind: u64) -> u64 {
    group * GROUP + (0..).zip(kinds(load, group)).find(|of| of.1 == kind).map_or(0, |of| of.0)
}

/// The change of that number: whether it deletes, and the resource. Of twenty changes one
/// creates, one deletes what the twenty before it created, one retags, two turn verdicts (the name
/// stops fitting, or fits again); the others write another version.
pub fn change(load: Load, n: u64) -> (bool, Value) {
    let group = n / GROUP;
    let kind = (0..).zip(kinds(load, group)).find(|of| of.0 == n % GROUP).map_or(0, |of| of.1);
    let resources = load.resources.max(1);
    // Each round goes through all resources, and undoes what the round before it did.
    let (round, of) = (n / resources, n.wrapping_mul(7919) % resources);
    let mut resource = match kind {
        0 => inventory::resource(1, resources + n),
        1 => inventory::resource(1, resources + number_of(load, group.saturating_sub(1), 0)),
        _ => inventory::resource(1, of),
    };
    if let Some(fields) = resource.as_object_mut() {
        match kind {
            2 => {
                let environment = if round.is_multiple_of(2) { "dev" } else { "prod" };
                let tags = json!({ "env": environment, "changed": "yes" });
                fields.insert("tags".to_owned(), tags);
            }
            3 | 4 if round.is_multiple_of(2) => {
                fields.insert("name".to_owned(), format!("tmp {n}").into());
            }
            _ => {}
        }
        let updated = format!("2026-11-01T00:00:00.{:09}Z", n % 1_000_000_000);
        fields.insert("updated".to_owned(), updated.into());
    }
    (kind == 1 && group > 0, resource)
}
