//! Imports over several requests.

use serde_json::json;

use crate::harness::{Call, Reply, Server};
use crate::resources::packed;

async fn batch(server: &Server, id: &str, offset: &str, text: &str, gzip: bool) -> Reply {
    let uri = server.own_path(&format!("/imports/{id}/batches{offset}"));
    let mut call = Call { body: text.as_bytes().to_vec(), ..Call::new("POST", uri) };
    if gzip {
        call.body = packed(text);
        call.headers.push(("content-encoding", "gzip".to_owned()));
    }
    server.signed(&server.admin, call).await
}

#[tokio::test]
async fn an_import_from_end_to_end() {
    let server = Server::start();
    server.volume("old", "in-use").await;
    server.volume("new-1", "in-use").await;
    let open = json!({"source": "inventory.ndjson", "replace": ["evs.volumes"]});
    let imports = server.own_path("/imports");
    let session = server.call("POST", imports.clone(), Some(open.clone())).await.expect(200).json();
    assert_eq!(session["next_offset"], 0);
    assert_eq!(session["closed"], false);
    assert!(session["opened"].as_str().unwrap().ends_with('Z'));
    let id = session["id"].as_str().unwrap();
    let again = server.call("POST", imports.clone(), Some(open)).await.expect(200).json();
    assert_eq!(again["id"], id);

    let line =
        |id: &str| json!({"id": id, "provider": "evs", "type": "volumes"}).to_string() + "\n";
    let text = line("new-1") + &line("new-2");
    let taken = batch(&server, id, "?offset=0", &text, true).await.expect(200).json();
    assert_eq!(taken["next_offset"], 2);
    batch(&server, id, "?offset=0", &text, false).await.refused(409, "RULEWARD.ImportOffset");
    batch(&server, id, "", &text, false).await.refused(400, "RMS.00010004");
    batch(&server, id, "?offset=-1", &text, false).await.refused(400, "RMS.00010004");
    let path = server.own_path(&format!("/imports/{id}"));
    assert_eq!(server.get(path.clone()).await.expect(200).json()["next_offset"], 2);

    let done = server.call("POST", format!("{path}/complete"), None).await.expect(200).json();
    assert_eq!(done["closed"], true);
    assert_eq!(done["report"]["deleted"], 1);
    server.get(server.own_path("/resources/old")).await.refused(404, "RMS.00010005");
    server.get(server.own_path("/resources/new-2")).await.expect(200);
}

#[tokio::test]
async fn imports_that_are_cancelled_or_refused() {
    let server = Server::start();
    let imports = server.own_path("/imports");
    let made = server.call("POST", imports.clone(), Some(json!({"source": "x"}))).await.expect(200);
    let path = server.own_path(&format!("/imports/{}", made.json()["id"].as_str().unwrap()));
    server.call("DELETE", path, None).await.empty(204);
    for body in [json!({}), json!({"source": ""}), json!({"source": "x", "replace": ["evs"]})] {
        server.call("POST", imports.clone(), Some(body)).await.refused(400, "RMS.00010004");
    }
    server.get(server.own_path("/imports/none")).await.refused(404, "RMS.00010005");
}
