//! The table against the published definitions, the page in the documentation, the router.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http::Request;
use http_body::Frame;
use ruleward_http::{Operation, Options, Origin, coverage, operations};
use serde_json::Value;

use crate::harness::{Call, Server, request};

const DEFINITIONS: &str = "huawei-cloud-api-definitions-Config";

/// Where cargo keeps the published definitions.
fn definitions() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == DEFINITIONS).unwrap();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().join("src")
}

type Row = (String, String, String, u16);

fn published() -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    for entry in std::fs::read_dir(definitions()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let definition: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for (path, methods) in definition["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                let success = responses.keys().find(|status| status.starts_with('2')).unwrap();
                let id = operation["operationId"].as_str().unwrap();
                let method = method.to_uppercase();
                rows.insert((id.to_owned(), method, path.clone(), success.parse().unwrap()));
            }
        }
    }
    rows
}

#[test]
fn the_table_is_the_published_set() {
    let table: BTreeSet<Row> = operations()
        .filter(|operation| operation.origin == Origin::Published)
        .map(|one| (one.id.to_owned(), one.method.to_string(), one.path.to_owned(), one.success))
        .collect();
    assert_eq!(table.len(), 106);
    assert_eq!(table, published());
}

#[test]
fn every_name_and_every_request_stands_once() {
    let ids: BTreeSet<_> = operations().map(|operation| operation.id).collect();
    let requests: BTreeSet<_> =
        operations().map(|one| format!("{} {}", one.method, one.path)).collect();
    assert_eq!((ids.len(), requests.len()), (operations().count(), operations().count()));
    for operation in operations() {
        let ours = operation.path.starts_with("/v1/ruleward/");
        let vendors = operation.path.starts_with("/v1/resource-manager/");
        assert_eq!(operation.origin == Origin::Published, vendors, "{operation:?}");
        assert!(!ours || operation.origin == Origin::Extension, "{operation:?}");
        assert!(!vendors || operation.action.starts_with("rms:"), "{operation:?}");
    }
}

/// `UPDATE_DOCS=1 cargo test -p ruleward-http` writes the page.
#[test]
fn the_page_in_the_documentation_is_the_table() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, coverage()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(page, coverage(), "run with UPDATE_DOCS=1 to write the page");
}

/// A path of an operation, with a value for each parameter.
fn sample(server: &Server, operation: &Operation) -> String {
    let value = |parameter: &str| match parameter {
        "domain_id" => server.account.domain_id.clone(),
        "resource_type" => "config:policyAssignments".to_owned(),
        "organization_id" => "o-0123456789".to_owned(),
        _ => "0".repeat(24),
    };
    let parts = operation.path.split('/').map(|part| {
        match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(parameter) => value(parameter),
            None => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn the_router_reaches_every_operation() {
    let server = Server::start();
    for operation in operations() {
        let request = |method: &str| {
            let builder = Request::builder().method(method).uri(sample(&server, operation));
            builder.body(Body::empty()).unwrap()
        };
        let reply = server.send(request(operation.method.as_str())).await;
        if operation.is_open() {
            assert!(![401, 404, 405].contains(&reply.status.as_u16()), "{operation:?}");
        } else {
            reply.refused(401, "RMS.00010079");
        }
        let other = server.send(request("PATCH")).await;
        other.refused(405, "RULEWARD.MethodNotAllowed");
        let allowed = other.headers["allow"].to_str().unwrap();
        assert!(allowed.contains(operation.method.as_str()), "{operation:?}: {allowed}");
    }
    let metrics = server.send(Request::builder().uri("/metrics").body(Body::empty()).unwrap());
    let metrics = metrics.await.expect(200);
    for operation in operations() {
        let label = format!("operation=\"{}\"", operation.id);
        assert!(metrics.text().contains(&label), "{operation:?} was not reached");
    }
}

#[tokio::test]
async fn what_is_not_built_says_so_to_those_who_may() {
    let server = Server::start();
    let reporter = server.user("reporter", ruleward_types::Role::Reporter);
    for operation in operations().filter(|operation| !operation.works()) {
        let (method, path) = (operation.method.as_str(), sample(&server, operation));
        let reply = server.call(method, path.clone(), None).await;
        reply.refused(501, "RULEWARD.NotImplemented");
        assert!(reply.text().contains(operation.id), "{operation:?}");
        server.call_as(&reporter, method, path, None).await.refused(403, "RMS.00010006");
    }
}

#[tokio::test]
async fn paths_that_nobody_knows() {
    let server = Server::start();
    for path in ["/", "/v1", "/v1/resource-manager/domains", "/v1/ruleward/x", "/v1/%ff"] {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        server.send(request).await.refused(404, "RMS.00010005");
    }
    let listed = server
        .send(Request::builder().uri("/v1/ruleward/operations").body(Body::empty()).unwrap())
        .await
        .expect(200)
        .json();
    let rows = listed["operations"].as_array().unwrap();
    let probes = operations().filter(|operation| operation.origin == Origin::Probe).count();
    assert_eq!((rows.len() + probes, probes), (operations().count(), 3));
    assert!(rows.iter().any(|row| row["id"] == "RunQuery" && row["state"] == "not_yet"));
    assert!(rows.iter().any(|row| row["id"] == "ListOperations" && row["action"] == ""));
}

#[tokio::test]
async fn probes() {
    let server = Server::start();
    let get = |path: &str| server.send(Request::builder().uri(path).body(Body::empty()).unwrap());
    get("/healthz").await.expect(200);
    get("/readyz").await.expect(200);
    let metrics = get("/metrics").await.expect(200);
    assert!(
        metrics.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics")
    );
    let text = metrics.text();
    for name in [
        "ruleward_http_requests_total{operation=\"Health\",status_class=\"2xx\"} 1",
        "ruleward_http_request_duration_seconds_bucket",
        "ruleward_tickets_pending 0",
        "ruleward_deployments_pending 0",
        "ruleward_accounts 1",
    ] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

/// Quick requests are answered on the connections' own threads, of which there are few.
#[tokio::test]
async fn a_request_that_waits_to_read_keeps_no_probe_waiting() {
    let server = Server::start();
    server.volume("v", "in-use").await;
    let (closed, gate) = mpsc::channel::<()>();
    let (gate, (reads, held)) = (Arc::new(Mutex::new(gate)), mpsc::channel());
    // Everybody who may read does so, until the gate opens. All of them give up at one time.
    let late = Instant::now() + Duration::from_secs(20);
    let readers: Vec<_> = (0..64)
        .map(|_| {
            let (store, gate, reads) =
                (Arc::clone(&server.store), Arc::clone(&gate), reads.clone());
            std::thread::spawn(move || {
                store.read(|_| {
                    let _ = reads.send(());
                    let gate = gate.lock().unwrap();
                    let opened = gate.recv_timeout(late.saturating_duration_since(Instant::now()));
                    assert_eq!(opened, Err(mpsc::RecvTimeoutError::Disconnected), "it is closed");
                    Ok(())
                })
            })
        })
        .collect();
    held.recv().unwrap();
    while held.recv_timeout(Duration::from_millis(200)).is_ok() {}
    let asked = server.get(server.own_path("/resources/v"));
    let probed = async {
        let probe = Request::builder().uri("/healthz").body(Body::empty()).unwrap();
        server.send(probe).await.expect(200);
        drop(closed);
    };
    let (found, ()) = tokio::join!(asked, probed);
    assert_eq!(found.expect(200).json()["id"], "v");
    for reader in readers {
        reader.join().unwrap().unwrap();
    }
}

/// A body that never comes.
struct Never;

impl http_body::Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn what_takes_too_long_is_answered_all_the_same() {
    let options = Options { request_timeout: Duration::from_millis(50), ..Options::default() };
    let server = Server::start_with(options);
    let call = Call::new("PUT", server.path("/policy-assignments"));
    let request = request(&server.admin, call).map(|_| Body::new(Never));
    server.send(request).await.refused(503, "RULEWARD.Unavailable");
}

#[tokio::test]
async fn requests_wait_for_their_place() {
    let options = Options { concurrent_requests: 1, ..Options::default() };
    let server = Server::start_with(options);
    let call = || server.get(server.path("/policy-states"));
    let (first, second, third) = tokio::join!(call(), call(), call());
    for reply in [first, second, third] {
        reply.expect(200);
    }
}
