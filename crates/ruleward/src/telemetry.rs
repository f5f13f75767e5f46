//! Logs to stderr and, where configured, traces to a collector.

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::Url;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::log::filter;
use crate::config::{LogFormat, Telemetry};

/// The filter of the log; wins over the configuration.
const LEVEL_VARIABLE: &str = "RULEWARD_LOG";
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// What has to end with the process.
#[derive(Debug, Default)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends what is left.
    pub fn finish(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown_with_timeout(EXPORT_TIMEOUT)
        {
            tracing::warn!(error.message = %error, "traces could not be sent");
        }
    }
}

/// Starts log and traces. Called once, outside of any asynchronous runtime.
pub fn start(
    format: LogFormat,
    configured_level: Option<&str>,
    telemetry: &Telemetry,
) -> anyhow::Result<Traces> {
    let filter = match std::env::var(LEVEL_VARIABLE) {
        Ok(text) if !text.is_empty() => filter(&text).context(LEVEL_VARIABLE)?,
        _ => filter(configured_level.unwrap_or("info"))?,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => {
            lines.with_ansi(console::Term::stderr().is_term()).with_filter(filter).boxed()
        }
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_filter(filter).boxed()
        }
    };
    let provider = telemetry
        .traces_url()?
        .map(|url| provider(&url, telemetry.service_name.as_deref().unwrap_or("ruleward")))
        .transpose()?;
    let traces = provider.as_ref().map(|provider| {
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("ruleward"))
            // The exporter speaks HTTP itself: its own spans must not be traced.
            .with_filter(tracing_subscriber::filter::filter_fn(|metadata| {
                metadata.target().starts_with("ruleward")
            }))
    });
    tracing_subscriber::registry()
        .with(lines)
        .with(traces)
        .try_init()
        .context("the log is started already")?;
    Ok(Traces(provider))
}

fn provider(url: &Url, service_name: &str) -> anyhow::Result<SdkTracerProvider> {
    let client = crate::client::http_client(url.scheme() == "https", EXPORT_TIMEOUT, &[])
        .context("[telemetry] otlp_endpoint")?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(url.as_str())
        .build()
        .context("[telemetry] otlp_endpoint")?;
    let resource = Resource::builder().with_service_name(service_name.to_owned()).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}
