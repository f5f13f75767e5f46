//! What is seen of every request from outside: its id, a line of the access log, the metrics.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::{Instrument as _, field};
use uuid::Uuid;

use crate::app::AppState;
use crate::operations::Origin;
use crate::serve::Served;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The label of requests that reach no operation.
const NO_OPERATION: &str = "none";

/// The id of a request, in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Surrounds every request.
pub(crate) async fn observe(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = Uuid::now_v7().to_string();
    let started = Instant::now();
    // Of the level of errors, so that these name their request however little is logged.
    let span = tracing::error_span!(
        "request",
        request.id = %id,
        http.method = %request.method(),
        operation.id = field::Empty,
    );
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).instrument(span.clone()).await;

    let served = response.extensions().get::<Served>().map(|Served(operation)| *operation);
    let operation = served.map_or(NO_OPERATION, |operation| operation.id);
    let duration = started.elapsed();
    let status = response.status();
    app.metrics().count(operation, status, duration);
    // Probes come often and say little; only a failed one is worth a line.
    let quiet =
        served.is_some_and(|operation| operation.origin == Origin::Probe) && status.is_success();
    if !quiet {
        let duration_ms = duration.as_secs_f64() * 1000.0;
        let _entered = span.enter();
        tracing::info!(http.status = status.as_u16(), duration_ms, "request answered");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}
