//! Signed requests to a service and what comes back.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::blocking::Client;
use reqwest::{Certificate, Method, Url};
use ruleward_sign::{Credentials, SignedRequest, sign};
use ruleward_types::{Clock as _, SystemClock};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// What a URL keeps as it is.
pub const UNRESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An account has no more than some ten thousand states per page run; a list that goes on
/// longer than this goes in circles.
const MOST_PAGES: usize = 100_000;

/// A key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its public half.
    pub access: String,
    /// Its secret half.
    pub secret: SecretString,
    /// What belongs to a temporary key.
    pub security_token: Option<SecretString>,
}

/// The service answered, and the answer is no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// Error code.
    pub code: String,
    /// Words.
    pub message: String,
    /// The id under which the service's log knows the request.
    pub request_id: Option<String>,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.message, self.code)?;
        if let Some(id) = self.request_id.as_ref().filter(|_| self.status >= 500) {
            write!(f, ", request {id}")?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Refused {}

/// Why a request has no good answer.
#[derive(Debug)]
pub enum Trouble {
    /// The service said no.
    Refused(Refused),
    /// There was no answer.
    Unreachable(anyhow::Error),
}

impl Trouble {
    /// Whether the same request may succeed a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Refused(refused) => matches!(refused.status, 429 | 502 | 503 | 504),
            Self::Unreachable(_) => true,
        }
    }

    /// How long the service asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refused) => refused.retry_after,
            Self::Unreachable(_) => None,
        }
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(refused) => Some(&refused.code),
            Self::Unreachable(_) => None,
        }
    }
}

impl From<Trouble> for anyhow::Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(refused) => refused.into(),
            Trouble::Unreachable(error) => error,
        }
    }
}

/// A request that is about to be signed.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    method: Method,
    path: String,
    query: Vec<(&'a str, String)>,
    body: Bytes,
    gzip: bool,
}

impl<'a> Request<'a> {
    /// A request without query or body. The path is percent-encoded by the caller.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), query: Vec::new(), body: Bytes::new(), gzip: false }
    }

    /// Adds a parameter.
    pub fn query(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a parameter where there is a value.
    pub fn query_if(self, name: &'a str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Says that the body is packed.
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }

    fn query_string(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let mut pairs: Vec<(String, String)> =
            self.query.iter().map(|(name, value)| (encode(name), encode(value))).collect();
        pairs.sort();
        let pairs: Vec<String> =
            pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }
}

/// A service, an account of it and a key.
#[derive(Debug)]
pub struct Api {
    client: Client,
    endpoint: Url,
    key: Key,
    domain_id: String,
}

impl Api {
    /// A client of an account; which one the service tells where nobody else does.
    pub fn connect(
        client: Client,
        endpoint: Url,
        key: Key,
        domain_id: Option<String>,
    ) -> anyhow::Result<Self> {
        let mut api = Self { client, endpoint, key, domain_id: String::new() };
        api.domain_id = if let Some(id) = domain_id {
            id
        } else {
            let answer = api.send(&Request::new(Method::GET, "/v3/auth/domains"))?;
            answer
                .pointer("/domains/0/id")
                .and_then(Value::as_str)
                .context("the service names no account for this key; give --domain ID")?
                .to_owned()
        };
        Ok(api)
    }

    /// Whether the service is on this machine.
    pub fn is_local(&self) -> bool {
        is_loopback(&self.endpoint)
    }

    /// The account.
    pub fn domain_id(&self) -> &str {
        &self.domain_id
    }

    /// The service.
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// A path of the account in the vendor's namespace.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/resource-manager/domains/{}{rest}", super::segment(&self.domain_id))
    }

    /// A path of the account in our own namespace.
    pub fn own_path(&self, rest: &str) -> String {
        format!("/v1/ruleward/domains/{}{rest}", super::segment(&self.domain_id))
    }

    /// Reads something.
    pub fn get(&self, path: String) -> Result<Value, Trouble> {
        self.send(&Request::new(Method::GET, path))
    }

    /// Reads a list to its end, or to so many items.
    pub fn list(&self, request: &Request<'_>, most: Option<usize>) -> anyhow::Result<Vec<Value>> {
        self.list_of("value", request, most)
    }

    /// The same of a list whose items stand in a field of another name.
    pub fn list_of(
        &self,
        field: &str,
        request: &Request<'_>,
        most: Option<usize>,
    ) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let page = request.clone().query_if("marker", marker.as_deref());
            let mut answer = self.send(&page)?;
            let value = answer.get_mut(field).and_then(Value::as_array_mut);
            items.append(value.context("the answer of the service is not a list")?);
            if most.is_some_and(|most| items.len() >= most) {
                items.truncate(most.unwrap_or_default());
                return Ok(items);
            }
            let next = answer.pointer("/page_info/next_marker").and_then(Value::as_str);
            match next.filter(|next| !next.is_empty()) {
                Some(next) => marker = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
        bail!("the list of the service does not end")
    }

    /// Sends a request; an empty answer is null.
    pub fn send(&self, request: &Request<'_>) -> Result<Value, Trouble> {
        let unreachable =
            |error: reqwest::Error| Trouble::Unreachable(unreachable(&self.endpoint, error));
        let http = self.sign(request).map_err(Trouble::Unreachable)?;
        let response = self.client.execute(http).map_err(unreachable)?;
        let status = response.status();
        let header =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let request_id = header("x-request-id").map(str::to_owned);
        let retry_after = header("retry-after").and_then(pause);
        let body = response.bytes().map_err(unreachable)?;
        if status.is_success() {
            if body.is_empty() {
                return Ok(Value::Null);
            }
            return serde_json::from_slice(&body).map_err(|_| {
                Trouble::Unreachable(anyhow::anyhow!("{} does not answer JSON", self.endpoint))
            });
        }
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        let field = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
        Err(Trouble::Refused(Refused {
            status: status.as_u16(),
            code: field("error_code").unwrap_or_else(|| format!("HTTP {}", status.as_u16())),
            message: field("error_msg").unwrap_or_else(|| {
                status.canonical_reason().unwrap_or("the service refused").to_owned()
            }),
            request_id,
            retry_after,
        }))
    }

    fn sign(&self, request: &Request<'_>) -> anyhow::Result<reqwest::blocking::Request> {
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}{}", self.endpoint.path().trim_end_matches('/'), request.path));
        let query = request.query_string();
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => bail!("the endpoint has no host"),
        };
        let mut headers: Vec<(&str, &[u8])> =
            vec![("host", host.as_bytes()), ("content-type", b"application/json")];
        // The language of a policy's texts.
        headers.push(("x-language", b"en-us"));
        if request.gzip {
            headers.push(("content-encoding", b"gzip"));
        }
        let moment = jiff::Timestamp::from_microsecond(SystemClock.now().0)?;
        let credentials = Credentials {
            access_key: &self.key.access,
            secret_key: self.key.secret.expose_secret(),
            security_token: self.key.security_token.as_ref().map(SecretString::expose_secret),
        };
        let signed = SignedRequest {
            method: request.method.as_str(),
            path: url.path(),
            query: url.query().unwrap_or_default(),
            headers: &headers,
            body: &request.body,
        };
        let added = sign(&signed, &credentials, moment)?;
        let mut builder = self.client.request(request.method.clone(), url.clone());
        for (name, value) in &headers {
            builder = builder.header(*name, *value);
        }
        for (name, value) in added {
            builder = builder.header(name, value);
        }
        Ok(builder.body(request.body.clone()).build()?)
    }
}

/// A client. The system's authorities are loaded only where TLS is spoken: a bare machine may
/// have none.
pub fn http_client(
    tls: bool,
    timeout: Duration,
    authorities: &[Certificate],
) -> anyhow::Result<Client> {
    let builder = Client::builder()
        // The signature covers the header `host`, which HTTP/2 replaces.
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        // A service of one's own network is reached directly.
        .no_proxy();
    let builder = if tls {
        builder.tls_certs_merge(authorities.iter().cloned())
    } else {
        builder.tls_certs_only(authorities.iter().cloned())
    };
    builder.build().context("cannot make an HTTP client")
}

/// `Retry-After`: seconds, or a moment.
fn pause(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp().as_microsecond();
    let left = u64::try_from(moment.saturating_sub(SystemClock.now().0)).unwrap_or(0);
    Some(Duration::from_micros(left))
}

fn is_loopback(url: &Url) -> bool {
    match url.host_str().map(|host| host.trim_matches(['[', ']'])) {
        Some("localhost") => true,
        Some(host) => host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        None => false,
    }
}

/// The innermost cause says most; the rest repeats the URL.
fn unreachable(endpoint: &Url, error: reqwest::Error) -> anyhow::Error {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    anyhow::anyhow!("no answer from {endpoint}: {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_sorted_and_encoded() {
        let request = Request::new(Method::GET, "/x").query("tags", "b=1 2").query("tags", "a");
        assert_eq!(request.query_string(), "tags=a&tags=b%3D1%202");
    }

    #[test]
    fn what_may_pass() {
        let refused = |status| {
            Trouble::Refused(Refused {
                status,
                code: "c".into(),
                message: "m".into(),
                request_id: None,
                retry_after: None,
            })
        };
        assert!(refused(503).may_pass() && refused(429).may_pass());
        assert!(!refused(400).may_pass() && !refused(500).may_pass());
        assert!(Trouble::Unreachable(anyhow::anyhow!("x")).may_pass());
    }

    #[test]
    fn how_long_to_wait() {
        assert_eq!(pause("7"), Some(Duration::from_secs(7)));
        assert_eq!(pause("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let later = pause("Wed, 21 Oct 2099 07:28:00 GMT").unwrap();
        assert!(later > Duration::from_hours(1));
        assert_eq!(pause("soon"), None);
    }

    #[test]
    fn local_services() {
        for (url, local) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("https://config.example.com", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), local, "{url}");
        }
    }
}
