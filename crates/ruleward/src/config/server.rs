//! `[server]`: where to listen.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::Context as _;
use serde::Deserialize;

/// Where the server listens unless something else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// The section.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// `ADDRESS:PORT`; port 0 picks a free one.
    pub listen: Option<String>,
}

impl Server {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if let Some(listen) = &self.listen {
            address(listen).context("[server] listen")?;
        }
        Ok(())
    }
}

/// Reads `ADDRESS:PORT`.
pub fn address(text: &str) -> anyhow::Result<SocketAddr> {
    text.to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .with_context(|| format!("`{text}` is not an address to listen on; write ADDRESS:PORT"))
}
