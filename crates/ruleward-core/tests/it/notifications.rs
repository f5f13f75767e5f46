//! Messages and archives, with folders behind their names.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use ruleward_core::{Folders, Options};
use ruleward_types::{Channel, ErrorCode, ObsChannel, Selection, SmnChannel, TrackerConfig};
use serde_json::{Value, json};

use crate::support::{House, builtin, code, volume};

const TOPIC: &str = "urn:smn:r1:p1:alerts";
const HOUR: i64 = 3600;

/// A house whose channels are folders.
struct Post {
    house: House,
    folder: tempfile::TempDir,
}

impl Post {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let channels: &'static Folders = Box::leak(Box::new(Folders::new(folder.path())));
        let house = House::with_options(Options { channels, ..Options::default() });
        Self { house, folder }
    }

    fn configure(&self, topic: bool, bucket: bool) {
        self.try_configure(topic, bucket, Selection::All).unwrap();
    }

    fn try_configure(
        &self,
        topic: bool,
        bucket: bool,
        selection: Selection,
    ) -> ruleward_types::Result<()> {
        let smn = SmnChannel {
            region_id: "r1".to_owned(),
            project_id: "p1".to_owned(),
            topic_urn: TOPIC.to_owned(),
        };
        let obs = ObsChannel {
            bucket_name: "archive".to_owned(),
            bucket_prefix: Some("a/b".to_owned()),
            region_id: "r2".to_owned(),
        };
        let channel = Channel { smn: topic.then_some(smn), obs: bucket.then_some(obs) };
        let config = TrackerConfig { channel, ..TrackerConfig::of_operator(selection) };
        self.house.service.put_tracker_config(&self.house.access, config)
    }

    /// Delivers and archives until nothing is left to do now.
    fn work_off(&self) {
        let service = &self.house.service;
        while service.deliver_due().unwrap() | service.archive_due().unwrap() {}
    }

    /// What the topic got.
    fn messages(&self) -> Vec<Value> {
        let file = self.folder.path().join("topics/r1_p1_alerts.ndjson");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn kinds(&self) -> Vec<String> {
        let kind = |message: &Value| message["notification_type"].as_str().unwrap().to_owned();
        self.messages().iter().map(kind).collect()
    }

    fn bucket(&self) -> PathBuf {
        self.folder.path().join("buckets/archive")
    }

    fn waiting(&self) -> (i64, i64) {
        let lanes = self.house.service.delivery_lanes(&self.house.access).unwrap();
        lanes.first().map_or((0, 0), |(_, counts)| (counts.waiting, counts.dead))
    }
}

fn packed(bucket: &Path, key: &str) -> Value {
    let mut text = String::new();
    let file = std::fs::File::open(bucket.join(key)).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_change_is_told_once_and_in_order() {
    let post = Post::new();
    let (service, access) = (&post.house.service, &post.house.access);
    post.house.put(&volume("before", "in-use"));
    post.configure(true, false);
    post.house.put(&volume("v", "in-use"));
    post.house.put(&volume("v", "in-use"));
    post.house.put(&volume("v", "available"));
    service.delete_resource(access, "v", None).unwrap();
    assert_eq!(post.waiting(), (3, 0));
    post.work_off();
    let told: Vec<Value> = post.messages();
    let events: Vec<&str> =
        told.iter().map(|of| of["detail"]["event_type"].as_str().unwrap()).collect();
    assert_eq!(events, ["CREATE", "UPDATE", "DELETE"]);
    assert_eq!(told[1]["detail"]["resource"]["properties"]["status"], "available");
    assert_eq!(told[2]["detail"]["resource"]["checksum"], "");
    assert_eq!(told[0]["domain_id"], post.house.account.domain_id.as_str());
    assert_eq!(post.waiting(), (0, 0));
    post.work_off();
    assert_eq!(post.messages().len(), 3);
}

#[test]
fn relations_are_told_and_archived() {
    let post = Post::new();
    let house = &post.house;
    house.put(&volume("d1", "in-use"));
    house.put(&volume("d2", "available"));
    let server = |disks: &[&str]| {
        let attached: Vec<Value> = disks.iter().map(|id| json!({"id": id})).collect();
        json!({
            "id": "s", "provider": "ecs", "type": "cloudservers",
            "properties": {"ExtVolumesAttached": attached},
        })
    };
    post.configure(true, true);
    house.put(&server(&["d1", "unknown"]));
    house.put(&server(&["d2", "unknown"]));
    house.service.delete_resource(&house.access, "s", None).unwrap();
    post.work_off();
    let of = |id: &str| {
        let told = post.messages();
        let mine = told.iter().filter(|of| {
            of["notification_type"] == "ResourceRelationChanged"
                && of["detail"]["resource_id"] == id
        });
        let from = |of: &Value| {
            let text = |field: &str| of["detail"][field].as_str().unwrap_or("-").to_owned();
            assert_eq!(of["detail"]["event_type"], "CHANGE");
            [text("from_resource_id"), text("from_resource_type"), text("relation_type")].join(" ")
        };
        mine.map(from).collect::<Vec<_>>()
    };
    let attached = "s ecs.cloudservers isAttachedTo";
    assert_eq!(of("d1"), [attached, attached]);
    assert_eq!(of("d2"), [attached, "- - -"], "of a source that is gone nothing is told");
    assert_eq!(of("s"), ["- - -", "- - -", "- - -"]);
    assert!(of("unknown").is_empty());
    house.put(&server(&["d2"]));
    house.service.create_snapshot(&house.access).unwrap();
    post.work_off();
    let told = post.messages();
    let done =
        told.iter().find(|of| of["notification_type"] == "SnapshotArchiveCompleted").unwrap();
    let file = packed(&post.bucket(), done["detail"]["object_keys"][0].as_str().unwrap());
    let relations: Vec<Value> = file["items"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|item| item["relations"].as_array().unwrap().clone())
        .collect();
    let relation = |from: [&str; 2], to: [&str; 2]| {
        json!({
            "from_resource_type": from[0], "from_resource_id": from[1],
            "to_resource_type": to[0], "to_resource_id": to[1],
            "relation_type": "isAttachedTo",
        })
    };
    let (disk, server) = (["evs.volumes", "d2"], ["ecs.cloudservers", "s"]);
    assert_eq!(relations, [relation(disk, server), relation(server, disk)]);
}

#[test]
fn what_is_not_recorded_is_not_told() {
    let post = Post::new();
    let only = Selection::from(Some(vec!["iam.users".to_owned()]));
    post.try_configure(true, false, only).unwrap();
    post.house.put(&volume("v", "in-use"));
    post.house.put(&json!({"id": "u", "provider": "iam", "type": "users", "properties": {}}));
    post.work_off();
    let told = post.messages();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["detail"]["resource_id"], "u");
    post.house.service.delete_tracker_config(&post.house.access).unwrap();
    post.house.put(&json!({"id": "w", "provider": "iam", "type": "users", "properties": {}}));
    post.work_off();
    assert_eq!(post.messages().len(), 1, "off is off");
}

#[test]
fn a_receiver_that_fails_is_tried_ever_more_rarely_and_then_given_up() {
    let post = Post::new();
    post.configure(true, false);
    // A file where the topics' folder should be.
    std::fs::write(post.folder.path().join("topics"), "").unwrap();
    post.house.put(&volume("v", "in-use"));
    post.work_off();
    let lane = || post.house.service.delivery_lanes(&post.house.access).unwrap().remove(0).0;
    assert_eq!((post.waiting(), lane().attempts), ((1, 0), 1));
    assert!(lane().last_error.is_some());
    post.work_off();
    assert_eq!(lane().attempts, 1, "not before its time");
    post.house.clock.advance(1);
    post.work_off();
    assert_eq!(lane().attempts, 2);
    post.house.clock.advance(71 * HOUR);
    post.work_off();
    assert_eq!(post.waiting(), (1, 0));
    post.house.put(&volume("w", "in-use"));
    post.house.clock.advance(2 * HOUR);
    post.work_off();
    assert_eq!(post.waiting(), (1, 1), "older than three days");
    std::fs::remove_file(post.folder.path().join("topics")).unwrap();
    post.house.clock.advance(HOUR);
    post.work_off();
    assert_eq!(post.waiting(), (0, 1));
    assert_eq!(post.messages()[0]["detail"]["resource_id"], "w");
    assert_eq!((lane().attempts, lane().delivered), (0, 1));
    post.house.clock.advance(31 * 24 * HOUR);
    post.work_off();
    assert_eq!(post.waiting(), (0, 0), "the dead are kept for a month");
}

#[test]
fn a_verdict_that_flips_is_told() {
    let post = Post::new();
    let house = &post.house;
    house.put(&volume("v", "in-use"));
    house.put(&volume("w", "available"));
    post.configure(true, false);
    let rule = house.create(builtin("disks", "volume-unused-check"));
    post.work_off();
    let flips = || {
        let told = post.messages();
        let flips = told.iter().filter(|of| of["notification_type"] == "PolicyStateChanged");
        flips.map(|of| of["detail"].clone()).collect::<Vec<_>>()
    };
    let found = flips();
    assert_eq!(found.len(), 1, "the first verdict counts where it is non-compliant");
    assert_eq!(found[0]["policy_assignment_id"], rule.id.as_str());
    assert_eq!(found[0]["policy_assignment_name"], "disks");
    assert_eq!(found[0]["resource_id"], "w");
    assert_eq!(found[0]["resource_type"], "evs.volumes");
    assert_eq!(found[0]["previous_compliance_state"], Value::Null);
    assert_eq!(found[0]["compliance_state"], "NonCompliant");
    house.put(&volume("v", "available"));
    house.put(&volume("w", "in-use"));
    house.service.delete_resource(&house.access, "v", None).unwrap();
    post.work_off();
    let mut states: Vec<_> = flips()[1..]
        .iter()
        .map(|of| {
            let text = |field: &str| of[field].as_str().map(str::to_owned);
            (
                text("resource_id").unwrap(),
                text("previous_compliance_state"),
                text("compliance_state"),
            )
        })
        .collect();
    let (good, bad) = (Some("Compliant".to_owned()), Some("NonCompliant".to_owned()));
    // In order for each resource, not between them.
    states.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("v".to_owned(), good.clone(), bad.clone()),
        ("v".to_owned(), bad.clone(), None),
        ("w".to_owned(), bad, good),
    ];
    assert_eq!(states, expected);
    house.put(&volume("w", "available"));
    house.service.disable_policy_assignment(&house.access, &rule.id).unwrap();
    house.service.delete_policy_assignment(&house.access, &rule.id).unwrap();
    post.work_off();
    assert_eq!(flips().len(), 4, "of a rule that is gone nothing is told");
}

#[test]
fn a_snapshot_every_day_and_on_demand() {
    let post = Post::new();
    let house = &post.house;
    let selection = Selection::from(Some(vec!["evs.volumes".to_owned()]));
    post.try_configure(true, true, selection).unwrap();
    let many: Vec<Value> = (0..4500).map(|n| volume(&format!("v-{n}"), "in-use")).collect();
    let body = serde_json::to_vec(&many).unwrap();
    assert_eq!(house.service.put_resources(&house.access, &body).unwrap().created, 4500);
    house.put(&json!({"id": "u", "provider": "iam", "type": "users", "properties": {}}));
    post.work_off();
    let probe = post.bucket().join("a/b/ConfigWritabilityCheckFile");
    assert_eq!(std::fs::metadata(probe).unwrap().len(), 0);
    assert_eq!(house.service.archives(&house.access).unwrap().snapshot.last, None);
    let id = house.service.create_snapshot(&house.access).unwrap();
    assert_eq!(house.service.create_snapshot(&house.access).unwrap(), id, "one at a time");
    post.work_off();
    let told = post.messages();
    let done: Vec<&Value> = told
        .iter()
        .filter(|of| of["notification_type"] == "SnapshotArchiveCompleted")
        .map(|of| &of["detail"])
        .collect();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0]["snapshot_id"], id.as_str());
    assert_eq!((&done[0]["region_id"], &done[0]["bucket_name"]), (&json!("r2"), &json!("archive")));
    let keys = done[0]["object_keys"].as_array().unwrap();
    assert_eq!(keys.len(), 3);
    let domain = &house.account.domain_id;
    // 2026-03-01 on the house's clock.
    let expected = format!(
        "a/b/RMSLogs/{domain}/Snapshot/2026/3/1/{domain}_Snapshot_r2_ResourceSnapshot_\
         2026-03-01T100000Z_{id}_part-1.json.gz"
    );
    assert_eq!(keys[0], expected.as_str());
    let mut seen = std::collections::BTreeSet::new();
    for (key, count) in keys.iter().zip([2000, 2000, 500]) {
        let file = packed(&post.bucket(), key.as_str().unwrap());
        assert_eq!(file["snapshot_id"], id.as_str());
        assert_eq!(file["snapshot_time"], "2026-03-01T10:00:00.000Z");
        let items = file["items"].as_array().unwrap();
        assert_eq!(items.len(), count);
        for item in items {
            assert!(item["relations"].is_array());
            assert_eq!(item["resource"]["type"], "volumes");
            seen.insert(item["resource"]["id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(seen.len(), 4500);
    let last = house.service.archives(&house.access).unwrap().snapshot.last.unwrap();
    assert_eq!((last.files, last.items, last.id), (3, 4500, id));
    house.clock.advance(23 * HOUR);
    post.work_off();
    let count = || post.kinds().iter().filter(|of| *of == "SnapshotArchiveCompleted").count();
    assert_eq!(count(), 1);
    house.clock.advance(72 * HOUR);
    post.work_off();
    assert_eq!(count(), 2, "a downtime is caught up once");
}

#[test]
fn changes_are_archived_by_type_every_six_hours() {
    let post = Post::new();
    let house = &post.house;
    post.configure(true, true);
    house.put(&volume("v", "in-use"));
    house.put(&volume("v", "available"));
    house.put(&json!({"id": "u", "provider": "iam", "type": "users", "properties": {}}));
    post.work_off();
    house.clock.advance(6 * HOUR);
    post.work_off();
    let keys = || {
        let told = post.messages();
        let done =
            told.iter().filter(|of| of["notification_type"] == "NotificationArchiveCompleted");
        let mut keys: Vec<_> =
            done.map(|of| of["detail"]["object_key"].as_str().unwrap().to_owned()).collect();
        // Messages about different files overtake each other.
        keys.sort();
        keys
    };
    let first = keys();
    let domain = &house.account.domain_id;
    let expected = format!(
        "a/b/RMSLogs/{domain}/Notification/2026/03/01/NotificationChunk/{domain}_Notification_r2_\
         NotificationChunk_EVS_VOLUMES_2026-03-01T100000Z_2026-03-01T160000Z.json.gz"
    );
    assert_eq!((first.len(), &first[0]), (2, &expected));
    let items = packed(&post.bucket(), &expected)["notification_items"].clone();
    let told: Vec<Value> = post
        .messages()
        .into_iter()
        .filter(|of| of["detail"]["resource_type"] == "evs.volumes")
        .collect();
    assert_eq!(items, Value::Array(told), "the very messages");
    // A window without changes leaves no file.
    house.clock.advance(6 * HOUR);
    post.work_off();
    assert_eq!(keys().len(), 2);
    house.put(&volume("w", "in-use"));
    house.clock.advance(6 * HOUR);
    post.work_off();
    let third = keys();
    assert_eq!(third.len(), 3);
    assert!(third[2].contains("_2026-03-01T220000Z_2026-03-02T040000Z"), "{}", third[2]);
    let items = packed(&post.bucket(), &third[2])["notification_items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1);
}

#[test]
fn a_bucket_that_fails_is_tried_again_with_the_same_names() {
    let post = Post::new();
    let house = &post.house;
    post.configure(true, true);
    house.put(&volume("v", "in-use"));
    let logs = post.bucket().join("a/b/RMSLogs");
    std::fs::write(&logs, "").unwrap();
    let id = house.service.create_snapshot(&house.access).unwrap();
    post.work_off();
    let archive = || house.service.archives(&house.access).unwrap();
    assert!(archive().snapshot.error.is_some());
    assert_eq!(archive().snapshot.begun.unwrap().id, id);
    std::fs::remove_file(&logs).unwrap();
    post.work_off();
    assert_eq!(archive().snapshot.last, None, "not before its time");
    house.clock.advance(60);
    post.work_off();
    assert_eq!(archive().snapshot.last.unwrap().id, id);
    assert_eq!((archive().snapshot.error, archive().snapshot.begun), (None, None));
}

#[test]
fn channels_that_do_not_work_are_refused() {
    let post = Post::new();
    std::fs::create_dir_all(post.folder.path().join("buckets")).unwrap();
    std::fs::write(post.bucket(), "").unwrap();
    let refused = post.try_configure(true, true, Selection::All).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::BucketNotWritable);
    assert!(refused.message().contains("ConfigWritabilityCheckFile"), "{refused}");
    assert!(!refused.message().contains(&*post.folder.path().to_string_lossy()), "{refused}");
    post.house.put(&volume("v", "in-use"));
    post.work_off();
    assert!(post.messages().is_empty(), "nothing is stored");
    assert_eq!(
        code(post.house.service.create_snapshot(&post.house.access)),
        ErrorCode::InvalidParameter
    );
    let nothing = House::new();
    let smn = SmnChannel {
        region_id: "r".to_owned(),
        project_id: "p".to_owned(),
        topic_urn: TOPIC.to_owned(),
    };
    let channel = Channel { smn: Some(smn), obs: None };
    let config = TrackerConfig { channel, ..TrackerConfig::of_operator(Selection::All) };
    let refused = nothing.service.put_tracker_config(&nothing.access, config);
    assert_eq!(code(refused), ErrorCode::ChannelUnknown);
}
