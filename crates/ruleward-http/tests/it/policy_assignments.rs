//! Rules.

use serde_json::{Value, json};

use crate::harness::{Call, Server, VOLUME_UNUSED};

const EMPTY_FILTER: [&str; 6] =
    ["region_id", "resource_provider", "resource_type", "resource_id", "tag_key", "tag_value"];

fn merged(base: &Value, change: &Value) -> Value {
    let mut body = base.as_object().unwrap().clone();
    body.extend(change.as_object().unwrap().clone());
    Value::Object(body)
}

#[tokio::test]
async fn a_rule_comes_back_whole() {
    let server = Server::start();
    let body = json!({
        "name": "磁盘 in use", "description": "it's", "policy_definition_id": VOLUME_UNUSED,
        "policy_filter": {"resource_provider": "evs"}, "parameters": {}, "colour": "blue",
        "tags": [{"key": "team", "value": ""}],
    });
    let path = server.path("/policy-assignments");
    let made = server.call("PUT", path.clone(), Some(body)).await.expect(200).json();
    let keys: Vec<_> = made.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "policy_assignment_type",
            "id",
            "name",
            "description",
            "policy_filter",
            "policy_filter_v2",
            "period",
            "state",
            "created",
            "updated",
            "policy_definition_id",
            "custom_policy",
            "parameters",
            "tags",
            "created_by",
            "target_type",
            "target_id",
        ]
    );
    let filter = made["policy_filter"].as_object().unwrap();
    assert_eq!(filter.keys().map(String::as_str).collect::<Vec<_>>(), EMPTY_FILTER);
    assert_eq!(filter["resource_provider"], "evs");
    assert!(made["policy_filter_v2"].is_null() && made["custom_policy"].is_null());
    assert_eq!(made["tags"], json!([{"key": "team", "value": ""}]));
    assert_eq!(made["created_by"], "custom");

    let id = made["id"].as_str().unwrap();
    server.settle(id).await;
    let shown = server.get(format!("{path}/{id}")).await.expect(200).json();
    assert_eq!(shown, merged(&made, &json!({"state": "Enabled"})));
    let listed = server.get(format!("{path}?policy_assignment_name=%E7%A3%81%E7%9B%98%20in%20use"));
    assert_eq!(listed.await.expect(200).json()["value"], json!([shown]));
}

#[tokio::test]
async fn the_life_of_a_rule() {
    let server = Server::start();
    let id = server.rule("a rule").await;
    server.settle(&id).await;
    let path = server.path(&format!("/policy-assignments/{id}"));
    let delete = || server.call("DELETE", path.clone(), None);
    delete().await.refused(400, "RULEWARD.RuleNotDisabled");
    server.call("POST", format!("{path}/disable"), None).await.empty(202);
    let run = format!("{path}/policy-states/run-evaluation");
    server.call("POST", run.clone(), None).await.refused(400, "RULEWARD.RuleDisabled");
    server.call("POST", format!("{path}/enable"), None).await.empty(202);
    server.settle(&id).await;
    server.call("POST", run, None).await.empty(202);
    server.settle(&id).await;
    server.call("POST", format!("{path}/disable"), None).await.empty(202);
    delete().await.empty(200);
    delete().await.refused(404, "RMS.00010005");
}

#[tokio::test]
async fn update_keeps_and_replaces() {
    let server = Server::start();
    let base = json!({"name": "a rule", "policy_definition_id": VOLUME_UNUSED});
    let body = merged(
        &base,
        &json!({
            "description": "text", "tags": [{"key": "a", "value": "b"}],
            "policy_filter_v2": {"region_ids": ["r"], "tag_key_logic": "AND", "tags": [{"key": "k"}]},
        }),
    );
    let path = server.path("/policy-assignments");
    let made = server.call("PUT", path.clone(), Some(body)).await.expect(200).json();
    let second = json!({
        "region_ids": ["r"], "resource_types": [], "resource_ids": [], "tag_key_logic": "AND",
        "tags": [{"key": "k", "values": []}], "exclude_tag_key_logic": null, "exclude_tags": [],
    });
    assert_eq!(made["policy_filter_v2"], second);

    let path = format!("{path}/{}", made["id"].as_str().unwrap());
    let kept = server.call("PUT", path.clone(), Some(base.clone())).await.expect(200).json();
    assert_eq!((&kept["tags"], &kept["policy_filter_v2"]), (&made["tags"], &second));
    assert!(kept["description"].is_null());
    let nulls = json!({"tags": null, "policy_filter_v2": null});
    let gone = server.call("PUT", path.clone(), Some(merged(&base, &nulls))).await.expect(200);
    assert_eq!(gone.json()["tags"], json!([]));
    assert!(gone.json()["policy_filter_v2"].is_null());
    let long = json!({"name": "y".repeat(256)});
    server.call("PUT", path.clone(), Some(merged(&base, &long))).await.expect(200);
    let other = json!({"policy_assignment_type": "custom"});
    let reply = server.call("PUT", path, Some(merged(&base, &other))).await;
    reply.refused(400, "RULEWARD.RuleImmutable");
}

#[tokio::test]
async fn custom_rules() {
    let server = Server::start();
    let path = server.path("/policy-assignments");
    let custom = json!({
        "function_urn": "urn:fss:x", "auth_type": "agency", "auth_value": {"agency_name": "a"},
    });
    let value: Value = serde_json::from_str(r#"{"list":[1,2.50,"x",null]}"#).unwrap();
    let body = |custom: &Value| {
        json!({
            "name": "custom", "policy_assignment_type": "custom", "custom_policy": custom,
            "parameters": {"any": {"value": value}},
        })
    };
    let made = server.call("PUT", path.clone(), Some(body(&custom))).await.expect(200).json();
    assert_eq!(made["custom_policy"], custom);
    assert_eq!(made["parameters"]["any"]["value"].to_string(), value.to_string());
    assert!(made["policy_definition_id"].is_null());
    for custom in [
        json!(null),
        json!({"auth_type": "agency"}),
        json!({"function_urn": "urn:x"}),
        json!({"function_urn": "urn:x", "auth_type": "token"}),
        json!({"function_urn": "u".repeat(1025), "auth_type": "agency"}),
    ] {
        let reply = server.call("PUT", path.clone(), Some(body(&custom))).await;
        reply.refused(400, "RMS.00010004");
    }
}

#[tokio::test]
async fn bodies_that_are_refused() {
    let server = Server::start();
    let path = server.path("/policy-assignments");
    let base = json!({"name": "a rule", "policy_definition_id": VOLUME_UNUSED});
    let tags: Vec<_> = (0..21).map(|n| json!({"key": format!("k{n}"), "value": "v"})).collect();
    for (code, change) in [
        ("RMS.00010004", json!({"name": null})),
        ("RMS.00010046", json!({"name": " a"})),
        ("RMS.00010045", json!({"name": "x".repeat(257)})),
        ("RMS.00010004", json!({"description": "x".repeat(513)})),
        ("RMS.00010004", json!({"period": "Daily"})),
        ("RMS.00010004", json!({"policy_assignment_type": "builtIn"})),
        ("RMS.00010004", json!({"policy_definition_id": null})),
        ("RMS.00010042", json!({"policy_definition_id": "a b"})),
        ("RMS.00010044", json!({"policy_definition_id": "a".repeat(37)})),
        ("RULEWARD.DefinitionUnknown", json!({"policy_definition_id": "0".repeat(24)})),
        ("RMS.00010004", json!({"policy_filter": {"region_id": "r".repeat(129)}})),
        ("RMS.00010004", json!({"policy_filter": {"resource_id": "r".repeat(513)}})),
        ("RMS.00010004", json!({"policy_filter": {"tag_key": "k", "tag_value": "v".repeat(257)}})),
        ("RMS.00010004", json!({"policy_filter": {"tag_value": "v"}})),
        ("RMS.00010004", json!({"policy_filter_v2": {"tag_key_logic": "XOR"}})),
        ("RMS.00010004", json!({"policy_filter_v2": {"resource_types": ["ecs"]}})),
        ("RMS.00010004", json!({"policy_filter_v2": {"tags": [{"values": []}]}})),
        ("RMS.00010004", json!({"policy_filter_v2": {"region_ids": vec!["r"; 1001]}})),
        ("RMS.00010004", json!({"parameters": {"p": 1}})),
        ("RULEWARD.ParameterIllegal", json!({"parameters": {"p": {"value": 1}}})),
        ("RMS.00010004", json!({"tags": tags})),
        ("RMS.00010004", json!({"tags": [{"key": "k"}]})),
        ("RMS.00010033", json!({"tags": [{"key": "_sys_k", "value": "v"}]})),
        ("RMS.00010029", json!({"tags": [{"key": "k".repeat(129), "value": "v"}]})),
        ("RMS.00010031", json!({"tags": [{"key": "k", "value": "v".repeat(256)}]})),
        ("RMS.00010032", json!({"tags": [{"key": "k", "value": "v'"}]})),
        ("RULEWARD.MalformedBody", json!({"policy_filter": []})),
        ("RULEWARD.MalformedBody", json!({"tags": {"key": "k"}})),
        ("RULEWARD.MalformedBody", json!({"name": 1})),
    ] {
        let reply = server.call("PUT", path.clone(), Some(merged(&base, &change))).await;
        assert_eq!(reply.json()["error_code"], code, "{change} {}", reply.text());
        reply.refused(400, code);
    }
    for body in [&b""[..], b"{", b"[]", b"null", b"\xff", br#"{"name":"a","name":"b"}"#] {
        let call = Call { body: body.to_vec(), ..Call::new("PUT", path.clone()) };
        server.signed(&server.admin, call).await.refused(400, "RULEWARD.MalformedBody");
    }
    assert_eq!(server.get(path).await.expect(200).json()["value"], json!([]));
}

#[tokio::test]
async fn pages_and_markers() {
    let server = Server::start();
    let path = server.path("/policy-assignments");
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push(server.rule(name).await);
    }
    let first = server.get(format!("{path}?limit=2")).await.expect(200).json();
    assert_eq!(first["page_info"]["current_count"], 2);
    let marker = first["page_info"]["next_marker"].as_str().unwrap();
    let rest = server.get(format!("{path}?marker={marker}")).await.expect(200).json();
    assert_eq!(rest["value"][0]["id"], made[2].as_str());
    assert!(rest["page_info"]["next_marker"].is_null());
    for foreign in [
        format!("{path}?marker={marker}&policy_assignment_name=a"),
        server.path(&format!("/policy-states?marker={marker}")),
    ] {
        server.get(foreign).await.refused(400, "RMS.00010034");
    }
    server.get(format!("{path}?limit=501")).await.refused(400, "RMS.00010037");
    server.get(format!("{path}?policy_assignment_name=a.b")).await.refused(400, "RMS.00010046");
}
