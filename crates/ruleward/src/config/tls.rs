//! `[tls]`: certificate and key of the server.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

/// The section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM: the certificate, then the chain behind it.
    pub certificate_file: PathBuf,
    /// PEM: the private key.
    pub private_key_file: PathBuf,
}

impl Tls {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        readable(&self.certificate_file).context("[tls] certificate_file")?;
        readable(&self.private_key_file).context("[tls] private_key_file")
    }
}

/// Whether a file can be opened, found out at the start and not at its first use.
pub(super) fn readable(path: &Path) -> anyhow::Result<()> {
    std::fs::File::open(path).map(|_| ()).with_context(|| format!("cannot read {}", path.display()))
}
