//! Verdicts, summaries, statistics.

use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn a_verdict_is_read_in_every_way() {
    let server = Server::start();
    let id = server.rule("unused disks").await;
    server.settle(&id).await;
    server.volume("used", "in-use").await;
    server.volume("idle", "available").await;

    let by_rule = server.path(&format!("/policy-assignments/{id}/policy-states"));
    let states = server.get(by_rule.clone()).await.expect(200).json();
    assert_eq!(states["page_info"], json!({"current_count": 2, "next_marker": null}));
    let narrowed = format!("{by_rule}?compliance_state=NonCompliant&resource_name=disk%20idle");
    let narrowed = server.get(narrowed).await.expect(200).json();
    let mut state = narrowed["value"][0].clone();
    let time = state.as_object_mut().unwrap().remove("evaluation_time").unwrap();
    assert!(time.as_str().unwrap().parse::<i64>().unwrap() > 1_600_000_000_000);
    assert_eq!(
        state,
        json!({
            "domain_id": server.account.domain_id, "region_id": "cn-north-4",
            "resource_id": "idle", "resource_name": "disk idle", "resource_provider": "evs",
            "resource_type": "volumes", "trigger_type": "resource",
            "compliance_state": "NonCompliant", "policy_assignment_id": id,
            "policy_assignment_name": "unused disks",
            "policy_definition_id": crate::harness::VOLUME_UNUSED,
        })
    );
    let by_account = server.get(server.path("/policy-states?resource_id=idle")).await.expect(200);
    assert_eq!(by_account.json()["value"], narrowed["value"]);
    let by_resource = server.get(server.path("/resources/idle/policy-states")).await.expect(200);
    assert_eq!(by_resource.json()["value"], narrowed["value"]);
    server.get(server.path("/resources/none/policy-states")).await.refused(404, "RMS.00010005");
    server.get(server.path("/resources/a%20b/policy-states")).await.refused(400, "RMS.00010010");

    let first = server.get(format!("{by_rule}?limit=1")).await.expect(200).json();
    let marker = first["page_info"]["next_marker"].as_str().unwrap();
    let second = server.get(format!("{by_rule}?limit=1&marker={marker}")).await.expect(200).json();
    assert!(second["page_info"]["next_marker"].is_null());
    assert_ne!(first["value"], second["value"]);
    for (query, code) in [
        ("compliance_state=Compliantly", "RMS.00010050"),
        ("compliance_state=CompliantCompliant", "RMS.00010049"),
        ("resource_id=a%20b", "RMS.00010010"),
        ("resource_name=it's", "RMS.00010012"),
        ("limit=201", "RMS.00010037"),
        ("marker=AAAA", "RMS.00010034"),
    ] {
        server.get(format!("{by_rule}?{query}")).await.refused(400, code);
    }
}

#[tokio::test]
async fn summaries() {
    let server = Server::start();
    let id = server.rule("unused disks").await;
    server.settle(&id).await;
    let summary = server.path("/policy-states/summary");
    let empty = server.get(summary.clone()).await.expect(200).json();
    assert_eq!(empty["policy_assignments"][0]["compliance_state"], json!(null));
    server.volume("used", "in-use").await;
    server.volume("idle", "available").await;

    let counts = |compliant: i64, non_compliant: i64| json!({"compliant_count": compliant, "non_compliant_count": non_compliant});
    let whole = server.get(summary.clone()).await.expect(200).json();
    assert_eq!(
        whole["results"],
        json!({"resource_details": counts(1, 1), "assignment_details": counts(0, 1)})
    );
    let one = server.get(server.path(&format!("/policy-assignments/{id}/policy-states/summary")));
    let one = one.await.expect(200).json();
    assert_eq!(whole["policy_assignments"], json!([one]));
    assert_eq!(one["compliance_state"], "NonCompliant");
    assert_eq!(
        one["results"],
        json!({"resource_details": counts(1, 1), "assignment_details": null})
    );
    assert!(one["policy_assignment"]["policy_filter"].is_object());

    let resources = server.path("/resources/policy-states/summary");
    let idle = server.get(format!("{resources}?resource_id=idle")).await.expect(200).json();
    assert_eq!(
        idle,
        json!({
            "value": [{
                "compliance_state": "NonCompliant",
                "resource": {
                    "domain_id": server.account.domain_id, "region_id": "cn-north-4",
                    "resource_id": "idle", "resource_name": "disk idle",
                    "resource_provider": "evs", "resource_type": "volumes",
                },
                "results": {"resource_details": null, "assignment_details": counts(0, 1)},
            }],
            "page_info": {"current_count": 1, "next_marker": null},
        })
    );
    let tagged = server.get(format!("{summary}?tags=team=a&tags=other")).await.expect(200).json();
    assert_eq!(tagged["policy_assignments"], json!([]));
    server.get(format!("{summary}?tags=_sys_a")).await.refused(400, "RMS.00010033");
    let six = "tags=a&tags=b&tags=c&tags=d&tags=e&tags=f";
    server.get(format!("{summary}?{six}")).await.refused(400, "RMS.00010028");

    let days = server.get(server.path("/policy-states/statistics")).await.expect(200).json();
    let today = days["value"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(days.as_object().unwrap().len(), 1);
    assert_eq!(today["statistic_date"].as_str().unwrap().len(), 10);
    assert_eq!(
        (&today["total_resource_count"], &today["non_compliant_resource_count"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        (&today["total_policy_count"], &today["non_compliant_policy_count"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn results_of_functions() {
    let server = Server::start();
    let body = json!({
        "name": "custom", "policy_assignment_type": "custom",
        "custom_policy": {"function_urn": "urn:fss:x", "auth_type": "agency"},
    });
    let made = server.call("PUT", server.path("/policy-assignments"), Some(body)).await.expect(200);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    server.volume("v1", "available").await;
    let event = server.own_path(&format!("/policy-assignments/{id}/event?resource_id=v1"));
    let event = server.get(event).await.expect(200).json();
    let result = |change: serde_json::Value| {
        let mut body = json!({
            "policy_resource": {
                "resource_id": "v1", "resource_provider": "evs", "resource_type": "volumes",
            },
            "trigger_type": "resource", "compliance_state": "NonCompliant",
            "policy_assignment_id": id, "policy_assignment_name": "custom",
            "evaluation_time": event["evaluation_time"], "evaluation_hash": event["evaluation_hash"],
            "function_urn": "urn:fss:x",
        });
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        server.call("PUT", server.path("/policy-states"), Some(body))
    };
    let state = result(json!({})).await.expect(200).json();
    assert_eq!(state["evaluation_time"], event["evaluation_time"].to_string());
    assert!(state["policy_definition_id"].is_null());
    let text = event["evaluation_time"].to_string();
    result(json!({"evaluation_time": text})).await.expect(200);
    for (status, code, change) in [
        (400, "invalid_parameters", json!({"evaluation_hash": "0".repeat(32)})),
        (400, "RULEWARD.ResultConflict", json!({"compliance_state": "Compliant"})),
        (400, "RMS.00010050", json!({"compliance_state": "compliant"})),
        (400, "RMS.00010004", json!({"trigger_type": "manual"})),
        (400, "RMS.00010004", json!({"evaluation_time": "soon"})),
        (400, "RMS.00010004", json!({"evaluation_hash": null})),
        (400, "RMS.00010041", json!({"policy_assignment_id": "a b"})),
        (404, "RMS.00010005", json!({"policy_assignment_id": "0".repeat(24)})),
    ] {
        result(change).await.refused(status, code);
    }
}
