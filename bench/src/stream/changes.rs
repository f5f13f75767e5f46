//! What changes.

use serde_json::{Value, json};

use super::Load;
use crate::inventory;

/// The change of that number: whether it deletes, and the resource. Of twenty changes one
/// creates, one deletes what was created before it, one retags, two turn verdicts (the name
/// stops fitting, or fits again); the others write another version.
pub fn change(load: Load, n: u64) -> (bool, Value) {
    let kind = n % 20;
    let resources = load.resources.max(1);
    // Each round goes through all resources, and undoes what the round before it did.
    let (round, of) = (n / resources, n.wrapping_mul(7919) % resources);
    let mut resource = match kind {
        0 => inventory::resource(1, resources + n),
        // Created by the twenty changes before these, so it is there.
        1 => inventory::resource(1, resources + n.saturating_sub(21)),
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
    (kind == 1 && n > 20, resource)
}
