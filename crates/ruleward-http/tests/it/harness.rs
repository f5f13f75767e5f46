//! A server in a temporary directory, and a client that signs as the SDKs do.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use ruleward_core::{Folders, FunctionHost, FunctionOptions, SealingKey, Service, Workers};
use ruleward_http::{AppState, Options, router};
use ruleward_policy::Catalogue;
use ruleward_sign::{Credentials, SignedRequest, sign, sign_derived};
use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{Account, Clock, Recorder, Role, SystemClock};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

pub const VOLUME_UNUSED: &str = "5fa36558aa1e6afc05a3d0a7";

pub struct Server {
    router: Router,
    pub service: Arc<Service>,
    pub store: Arc<dyn Store>,
    pub account: Account,
    pub admin: Keys,
    _workers: Workers,
    _directory: TempDir,
}

#[derive(Clone)]
pub struct Keys {
    pub access: String,
    pub secret: String,
    pub token: Option<String>,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    pub fn refused(&self, status: u16, code: &str) {
        let text = self.text();
        assert_eq!(self.status.as_u16(), status, "{text}");
        assert_eq!(self.headers["content-type"], "application/json");
        let body = self.json();
        assert_eq!(body["error_code"], code, "{text}");
        assert!(body["error_msg"].as_str().is_some_and(|words| !words.is_empty()), "{text}");
        assert_eq!(body.as_object().unwrap().len(), 2, "{text}");
    }

    pub fn empty(self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert!(self.body.is_empty(), "{}", self.text());
        assert!(!self.headers.contains_key("content-type"));
    }
}

/// What is to be sent, before it is signed.
pub struct Call<'a> {
    pub method: &'a str,
    pub uri: String,
    pub headers: Vec<(&'a str, String)>,
    pub body: Vec<u8>,
    /// Seconds by which the client's clock is wrong.
    pub skew: i64,
    pub derived: bool,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(Options::default())
    }

    pub fn start_with(http_options: Options) -> Self {
        Self::start_as(http_options, ruleward_core::Options::default(), None)
    }

    /// A server that has functions run by `host`.
    pub fn start_calling(host: Arc<dyn FunctionHost>, functions: FunctionOptions) -> Self {
        let options = ruleward_core::Options { functions, ..ruleward_core::Options::default() };
        Self::start_as(Options::default(), options, Some(host))
    }

    /// A server with policies of its own.
    pub fn start_over(catalogue: &'static Catalogue) -> Self {
        let options = ruleward_core::Options { catalogue, ..ruleward_core::Options::default() };
        Self::start_as(Options::default(), options, None)
    }

    fn start_as(
        http_options: Options,
        options: ruleward_core::Options,
        host: Option<Arc<dyn FunctionHost>>,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> =
            SqliteStore::open(&directory.path().join("store.sqlite")).unwrap();
        let sealing_key = SealingKey::new([1; 32]);
        let channels: &'static Folders =
            Box::leak(Box::new(Folders::new(directory.path().join("channels"))));
        let options = ruleward_core::Options { channels, ..options };
        let service =
            Service::open(Arc::clone(&store), Arc::new(SystemClock), &sealing_key, options)
                .unwrap();
        let account = service.create_account("home", None, Recorder::ON).unwrap();
        let state = AppState::new(Arc::clone(&service), http_options).unwrap();
        if let Some(host) = host {
            service.set_function_host(host);
        }
        let workers = service.start().unwrap();
        let mut server = Self {
            router: router(state),
            service,
            store,
            account,
            admin: Keys { access: String::new(), secret: String::new(), token: None },
            _workers: workers,
            _directory: directory,
        };
        server.admin = server.user("admin", Role::Administrator);
        server
    }

    /// A new user's key pair.
    pub fn user(&self, name: &str, role: Role) -> Keys {
        let user = self.service.create_user(&self.account, name, role, Some("Passw0rd!")).unwrap();
        let key = self.service.create_access_key(&user, None).unwrap();
        let secret = key.secret_key.expose_secret().to_owned();
        Keys { access: key.access_key, secret, token: key.security_token }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/v1/resource-manager/domains/{}{rest}", self.account.domain_id)
    }

    pub fn own_path(&self, rest: &str) -> String {
        format!("/v1/ruleward/domains/{}{rest}", self.account.domain_id)
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        assert!(parts.headers.contains_key("x-request-id"));
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub async fn signed(&self, keys: &Keys, call: Call<'_>) -> Reply {
        self.send(request(keys, call)).await
    }

    /// A call by the administrator.
    pub async fn call(&self, method: &str, uri: String, body: Option<Value>) -> Reply {
        self.call_as(&self.admin, method, uri, body).await
    }

    pub async fn call_as(
        &self,
        keys: &Keys,
        method: &str,
        uri: String,
        body: Option<Value>,
    ) -> Reply {
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.signed(keys, Call { body, ..Call::new(method, uri) }).await
    }

    pub async fn get(&self, uri: String) -> Reply {
        self.call("GET", uri, None).await
    }

    /// A rule on unused disks.
    pub async fn rule(&self, name: &str) -> String {
        let body = json!({"name": name, "policy_definition_id": VOLUME_UNUSED});
        let made = self.call("PUT", self.path("/policy-assignments"), Some(body)).await.expect(200);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// A disk in the inventory.
    pub async fn volume(&self, id: &str, status: &str) {
        let body = json!({
            "name": format!("disk {id}"), "provider": "evs", "type": "volumes",
            "region_id": "cn-north-4", "properties": {"status": status},
        });
        let reply = self.call("PUT", self.own_path(&format!("/resources/{id}")), Some(body)).await;
        assert!(reply.status.is_success(), "{}", reply.text());
    }

    /// Waits until a rule is judged; answers its evaluation state.
    pub async fn settle(&self, rule: &str) -> Value {
        let path = self.path(&format!("/policy-assignments/{rule}/policy-states/evaluation-state"));
        for _ in 0..500 {
            let reply = self.get(path.clone()).await;
            if reply.status == StatusCode::OK && reply.json()["state"] == "Succeeded" {
                return reply.json();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("rule {rule} is not judged in time");
    }
}

impl<'a> Call<'a> {
    pub fn new(method: &'a str, uri: String) -> Self {
        Self { method, uri, headers: Vec::new(), body: Vec::new(), skew: 0, derived: false }
    }
}

/// The signed request.
pub fn request(keys: &Keys, call: Call<'_>) -> Request<Body> {
    let now = SystemClock.now().plus_seconds(call.skew);
    let now = jiff::Timestamp::from_microsecond(now.0).unwrap();
    let (path, query) = call.uri.split_once('?').unwrap_or((&call.uri, ""));
    let mut headers =
        vec![("host", "ruleward.test".to_owned()), ("content-type", "application/json".to_owned())];
    headers.extend(call.headers);
    let pairs: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let signed =
        SignedRequest { method: call.method, path, query, headers: &pairs, body: &call.body };
    let credentials = Credentials {
        access_key: &keys.access,
        secret_key: &keys.secret,
        security_token: keys.token.as_deref(),
    };
    let added = if call.derived {
        sign_derived(&signed, &credentials, now, "globe", "rms").unwrap()
    } else {
        sign(&signed, &credentials, now).unwrap()
    };
    let mut builder = Request::builder().method(call.method).uri(&call.uri);
    for (name, value) in headers.iter().chain(&added) {
        builder = builder.header(*name, value);
    }
    builder.body(Body::from(call.body)).unwrap()
}
