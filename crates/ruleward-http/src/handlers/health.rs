//! Probes: alive, ready, metrics.

use ruleward_types::{Error, ErrorCode, Result};
use serde_json::json;

use crate::call::{Answer, Call};
use crate::metrics;

pub(crate) fn alive(_: &Call) -> Result<Answer> {
    Answer::json(&json!({ "status": "alive" }))
}

pub(crate) fn ready(call: &Call) -> Result<Answer> {
    call.service().ready().map_err(|error| {
        tracing::warn!(error.cause = error.cause(), "the store does not answer");
        Error::with(ErrorCode::Unavailable, "The store does not answer.")
    })?;
    Answer::json(&json!({ "status": "ready" }))
}

pub(crate) fn metrics(call: &Call) -> Result<Answer> {
    let levels = call.service().gauges()?;
    Ok(Answer::text(metrics::CONTENT_TYPE, call.app.metrics().render(&levels)?))
}
