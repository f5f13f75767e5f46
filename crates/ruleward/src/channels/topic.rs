//! A topic that is an HTTP endpoint: every message is posted to it, signed.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::blocking::Client;
use reqwest::{StatusCode, Url};
use ruleward_core::{Delivery, Topic, Undelivered};
use ruleward_types::ids::hex;
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;

use super::addresses::{self, PublicOnly};
use crate::config;
use crate::config::channels::endpoint;

/// How long a receiver may take: a message that is not acknowledged by then is sent again.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const SHORTEST_SECRET: usize = 16;

/// The endpoint.
pub(super) struct HttpTopic {
    client: Client,
    url: Url,
    secret: SecretSlice<u8>,
}

impl std::fmt::Debug for HttpTopic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpTopic").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl HttpTopic {
    pub(super) fn open(config: &config::Topic) -> anyhow::Result<Self> {
        let url = endpoint(&config.endpoint).context("endpoint")?;
        let secret = fs::read(&config.secret_file)
            .with_context(|| format!("secret_file {}", config.secret_file.display()))?;
        let secret = secret.trim_ascii();
        if secret.len() < SHORTEST_SECRET {
            bail!("secret_file holds a key of at least {SHORTEST_SECRET} characters");
        }
        let builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .no_proxy();
        // The system's authorities are loaded only where TLS is spoken: a bare machine has none.
        let builder = if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
        let builder = if config.allow_private_addresses {
            builder
        } else {
            addresses::check(&url).context("endpoint")?;
            builder.dns_resolver(Arc::new(PublicOnly))
        };
        let client = builder.build().context("cannot make an HTTP client")?;
        Ok(Self { client, url, secret: SecretSlice::from(secret.to_vec()) })
    }

    /// `v1=` and HMAC-SHA256 over id, time and body with dots between them, in hexadecimal digits.
    fn signature(&self, message: &Delivery<'_>) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.secret.expose_secret()) else {
            return String::new();
        };
        mac.update(format!("{}.{}.", message.id, message.at.seconds()).as_bytes());
        mac.update(message.body);
        format!("v1={}", hex(&mac.finalize().into_bytes()))
    }
}

impl Topic for HttpTopic {
    fn deliver(&self, message: &Delivery<'_>) -> Result<(), Undelivered> {
        let sent = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("user-agent", concat!("ruleward/", env!("CARGO_PKG_VERSION")))
            .header("x-ruleward-message-id", message.id)
            .header("x-ruleward-timestamp", message.at.seconds().to_string())
            .header("x-ruleward-topic", message.topic)
            .header("x-ruleward-signature", self.signature(message))
            .body(message.body.to_vec())
            .send();
        match sent {
            Ok(response) => judged(response.status()),
            Err(error) => Err(Undelivered::Failed(innermost(&error.without_url()))),
        }
    }
}

/// What an answer means. A receiver says by 400, 410, 413, 415 or 422 that it will never take this
/// message; everything else may pass.
fn judged(status: StatusCode) -> Result<(), Undelivered> {
    let words = format!("the receiver answered {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Ok(()),
        400 | 410 | 413 | 415 | 422 => Err(Undelivered::Refused(words)),
        _ => Err(Undelivered::Failed(words)),
    }
}

/// The innermost cause says most.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use ruleward_types::Timestamp;

    use super::*;

    #[test]
    fn the_signature_is_the_documented_one() {
        let folder = tempfile::tempdir().unwrap();
        let secret_file = folder.path().join("secret");
        fs::write(&secret_file, "0123456789abcdef\n").unwrap();
        let config = config::Topic {
            urn: "u".to_owned(),
            endpoint: "http://127.0.0.1:1/x".to_owned(),
            secret_file: secret_file.clone(),
            allow_private_addresses: true,
            accounts: None,
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let topic = HttpTopic::open(&config).unwrap();
        let at = Timestamp::from_ms(1_700_000_000_000);
        let message = Delivery { id: "1-2", topic: "u", at, body: b"{}" };
        // openssl dgst -sha256 -hmac 0123456789abcdef over `1-2.1700000000.{}`
        let expected = "v1=a07505722e079a3003cdb6c3bd5cf6dcfb635f18f43b92650a8bea7601173f37";
        assert_eq!(topic.signature(&message), expected);
        assert!(!format!("{topic:?}").contains("0123"));
        let private = config::Topic { allow_private_addresses: false, ..config.clone() };
        let told = format!("{:#}", HttpTopic::open(&private).unwrap_err());
        assert!(told.contains("allow_private_addresses"), "{told}");
        fs::write(&secret_file, "short").unwrap();
        assert!(HttpTopic::open(&config).is_err());
    }

    #[test]
    fn what_answers_mean() {
        let of = |code: u16| judged(StatusCode::from_u16(code).unwrap());
        assert!(of(200).is_ok() && of(204).is_ok());
        for code in [400, 410, 422] {
            assert!(matches!(of(code), Err(Undelivered::Refused(_))), "{code}");
        }
        for code in [301, 401, 403, 404, 408, 429, 500, 503] {
            assert!(matches!(of(code), Err(Undelivered::Failed(_))), "{code}");
        }
    }
}
