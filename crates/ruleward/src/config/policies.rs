//! `[policies]`: the users' own.

use std::path::PathBuf;

use anyhow::bail;
use serde::Deserialize;

/// The section.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policies {
    /// The folder of their files.
    pub folder: Option<PathBuf>,
}

impl Policies {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if let Some(folder) = self.folder.as_ref().filter(|folder| !folder.is_dir()) {
            bail!("[policies] folder: {} is no folder", folder.display());
        }
        Ok(())
    }
}
