//! Requests to other people's addresses.
//!
//! Whoever may name a URL could have the server ask its own network. So names are resolved here,
//! and only public addresses are handed to the connection (which goes to exactly these: a name that
//! answers differently the second time gains nothing); redirects are not followed and proxies not
//! asked. All of that is off where private addresses are allowed.

mod address;

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderMap;
use reqwest::{Certificate, Client, StatusCode, Url};
use thiserror::Error;
use tokio::net::lookup_host;

use crate::Failure;
use address::is_public;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read.
const MOST_ANSWER_BYTES: usize = 256 * 1024;
/// Characters of a refusal that are told.
const MOST_TOLD_CHARACTERS: usize = 500;

/// How endpoints are reached.
#[derive(Debug, Clone, Default)]
pub struct NetworkConfig {
    /// Whether addresses that are not public can be reached: this machine, the local network.
    pub allow_private: bool,
    /// Authorities beside those of the system, in PEM.
    pub authorities_pem: Vec<u8>,
}

/// An endpoint that can be asked.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    client: Client,
    url: Url,
    allow_private: bool,
}

/// What an endpoint answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    /// Its beginning, if it is longer than we read.
    pub body: Vec<u8>,
}

impl Endpoint {
    /// Reads a URL and makes a client for it.
    pub(crate) fn new(url: &str, config: &NetworkConfig) -> Result<Self, Failure> {
        let url = Url::parse(url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| Failure::Refused(format!("`{url}` is not an http or https URL")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::Refused("the URL holds a user name or a password".to_owned()));
        }
        // Without one, making a client panics. In the server one is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let broken = |error: reqwest::Error| Failure::Broken(innermost(&error).to_string());
        let authorities = Certificate::from_pem_bundle(&config.authorities_pem).map_err(broken)?;
        let builder = Client::builder()
            // A signature may cover the header `host`, which HTTP/2 replaces.
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("ruleward/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        let builder = if url.scheme() == "https" {
            builder.tls_certs_merge(authorities)
        } else {
            builder.tls_certs_only(authorities)
        };
        let builder =
            if config.allow_private { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) };
        let client = builder.build().map_err(broken)?;
        Ok(Self { client, url, allow_private: config.allow_private })
    }

    /// The URL.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The header `host`, as it will be sent.
    pub(crate) fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Posts a body to the endpoint or to another path of it.
    pub(crate) async fn post(
        &self,
        path: Option<&str>,
        headers: HeaderMap,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Answer, Failure> {
        let mut url = self.url.clone();
        if let Some(path) = path {
            url.set_path(path);
        }
        self.check_literal(&url)?;
        let unreachable = |error: reqwest::Error| failure(&error, deadline);
        let request = self.client.post(url).headers(headers).body(body).timeout(deadline);
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(unreachable)? {
            let room = MOST_ANSWER_BYTES.saturating_sub(body.len());
            body.extend(piece.iter().take(room));
            if room <= piece.len() {
                break;
            }
        }
        Ok(Answer { status, body })
    }

    /// A URL with an address in it never gets to the resolver.
    fn check_literal(&self, url: &Url) -> Result<(), Failure> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match host.parse::<IpAddr>() {
            Ok(address) if !self.allow_private && !is_public(address) => {
                Err(Failure::Refused(NotPublic { host: host.to_owned() }.to_string()))
            }
            _ => Ok(()),
        }
    }
}

impl Answer {
    /// The failure that an answer is which is not a success.
    pub(crate) fn into_failure(self) -> Failure {
        let text = String::from_utf8_lossy(&self.body);
        let body = text.trim().chars().take(MOST_TOLD_CHARACTERS).collect();
        Failure::Answered { status: self.status.as_u16(), body }
    }
}

/// A name, or an address, that leads to no public address.
#[derive(Debug, Error)]
#[error("`{host}` is not an address of the public network, and private ones are not allowed")]
struct NotPublic {
    host: String,
}

/// Resolves names to public addresses.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is the connection's.
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            let any = !found.is_empty();
            let public: Vec<SocketAddr> =
                found.into_iter().filter(|address| is_public(address.ip())).collect();
            if any && public.is_empty() {
                return Err(NotPublic { host: name.as_str().to_owned() }.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// What went wrong on the way; the URL stays out of it, there may be a secret in its query.
fn failure(error: &reqwest::Error, deadline: Duration) -> Failure {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<NotPublic>() {
            return Failure::Refused(refused.to_string());
        }
        cause = error.source();
    }
    if error.is_timeout() && !error.is_connect() {
        return Failure::TimedOut { after: deadline, log: crate::Log::default() };
    }
    Failure::Unreachable(innermost(error).to_string())
}

fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost
}
