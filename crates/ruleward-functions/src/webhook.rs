//! The webhook runner: any URL that takes a signed event.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ruleward_types::Clock;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::Sha256;
use tokio::time::Instant;

use crate::network::{Endpoint, NetworkConfig};
use crate::{Failure, Finished, Invocation, Invoking, Log, Returned, Runner};

/// Names the event: the same for every time that it is sent.
const ID: HeaderName = HeaderName::from_static("webhook-id");
/// When it was sent, in seconds since 1970.
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// `v1,` and the base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`.
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// A secret with this beginning is the base64 of its bytes.
const SECRET_PREFIX: &str = "whsec_";

/// A function behind a URL.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// Where events are posted.
    pub url: String,
    /// Signs them: bytes of text, or `whsec_` and base64.
    pub secret: SecretString,
    /// How it is reached.
    pub network: NetworkConfig,
}

/// Posts events, signed as the Standard Webhooks do it.
///
/// Any status of success is the end of the invocation; a body of JSON is what the function returned.
#[derive(Debug)]
pub struct WebhookRunner {
    key: SecretKey,
    endpoint: Endpoint,
    clock: Arc<dyn Clock>,
}

struct SecretKey(Vec<u8>);

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey")
    }
}

impl WebhookRunner {
    /// Checks URL and secret and makes a client.
    pub fn new(config: &WebhookConfig, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let secret = config.secret.expose_secret();
        let key = match secret.strip_prefix(SECRET_PREFIX) {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| {
                Failure::Refused(format!("what follows {SECRET_PREFIX} is not base64"))
            })?,
            None => secret.as_bytes().to_vec(),
        };
        if key.is_empty() {
            return Err(Failure::Refused("an empty secret signs nothing".to_owned()));
        }
        let endpoint = Endpoint::new(&config.url, &config.network)?;
        Ok(Self { key: SecretKey(key), endpoint, clock })
    }

    async fn run(&self, invocation: Invocation) -> Result<Finished, Failure> {
        let begin = Instant::now();
        let body = invocation.event.to_string().into_bytes();
        let id = &invocation.request_id;
        let timestamp = self.clock.now().seconds().to_string();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ID, value(id)?);
        headers.insert(TIMESTAMP, value(&timestamp)?);
        headers.insert(SIGNATURE, value(&self.signature(id, &timestamp, &body)?)?);
        let answer = self.endpoint.post(None, headers, body, invocation.deadline).await?;
        if !answer.status.is_success() {
            return Err(answer.into_failure());
        }
        let returned = match serde_json::from_slice(&answer.body) {
            Ok(Value::Null) | Err(_) => Returned::Nothing,
            Ok(value) => Returned::Value(value),
        };
        Ok(Finished { returned, log: Log::default(), took: begin.elapsed() })
    }

    fn signature(&self, id: &str, timestamp: &str, body: &[u8]) -> Result<String, Failure> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key.0)
            .map_err(|error| Failure::Broken(error.to_string()))?;
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            mac.update(part);
        }
        Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text)
        .map_err(|_| Failure::Refused("the request id holds what no header can".to_owned()))
}

impl Runner for WebhookRunner {
    fn invoke(&self, invocation: Invocation) -> Invoking<'_> {
        Box::pin(self.run(invocation))
    }
}
