//! The inventory.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::harness::{Call, Server};

pub fn packed(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[tokio::test]
async fn put_get_delete() {
    let server = Server::start();
    let path = server.own_path("/resources/v-1?type=evs.volumes");
    let body: Value =
        serde_json::from_str(r#"{"name":"disk","properties":{"size":10.50}}"#).unwrap();
    let made = server.call("PUT", path.clone(), Some(body.clone())).await.expect(201);
    assert!(made.text().contains("\"size\":10.50"), "{}", made.text());
    let again = server.call("PUT", path.clone(), Some(body)).await.expect(200);
    assert_eq!(again.body, made.body);
    assert_eq!(server.get(path.clone()).await.expect(200).body, made.body);
    server.call("DELETE", path.clone(), None).await.empty(204);
    server.get(path.clone()).await.refused(404, "RMS.00010005");
    let other = json!({"id": "other"});
    server.call("PUT", path, Some(other)).await.refused(400, "RULEWARD.ResourceIllegal");
    let without_type = server.own_path("/resources/v-1?type=evs");
    server.get(without_type).await.refused(400, "RMS.00010004");
    server.get(server.own_path("/resources/a%20b")).await.refused(400, "RMS.00010010");
}

#[tokio::test]
async fn two_types_with_one_id() {
    let server = Server::start();
    for kind in ["evs.volumes", "ecs.cloudservers"] {
        let path = server.own_path(&format!("/resources/same?type={kind}"));
        server.call("PUT", path, Some(json!({}))).await.expect(201);
    }
    let reply = server.get(server.own_path("/resources/same")).await;
    reply.refused(409, "RULEWARD.ResourceAmbiguous");
    server.get(server.own_path("/resources/same?type=EVS.volumes")).await.expect(200);
}

#[tokio::test]
async fn many_at_once() {
    let server = Server::start();
    let line = |id: &str| json!({"id": id, "provider": "evs", "type": "volumes"}).to_string();
    let text = format!("{}\n\n{{\"id\":1}}\n{}\n", line("a"), line("b"));
    let uri = || server.own_path("/resources");
    let report = server
        .signed(&server.admin, Call { body: text.clone().into_bytes(), ..Call::new("POST", uri()) })
        .await
        .expect(200)
        .json();
    assert_eq!((&report["created"], &report["refused"]), (&json!(2), &json!(1)));
    assert!(report["refusals"][0]["reason"].is_string());

    let gzip = |body| Call {
        body,
        headers: vec![("content-encoding", "gzip".to_owned())],
        ..Call::new("POST", uri())
    };
    let array = format!("[{},{}]", line("b"), line("c"));
    let report = server.signed(&server.admin, gzip(packed(&array))).await.expect(200).json();
    assert_eq!((&report["created"], &report["unchanged"]), (&json!(1), &json!(1)));
    let bomb = packed(&" ".repeat(9 * 1024 * 1024));
    server.signed(&server.admin, gzip(bomb)).await.refused(413, "RULEWARD.BodyTooLarge");
    let broken = b"no gzip".to_vec();
    server.signed(&server.admin, gzip(broken)).await.refused(400, "RULEWARD.MalformedBody");
}
