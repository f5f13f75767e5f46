//! The configuration file: TOML, one struct per section, unknown keys refused.

pub mod channels;
mod functions;
mod limits;
pub mod log;
mod policies;
mod security;
pub mod server;
mod store;
mod telemetry;
mod tls;

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

pub use channels::{Bucket, Channels, S3, Topic};
pub use functions::Functions;
pub use limits::Limits;
pub use log::{Log, LogFormat};
pub use policies::Policies;
pub use security::Security;
pub use server::Server;
pub use store::Store;
pub use telemetry::Telemetry;
pub use tls::Tls;

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen.
    pub server: Server,
    /// Where everything is kept.
    pub store: Store,
    /// TLS; off where absent.
    pub tls: Option<Tls>,
    /// Secrets.
    pub security: Security,
    /// The log.
    pub log: Log,
    /// Traces.
    pub telemetry: Telemetry,
    /// Limits.
    pub limits: Limits,
    /// The users' own policies.
    pub policies: Policies,
    /// The users' own functions.
    pub functions: Functions,
    /// Topics and buckets.
    pub channels: Channels,
}

impl Config {
    /// Reads and checks a file; no file is an empty one.
    pub fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("configuration {}", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let config: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| {
                let before = text.as_bytes().get(..span.start).unwrap_or_default();
                before.split(|byte| *byte == b'\n').count()
            });
            let message = error.message().replace('\n', " ");
            // The error's own text would quote the line, which may hold a secret.
            match line {
                Some(line) => anyhow::anyhow!("line {line}: {message}"),
                None => anyhow::anyhow!("{message}"),
            }
        })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        self.server.check()?;
        self.store.check()?;
        if let Some(tls) = &self.tls {
            tls.check()?;
        }
        self.security.check()?;
        self.log.check()?;
        self.telemetry.check()?;
        self.policies.check()?;
        self.functions.check()?;
        self.channels.check()?;
        self.limits.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_fine() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.limits.policy_assignments, 500);
        assert!(config.tls.is_none());
    }

    #[test]
    fn errors_name_the_key() {
        for (text, words) in [
            ("lisen = 1", "lisen"),
            ("[server]\nlisten = \"nowhere\"", "[server] listen"),
            ("[server]\nport = 1", "line 2"),
            ("[store]\nurl = \"postgres://x\"", "[store] url"),
            ("[store]\nurl = \"sqlite:x\"\ndata = \"y\"", "either"),
            ("[tls]\ncertificate_file = \"/nowhere/c\"", "private_key_file"),
            (
                "[tls]\ncertificate_file = \"/nowhere/c\"\nprivate_key_file = \"/nowhere/k\"",
                "[tls] certificate_file",
            ),
            ("[log]\nformat = \"xml\"", "xml"),
            ("[log]\nlevel = \"a=b=c\"", "[log] level"),
            ("[telemetry]\notlp_endpoint = \"ftp://x\"", "[telemetry] otlp_endpoint"),
            ("[limits]\npolicy_assignments = 0", "[limits] policy_assignments"),
            ("[functions]\nattempts = 0", "[functions] attempts"),
            ("[functions]\nconcurrent_calls = 0", "[functions] concurrent_calls"),
            ("[functions]\nca_file = \"/nowhere\"", "[functions] ca_file"),
            ("[channels]\ngive_up_after_hours = 0", "[channels] give_up_after_hours"),
            ("[[channels.buckets]]\nname = \"b\"", "either a folder or an s3 store"),
            (
                "[[channels.topics]]\nurn = \"u\"\nendpoint = \"ftp://x\"\nsecret_file = \"/nowhere\"",
                "[[channels.topics]] u endpoint",
            ),
            ("[policies]\nfolder = \"/nowhere\"", "[policies] folder"),
            ("[security]\nsealing_key_file = \"/nowhere/key\"", "[security] sealing_key_file"),
        ] {
            let told = format!("{:#}", Config::parse(text).unwrap_err());
            assert!(told.contains(words), "{text}: {told}");
            assert!(!told.contains('\n'), "{told}");
        }
    }

    #[test]
    fn a_typo_does_not_print_a_secret() {
        let told =
            format!("{:#}", Config::parse("[security]\nsealing_key = \"hunter2\"").unwrap_err());
        assert!(told.contains("sealing_key") && !told.contains("hunter2"), "{told}");
    }
}
