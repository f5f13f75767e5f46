//! The messages, as the documentation of the service shows them, and one of our own.

use ruleward_types::{ResourceType, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// What happened to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ChangeEvent {
    /// It is new.
    Create,
    /// It is another.
    Update,
    /// It is gone.
    Delete,
}

/// What all messages have in common.
#[derive(Serialize)]
struct Envelope<'a, D> {
    notification_type: &'static str,
    notification_creation_time: String,
    domain_id: &'a str,
    detail: D,
}

#[derive(Serialize)]
struct Changed<'a> {
    resource_id: &'a str,
    resource_type: String,
    event_type: ChangeEvent,
    capture_time: String,
    resource: &'a RawValue,
}

fn envelope(
    kind: &'static str,
    domain_id: &str,
    now: Timestamp,
    detail: impl Serialize,
) -> Vec<u8> {
    let notification_creation_time = now.to_wire();
    let whole = Envelope { notification_type: kind, notification_creation_time, domain_id, detail };
    // Texts, numbers and JSON that was read before: there is nothing in it that could fail.
    serde_json::to_vec(&whole).unwrap_or_default()
}

/// A resource was made, changed or removed. Of a removed one the documented example shows what
/// names it, and nothing else.
pub(crate) fn resource_changed(
    domain_id: &str,
    now: Timestamp,
    event: ChangeEvent,
    resource: (&str, &ResourceType),
    captured: Timestamp,
    body: &[u8],
) -> Vec<u8> {
    let named = (event == ChangeEvent::Delete).then(|| naming(body));
    let body = named.as_deref().unwrap_or(body);
    let text = str::from_utf8(body).unwrap_or_default();
    let Ok(entity) = serde_json::from_str::<&RawValue>(text) else { return Vec::new() };
    let detail = Changed {
        resource_id: resource.0,
        resource_type: resource.1.to_string(),
        event_type: event,
        capture_time: captured.to_wire(),
        resource: entity,
    };
    envelope("ResourceChanged", domain_id, now, detail)
}

/// What names a resource that is gone.
fn naming(body: &[u8]) -> Vec<u8> {
    const KEPT: [&str; 9] = [
        "id",
        "name",
        "provider",
        "type",
        "region_id",
        "project_id",
        "project_name",
        "ep_id",
        "ep_name",
    ];
    let entity: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let mut kept: Map<String, Value> =
        entity.into_iter().filter(|(key, _)| KEPT.contains(&key.as_str())).collect();
    kept.insert("checksum".to_owned(), Value::String(String::new()));
    Value::Object(kept).to_string().into_bytes()
}

/// The resource because of which relations of another one changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelationFrom<'a> {
    pub(crate) id: &'a str,
    pub(crate) resource_type: &'a str,
    /// What it is, or was, to the other one.
    pub(crate) relation: &'a str,
}

/// The relations of a resource changed. `from` is the source, where that is another one that exists.
pub(crate) fn relation_changed(
    domain_id: &str,
    now: Timestamp,
    (resource_id, resource_type): (&str, &str),
    captured: Timestamp,
    from: Option<RelationFrom<'_>>,
) -> Vec<u8> {
    let mut detail = json!({
        "resource_id": resource_id,
        "resource_type": resource_type,
        "event_type": "CHANGE",
        "capture_time": captured.to_wire(),
    });
    if let (Some(from), Some(fields)) = (from, detail.as_object_mut()) {
        fields.insert("from_resource_id".to_owned(), json!(from.id));
        fields.insert("from_resource_type".to_owned(), json!(from.resource_type));
        fields.insert("relation_type".to_owned(), json!(from.relation));
    }
    envelope("ResourceRelationChanged", domain_id, now, detail)
}

/// A snapshot is complete.
pub(crate) fn snapshot_archived(
    domain_id: &str,
    now: Timestamp,
    snapshot_id: &str,
    (region_id, bucket_name): (&str, &str),
    object_keys: &[String],
) -> Vec<u8> {
    let detail = json!({
        "snapshot_id": snapshot_id,
        "region_id": region_id,
        "bucket_name": bucket_name,
        "object_keys": object_keys,
    });
    envelope("SnapshotArchiveCompleted", domain_id, now, detail)
}

/// A file of changes is complete.
pub(crate) fn changes_archived(
    domain_id: &str,
    now: Timestamp,
    (region_id, bucket_name): (&str, &str),
    object_key: &str,
) -> Vec<u8> {
    let detail = json!({
        "region_id": region_id,
        "bucket_name": bucket_name,
        "object_key": object_key,
    });
    envelope("NotificationArchiveCompleted", domain_id, now, detail)
}

/// A verdict that began or ended to be non-compliant: ours.
#[derive(Debug, Serialize)]
pub(crate) struct StateChanged {
    pub(crate) policy_assignment_id: String,
    pub(crate) policy_assignment_name: String,
    pub(crate) resource_id: String,
    pub(crate) resource_name: String,
    /// `provider.type`; null for the account as a whole.
    pub(crate) resource_type: Option<String>,
    pub(crate) region_id: String,
    /// The verdict before; null where there was none that the wire knows.
    pub(crate) previous_compliance_state: Option<&'static str>,
    /// The verdict now; likewise.
    pub(crate) compliance_state: Option<&'static str>,
    pub(crate) capture_time: String,
}

/// A verdict began or ended to be non-compliant.
pub(crate) fn state_changed(domain_id: &str, now: Timestamp, detail: &StateChanged) -> Vec<u8> {
    envelope("PolicyStateChanged", domain_id, now, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(message: &[u8]) -> Value {
        serde_json::from_slice(message).unwrap()
    }

    #[test]
    fn a_change() {
        let body = br#"{"id":"v","name":"n","provider":"evs","type":"volumes","region_id":"r","project_id":"p","project_name":"q","ep_id":"0","ep_name":"default","checksum":"c","created":null,"updated":null,"provisioning_state":null,"tags":{},"properties":{"size":1.50}}"#;
        let of = ResourceType::new("evs", "volumes");
        let told = |event| {
            let (now, captured) = (Timestamp::from_ms(1_700_000_000_123), Timestamp::from_ms(0));
            resource_changed("d", now, event, ("v", &of), captured, body)
        };
        let update = told(ChangeEvent::Update);
        assert!(
            String::from_utf8_lossy(&update).contains("\"size\":1.50"),
            "numbers keep their text"
        );
        let update = parsed(&update);
        assert_eq!(update["notification_type"], "ResourceChanged");
        assert_eq!(update["notification_creation_time"], "2023-11-14T22:13:20.123Z");
        assert_eq!(update["domain_id"], "d");
        assert_eq!(update["detail"]["resource_type"], "evs.volumes");
        assert_eq!(update["detail"]["event_type"], "UPDATE");
        assert_eq!(update["detail"]["capture_time"], "1970-01-01T00:00:00.000Z");
        assert_eq!(update["detail"]["resource"], parsed(body));
        let gone = parsed(&told(ChangeEvent::Delete));
        let expected = json!({
            "id": "v", "name": "n", "provider": "evs", "type": "volumes", "region_id": "r",
            "project_id": "p", "project_name": "q", "ep_id": "0", "ep_name": "default",
            "checksum": "",
        });
        assert_eq!(gone["detail"]["resource"], expected);
    }
}
