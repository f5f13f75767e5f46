//! The asynchronous invocation of FunctionGraph.

use std::sync::Arc;

use ruleward_functions::{
    Failure, NetworkConfig, RemoteConfig, RemoteRunner, Returned, Runner as _,
};
use ruleward_sign::{Authorization, SignedRequest, verify};
use ruleward_types::SystemClock;
use serde_json::{Value, json};

use super::server::{Server, response};
use crate::support::invocation;

fn runner(endpoint: String, allow_private: bool) -> RemoteRunner {
    let config = RemoteConfig {
        endpoint,
        access_key: "REMOTEAK".into(),
        secret_key: "remote secret".into(),
        security_token: Some("remote token".into()),
        network: NetworkConfig { allow_private, ..NetworkConfig::default() },
    };
    RemoteRunner::new(config, Arc::new(SystemClock)).unwrap()
}

#[tokio::test]
async fn an_event_is_handed_over_signed() {
    let taken = json!({"request_id": "there"}).to_string();
    for (base, path) in [("", ""), ("/", ""), ("/prefix/", "/prefix")] {
        let server = Server::start(Some(response("202 Accepted", "", &taken))).await;
        let runner = runner(format!("http://127.0.0.1:{}{base}", server.port), true);
        let event = json!({"n": [1, {"a": null}]});
        let finished = runner.invoke(invocation(event.clone())).await.unwrap();
        assert_eq!(finished.returned, Returned::Nothing);
        assert_eq!(finished.log.text(), taken);

        let asked = &server.asked()[0];
        let path = format!(
            "{path}/v2/p0/fgs/functions/urn:fss:eu-west-101:p0:function:default:check:latest/invocations-async"
        );
        assert_eq!(asked.line(), format!("POST {path} HTTP/1.1"));
        assert_eq!(serde_json::from_slice::<Value>(&asked.body).unwrap(), event);
        assert_eq!(asked.header("x-project-id"), Some("p0"));
        assert_eq!(asked.header("x-security-token"), Some("remote token"));

        // As the other side would check it, from the bytes that came.
        let headers: Vec<(&str, &[u8])> = asked
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name, value.trim().as_bytes()))
            .collect();
        let request = SignedRequest {
            method: "POST",
            path: &path,
            query: "",
            headers: &headers,
            body: &asked.body,
        };
        let authorization = Authorization::parse(asked.header("authorization").unwrap()).unwrap();
        verify(&request, &authorization, b"remote secret").unwrap();
        assert!(verify(&request, &authorization, b"another").is_err());
    }
}

#[tokio::test]
async fn only_taking_the_event_is_success() {
    for (status, transient) in [
        ("200 OK", false),
        ("401 Unauthorized", false),
        ("404 Not Found", false),
        ("429 Too Many", true),
        ("500 Broken", true),
    ] {
        let server = Server::start(Some(response(status, "", r#"{"error_code":"FSS.1"}"#))).await;
        let runner = runner(format!("http://127.0.0.1:{}", server.port), true);
        match runner.invoke(invocation(json!({}))).await {
            Err(failure @ Failure::Answered { .. }) => {
                assert_eq!(failure.is_transient(), transient, "{failure}");
                assert!(failure.to_string().contains("FSS.1"), "{failure}");
            }
            other => panic!("{status}: {other:#?}"),
        }
    }
}

#[tokio::test]
async fn private_addresses_are_refused() {
    let runner = runner("http://localhost:1".into(), false);
    let failure = runner.invoke(invocation(json!({}))).await.unwrap_err();
    assert!(matches!(failure, Failure::Refused(_)), "{failure}");
}
