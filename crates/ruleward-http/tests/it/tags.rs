//! Tags of rules, by the operations that name no account.

use ruleward_types::Role;
use serde_json::{Value, json};

use crate::harness::{Reply, Server};

const RULES: &str = "/v1/resource-manager/config:policyAssignments";

async fn post(server: &Server, path: &str, body: Value) -> Reply {
    server.call("POST", format!("{RULES}{path}"), Some(body)).await
}

async fn tags(server: &Server, rule: &str) -> Value {
    server.get(format!("{RULES}/{rule}/tags")).await.expect(200).json()["tags"].clone()
}

#[tokio::test]
async fn tags_come_and_go() {
    let server = Server::start();
    let rule = server.rule("a").await;
    assert_eq!(tags(&server, &rule).await, json!([]));
    let (add, remove) = (format!("/{rule}/tags/create"), format!("/{rule}/tags/delete"));
    let body = json!({"tags": [{"key": "team", "value": "red"}, {"key": "env", "value": ""}]});
    for _ in 0..2 {
        post(&server, &add, body.clone()).await.empty(204);
        assert_eq!(tags(&server, &rule).await, body["tags"]);
    }
    let body = json!({"tags": [{"key": "team", "value": "blue"}]});
    post(&server, &add, body).await.empty(204);
    // A value that the tag does not have, one without a value, one that is not there.
    for (given, left) in [
        (json!({"key": "team", "value": "red"}), 2),
        (json!({"key": "env"}), 1),
        (json!({"key": "env"}), 1),
        (json!({"key": "team", "value": "blue"}), 0),
    ] {
        post(&server, &remove, json!({"tags": [given]})).await.empty(204);
        assert_eq!(tags(&server, &rule).await.as_array().unwrap().len(), left);
    }
    let shown = server.get(server.path(&format!("/policy-assignments/{rule}"))).await.json();
    assert_eq!((&shown["tags"], &shown["state"]), (&json!([]), &json!("Enabled")));
}

#[tokio::test]
async fn rules_are_found_by_tags() {
    let server = Server::start();
    let mut ids = Vec::new();
    for (name, given) in [
        ("a", json!([{"key": "team", "value": "red"}, {"key": "env", "value": "prod"}])),
        ("b", json!([{"key": "team", "value": "blue"}])),
        ("c", json!([])),
    ] {
        let rule = server.rule(name).await;
        if given != json!([]) {
            post(&server, &format!("/{rule}/tags/create"), json!({"tags": given})).await.empty(204);
        }
        ids.push(rule);
    }
    for (body, wanted) in [
        (json!({}), "abc"),
        (json!({"without_any_tag": false}), "abc"),
        (json!({"without_any_tag": "false"}), "abc"),
        (json!({"tags": [{"key": "team", "values": []}]}), "ab"),
        (json!({"tags": [{"key": " team ", "values": ["red", " blue"]}]}), "ab"),
        (json!({"tags": [{"key": "team", "values": ["red"]}, {"key": "env", "values": []}]}), "a"),
        (json!({"tags": [{"key": "team", "values": ["green"]}]}), ""),
        (json!({"without_any_tag": true, "tags": [{"key": "team", "values": []}]}), "c"),
        (json!({"without_any_tag": "true"}), "c"),
        (json!({"matches": [{"key": "resource_name", "value": "b"}]}), "b"),
        (json!({"matches": [{"key": "resource_name", "value": ""}]}), ""),
    ] {
        let found = post(&server, "/resource-instances/filter", body.clone()).await.expect(200);
        let found = found.json();
        let names: String = found["resources"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| of["resource_name"].as_str().unwrap())
            .collect();
        assert_eq!(names, wanted, "{body}");
        let count = post(&server, "/resource-instances/count", body).await.expect(200).json();
        assert_eq!(count, json!({"total_count": wanted.len()}));
        assert_eq!(found["total_count"], wanted.len());
    }
    let part = post(&server, "/resource-instances/filter?offset=1&limit=1", json!({})).await;
    let part = part.expect(200).json();
    let only = json!({
        "resource_id": ids[1], "resource_name": "b", "resource_detail": {},
        "tags": [{"key": "team", "value": "blue"}],
    });
    assert_eq!(part, json!({"resources": [only], "total_count": 3}));
    let listed = server.get(format!("{RULES}/tags")).await.expect(200).json();
    let (env, team) = (
        json!({"key": "env", "values": ["prod"]}),
        json!({"key": "team", "values": ["blue", "red"]}),
    );
    assert_eq!(listed, json!({"tags": [env, team], "total_count": 2}));
    let listed = server.get(format!("{RULES}/tags?offset=1&limit=1")).await.expect(200).json();
    assert_eq!((&listed["tags"], &listed["total_count"]), (&json!([team]), &json!(2)));
}

#[tokio::test]
async fn what_is_refused() {
    let server = Server::start();
    let rule = server.rule("a").await;
    let tag = |key: &str| json!({"key": key, "value": "v"});
    let many = |count: usize| (0..count).map(|n| tag(&format!("k{n}"))).collect::<Value>();
    let (add, remove) = (format!("/{rule}/tags/create"), format!("/{rule}/tags/delete"));
    for (path, body, code) in [
        (&add, json!({}), "RMS.00010004"),
        (&add, json!({"tags": []}), "RMS.00010004"),
        (&add, json!({"tags": many(21)}), "RMS.00010004"),
        (&add, json!({"tags": [{"key": "k"}]}), "RMS.00010004"),
        (&add, json!({"tags": [tag("k"), tag("k")]}), "RMS.00010004"),
        (&add, json!({"tags": [tag("_sys_k")]}), "RMS.00010033"),
        (&add, json!({"tags": [tag(" k")]}), "RMS.00010033"),
        (&add, json!({"tags": [{"key": "k", "value": "v'"}]}), "RMS.00010032"),
        (&add, json!({"tags": "k"}), "RULEWARD.MalformedBody"),
        (&remove, json!({"tags": []}), "RMS.00010004"),
        (&remove, json!({"tags": [tag("_sys_k")]}), "RMS.00010033"),
        (&remove, json!({"tags": [{"value": "v"}]}), "RMS.00010004"),
    ] {
        post(&server, path, body).await.refused(400, code);
    }
    for body in [
        json!({"tags": [{"key": "k"}]}),
        json!({"tags": [{"key": " ", "values": []}]}),
        json!({"tags": [{"key": "k", "values": []}, {"key": "k", "values": []}]}),
        json!({"tags": [{"key": "k", "values": ["a", "a"]}]}),
        json!({"matches": [{"key": "resource_id", "value": "x"}]}),
        json!({"without_any_tag": "maybe"}),
        json!({"without_any_tag": 1}),
    ] {
        let reply = post(&server, "/resource-instances/filter", body.clone()).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text());
        assert!(reply.json()["error_code"].is_string());
    }
    post(&server, &add, json!({"tags": many(20)})).await.empty(204);
    post(&server, &add, json!({"tags": [tag("more")]})).await.refused(400, "RMS.00010004");
    assert_eq!(tags(&server, &rule).await, many(20), "a refusal changes nothing");
    let nobody = format!("/{}/tags/create", "0".repeat(24));
    post(&server, &nobody, json!({"tags": many(1)})).await.refused(404, "RMS.00010005");
    let query = "/resource-instances/filter?limit=1001";
    post(&server, query, json!({})).await.refused(400, "RMS.00010037");
    let query = "/resource-instances/filter?offset=-1";
    post(&server, query, json!({})).await.refused(400, "RMS.00010004");
    for (of, status, code) in [
        ("config:aggregators", 501, "RULEWARD.NotImplemented"),
        ("config:aggregationAuthorizations", 501, "RULEWARD.NotImplemented"),
        ("config:policyassignments", 400, "RMS.00010004"),
        ("ecs:cloudservers", 400, "RMS.00010004"),
    ] {
        let reply = server.get(format!("/v1/resource-manager/{of}/tags")).await;
        reply.refused(status, code);
    }
}

#[tokio::test]
async fn who_may_and_when() {
    let server = Server::start();
    let rule = server.rule("a").await;
    let auditor = server.user("auditor", Role::Auditor);
    let add = format!("{RULES}/{rule}/tags/create");
    let body = || Some(json!({"tags": [{"key": "k", "value": "v"}]}));
    server.call_as(&auditor, "POST", add.clone(), body()).await.refused(403, "RMS.00010006");
    server.call_as(&auditor, "GET", format!("{RULES}/{rule}/tags"), None).await.expect(200);
    let domain = &server.account.domain_id;
    let off = ruleward_types::Recorder::switched(false);
    server.service.set_recorder(domain, off).unwrap();
    server.call("POST", add, body()).await.refused(400, "RMS.00010091");
}
