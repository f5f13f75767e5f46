//! How messages and archives are doing, and snapshots on demand.

use std::time::Duration;

use ruleward_types::Role;
use serde_json::{Value, json};

use crate::harness::Server;

#[tokio::test]
async fn a_snapshot_on_demand_and_what_is_told_of_it() {
    let server = Server::start();
    let snapshots = || server.own_path("/snapshots");
    server.call("POST", snapshots(), None).await.refused(400, "RMS.00010004");
    let body = json!({
        "channel": {
            "smn": {"region_id": "r", "project_id": "p", "topic_urn": "urn:smn:r:p:t"},
            "obs": {"bucket_name": "archive", "region_id": "r"},
        },
        "selector": {"all_supported": true, "resource_types": []},
        "agency_name": "a",
    });
    server.call("PUT", server.path("/tracker-config"), Some(body)).await.empty(200);
    server.volume("v", "in-use").await;
    let made = server.call("POST", snapshots(), None).await.expect(202).json();
    let mut shown = Value::Null;
    for _ in 0..500 {
        shown = server.get(server.own_path("/channels")).await.expect(200).json();
        let done = shown["snapshot"]["last"]["id"] == made["snapshot_id"];
        // The change, the archive of it, the snapshot.
        if done && shown["topics"][0]["delivered"] == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(shown["snapshot"]["last"]["items"], 1, "{shown}");
    assert_eq!(shown["changes"]["last"]["items"], 1, "{shown}");
    let topic = &shown["topics"][0];
    assert_eq!((&topic["waiting"], &topic["dead"]), (&json!(0), &json!(0)));
    assert_eq!((&topic["delivered"], &topic["last_error"]), (&json!(3), &Value::Null));
    let auditor = server.user("auditor", Role::Auditor);
    server.call_as(&auditor, "GET", server.own_path("/channels"), None).await.expect(200);
    server.call_as(&auditor, "POST", snapshots(), None).await.refused(403, "RMS.00010006");
}
