//! `[telemetry]`: where traces go.

use anyhow::{Context as _, bail};
use reqwest::Url;
use serde::Deserialize;

/// The section.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// An OTLP/HTTP collector, such as `http://127.0.0.1:4318`; no traces where absent.
    pub otlp_endpoint: Option<String>,
    /// The name of this service in traces.
    pub service_name: Option<String>,
}

impl std::fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // User and password may stand in the URL.
        let host = self.otlp_endpoint.as_deref().and_then(|url| Url::parse(url).ok());
        f.debug_struct("Telemetry")
            .field("otlp_endpoint", &host.as_ref().and_then(Url::host_str))
            .field("service_name", &self.service_name)
            .finish()
    }
}

impl Telemetry {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        self.traces_url().map(|_| ())
    }

    /// Where spans are posted to.
    pub fn traces_url(&self) -> anyhow::Result<Option<Url>> {
        let Some(text) = &self.otlp_endpoint else { return Ok(None) };
        let what = "[telemetry] otlp_endpoint";
        let mut url = Url::parse(text).with_context(|| format!("{what} is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            bail!("{what}: OTLP/HTTP goes over http or https, not `{}`", url.scheme());
        }
        if matches!(url.path(), "" | "/") {
            url.set_path("/v1/traces");
        }
        Ok(Some(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_added() {
        let url = |text: &str| {
            let telemetry = Telemetry { otlp_endpoint: Some(text.to_owned()), service_name: None };
            telemetry.traces_url().unwrap().unwrap().to_string()
        };
        assert_eq!(url("http://c:4318"), "http://c:4318/v1/traces");
        assert_eq!(url("http://c/own/path"), "http://c/own/path");
    }
}
