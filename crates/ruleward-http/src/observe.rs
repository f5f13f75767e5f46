//! What is seen of every request from outside: its id, a line of the access log, the metrics.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::app::AppState;
use crate::serve::Served;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The label of requests that reach no operation.
const NO_OPERATION: &str = "none";

/// Surrounds every request.
pub(crate) async fn observe(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let started = Instant::now();
    let method = request.method().clone();
    let span = tracing::info_span!("request", request.id = %id);
    let mut response = next.run(request).instrument(span.clone()).await;

    let operation =
        response.extensions().get::<Served>().map_or(NO_OPERATION, |Served(operation)| operation);
    let duration = started.elapsed();
    let status = response.status();
    app.metrics().count(operation, status, duration);
    span.in_scope(|| {
        tracing::info!(
            http.method = %method,
            operation.id = operation,
            http.status = status.as_u16(),
            duration_ms = duration.as_secs_f64() * 1000.0,
            "request answered"
        );
    });
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}
