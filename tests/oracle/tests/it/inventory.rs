//! A small vocabulary of resources, rules and filters.

use ruleward_types::{FilterTag, Period, PolicyFilter, PolicyFilterV2, Tag, TagLogic};
use serde_json::{Map, Value, json};

use crate::support::Tape;

pub(crate) const TYPES: [(&str, &str); 14] = [
    ("ecs", "cloudservers"),
    ("evs", "volumes"),
    ("vpc", "publicips"),
    ("iam", "users"),
    ("cts", "trackers"),
    ("obs", "buckets"),
    ("cbr", "vault"),
    ("cbr", "vault"),
    ("cbr", "policy"),
    ("vpc", "securityGroups"),
    ("ECS", "CloudServers"),
    ("CBR", "Vault"),
    ("evs", "volumes"),
    ("OBS", "Buckets"),
];
/// Those that policies of look-ups judge and look up.
pub(crate) const LINKED_TYPES: [(&str, &str); 8] = [
    ("ecs", "cloudservers"),
    ("evs", "volumes"),
    ("cbr", "vault"),
    ("cbr", "policy"),
    ("vpc", "securityGroups"),
    ("cts", "trackers"),
    ("CBR", "Vault"),
    ("ECS", "CloudServers"),
];
/// Also the number of different ids.
pub(crate) const IDS: usize = 6;
const REGIONS: [&str; 2] = ["r1", "r2"];
const TAGS: [(&str, &str); 5] =
    [("env", "prod"), ("env", "dev"), ("owner", "a"), ("owner", ""), ("stage", "x")];

pub(crate) fn id(tape: &mut Tape) -> String {
    format!("id-{}", tape.below(IDS))
}

/// One of some values, or another type, null, or nothing at all.
fn property(object: &mut Map<String, Value>, key: &str, of: &[Value], tape: &mut Tape) {
    match tape.below(12) {
        9 => drop(object.insert(key.to_owned(), Value::Null)),
        10 => drop(object.insert(key.to_owned(), json!([1, {"a": "é\n"}]))),
        11 => {}
        _ => drop(object.insert(key.to_owned(), tape.pick(of))),
    }
}

pub(crate) fn resource(kind: (&str, &str), id: &str, tape: &mut Tape) -> Value {
    let mut properties = Map::new();
    let mut put = |key: &str, of: &[Value], tape: &mut Tape| {
        property(&mut properties, key, of, tape);
    };
    match kind.0.to_lowercase().as_str() {
        "ecs" => {
            put("flavor", &[json!({"name": "small"}), json!({"name": "large"})], tape);
            let metadata = [
                json!({"meteringImageId": "i1", "vpcId": "v1"}),
                json!({"meteringImageId": "i2", "vpcId": "v2"}),
                json!({"vpcId": "v1"}),
            ];
            put("metadata", &metadata, tape);
            let addresses = [
                json!([{"OsExtIpsType": "fixed"}]),
                json!([{"OsExtIpsType": "fixed"}, {"OsExtIpsType": "floating"}]),
                json!([]),
            ];
            put("addresses", &addresses, tape);
            let groups =
                [json!([{"id": "id-0"}]), json!([{"id": "id-1"}, {"id": "id-2"}]), json!([])];
            put("securityGroup", &groups, tape);
        }
        "evs" => {
            put("status", &[json!("in-use"), json!("available")], tape);
            put("volumeType", &[json!("SSD"), json!("SAS")], tape);
            let marks =
                [json!({"systemEncrypted": "0"}), json!({"systemEncrypted": "1"}), json!({})];
            put("metadata", &marks, tape);
        }
        "cbr" if kind.1 == "policy" => {
            let vaults = [json!([{"vault_id": "id-0"}, {"vault_id": "id-1"}]), json!([])];
            put("associated_vaults", &vaults, tape);
            let days = [
                json!({"retention_duration_days": 30}),
                json!({"retention_duration_days": 7}),
                json!({"max_backups": 10}),
            ];
            put("operation_definition", &days, tape);
        }
        "cbr" => {
            let held = [
                json!([{"id": "id-0"}, {"id": "id-1"}]),
                json!([{"id": "id-2"}]),
                json!([{"id": "id-0"}, {"id": "id-3"}]),
                json!([]),
            ];
            put("resources", &held, tape);
            let own = json!({"operation_definition": {"retention_duration_days": 60}});
            put("policy", &[Value::Null, Value::Null, own], tape);
        }
        "vpc" => put("status", &[json!("DOWN"), json!("ACTIVE")], tape),
        "iam" => {
            // Ages around the ninety days, and about to pass them.
            let key = |time: &str| json!([{"status": "active", "create_time": time}]);
            let keys = [
                key("2026-02-01T00:00:30Z"),
                key("2025-11-01T00:00:30Z"),
                key("2025-12-01T12:30:30Z"),
                key("2025-12-02T00:30:30Z"),
                json!([{"status": "active"}]),
                json!([]),
            ];
            put("credentials", &keys, tape);
        }
        "cts" => {
            put("status", &[json!("enabled"), json!("disabled")], tape);
            put("tracker_type", &[json!("data"), json!("system")], tape);
            let buckets =
                [json!({"data_bucket_name": "logs"}), json!({"data_bucket_name": "other"})];
            put("data_bucket", &buckets, tape);
        }
        _ => put("size", &[json!(1), json!(1.50)], tape),
    }
    let mut tags = Map::new();
    for _ in 0..tape.below(3) {
        let (key, value) = tape.pick(&TAGS);
        tags.insert(key.to_owned(), json!(value));
    }
    let mut resource = json!({
        "id": id, "name": format!("name of {id}"), "provider": kind.0, "type": kind.1,
        "tags": tags, "properties": properties,
    });
    if !tape.once_in(4) {
        resource["region_id"] = json!(tape.pick(&REGIONS));
    }
    resource
}

/// The same resource with other tags.
pub(crate) fn retagged(resource: &Value, tape: &mut Tape) -> Value {
    let mut resource = resource.clone();
    let mut tags = Map::new();
    for _ in 0..tape.below(4) {
        let (key, value) = tape.pick(&TAGS);
        tags.insert(key.to_owned(), json!(value));
    }
    resource["tags"] = tags.into();
    resource
}

/// Policies with parameters.
pub(crate) fn policy(tape: &mut Tape) -> (&'static str, Map<String, Value>) {
    let number = tape.below(26);
    numbered(number, tape)
}

/// Policies that look up other resources, with parameters.
pub(crate) fn looking_policy(tape: &mut Tape) -> (&'static str, Map<String, Value>) {
    let number = 12 + tape.below(10);
    numbered(number, tape)
}

fn numbered(number: usize, tape: &mut Tape) -> (&'static str, Map<String, Value>) {
    let (name, parameters) = match number {
        0 => ("volume-unused-check", json!({})),
        1 => ("volumes-encrypted-check", json!({})),
        2 => ("eip-unbound-check", json!({})),
        3 => ("ecs-instance-no-public-ip", json!({})),
        4 => (
            "allowed-volume-specs",
            json!({"listOfAllowedSpecs": tape.pick(&[vec!["SSD"], vec![]])}),
        ),
        5 => (
            "allowed-ecs-flavors",
            json!({"listOfAllowedFlavors": tape.pick(&[vec!["small"], vec!["small", "large"]])}),
        ),
        6 => ("allowed-images-by-id", json!({"listOfAllowedImages": ["i1"]})),
        7 => ("ecs-instance-in-vpc", json!({"vpcId": tape.pick(&["v1", "v2"])})),
        8 | 9 => {
            let values = tape.pick(&[json!(null), json!(["prod"]), json!([])]);
            let key = tape.pick(&["env", "owner"]);
            ("required-tag-check", json!({"specifiedTagKey": key, "specifiedTagValue": values}))
        }
        10 => ("tracker-config-enabled-check", json!({})),
        11 => ("cts-obs-bucket-track", json!({"trackBucket": tape.pick(&["logs", "none"])})),
        // These look up other resources.
        12 => ("cts-tracker-exists", json!({})),
        13..=15 => ("ecs-protected-by-cbr", json!({})),
        16 | 17 => ("evs-protected-by-cbr", json!({})),
        18 | 19 => (
            "cbr-vault-minimum-retention-check",
            json!({"requiredRetentionDays": tape.pick(&[14, 45])}),
        ),
        20 | 21 => ("vpc-sg-attached-ports", json!({})),
        _ => ("access-keys-rotated", tape.pick(&[json!({}), json!({"maxAccessKeyAge": 28})])),
    };
    (name, parameters.as_object().unwrap().clone())
}

pub(crate) fn tags(tape: &mut Tape) -> Vec<Tag> {
    let of = [("team", "red"), ("team", "blue"), ("stage", "x")];
    let mut tags: Vec<Tag> = Vec::new();
    for _ in 0..tape.below(3) {
        let (key, value) = tape.pick(&of);
        if tags.iter().all(|tag| tag.key != key) {
            tags.push(Tag { key: key.to_owned(), value: value.to_owned() });
        }
    }
    tags
}

pub(crate) fn period(tape: &mut Tape) -> Option<Period> {
    match tape.below(6) {
        0 => None,
        n => Some(Period::ALL[n - 1].0),
    }
}

pub(crate) fn filter(tape: &mut Tape) -> PolicyFilter {
    let mut filter = PolicyFilter::default();
    let text = |text: &str| Some(text.to_owned());
    match tape.below(7) {
        0 | 1 => {}
        2 => filter.region_id = text(tape.pick(&["r1", "global"])),
        3 => filter.resource_id = Some(id(tape)),
        4 => {
            let (key, value) = tape.pick(&TAGS);
            filter.tag_key = text(key);
            filter.tag_value = if tape.below(2) == 0 { None } else { text(value) };
        }
        n => {
            let (provider, name) = tape.pick(&TYPES);
            filter.resource_provider = text(provider);
            if n == 6 {
                filter.resource_type = text(name);
                filter.region_id = text("r1");
            }
        }
    }
    filter
}

fn filter_tags(tape: &mut Tape) -> Vec<FilterTag> {
    let length = tape.below(3);
    (0..length)
        .map(|_| FilterTag {
            key: tape.pick(&["env", "owner", "none"]).to_owned(),
            values: tape
                .pick(&[vec![], vec!["prod"], vec!["prod", "a"]])
                .into_iter()
                .map(str::to_owned)
                .collect(),
        })
        .collect()
}

fn logic(tape: &mut Tape) -> Option<TagLogic> {
    tape.pick(&[None, Some(TagLogic::And), Some(TagLogic::Or)])
}

pub(crate) fn filter_v2(tape: &mut Tape) -> Option<PolicyFilterV2> {
    if tape.below(2) == 0 {
        return None;
    }
    let mut filter = PolicyFilterV2::default();
    if tape.once_in(3) {
        filter.region_ids = vec![tape.pick(&["r1", "global"]).to_owned(), "r9".to_owned()];
    }
    if tape.once_in(3) {
        let types: Vec<_> = (0..=tape.below(2)).map(|_| tape.pick(&TYPES)).collect();
        filter.resource_types = types.iter().map(|(a, b)| format!("{a}.{b}")).collect();
    }
    if tape.once_in(4) {
        filter.resource_ids = (0..=tape.below(3)).map(|_| id(tape)).collect();
    }
    if tape.once_in(2) {
        filter.tags = filter_tags(tape);
        filter.tag_key_logic = logic(tape);
    }
    if tape.once_in(3) {
        filter.exclude_tags = filter_tags(tape);
        filter.exclude_tag_key_logic = logic(tape);
    }
    Some(filter)
}
