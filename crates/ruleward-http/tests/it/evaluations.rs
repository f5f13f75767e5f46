//! Evaluation runs and explanations.

use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn the_last_run_is_shown() {
    let server = Server::start();
    let id = server.rule("unused disks").await;
    let state = server.settle(&id).await;
    let keys: Vec<_> = state.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["policy_assignment_id", "start_time", "end_time", "state", "error_message"]);
    assert_eq!(state["policy_assignment_id"], id.as_str());
    assert!(state["end_time"].as_str() >= state["start_time"].as_str());
    assert!(state["error_message"].is_null());
    let unknown = format!("/policy-assignments/{}/policy-states/evaluation-state", "0".repeat(24));
    server.get(server.path(&unknown)).await.refused(404, "RMS.00010005");
}

#[tokio::test]
async fn a_verdict_is_explained() {
    let server = Server::start();
    let id = server.rule("unused disks").await;
    server.settle(&id).await;
    server.volume("idle", "available").await;
    let path = |resource: &str| {
        server.own_path(&format!(
            "/policy-assignments/{id}/policy-states/{resource}/explanation?type=evs.volumes"
        ))
    };
    let explanation = server.get(path("idle")).await.expect(200).json();
    assert!(explanation.to_string().contains("NonCompliant"), "{explanation}");
    server.get(path("none")).await.refused(404, "RMS.00010005");
    let wrong = server
        .own_path(&format!("/policy-assignments/{id}/policy-states/idle/explanation?type=evs"));
    let reply = server.get(wrong).await;
    reply.refused(400, "RMS.00010004");
    assert!(reply.json()["error_msg"] != json!(""));
}
