//! Organization rules over the wire.

use http::StatusCode;
use ruleward_types::Account;
use serde_json::{Value, json};

use crate::harness::{Keys, Server, VOLUME_UNUSED};
use crate::organizations::keys;

const FIELDS: [&str; 13] = [
    "owner_id",
    "organization_id",
    "organization_policy_assignment_urn",
    "organization_policy_assignment_id",
    "organization_policy_assignment_name",
    "description",
    "period",
    "policy_filter",
    "policy_filter_v2",
    "parameters",
    "policy_definition_id",
    "created_at",
    "updated_at",
];

struct Group {
    server: Server,
    id: String,
    member: Account,
    theirs: Keys,
}

impl Group {
    async fn new() -> Self {
        let server = Server::start();
        let (id, member, theirs) = server.organize().await;
        Self { server, id, member, theirs }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v1/resource-manager/organizations/{}{rest}", self.id)
    }

    async fn put(&self, body: Value) -> Value {
        let reply = self.server.call("PUT", self.path("/policy-assignments"), Some(body)).await;
        reply.expect(200).json()
    }

    /// Waits until all deployments have ended; answers the statuses.
    async fn settled(&self) -> Vec<Value> {
        for _ in 0..500 {
            let path = self.path("/policy-assignment-statuses");
            let found = self.server.get(path).await.expect(200).json();
            let rows = found["value"].as_array().unwrap().clone();
            let status = |row: &Value| {
                row["organization_policy_assignment_status"].as_str().unwrap().to_owned()
            };
            if !rows.iter().any(|row| status(row).ends_with("_IN_PROGRESS")) {
                return rows;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the deployment does not end");
    }
}

fn unused(name: &str) -> Value {
    json!({
        "organization_policy_assignment_name": name,
        "managed_policy_assignment_metadata": {"policy_definition_id": VOLUME_UNUSED},
    })
}

fn id_of(rule: &Value) -> &str {
    rule["organization_policy_assignment_id"].as_str().unwrap()
}

#[tokio::test]
async fn a_rule_comes_back_whole() {
    let group = Group::new().await;
    let filter = json!({"resource_types": ["evs.volumes"], "tag_key_logic": "AND"});
    let made = group
        .put(json!({
            "organization_policy_assignment_name": "磁盘 in use",
            "excluded_accounts": ["abc"],
            "managed_policy_assignment_metadata": {
                "description": "it's", "policy_definition_id": VOLUME_UNUSED,
                "policy_filter": {"resource_provider": "evs"}, "policy_filter_v2": filter,
                "parameters": {}, "colour": "blue",
            },
        }))
        .await;
    assert_eq!(keys(&made), FIELDS);
    let (owner, id) = (&group.server.account.domain_id, &group.id);
    assert_eq!((&made["owner_id"], &made["organization_id"]), (&json!(owner), &json!(id)));
    let rule = id_of(&made);
    assert!(rule.len() == 32 && rule.bytes().all(|byte| byte.is_ascii_hexdigit()), "{rule}");
    let urn = format!("rms::{owner}:organizationPolicyAssignment:{id}/{rule}");
    assert_eq!(made["organization_policy_assignment_urn"], urn);
    assert_eq!(made["policy_filter"].as_object().unwrap().len(), 6);
    assert_eq!(made["policy_filter_v2"]["resource_types"], json!(["evs.volumes"]));

    let path = group.path(&format!("/policy-assignments/{rule}"));
    let mut shown = group.server.get(path).await.expect(200).json();
    let fields = shown.as_object_mut().unwrap();
    assert_eq!(fields.remove("excluded_accounts"), Some(json!(["abc"])));
    assert_eq!(fields.remove("function_urn"), Some(Value::Null));
    assert_eq!(shown, made);
    let path = group.path("/policy-assignments");
    let listed = group.server.get(path.clone()).await.expect(200).json();
    assert_eq!(keys(&listed), ["organization_policy_assignments", "page_info"]);
    assert_eq!(listed["organization_policy_assignments"], json!([made]));
    for (query, count) in [
        (format!("organization_policy_assignment_id={rule}"), 1),
        ("organization_policy_assignment_id=0".to_owned(), 0),
        ("organization_policy_assignment_name=%E7%A3%81%E7%9B%98%20in%20use".to_owned(), 1),
        ("organization_policy_assignment_name=x".to_owned(), 0),
    ] {
        let listed = group.server.get(format!("{path}?{query}")).await.expect(200).json();
        assert_eq!(listed["page_info"]["current_count"], count, "{query}");
    }
}

#[tokio::test]
async fn a_deployment_from_end_to_end() {
    let group = Group::new().await;
    let made = group.put(unused("disks")).await;
    let statuses = group.settled().await;
    assert_eq!(
        keys(&statuses[0]),
        [
            "organization_policy_assignment_id",
            "organization_policy_assignment_name",
            "organization_policy_assignment_status",
            "error_code",
            "error_message",
            "created_at",
            "updated_at",
        ]
    );
    assert_eq!(statuses[0]["organization_policy_assignment_status"], "CREATE_SUCCESSFUL");
    let detailed = |query: &str| {
        let path = group.path(&format!("/policy-assignment-detailed-status?{query}"));
        let server = &group.server;
        async move { server.get(path).await.expect(200).json()["value"].clone() }
    };
    let rows = detailed("organization_policy_assignment_name=disks").await;
    assert_eq!(
        keys(&rows[0]),
        [
            "domain_id",
            "policy_assignment_id",
            "policy_assignment_name",
            "member_account_policy_assignment_status",
            "error_code",
            "error_message",
            "created_at",
            "updated_at",
        ]
    );
    assert_eq!(rows[0]["domain_id"], group.member.domain_id);
    assert_eq!(rows[0]["policy_assignment_name"], "disks");
    for (query, count) in [
        ("status=CREATE_SUCCESSFUL".to_owned(), 1),
        ("status=CREATE_FAILED".to_owned(), 0),
        (format!("domain_id={}", group.member.domain_id), 1),
        (format!("domain_id={}", group.server.account.domain_id), 0),
        (format!("organization_policy_assignment_id={}", id_of(&made)), 1),
    ] {
        assert_eq!(detailed(&query).await.as_array().unwrap().len(), count, "{query}");
    }

    let domain = format!("/v1/resource-manager/domains/{}", group.member.domain_id);
    let rule = format!(
        "{domain}/policy-assignments/{}",
        rows[0]["policy_assignment_id"].as_str().unwrap()
    );
    let call = |method, rest: &str, body| {
        let path = format!("{rule}{rest}");
        group.server.call_as(&group.theirs, method, path, body)
    };
    let shown = call("GET", "", None).await.expect(200).json();
    assert_eq!(shown["name"], "Org-disks");
    assert_eq!(shown["created_by"], format!("organization:{}", group.id));
    let update = json!({"name": "x", "policy_definition_id": VOLUME_UNUSED});
    call("PUT", "", Some(update)).await.refused(403, "RULEWARD.RuleDeployed");
    call("POST", "/disable", None).await.refused(403, "RULEWARD.RuleDeployed");
    call("POST", "/enable", None).await.refused(403, "RULEWARD.RuleDeployed");
    call("DELETE", "", None).await.refused(403, "RULEWARD.RuleDeployed");
    call("POST", "/policy-states/run-evaluation", None).await.empty(202);
    call("GET", "/policy-states", None).await.expect(200);

    let path = group.path(&format!("/policy-assignments/{}", id_of(&made)));
    group.server.call("DELETE", path.clone(), None).await.empty(204);
    group.server.get(path).await.refused(404, "RMS.00010005");
    assert!(group.settled().await.is_empty());
    assert_eq!(call("GET", "", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn put_by_name_and_by_id_change_the_rule() {
    let group = Group::new().await;
    let made = group.put(unused("disks")).await;
    let mut body = unused("disks");
    body["managed_policy_assignment_metadata"]["policy_filter_v2"] = json!({"region_ids": ["r"]});
    body["excluded_accounts"] = json!([group.member.domain_id]);
    let changed = group.put(body).await;
    assert_eq!(id_of(&changed), id_of(&made));
    assert_eq!(changed["policy_filter_v2"]["region_ids"], json!(["r"]));
    // Absent is kept.
    let path = group.path(&format!("/policy-assignments/{}", id_of(&made)));
    let renamed = unused(&"y".repeat(252));
    let kept = group.server.call("PUT", path.clone(), Some(renamed)).await.expect(200).json();
    assert_eq!(kept["policy_filter_v2"]["region_ids"], json!(["r"]));
    let shown = group.server.get(path.clone()).await.expect(200).json();
    assert_eq!(shown["excluded_accounts"], json!([group.member.domain_id]));
    let mut body = unused("disks");
    body["managed_policy_assignment_metadata"]["policy_filter_v2"] = Value::Null;
    body["excluded_accounts"] = json!([]);
    let cleared = group.server.call("PUT", path.clone(), Some(body)).await.expect(200).json();
    assert!(cleared["policy_filter_v2"].is_null());
    assert_eq!(group.server.get(path.clone()).await.json()["excluded_accounts"], json!([]));
    // Null removes, too.
    for (given, expected) in [(json!(["a"]), json!(["a"])), (Value::Null, json!([]))] {
        let mut body = unused("disks");
        body["excluded_accounts"] = given;
        group.server.call("PUT", path.clone(), Some(body)).await.expect(200);
        assert_eq!(group.server.get(path.clone()).await.json()["excluded_accounts"], expected);
    }
    let statuses = group.settled().await;
    assert_eq!(statuses[0]["organization_policy_assignment_status"], "UPDATE_SUCCESSFUL");
}

#[tokio::test]
async fn custom_rules() {
    let group = Group::new().await;
    let body = json!({
        "organization_policy_assignment_name": "custom",
        "custom_policy_assignment_metadata": {
            "function_urn": "urn:fss:x", "period": "One_Hour",
            "parameters": {"any": {"value": [1, "x"]}},
        },
    });
    let made = group.put(body).await;
    assert!(made["policy_definition_id"].is_null());
    let path = group.path(&format!("/policy-assignments/{}", id_of(&made)));
    let shown = group.server.get(path).await.expect(200).json();
    assert_eq!(shown["function_urn"], "urn:fss:x");
    assert_eq!(shown["parameters"], json!({"any": {"value": [1, "x"]}}));
    group.settled().await;
    let path =
        format!("/v1/resource-manager/domains/{}/policy-assignments", group.member.domain_id);
    let rules = group.server.call_as(&group.theirs, "GET", path, None).await.expect(200).json();
    assert_eq!(rules["value"][0]["custom_policy"]["function_urn"], "urn:fss:x");
    assert_eq!(rules["value"][0]["policy_assignment_type"], "custom");
}

#[tokio::test]
async fn what_is_refused() {
    let group = Group::new().await;
    let path = group.path("/policy-assignments");
    let managed = json!({"policy_definition_id": VOLUME_UNUSED});
    let custom = json!({"function_urn": "urn:x"});
    let name = "organization_policy_assignment_name";
    let (managed_key, custom_key) =
        ("managed_policy_assignment_metadata", "custom_policy_assignment_metadata");
    for (body, code) in [
        (json!({managed_key: managed}), "RMS.00010004"),
        (json!({name: "y".repeat(253), managed_key: managed}), "RMS.00010045"),
        (json!({name: " x", managed_key: managed}), "RMS.00010046"),
        (json!({name: "x"}), "RMS.00010004"),
        (json!({name: "x", managed_key: managed, custom_key: custom}), "RMS.00010004"),
        (json!({name: "x", managed_key: {}}), "RMS.00010004"),
        (json!({name: "x", custom_key: {}}), "RMS.00010004"),
        (json!({name: "x", managed_key: {"policy_definition_id": "a b"}}), "RMS.00010042"),
        (
            json!({name: "x", managed_key: {"policy_definition_id": "0"}}),
            "RULEWARD.DefinitionUnknown",
        ),
        (json!({name: "x", managed_key: managed, "excluded_accounts": ["a b"]}), "RMS.00010004"),
        (
            json!({name: "x", managed_key: managed, "excluded_accounts": vec!["a"; 1001]}),
            "RMS.00010004",
        ),
        (json!([]), "RULEWARD.MalformedBody"),
    ] {
        let reply = group.server.call("PUT", path.clone(), Some(body)).await;
        reply.refused(400, code);
    }
    let reply = group.server.call_as(&group.theirs, "PUT", path, Some(unused("x"))).await;
    reply.refused(403, "RMS.00010006");
    for (rest, code) in [
        ("/policy-assignments/0", 404),
        ("/policy-assignments/a%20b", 400),
        ("/policy-assignment-detailed-status?status=create_failed", 400),
        ("/policy-assignments?limit=201", 400),
    ] {
        assert_eq!(group.server.get(group.path(rest)).await.status, code, "{rest}");
    }
    let elsewhere = "/v1/resource-manager/organizations/o-0123456789/policy-assignments";
    group.server.get(elsewhere.to_owned()).await.refused(403, "RMS.00010006");
}
