//! `[security]`: where secrets come from. They never stand in the configuration itself.

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Deserialize;

/// The section.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Security {
    /// A file with the 32 bytes (raw, hex or base64) that seal secret keys at rest.
    pub sealing_key_file: Option<PathBuf>,
}

impl Security {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if let Some(path) = &self.sealing_key_file {
            super::tls::readable(path).context("[security] sealing_key_file")?;
        }
        Ok(())
    }
}
