//! Who may come in.

use axum::body::Body;
use http::Request;
use ruleward_types::Role;
use serde_json::json;

use crate::harness::{Call, Keys, Server, request};

fn refused(reply: &crate::harness::Reply, words: &str) {
    reply.refused(401, "RMS.00010079");
    assert!(reply.text().contains(words), "{words}: {}", reply.text());
}

#[tokio::test]
async fn a_missing_header_has_the_documented_words() {
    let server = Server::start();
    let request = Request::builder().uri(server.path("/policy-states")).body(Body::empty());
    let reply = server.send(request.unwrap()).await;
    reply.refused(401, "RMS.00010079");
    let words = "Incorrect IAM authentication information: Authorization header is missing.";
    assert_eq!(reply.json()["error_msg"], words);
}

#[tokio::test]
async fn signatures() {
    let server = Server::start();
    let uri = || server.path("/policy-states?limit=1&resource_name=a%20b%2Bc");
    server.get(uri()).await.expect(200);
    let derived = Call { derived: true, ..Call::new("GET", uri()) };
    server.signed(&server.admin, derived).await.expect(200);

    let wrong = Keys { secret: "x".repeat(40), ..server.admin.clone() };
    refused(&server.signed(&wrong, Call::new("GET", uri())).await, "signature does not match");
    let unknown = Keys { access: "NOBODY".to_owned(), ..server.admin.clone() };
    refused(&server.signed(&unknown, Call::new("GET", uri())).await, "access key");
    for skew in [-901, 901] {
        let late = Call { skew, ..Call::new("GET", uri()) };
        refused(&server.signed(&server.admin, late).await, "15 minutes");
    }
    for skew in [-890, 890] {
        let near = Call { skew, ..Call::new("GET", uri()) };
        server.signed(&server.admin, near).await.expect(200);
    }
}

/// Small bodies are read before it is known who sends them, large ones and those that do not say how
/// long they are after: it makes no difference for the answer.
#[tokio::test]
async fn bodies_of_every_size_come_from_somebody_known() {
    let server = Server::start();
    let unknown = Keys { access: "NOBODY".to_owned(), ..server.admin.clone() };
    let wrong = Keys { secret: "x".repeat(40), ..server.admin.clone() };
    for size in [10, 70_000] {
        let resource = json!({
            "name": "n", "provider": "evs", "type": "volumes", "region_id": "cn-north-4",
            "properties": {"text": "x".repeat(size)},
        });
        let call = || {
            let uri = server.own_path("/resources/r");
            Call { body: resource.to_string().into_bytes(), ..Call::new("PUT", uri) }
        };
        let unstated = |mut call: Request<Body>| {
            let body = std::mem::take(call.body_mut());
            *call.body_mut() = Body::from_stream(body.into_data_stream());
            call
        };
        for keys in [&unknown, &wrong] {
            let words = if keys.access == "NOBODY" { "access key" } else { "does not match" };
            refused(&server.signed(keys, call()).await, words);
            refused(&server.send(unstated(request(keys, call()))).await, words);
        }
        server.get(server.own_path("/resources/r")).await.refused(404, "RMS.00010005");
        server.signed(&server.admin, call()).await.expect(201);
        server.send(unstated(request(&server.admin, call()))).await.expect(200);
        server.call("DELETE", server.own_path("/resources/r"), None).await.expect(204);
    }
}

#[tokio::test]
async fn what_was_signed_is_what_counts() {
    let server = Server::start();
    let signed = || request(&server.admin, Call::new("GET", server.path("/policy-states?limit=1")));
    let mut other_query = signed();
    *other_query.uri_mut() = server.path("/policy-states?limit=2").parse().unwrap();
    refused(&server.send(other_query).await, "signature");
    let mut other_body = signed();
    *other_body.body_mut() = Body::from("{}");
    refused(&server.send(other_body).await, "signature");
    let mut twice = signed();
    let value = twice.headers()["authorization"].clone();
    twice.headers_mut().append("authorization", value);
    refused(&server.send(twice).await, "more than once");
}

#[tokio::test]
async fn schemes_that_are_not_supported() {
    let server = Server::start();
    for scheme in ["SDK-HMAC-SM3", "SDK-ECDSA-P256-SHA256", "SDK-SM2-SM3", "Bearer", "Basic"] {
        let value = format!("{scheme} Access=a, SignedHeaders=host, Signature=00");
        let request = Request::builder()
            .uri(server.path("/policy-states"))
            .header("authorization", value)
            .body(Body::empty());
        let reply = server.send(request.unwrap()).await;
        refused(&reply, "SDK-HMAC-SHA256");
    }
}

#[tokio::test]
async fn temporary_keys_need_their_token() {
    let server = Server::start();
    let user = server.service.user(&server.account, "admin").unwrap();
    let key = server.service.create_access_key(&user, Some(900)).unwrap();
    let secret = secrecy::ExposeSecret::expose_secret(&key.secret_key).to_owned();
    let keys = Keys { access: key.access_key, secret, token: key.security_token };
    let call = || Call::new("GET", server.path("/policy-states"));
    server.signed(&keys, call()).await.expect(200);
    let without = Keys { token: None, ..keys.clone() };
    server.signed(&without, call()).await.refused(401, "RMS.00010079");
    let other = Keys { token: Some("other".to_owned()), ..keys };
    server.signed(&other, call()).await.refused(401, "RMS.00010079");
}

#[tokio::test]
async fn roles_and_accounts() {
    let server = Server::start();
    let auditor = server.user("auditor", Role::Auditor);
    server.call_as(&auditor, "GET", server.path("/policy-assignments"), None).await.expect(200);
    server
        .call_as(&auditor, "PUT", server.path("/policy-assignments"), None)
        .await
        .refused(403, "RMS.00010006");
    let importer = server.user("importer", Role::Importer);
    let reply = server.call_as(&importer, "GET", server.path("/policy-states"), None).await;
    reply.refused(403, "RMS.00010006");

    let of = |domain: &str| format!("/v1/resource-manager/domains/{domain}/policy-assignments");
    server.get(of(&"0".repeat(32))).await.refused(403, "RMS.00010006");
    server.get(of(&"0".repeat(37))).await.refused(400, "RMS.00010007");
    server.get(of("a%20b")).await.refused(400, "RMS.00010008");
}

#[tokio::test]
async fn bodies_have_limits() {
    let server = Server::start();
    let body = vec![b' '; 1024 * 1024 + 1];
    let call = Call { body, ..Call::new("PUT", server.path("/policy-assignments")) };
    server.signed(&server.admin, call).await.refused(413, "RULEWARD.BodyTooLarge");
    let body = vec![b' '; 8 * 1024 * 1024 + 64 * 1024 + 1];
    let call = Call { body, ..Call::new("POST", server.own_path("/resources")) };
    server.signed(&server.admin, call).await.refused(413, "RULEWARD.BodyTooLarge");
}

#[tokio::test]
async fn the_host_may_stand_in_the_uri() {
    let server = Server::start();
    let path = server.path("/policy-states?limit=1");
    let mut signed = request(&server.admin, Call::new("GET", path.clone()));
    signed.headers_mut().remove("host");
    *signed.uri_mut() = format!("http://ruleward.test{path}").parse().unwrap();
    server.send(signed).await.expect(200);
}

#[tokio::test]
async fn a_stranger_learns_nothing_of_paths() {
    let server = Server::start();
    let path = server.own_path("/resources/%ff");
    let request = Request::builder().uri(path.clone()).body(Body::empty());
    server.send(request.unwrap()).await.refused(401, "RMS.00010079");
    server.get(path).await.refused(400, "RMS.00010004");
}
