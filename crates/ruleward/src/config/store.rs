//! `[store]`: where everything is kept.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::place::Place;

/// The section.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite:PATH`.
    pub url: Option<String>,
    /// The folder of the store; instead of `url`.
    pub data: Option<PathBuf>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A URL of a store that is to come may hold a password.
        let scheme = self.url.as_deref().and_then(|url| url.split_once(':')).map(|(name, _)| name);
        f.debug_struct("Store").field("url", &scheme).field("data", &self.data).finish()
    }
}

impl Store {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.url.is_some() && self.data.is_some() {
            bail!("[store] takes either url or data, not both");
        }
        if let Some(url) = &self.url {
            Place::of_url(url).context("[store] url")?;
        }
        Ok(())
    }
}
