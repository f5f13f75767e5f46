//! The remote runner: an endpoint that speaks FunctionGraph's asynchronous invocation.

use std::sync::Arc;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use ruleward_sign::{Credentials, SignedRequest, sign};
use ruleward_types::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use crate::network::{Endpoint, NetworkConfig};
use crate::{Failure, Finished, Invocation, Invoking, Log, Returned, Runner};

const JSON: &str = "application/json";
const PROJECT: &str = "x-project-id";
/// What a segment of a path keeps; a URN is full of colons.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':');
/// What the endpoint answers when it has taken the event.
const ACCEPTED: u16 = 202;

/// A function behind an endpoint.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    /// The endpoint's base URL.
    pub endpoint: String,
    /// Signs the requests.
    pub access_key: String,
    /// Its secret half.
    pub secret_key: SecretString,
    /// What belongs to a temporary key.
    pub security_token: Option<SecretString>,
    /// How it is reached.
    pub network: NetworkConfig,
}

/// Hands events to an endpoint by
/// `POST /v2/{project_id}/fgs/functions/{function_urn}/invocations-async`.
///
/// [`Finished`] means that the endpoint has taken the event; the function runs there, later, and
/// reports by itself.
#[derive(Debug)]
pub struct RemoteRunner {
    config: RemoteConfig,
    endpoint: Endpoint,
    clock: Arc<dyn Clock>,
}

impl RemoteRunner {
    /// Checks the endpoint and makes a client.
    pub fn new(config: RemoteConfig, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let endpoint = Endpoint::new(&config.endpoint, &config.network)?;
        Ok(Self { config, endpoint, clock })
    }

    async fn run(&self, invocation: Invocation) -> Result<Finished, Failure> {
        let begin = Instant::now();
        let context = &invocation.context;
        let path = format!(
            "{}/v2/{}/fgs/functions/{}/invocations-async",
            self.endpoint.url().path().trim_end_matches('/'),
            utf8_percent_encode(&context.project_id, SEGMENT),
            utf8_percent_encode(&context.function_urn, SEGMENT),
        );
        let body = invocation.event.to_string().into_bytes();
        let headers = self.headers(&path, &context.project_id, &body)?;
        let answer = self.endpoint.post(Some(&path), headers, body, invocation.deadline).await?;
        if answer.status.as_u16() != ACCEPTED {
            return Err(answer.into_failure());
        }
        // The endpoint's own id of the call, for whoever looks for it there.
        let log = Log { bytes: answer.body, truncated: false };
        Ok(Finished { returned: Returned::Nothing, log, took: begin.elapsed() })
    }

    fn headers(&self, path: &str, project: &str, body: &[u8]) -> Result<HeaderMap, Failure> {
        let broken = |words: String| Failure::Broken(format!("cannot sign the request: {words}"));
        let host = self.endpoint.host();
        let mut plain: Vec<(&str, &[u8])> =
            vec![("host", host.as_bytes()), ("content-type", JSON.as_bytes())];
        if !project.is_empty() {
            plain.push((PROJECT, project.as_bytes()));
        }
        let credentials = Credentials {
            access_key: &self.config.access_key,
            secret_key: self.config.secret_key.expose_secret(),
            security_token: self.config.security_token.as_ref().map(SecretString::expose_secret),
        };
        let request = SignedRequest { method: "POST", path, query: "", headers: &plain, body };
        let now = Timestamp::from_microsecond(self.clock.now().0)
            .map_err(|error| broken(error.to_string()))?;
        let signed =
            sign(&request, &credentials, now).map_err(|error| broken(error.to_string()))?;

        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(&host)?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        if !project.is_empty() {
            headers.insert(HeaderName::from_static(PROJECT), value(project)?);
        }
        for (name, text) in signed {
            headers.insert(HeaderName::from_static(name), value(&text)?);
        }
        Ok(headers)
    }
}

fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text)
        .map_err(|_| Failure::Refused("a name or a key holds what no header can".to_owned()))
}

impl Runner for RemoteRunner {
    fn invoke(&self, invocation: Invocation) -> Invoking<'_> {
        Box::pin(self.run(invocation))
    }
}
