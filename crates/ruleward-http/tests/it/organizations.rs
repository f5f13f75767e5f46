//! Organizations over the wire: whole exchanges, and who may what.

use ruleward_core::{Access, Entry};
use ruleward_types::{Account, Recorder, Role};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::harness::{Keys, Server};

pub fn path(rest: &str) -> String {
    format!("/v1/ruleward/organizations{rest}")
}

impl Server {
    /// Another account with its administrator.
    pub fn another(&self, name: &str) -> (Account, Keys) {
        let account = self.service.create_account(name, None, Recorder::ON).unwrap();
        let user = self.service.create_user(&account, "admin", Role::Administrator, None).unwrap();
        let key = self.service.create_access_key(&user, None).unwrap();
        let secret = key.secret_key.expose_secret().to_owned();
        (account, Keys { access: key.access_key, secret, token: None })
    }

    /// An organization of the server's account with one member.
    pub async fn organize(&self) -> (String, Account, Keys) {
        let body = json!({"name": "acme"});
        let made = self.call("POST", path(""), Some(body)).await.expect(201).json();
        let id = made["organization_id"].as_str().unwrap().to_owned();
        let (member, keys) = self.another("member");
        let access = Access::operator(&self.account);
        let (entry, domain_id) = (Entry::Added, &member.domain_id);
        self.service.enter_organization(&access, &id, domain_id, None, entry).unwrap();
        (id, member, keys)
    }
}

/// The names of an object's fields, in order.
pub fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_life_of_an_organization() {
    let server = Server::start();
    let (member, theirs) = server.another("member");
    let body = json!({"name": "acme"});
    let made = server.call("POST", path(""), Some(body.clone())).await.expect(201).json();
    assert_eq!(keys(&made), ["organization_id", "name", "management_domain_id", "created_at"]);
    assert_eq!(made["management_domain_id"], server.account.domain_id);
    let again = server.call("POST", path(""), Some(body)).await;
    again.refused(409, "RULEWARD.AccountInOrganization");
    let id = made["organization_id"].as_str().unwrap();
    let at = |rest: &str| path(&format!("/{id}{rest}"));
    let of_member = |rest: &str| at(&format!("/members/{}{rest}", member.domain_id));
    assert_eq!(server.get(path("")).await.expect(200).json(), json!({"value": [made]}));
    assert_eq!(server.get(at("")).await.expect(200).json(), made);

    let unit = json!({"name": "production"});
    let unit = server.call("POST", at("/units"), Some(unit)).await.expect(201).json();
    let unit_id = unit["unit_id"].as_str().unwrap();
    let inner = json!({"name": "eu", "parent_id": unit_id});
    let inner = server.call("POST", at("/units"), Some(inner)).await.expect(201).json();
    assert_eq!(keys(&inner), ["unit_id", "name", "parent_id", "created_at"]);
    let units = server.get(at("/units")).await.expect(200).json();
    assert_eq!(units, json!({"value": [unit, inner]}));
    let in_use = server.call("DELETE", at(&format!("/units/{unit_id}")), None).await;
    in_use.refused(409, "RULEWARD.UnitInUse");

    let body = json!({"domain_id": member.domain_id, "unit_id": unit_id});
    let added = server.call("POST", at("/members"), Some(body.clone())).await;
    added.refused(403, "RMS.00010006");
    let invited = server.call("POST", at("/invitations"), Some(body)).await.expect(201).json();
    assert_eq!(
        keys(&invited),
        ["domain_id", "name", "state", "delegated_administrator", "unit_id", "since"]
    );
    assert_eq!((&invited["state"], &invited["unit_id"]), (&json!("invited"), &json!(unit_id)));
    let accept = at("/invitations/accept");
    server.call("POST", accept.clone(), None).await.refused(403, "RMS.00010006");
    server.call_as(&theirs, "POST", accept, None).await.empty(204);
    server.call("POST", of_member("/suspend"), None).await.empty(204);
    let listed = server.get(at("/members")).await.expect(200).json();
    assert_eq!(listed["value"][0]["state"], "suspended");
    assert_eq!(listed["page_info"], json!({"current_count": 1, "next_marker": null}));
    server.call("POST", of_member("/resume"), None).await.empty(204);
    let root = json!({"unit_id": null});
    server.call("POST", of_member("/move"), Some(root)).await.empty(204);
    let delegated = at(&format!("/delegated-administrators/{}", member.domain_id));
    server.call("PUT", delegated.clone(), None).await.empty(204);
    let listed = server.get(at("/members")).await.expect(200).json();
    assert_eq!(listed["value"][0]["delegated_administrator"], true);
    assert_eq!(listed["value"][0]["unit_id"], Value::Null);
    // Who administers sees the whole; the management stays the management account's.
    server.call_as(&theirs, "GET", at("/summary"), None).await.expect(200);
    let refused = server.call_as(&theirs, "POST", of_member("/suspend"), None).await;
    refused.refused(403, "RMS.00010006");
    server.call("DELETE", delegated, None).await.empty(204);
    server.call_as(&theirs, "DELETE", of_member(""), None).await.empty(204);
    server.call("DELETE", of_member(""), None).await.refused(404, "RMS.00010005");
    server
        .call("DELETE", at(&format!("/units/{}", inner["unit_id"].as_str().unwrap())), None)
        .await
        .empty(204);
}

#[tokio::test]
async fn the_operator_reaches_all_organizations_and_nothing_else() {
    let server = Server::start();
    let operator = server.user("operator", Role::Operator);
    let (other, _) = server.another("other");
    let (third, _) = server.another("third");
    let body = json!({"name": "theirs", "management_domain_id": other.domain_id});
    let made = server.call_as(&operator, "POST", path(""), Some(body.clone())).await.expect(201);
    let id = made.json()["organization_id"].as_str().unwrap().to_owned();
    let add = json!({"domain_id": third.domain_id});
    let members = path(&format!("/{id}/members"));
    server.call_as(&operator, "POST", members.clone(), Some(add)).await.expect(201);
    let listed = server.call_as(&operator, "GET", members.clone(), None).await.expect(200).json();
    assert_eq!(listed["value"][0]["state"], "normal");
    let rules = server.path("/policy-assignments");
    server.call_as(&operator, "GET", rules, None).await.refused(403, "RMS.00010006");
    let rules = format!("/v1/resource-manager/organizations/{id}/policy-assignments");
    server.call_as(&operator, "GET", rules, None).await.refused(403, "RMS.00010006");
    // An administrator of an account is no operator.
    server.call("GET", members, None).await.refused(403, "RMS.00010006");
    server.call("POST", path(""), Some(body)).await.refused(403, "RMS.00010006");
    assert_eq!(server.get(path("")).await.json(), json!({"value": []}));
    let auditor = server.user("auditor", Role::Auditor);
    server.call_as(&auditor, "GET", path(""), None).await.expect(200);
    let body = Some(json!({"name": "x"}));
    server.call_as(&auditor, "POST", path(""), body).await.refused(403, "RMS.00010006");
}

#[tokio::test]
async fn what_is_illegal() {
    let server = Server::start();
    let (id, ..) = server.organize().await;
    for (method, rest, body) in [
        ("POST", "", json!({})),
        ("POST", "", json!({"name": " x"})),
        ("GET", "/x", json!(null)),
        ("GET", "/o-012345678", json!(null)),
        ("POST", "/{id}/units", json!({})),
        ("POST", "/{id}/invitations", json!({})),
        ("POST", "/{id}/invitations", json!({"domain_id": "a b"})),
        ("POST", "/{id}/members/a%20b/suspend", json!(null)),
        ("GET", "/{id}/summary?limit=0", json!(null)),
    ] {
        let body = Some(body).filter(|body| !body.is_null());
        let reply = server.call(method, path(&rest.replace("{id}", &id)), body).await;
        assert_eq!(reply.status, 400, "{method} {rest}: {}", reply.text());
    }
    let invite = json!({"domain_id": "nobody"});
    let reply = server.call("POST", path(&format!("/{id}/invitations")), Some(invite)).await;
    reply.refused(404, "RMS.00010005");
    let unit = json!({"name": "x", "parent_id": "ou-0"});
    let reply = server.call("POST", path(&format!("/{id}/units")), Some(unit)).await;
    reply.refused(404, "RMS.00010005");
}

#[tokio::test]
async fn the_summary_of_an_organization() {
    let server = Server::start();
    let (id, member, theirs) = server.organize().await;
    server.volume("mine", "in-use").await;
    server.settle(&server.rule("a rule").await).await;
    let disk = json!({"provider": "evs", "type": "volumes", "properties": {"status": "available"}});
    let disks = format!("/v1/ruleward/domains/{}/resources/theirs", member.domain_id);
    server.call_as(&theirs, "PUT", disks, Some(disk)).await.expect(201);
    let rules = format!("/v1/resource-manager/domains/{}/policy-assignments", member.domain_id);
    let rule = json!({"name": "x", "policy_definition_id": crate::harness::VOLUME_UNUSED});
    let made = server.call_as(&theirs, "PUT", rules, Some(rule)).await.expect(200).json();
    assert_eq!(made["state"], "Enabled");
    let summary = server.get(path(&format!("/{id}/summary"))).await.expect(200).json();
    let counts = |compliant: i64, non_compliant: i64| {
        let unit = json!({
            "compliant_count": compliant,
            "non_compliant_count": non_compliant,
            "undetermined_count": 0,
        });
        json!({"resource_details": unit, "assignment_details": unit})
    };
    assert_eq!(
        summary,
        json!({
            "organization_id": id,
            "results": counts(1, 1),
            "accounts": [
                {
                    "domain_id": member.domain_id, "name": "member", "state": "normal",
                    "results": counts(0, 1),
                },
                {
                    "domain_id": server.account.domain_id, "name": "home", "state": "management",
                    "results": counts(1, 0),
                },
            ],
        })
    );
    let worst = server.get(path(&format!("/{id}/summary?limit=1"))).await.expect(200).json();
    assert_eq!(worst["accounts"].as_array().unwrap().len(), 1);
    let refused = server.call_as(&theirs, "GET", path(&format!("/{id}/summary")), None).await;
    refused.refused(403, "RMS.00010006");
}
