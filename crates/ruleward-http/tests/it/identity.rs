//! Finding one's account, and tokens.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::harness::{Reply, Server};

async fn ask(server: &Server, body: &Value) -> Reply {
    let request = Request::builder()
        .method("POST")
        .uri("/v3/auth/tokens?nocatalog=true")
        .header("content-type", "application/json;charset=utf8")
        .body(Body::from(body.to_string()));
    server.send(request.unwrap()).await
}

fn by_password(password: &str) -> Value {
    json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "admin", "password": password, "domain": {"name": "home"},
        }}},
        "scope": {"domain": {"name": "home"}},
    }})
}

#[tokio::test]
async fn an_account_is_found_by_its_key() {
    let server = Server::start();
    let domains = server.get("/v3/auth/domains".to_owned()).await.expect(200).json();
    assert_eq!(domains["domains"][0]["id"], server.account.domain_id.as_str());
    assert_eq!(domains["domains"][0]["name"], "home");
    assert_eq!(domains["domains"][0]["enabled"], true);
    assert!(domains["links"].is_object());
    let caller = server.get("/v5/caller-identity".to_owned()).await.expect(200).json();
    assert_eq!(caller["account_id"], server.account.domain_id.as_str());
    assert!(caller["principal_urn"].as_str().unwrap().ends_with(":user:admin"));
    assert_eq!(caller.as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn tokens() {
    let server = Server::start();
    let by_key = json!({"auth": {"identity": {"methods": ["hw_ak_sk"], "hw_ak_sk": {
        "access": {"key": server.admin.access}, "secret": {"key": server.admin.secret},
    }}}});
    for (method, body) in [("hw_ak_sk", by_key), ("password", by_password("Passw0rd!"))] {
        let reply = ask(&server, &body).await.expect(201);
        let token = &reply.json()["token"];
        assert_eq!(token["methods"], json!([method]));
        assert_eq!(token["user"]["name"], "admin");
        assert_eq!(token["user"]["domain"]["id"], server.account.domain_id.as_str());
        assert_eq!(token["domain"]["name"], "home");
        assert_eq!(token["roles"][0]["name"], "administrator");
        assert!(token["expires_at"].as_str() > token["issued_at"].as_str());
        let subject = reply.headers["x-subject-token"].clone();
        let request = Request::builder()
            .uri(server.path("/policy-states"))
            .header("x-auth-token", subject)
            .body(Body::empty());
        server.send(request.unwrap()).await.expect(200);
    }
    let request = Request::builder()
        .uri(server.path("/policy-states"))
        .header("x-auth-token", "forged")
        .body(Body::empty());
    server.send(request.unwrap()).await.refused(401, "RMS.00010079");
}

#[tokio::test]
async fn tokens_that_are_refused() {
    let server = Server::start();
    ask(&server, &by_password("wrong")).await.refused(401, "RMS.00010079");
    for body in [
        json!({}),
        json!({"auth": {"identity": {"methods": ["totp"]}}}),
        json!({"auth": {"identity": {"methods": ["password"]}}}),
        json!({"auth": {"identity": {"methods": ["hw_ak_sk"], "hw_ak_sk": {"access": {}}}}}),
    ] {
        ask(&server, &body).await.refused(400, "RMS.00010004");
    }
    ask(&server, &json!([])).await.refused(400, "RULEWARD.MalformedBody");
}
