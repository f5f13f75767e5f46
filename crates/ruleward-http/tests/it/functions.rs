//! Functions of custom rules: who manages them, how they show, and the way back of their results.

use std::sync::Arc;
use std::time::Duration;

use ruleward_core::{CallDone, CallOutcome, FunctionCall, FunctionHost, FunctionOptions};
use ruleward_types::{Function, Result, Role};
use serde_json::{Value, json};

use crate::harness::Server;

const PATH: &str = "/v1/ruleward/functions";

/// Judges disks, and breaks for those whose name says so.
#[derive(Debug)]
struct Host;

impl FunctionHost for Host {
    fn check(&self, _: &Function) -> Result<()> {
        Ok(())
    }

    fn start(&self, call: FunctionCall, done: CallDone) {
        let resource = &call.event["invoking_event"];
        if resource["id"] == "broken" && call.function.timeout_s != 60 {
            let (words, output) = ("it broke".to_owned(), "a trace".to_owned());
            done.tell(CallOutcome::Failed { kind: "threw", words, transient: true, output });
            return;
        }
        let fine = resource["properties"]["status"] == "in-use";
        let state = if fine { "Compliant" } else { "NonCompliant" };
        let returned = Some(json!({ "compliance_state": state }));
        let took = Duration::from_millis(7);
        done.tell(CallOutcome::Finished { returned, output: "written\n".to_owned(), took });
    }

    fn forget(&self, _: &Function) {}
}

fn server() -> Server {
    let functions = FunctionOptions {
        administrators: true,
        attempts: 2,
        first_retry_s: 0,
        ..FunctionOptions::default()
    };
    Server::start_calling(Arc::new(Host), functions)
}

fn body(urn: &str) -> Value {
    json!({"urn": urn, "runner": "python", "file": "/srv/check.py", "user_data": {"a": "b"}})
}

impl Server {
    async fn custom_rule(&self, name: &str, urn: &str) -> String {
        let body = json!({
            "name": name, "policy_assignment_type": "custom",
            "custom_policy": {"function_urn": urn, "auth_type": "agency", "auth_value": {}},
        });
        let made = self.call("PUT", self.path("/policy-assignments"), Some(body)).await;
        made.expect(200).json()["id"].as_str().unwrap().to_owned()
    }

    async fn evaluated(&self, rule: &str) -> Value {
        let path = self.path(&format!("/policy-assignments/{rule}/policy-states/evaluation-state"));
        for _ in 0..1000 {
            let told = self.get(path.clone()).await.expect(200).json();
            if told["state"] != "Running" {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("rule {rule} is not done in time");
    }
}

#[tokio::test]
async fn a_function_is_configured_shown_called_and_removed() {
    let server = server();
    let created = server.call("POST", PATH.to_owned(), Some(body("urn:x:*"))).await.expect(201);
    let made = created.json();
    assert_eq!(made["urn"], "urn:x:*");
    assert_eq!(made["domain_id"], server.account.domain_id.as_str());
    assert_eq!((&made["runner"], &made["handler"]), (&json!("python"), &json!("handler")));
    assert_eq!((&made["timeout_seconds"], &made["memory_mib"]), (&json!(30), &json!(512)));
    assert!(made.get("secret").is_none());
    let id = made["function_id"].as_str().unwrap().to_owned();
    server
        .call("POST", PATH.to_owned(), Some(body("urn:x:*")))
        .await
        .refused(400, "RULEWARD.DuplicateName");
    let page = server.get(PATH.to_owned()).await.expect(200).json();
    assert_eq!(page["value"][0], made);
    assert_eq!(page["page_info"], json!({"current_count": 1, "next_marker": null}));
    assert_eq!(server.get(format!("{PATH}/{id}")).await.expect(200).json(), made);

    let tested = server.call("POST", format!("{PATH}/{id}/test"), Some(json!({}))).await;
    let tested = tested.expect(200).json();
    assert_eq!((&tested["outcome"], &tested["took_ms"]), (&json!("finished"), &json!(7)));
    assert_eq!(tested["returned"]["compliance_state"], "NonCompliant");
    assert_eq!(tested["output"], "written\n");
    assert_eq!(tested["event"]["trigger_type"], "resource");
    let calls = server.get(format!("{PATH}/{id}/calls")).await.expect(200).json();
    assert_eq!(calls["value"][0]["request_id"], tested["request_id"]);

    server.call("DELETE", format!("{PATH}/{id}"), None).await.empty(204);
    server.get(format!("{PATH}/{id}")).await.refused(404, "RMS.00010005");
}

#[tokio::test]
async fn pages_of_functions() {
    let server = server();
    for n in 0..5 {
        let urn = format!("urn:{n}");
        server.call("POST", PATH.to_owned(), Some(body(&urn))).await.expect(201);
    }
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = server.get(format!("{PATH}{query}")).await.expect(200).json();
        let value = page["value"].as_array().unwrap();
        seen.extend(value.iter().map(|of| of["urn"].as_str().unwrap().to_owned()));
        let Some(marker) = page["page_info"]["next_marker"].as_str() else { break };
        query = format!("?limit=2&marker={marker}");
    }
    assert_eq!(seen, ["urn:0", "urn:1", "urn:2", "urn:3", "urn:4"]);
}

#[tokio::test]
async fn who_may_configure() {
    // Unless the server says otherwise, only the operator.
    let server = Server::start_calling(Arc::new(Host), FunctionOptions::default());
    let create = || Some(body("urn:x"));
    server.call("POST", PATH.to_owned(), create()).await.refused(403, "RMS.00010006");
    let operator = server.user("operator", Role::Operator);
    let made =
        server.call_as(&operator, "POST", PATH.to_owned(), create()).await.expect(201).json();
    // It serves all accounts.
    assert_eq!(made["domain_id"], Value::Null);
    let one = format!("{PATH}/{}", made["function_id"].as_str().unwrap());
    server.get(one.clone()).await.expect(200);
    server.call("DELETE", one.clone(), None).await.refused(403, "RMS.00010006");
    let test = format!("{one}/test");
    server.call("POST", test, Some(json!({}))).await.refused(403, "RMS.00010006");
    for role in [Role::Reporter, Role::Importer] {
        let user = server.user(role.name(), role);
        server.call_as(&user, "GET", PATH.to_owned(), None).await.refused(403, "RMS.00010006");
    }
    let auditor = server.user("auditor", Role::Auditor);
    let dead = format!("{PATH}/dead-letters");
    for path in [PATH.to_owned(), one.clone(), format!("{one}/calls"), dead.clone()] {
        server.call_as(&auditor, "GET", path, None).await.expect(200);
    }
    for path in [PATH.to_owned(), format!("{PATH}/invoke"), format!("{dead}/redrive")] {
        let reply = server.call_as(&auditor, "POST", path, Some(json!({}))).await;
        reply.refused(403, "RMS.00010006");
    }
    server.call_as(&operator, "DELETE", one, None).await.empty(204);
}

#[tokio::test]
async fn an_administrator_does_not_remove_what_serves_all() {
    let server = server();
    let operator = server.user("operator", Role::Operator);
    let made = server.call_as(&operator, "POST", PATH.to_owned(), Some(body("urn:x"))).await;
    let one = format!("{PATH}/{}", made.expect(201).json()["function_id"].as_str().unwrap());
    server.call("DELETE", one, None).await.refused(403, "RMS.00010006");
}

#[tokio::test]
async fn dead_letters_are_read_and_called_for_again() {
    let server = server();
    server.volume("fine", "in-use").await;
    server.volume("broken", "in-use").await;
    let made = server.call("POST", PATH.to_owned(), Some(body("urn:x"))).await.expect(201).json();
    let rule = server.custom_rule("by function", "urn:x").await;
    let told = server.evaluated(&rule).await;
    assert_eq!(told["state"], "Failed");
    let words = told["error_message"].as_str().unwrap();
    assert!(words.contains("1 of the resources") && words.contains("it broke"), "{words}");
    let path = format!("{PATH}/dead-letters");
    let page = server.get(path.clone()).await.expect(200).json();
    let letter = &page["value"][0];
    assert_eq!(page["page_info"]["current_count"], 1);
    assert_eq!(letter["resource_id"], "broken");
    assert_eq!(letter["policy_assignment_id"], rule.as_str());
    assert_eq!((&letter["attempts"], &letter["message"]), (&json!(2), &json!("it broke")));
    assert_eq!(letter["output"], "a trace");
    let states = server.get(server.path("/policy-states")).await.expect(200).json();
    assert_eq!(states["value"].as_array().unwrap().len(), 1);

    let metrics = server
        .send(http::Request::builder().uri("/metrics").body(axum::body::Body::empty()).unwrap())
        .await
        .expect(200)
        .text();
    for line in [
        "ruleward_function_jobs{state=\"dead\"} 1",
        "ruleward_function_calls_total{outcome=\"started\"} 3",
        "ruleward_function_calls_total{outcome=\"repeated\"} 1",
        "ruleward_function_calls_total{outcome=\"given_up\"} 1",
        "ruleward_function_results_total{outcome=\"accepted\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }

    // Mended: another function for the URN.
    let one = format!("{PATH}/{}", made["function_id"].as_str().unwrap());
    let redrive = format!("{path}/redrive");
    let none = server.call("POST", redrive.clone(), Some(json!({"ids": ["999"]}))).await;
    assert_eq!(none.expect(200).json(), json!({"redriven": 0}));
    server
        .call("POST", redrive.clone(), Some(json!({"ids": ["x"]})))
        .await
        .refused(400, "RMS.00010004");
    server.call("DELETE", one, None).await.empty(204);
    let told = server.evaluated(&rule).await;
    assert!(told["error_message"].as_str().unwrap().contains("No runner is configured"), "{told}");
    let mut mended = body("urn:x");
    mended["timeout_seconds"] = json!(60);
    server.call("POST", PATH.to_owned(), Some(mended)).await.expect(201);
    assert_eq!(server.evaluated(&rule).await["state"], "Succeeded");
    let page = server.get(path).await.expect(200).json();
    assert_eq!(page["value"], json!([]));
}

#[tokio::test]
async fn a_rules_function_is_called_by_hand() {
    let server = server();
    server.volume("v", "in-use").await;
    let rule = server.custom_rule("f", "urn:x").await;
    let invoke = |rule: &str| {
        let body = json!({"policy_assignment_id": rule, "resource_id": "v"});
        server.call("POST", format!("{PATH}/invoke"), Some(body))
    };
    invoke(&rule).await.refused(404, "RMS.00010005");
    server.call("POST", PATH.to_owned(), Some(body("urn:x"))).await.expect(201);
    server.evaluated(&rule).await;
    let told = invoke(&rule).await.expect(200).json();
    assert_eq!(told["outcome"], "finished");
    assert_eq!(told["event"]["invoking_event"]["id"], "v");
    let missing = server.call("POST", format!("{PATH}/invoke"), Some(json!({}))).await;
    missing.refused(400, "RMS.00010004");
    let builtin = server.rule("b").await;
    invoke(&builtin).await.refused(400, "RULEWARD.NotCustom");
}

#[tokio::test]
async fn bodies_that_are_refused() {
    let server = server();
    let create = |change: Value| {
        let mut whole = body("urn:x");
        for (key, value) in change.as_object().unwrap() {
            whole[key] = value.clone();
        }
        server.call("POST", PATH.to_owned(), Some(whole))
    };
    for change in [
        json!({"runner": "java"}),
        json!({"file": "check.py"}),
        json!({"timeout_seconds": 0}),
        json!({"memory_mib": 1}),
        json!({"concurrency": 65}),
        json!({"urn": "a b"}),
        json!({"runner": "webhook", "endpoint": "ftp://x", "secret": "s"}),
        json!({"runner": "webhook", "endpoint": "https://x"}),
        json!({"runner": "remote", "endpoint": "https://x", "access_key": "AK"}),
    ] {
        create(change).await.refused(400, "RULEWARD.FunctionIllegal");
    }
    for change in [json!({"urn": null}), json!({"runner": null}), json!({"file": null})] {
        create(change).await.refused(400, "RMS.00010004");
    }
    create(json!({"timeout_seconds": -1})).await.refused(400, "RULEWARD.MalformedBody");
    let page = server.get(PATH.to_owned()).await.expect(200).json();
    assert_eq!(page["value"], json!([]));
}

#[tokio::test]
async fn results_that_come_too_fast_get_429_and_when_to_come_again() {
    let functions =
        FunctionOptions { reports_per_second: 1, reports_burst: 1, ..FunctionOptions::default() };
    let server = Server::start_calling(Arc::new(Host), functions);
    server.volume("v", "in-use").await;
    let rule = server.custom_rule("f", "urn:nobody").await;
    let path = server.own_path(&format!("/policy-assignments/{rule}/event?resource_id=v"));
    let event = server.get(path).await.expect(200).json();
    let body = json!({
        "policy_resource": {"resource_id": "v"}, "trigger_type": "resource",
        "compliance_state": "Compliant", "policy_assignment_id": rule,
        "evaluation_time": event["evaluation_time"], "evaluation_hash": event["evaluation_hash"],
    });
    let report = || server.call("PUT", server.path("/policy-states"), Some(body.clone()));
    report().await.expect(200);
    let reply = report().await;
    reply.refused(429, "RULEWARD.TooManyRequests");
    let wait: u64 = reply.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
}
