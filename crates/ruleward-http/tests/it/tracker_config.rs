//! The resource recorder.

use ruleward_types::Role;
use serde_json::{Value, json};

use crate::harness::Server;

fn smn() -> Value {
    json!({"region_id": "r1", "project_id": "p1", "topic_urn": "urn:smn:r1:p1:alerts"})
}

fn body() -> Value {
    json!({
        "channel": {"smn": smn(), "obs": {"bucket_name": "archive", "region_id": "r1"}},
        "selector": {"all_supported": true, "resource_types": []},
        "agency_name": "rms_tracker_agency",
    })
}

#[tokio::test]
async fn put_show_delete() {
    let server = Server::start();
    let path = || server.path("/tracker-config");
    let of_operator = server.get(path()).await.expect(200).json();
    assert_eq!(of_operator["channel"], json!({"smn": null, "obs": null}));
    server.call("PUT", path(), Some(body())).await.empty(200);
    let shown = server.get(path()).await.expect(200).json();
    assert_eq!(
        shown,
        json!({
            "domain_id": server.account.domain_id,
            "channel": {
                "smn": smn(),
                "obs": {"bucket_name": "archive", "bucket_prefix": null, "region_id": "r1"},
            },
            "selector": {"all_supported": true, "resource_types": []},
            "retention_period_in_days": 2557,
            "agency_name": "rms_tracker_agency",
            "frozen_status": null,
        })
    );
    let mut limited = body();
    limited["selector"] = json!({"all_supported": false, "resource_types": ["evs.volumes"]});
    limited["channel"] = json!({"smn": null, "obs": {
        "bucket_name": "archive", "bucket_prefix": "a/b_1", "region_id": "r1",
    }});
    limited["retention_period_in_days"] = json!(30);
    server.call("PUT", path(), Some(limited.clone())).await.empty(200);
    let shown = server.get(path()).await.expect(200).json();
    for field in ["channel", "selector", "retention_period_in_days"] {
        assert_eq!(shown[field], limited[field]);
    }
    let auditor = server.user("auditor", Role::Auditor);
    server.call_as(&auditor, "GET", path(), None).await.expect(200);
    server.call_as(&auditor, "DELETE", path(), None).await.refused(403, "RMS.00010006");
    server.call_as(&auditor, "PUT", path(), Some(body())).await.refused(403, "RMS.00010006");
    server.call("DELETE", path(), None).await.empty(200);
    server.get(path()).await.refused(404, "RMS.00010005");
    server.call("DELETE", path(), None).await.refused(404, "RMS.00010005");
    let rule = json!({"name": "x", "policy_definition_id": crate::harness::VOLUME_UNUSED});
    let made = server.call("PUT", server.path("/policy-assignments"), Some(rule)).await;
    made.refused(400, "RMS.00010091");
}

#[tokio::test]
async fn bodies_that_are_refused() {
    let server = Server::start();
    let before = server.get(server.path("/tracker-config")).await.expect(200).json();
    for (pointer, value, words) in [
        ("/channel", Value::Null, "`channel`"),
        ("/channel", json!({}), "`smn`"),
        ("/channel", json!([]), "object"),
        ("/channel/smn/topic_urn", Value::Null, "topic_urn"),
        ("/channel/smn/topic_urn", json!("urn:smn:r1:alerts"), "topic_urn"),
        ("/channel/smn/topic_urn", json!("urn:smn:r1:p1:a\nb"), "topic_urn"),
        ("/channel/smn/region_id", Value::Null, "region_id"),
        ("/channel/smn/project_id", Value::Null, "project_id"),
        ("/channel/obs/bucket_name", json!("ab"), "bucket_name"),
        ("/channel/obs/bucket_name", json!("UPPER"), "bucket_name"),
        ("/channel/obs/bucket_name", json!("../../etc"), "bucket_name"),
        ("/channel/obs/region_id", json!(""), "region_id"),
        (
            "/channel/obs",
            json!({"bucket_name": "abc", "region_id": "r", "bucket_prefix": "a//b"}),
            "prefix",
        ),
        (
            "/channel/obs",
            json!({"bucket_name": "abc", "region_id": "r", "bucket_prefix": "../b"}),
            "prefix",
        ),
        ("/selector", Value::Null, "`selector`"),
        ("/selector/all_supported", Value::Null, "all_supported"),
        ("/selector/resource_types", json!(["evs.volumes"]), "resource_types"),
        ("/selector", json!({"all_supported": false}), "resource_types"),
        ("/selector", json!({"all_supported": false, "resource_types": ["volumes"]}), "type"),
        ("/selector", json!({"all_supported": false, "resource_types": ["e.v s"]}), "e.v s"),
        ("/agency_name", json!(""), "agency_name"),
        ("/agency_name", Value::Null, "agency_name"),
    ] {
        let mut wrong = body();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let reply = server.call("PUT", server.path("/tracker-config"), Some(wrong)).await;
        assert_eq!(reply.status.as_u16(), 400, "{pointer}: {}", reply.text());
        assert!(reply.text().contains(words), "{pointer}: {}", reply.text());
    }
    for days in [29, 2558, -1] {
        let mut wrong = body();
        wrong["retention_period_in_days"] = json!(days);
        let reply = server.call("PUT", server.path("/tracker-config"), Some(wrong)).await;
        reply.refused(400, "RMS.00010004");
    }
    let after = server.get(server.path("/tracker-config")).await.expect(200).json();
    assert_eq!(after, before);
}
