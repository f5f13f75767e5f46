//! Webhooks, and what they refuse to reach.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ruleward_functions::{
    Failure, Invocation, NetworkConfig, Returned, Runner as _, WebhookConfig, WebhookRunner,
};
use ruleward_types::SystemClock;
use serde_json::{Value, json};
use sha2::Sha256;

use super::server::{Server, response};
use crate::support::{invocation, value};

fn runner(url: &str, allow_private: bool) -> Result<WebhookRunner, Failure> {
    let config = WebhookConfig {
        url: url.to_owned(),
        secret: "whsec_c2VjcmV0".into(),
        network: NetworkConfig { allow_private, ..NetworkConfig::default() },
    };
    WebhookRunner::new(&config, Arc::new(SystemClock))
}

#[tokio::test]
async fn an_event_is_signed_and_a_result_can_come_back() {
    let answer = json!({"compliance_state": "Compliant"});
    let server = Server::start(Some(response("200 OK", "", &answer.to_string()))).await;
    let runner = runner(&format!("http://127.0.0.1:{}/hook?a=b", server.port), true).unwrap();
    let event = json!({"n": 1, "text": "ä"});
    assert_eq!(value(runner.invoke(invocation(event.clone())).await), answer);

    let asked = &server.asked()[0];
    assert_eq!(asked.line(), "POST /hook?a=b HTTP/1.1");
    assert_eq!(serde_json::from_slice::<Value>(&asked.body).unwrap(), event);
    assert_eq!(asked.header("content-type"), Some("application/json"));
    let id = asked.header("webhook-id").unwrap();
    assert_eq!(id, "019ab-request");
    let timestamp = asked.header("webhook-timestamp").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(&asked.body);
    let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(asked.header("webhook-signature"), Some(expected.as_str()));
    assert!(!asked.head.contains("SK0") && !asked.head.contains("ST0"), "{}", asked.head);
}

#[tokio::test]
async fn an_answer_without_a_value_is_none_and_a_no_is_a_failure() {
    for body in ["", "thanks", "null"] {
        let server = Server::start(Some(response("202 Accepted", "", body))).await;
        let runner = runner(&format!("http://127.0.0.1:{}/", server.port), true).unwrap();
        let finished = runner.invoke(invocation(json!({}))).await.unwrap();
        assert_eq!(finished.returned, Returned::Nothing, "{body}");
    }
    for (status, transient) in [("404 Not Found", false), ("503 Down", true), ("429 Slow", true)] {
        let server = Server::start(Some(response(status, "", "why\n"))).await;
        let runner = runner(&format!("http://127.0.0.1:{}/", server.port), true).unwrap();
        let failure = runner.invoke(invocation(json!({}))).await.unwrap_err();
        assert_eq!(failure.is_transient(), transient, "{failure}");
        assert!(failure.to_string().ends_with(": why"), "{failure}");
    }
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let server = Server::start(Some(response("200 OK", "", ""))).await;
    let port = server.port;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[::]",
        // A name, which is resolved when the connection is made.
        "localhost",
        "LocalHost",
        "169.254.169.254",
        "10.0.0.1",
    ] {
        let runner = runner(&format!("http://{host}:{port}/"), false).unwrap();
        match runner.invoke(invocation(json!({}))).await {
            Err(failure @ Failure::Refused(_)) => assert!(!failure.is_transient()),
            other => panic!("{host}: {other:#?}"),
        }
    }
    assert!(server.asked().is_empty());
    let runner = runner(&format!("http://localhost:{port}/"), true).unwrap();
    runner.invoke(invocation(json!({}))).await.unwrap();
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let inner = Server::start(Some(response("200 OK", "", ""))).await;
    let location = format!("location: http://127.0.0.1:{}/\r\n", inner.port);
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let outer = Server::start(Some(response(status, &location, ""))).await;
        let runner = runner(&format!("http://127.0.0.1:{}/", outer.port), true).unwrap();
        match runner.invoke(invocation(json!({}))).await {
            Err(Failure::Answered { status: told, .. }) => {
                assert!(status.starts_with(&told.to_string()));
            }
            other => panic!("{other:#?}"),
        }
    }
    assert!(inner.asked().is_empty());
}

#[tokio::test]
async fn silence_ends_at_the_deadline_and_nobody_is_told() {
    let server = Server::start(None).await;
    let runner = runner(&format!("http://127.0.0.1:{}/", server.port), true).unwrap();
    let short = Invocation { deadline: Duration::from_millis(300), ..invocation(json!({})) };
    let failure = runner.invoke(short).await.unwrap_err();
    assert!(matches!(failure, Failure::TimedOut { .. }), "{failure}");

    // A port on which nobody listens any more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let runner = self::runner(&format!("http://127.0.0.1:{port}/?key=secret"), true).unwrap();
    let failure = runner.invoke(invocation(json!({}))).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    assert!(!failure.to_string().contains("secret"), "{failure}");
}

#[test]
fn what_is_no_address_or_secret_is_refused_at_once() {
    for url in ["", "ftp://example.com/", "http://", "/path", "http://user:pass@example.com/"] {
        assert!(matches!(runner(url, false), Err(Failure::Refused(_))), "{url}");
    }
    for secret in ["", "whsec_", "whsec_%%%"] {
        let config = WebhookConfig {
            url: "http://example.com/".into(),
            secret: secret.into(),
            network: NetworkConfig::default(),
        };
        let made = WebhookRunner::new(&config, Arc::new(SystemClock));
        assert!(matches!(made, Err(Failure::Refused(_))), "{secret}");
    }
}
