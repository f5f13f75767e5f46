//! Resources as they are stored and as policies read them.

use ruleward_policy::catalogue;
use serde_json::{Map, Value, json};

/// A resource as it is stored: every field there, its type spelled as the catalogue spells it,
/// else as it was spelled first.
pub(crate) fn normal_form(entity: &Value, provider: &str, name: &str) -> Value {
    let text = |field: &str, default: &str| {
        entity.get(field).and_then(Value::as_str).unwrap_or(default).to_owned()
    };
    let (mut provider, mut name) = (provider.to_owned(), name.to_owned());
    for of in catalogue().list().iter().flat_map(|of| &of.default_resource_types) {
        if of.provider.eq_ignore_ascii_case(&provider) && of.kind.eq_ignore_ascii_case(&name) {
            (provider, name) = (of.provider.clone(), of.kind.clone());
        }
    }
    let mut tags = Map::new();
    for (key, value) in entity.get("tags").and_then(Value::as_object).into_iter().flatten() {
        tags.insert(key.clone(), value.as_str().unwrap_or_default().into());
    }
    json!({
        "id": text("id", ""), "name": text("name", ""), "provider": provider, "type": name,
        "region_id": text("region_id", "global"), "project_id": text("project_id", ""),
        "project_name": text("project_name", ""), "ep_id": text("ep_id", "0"),
        "ep_name": text("ep_name", "default"), "checksum": text("checksum", ""),
        "created": entity.get("created"), "updated": entity.get("updated"),
        "provisioning_state": entity.get("provisioning_state"),
        "tags": tags,
        "properties": entity.get("properties").cloned().unwrap_or_else(|| json!({})),
    })
}

/// The account as periodic policies judge it.
pub(crate) fn account_resource(domain_id: &str) -> Value {
    json!({
        "id": domain_id, "name": "Account", "provider": null, "type": null,
        "region_id": "global", "project_id": null, "ep_id": null, "created": null,
        "updated": null, "provisioning_state": null, "tags": null, "properties": null,
    })
}
