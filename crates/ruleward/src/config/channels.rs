//! `[channels]`: what is behind the names of topics and buckets.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use reqwest::Url;
use serde::Deserialize;

use super::tls::readable;

/// The section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Channels {
    /// Topics; the first whose `urn` fits is taken.
    pub topics: Vec<Topic>,
    /// Buckets; the first whose `name` fits is taken.
    pub buckets: Vec<Bucket>,
    /// How long a message is tried before it is given up.
    pub give_up_after_hours: u32,
}

impl Default for Channels {
    fn default() -> Self {
        Self { topics: Vec::new(), buckets: Vec::new(), give_up_after_hours: 72 }
    }
}

/// `[[channels.topics]]`: a topic is an HTTP endpoint.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// The URN; `*` stands for any text.
    pub urn: String,
    /// Where messages are posted to.
    pub endpoint: String,
    /// A file with the key that signs them.
    pub secret_file: PathBuf,
    /// Whether the endpoint may be on this machine or in a private network.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// Ids or names of the accounts that may use it; all where absent.
    pub accounts: Option<Vec<String>>,
}

/// `[[channels.buckets]]`: a bucket is a folder or a bucket of an object store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Its name; `*` stands for any text.
    pub name: String,
    /// A folder that holds a folder of the bucket's name.
    pub folder: Option<PathBuf>,
    /// An S3-compatible store.
    pub s3: Option<S3>,
    /// Ids or names of the accounts that may use it; all where absent.
    pub accounts: Option<Vec<String>>,
}

/// An S3-compatible store.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// Its URL.
    pub endpoint: String,
    /// The region in signatures.
    pub region: String,
    /// Its access key id.
    pub access_key_id: String,
    /// A file with the secret of that key.
    pub secret_access_key_file: PathBuf,
    /// Whether the bucket is part of the host's name and not of the path.
    #[serde(default)]
    pub virtual_hosted_style: bool,
    /// Whether the store may be on this machine or in a private network.
    #[serde(default)]
    pub allow_private_addresses: bool,
}

impl std::fmt::Debug for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL of a webhook often holds a secret.
        f.debug_struct("Topic").field("urn", &self.urn).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Channels {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.give_up_after_hours == 0 || self.give_up_after_hours > 24 * 30 {
            bail!("[channels] give_up_after_hours is a number from 1 to 720");
        }
        for topic in &self.topics {
            let what = || format!("[[channels.topics]] {}", topic.urn);
            endpoint(&topic.endpoint).with_context(|| format!("{} endpoint", what()))?;
            readable(&topic.secret_file).with_context(|| format!("{} secret_file", what()))?;
        }
        for bucket in &self.buckets {
            let what = || format!("[[channels.buckets]] {}", bucket.name);
            match (&bucket.folder, &bucket.s3) {
                (Some(_), None) => {}
                (None, Some(s3)) => {
                    endpoint(&s3.endpoint).with_context(|| format!("{} endpoint", what()))?;
                    readable(&s3.secret_access_key_file)
                        .with_context(|| format!("{} secret_access_key_file", what()))?;
                }
                _ => bail!("{} is either a folder or an s3 store", what()),
            }
        }
        Ok(())
    }
}

/// Reads the URL of an endpoint. The URL itself is not told: it may hold a secret.
pub fn endpoint(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).context("is not a URL")?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        bail!("is not an http or https URL");
    }
    Ok(url)
}
