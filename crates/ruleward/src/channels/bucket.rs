//! Buckets of an S3-compatible store.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt as _, RetryConfig};
use ruleward_core::Bucket;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Runtime;

use super::addresses::{self, PublicOnly};
use crate::config;
use crate::config::channels::endpoint;

const TIMEOUT: Duration = Duration::from_mins(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// One attempt may be repeated so long; after it the archive as a whole is tried again later.
const RETRY: Duration = Duration::from_secs(20);

/// A store, and the bucket of any name in it.
#[derive(Debug)]
pub(super) struct ObjectBuckets {
    config: config::S3,
    secret: SecretString,
    runtime: Arc<Runtime>,
}

impl ObjectBuckets {
    pub(super) fn open(config: &config::S3) -> anyhow::Result<Self> {
        let url = endpoint(&config.endpoint).context("endpoint")?;
        if !config.allow_private_addresses {
            addresses::check(&url).context("endpoint")?;
        }
        let file = &config.secret_access_key_file;
        let secret = fs::read_to_string(file)
            .with_context(|| format!("secret_access_key_file {}", file.display()))?;
        if secret.trim().is_empty() {
            bail!("secret_access_key_file is empty");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("ruleward-buckets")
            .enable_all()
            .build()
            .context("cannot start a runtime for object stores")?;
        let secret = SecretString::from(secret.trim().to_owned());
        Ok(Self { config: config.clone(), secret, runtime: Arc::new(runtime) })
    }

    /// The bucket of a name; whether there is one shows when it is written.
    pub(super) fn bucket(&self, name: &str) -> Option<Arc<dyn Bucket>> {
        let of = &self.config;
        let retry = RetryConfig { retry_timeout: RETRY, max_retries: 3, ..RetryConfig::default() };
        let store = AmazonS3Builder::new()
            .with_endpoint(&of.endpoint)
            .with_region(&of.region)
            .with_bucket_name(name)
            .with_access_key_id(&of.access_key_id)
            .with_secret_access_key(self.secret.expose_secret())
            .with_virtual_hosted_style_request(of.virtual_hosted_style)
            .with_allow_http(of.endpoint.starts_with("http:"))
            .with_retry(retry)
            .with_http_connector(Connector {
                allow_private: of.allow_private_addresses,
                tls: !of.endpoint.starts_with("http:"),
            })
            .build();
        match store {
            Ok(store) => Some(Arc::new(ObjectBucket { store, runtime: Arc::clone(&self.runtime) })),
            Err(error) => {
                tracing::error!(error.cause = %error, "an object store cannot be used");
                None
            }
        }
    }
}

/// Makes the store's HTTP clients: as those of topics, they keep to public addresses.
#[derive(Debug)]
struct Connector {
    allow_private: bool,
    tls: bool,
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .no_proxy();
        // The system's authorities are loaded only where TLS is spoken: a bare machine has none.
        let builder = if self.tls { builder } else { builder.tls_certs_only([]) };
        let builder =
            if self.allow_private { builder } else { builder.dns_resolver(Arc::new(PublicOnly)) };
        let client = builder
            .build()
            .map_err(|e| object_store::Error::Generic { store: "S3", source: Box::new(e) })?;
        Ok(HttpClient::new(client))
    }
}

#[derive(Debug)]
struct ObjectBucket {
    store: AmazonS3,
    runtime: Arc<Runtime>,
}

impl Bucket for ObjectBucket {
    fn put(&self, key: &str, content: Vec<u8>) -> Result<(), String> {
        let path = Path::parse(key).map_err(|e| e.to_string())?;
        let stored = self.runtime.block_on(self.store.put(&path, content.into()));
        stored.map(drop).map_err(|error| {
            tracing::warn!(error.cause = %error, "an object store refused a file");
            words(&error).to_owned()
        })
    }
}

/// What an account's administrator may know of a failure: addresses and answers stay in the log.
fn words(error: &object_store::Error) -> &'static str {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => "the store has no such bucket",
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "the store denies access to it"
        }
        _ => "the store cannot be reached or refuses it",
    }
}
