//! Previews, proactive evaluation, coverage of policies.

use ruleward_policy::{PolicyDefinition, catalogue};
use ruleward_types::Role;
use serde_json::{Value, json};

use crate::harness::{Server, VOLUME_UNUSED};

async fn preview(server: &Server, query: &str, body: Value) -> Value {
    let uri = server.own_path(&format!("/policy-assignments/preview{query}"));
    server.call("POST", uri, Some(body)).await.expect(200).json()
}

#[tokio::test]
async fn a_rule_is_tried_before_it_exists() {
    let server = Server::start();
    server.volume("v1", "available").await;
    server.volume("v2", "in-use").await;
    let body = json!({"name": "tried", "policy_definition_id": VOLUME_UNUSED});
    let tried = preview(&server, "", body.clone()).await;
    let none = json!({"compliant": 0, "non_compliant": 0, "undetermined": 0});
    assert_eq!(tried["now"], none);
    assert_eq!(tried["then"], json!({"compliant": 1, "non_compliant": 1, "undetermined": 0}));
    assert_eq!(tried["changed"], 2);
    let change = json!({
        "resource_id": "v1", "resource_name": "disk v1", "resource_type": "evs.volumes",
        "from": "OutOfScope", "to": "NonCompliant",
    });
    assert!(tried["changes"].as_array().unwrap().contains(&change), "{tried}");
    let one = preview(&server, "?limit=1", body.clone()).await;
    assert_eq!((&one["then"], &one["changed"]), (&tried["then"], &tried["changed"]));
    assert_eq!(one["changes"].as_array().unwrap().len(), 1);
    let rules = server.get(server.path("/policy-assignments")).await.expect(200).json();
    assert_eq!(rules["value"], json!([]));

    let rule = server.rule("stored").await;
    server.settle(&rule).await;
    let query = format!("?instead_of={rule}");
    let same = preview(&server, &query, body.clone()).await;
    assert_eq!((&same["now"], &same["changed"]), (&same["then"], &json!(0)));
    let mut narrower = body.clone();
    narrower["policy_filter_v2"] = json!({"resource_ids": ["v2"]});
    let less = preview(&server, &query, narrower).await;
    assert_eq!(less["then"], json!({"compliant": 1, "non_compliant": 0, "undetermined": 0}));
    assert_eq!(less["changes"][0]["to"], "OutOfScope");
}

#[tokio::test]
async fn previews_that_are_refused() {
    let server = Server::start();
    let path = |query: &str| server.own_path(&format!("/policy-assignments/preview{query}"));
    let good = json!({"name": "n", "policy_definition_id": VOLUME_UNUSED});
    for (query, body, status, code) in [
        ("", json!({"policy_definition_id": VOLUME_UNUSED}), 400, "RMS.00010004"),
        ("?instead_of=000000000000000000000000", good.clone(), 404, "RMS.00010005"),
        ("?limit=0", good.clone(), 400, "RMS.00010036"),
        ("?limit=1001", good.clone(), 400, "RMS.00010037"),
    ] {
        server.call("POST", path(query), Some(body)).await.refused(status, code);
    }
    let importer = server.user("importer", Role::Importer);
    let reply = server.call_as(&importer, "POST", path(""), Some(good)).await;
    reply.refused(403, "RMS.00010006");
}

#[tokio::test]
async fn a_resource_is_judged_before_it_exists() {
    let server = Server::start();
    let rule = server.rule("disks in use").await;
    let uri = || server.own_path("/resources/evaluate");
    let disk = json!({
        "id": "new", "name": "new", "provider": "evs", "type": "volumes",
        "properties": {"status": "available"},
    });
    let told = server.call("POST", uri(), Some(disk)).await.expect(200).json();
    let [state] = told["value"].as_array().unwrap().as_slice() else { panic!("{told}") };
    assert_eq!(state["policy_assignment_id"], rule);
    assert_eq!(state["policy_assignment_name"], "disks in use");
    assert_eq!(state["compliance_state"], "NonCompliant");
    assert_eq!(state["explanation"]["outcome"], "non_compliant");
    server.get(server.own_path("/resources/new")).await.refused(404, "RMS.00010005");
    let other = json!({"id": "x", "provider": "ecs", "type": "cloudservers"});
    let told = server.call("POST", uri(), Some(other)).await.expect(200).json();
    assert_eq!(told["value"], json!([]));
    server
        .call("POST", uri(), Some(json!({"id": "x"})))
        .await
        .refused(400, "RULEWARD.ResourceIllegal");
}

const NEEDY: &str = "\
name: disk-with-a-color
display_name: Disk with a color
description: Every disk has a color.
trigger_type: resource
default_resource_types: [{provider: evs, type: volumes}]
needs: [properties.color, properties.status]
policy_rule: {value: '${resource().properties.color}', comparator: equals, pattern: none}
";

#[tokio::test]
async fn policies_that_never_give_a_verdict() {
    let own = PolicyDefinition::from_yaml(NEEDY).unwrap();
    let id = own.id.clone();
    let catalogue = Box::leak(Box::new(catalogue().with(vec![own]).unwrap()));
    let server = Server::start_over(catalogue);
    let uncovered = || async {
        let told = server.get(server.own_path("/policies/coverage")).await.expect(200).json();
        let rows = told["value"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["name"] == "disk-with-a-color")
    };
    assert_eq!(uncovered().await, None);
    server.volume("v1", "available").await;
    let row = json!({
        "policy_definition_id": id, "name": "disk-with-a-color",
        "resource_types": ["evs.volumes"], "resources": 1, "missing": ["properties.color"],
    });
    assert_eq!(uncovered().await, Some(row));
    let colored = json!({
        "id": "v2", "provider": "evs", "type": "volumes", "properties": {"color": null},
    });
    let uri = server.own_path("/resources/v2");
    server.call("PUT", uri, Some(colored)).await.expect(201);
    assert_eq!(uncovered().await, None);
    // It is a policy like any other.
    let shown = server.get(format!("/v1/resource-manager/policy-definitions/{id}")).await;
    assert_eq!(shown.expect(200).json()["policy_type"], "builtin");
}
