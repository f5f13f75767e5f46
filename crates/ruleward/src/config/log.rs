//! `[log]`: form and level of the log.

use anyhow::Context as _;
use clap::ValueEnum;
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The section.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Form of the lines.
    pub format: Option<LogFormat>,
    /// What is logged: `info`, or a filter such as `warn,ruleward_core=debug`.
    pub level: Option<String>,
}

impl Log {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if let Some(level) = &self.level {
            filter(level).context("[log] level")?;
        }
        Ok(())
    }
}

/// Reads a filter.
pub fn filter(text: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(text).with_context(|| format!("`{text}` is not a level or filter"))
}
