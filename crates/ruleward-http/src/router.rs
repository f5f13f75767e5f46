//! The router, made from the operation table.

use std::any::Any;
use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use http::Method;
use ruleward_types::{Error, ErrorCode};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::AppState;
use crate::error;
use crate::observe::observe;
use crate::operations::operations;
use crate::serve::serve;

/// Everything that is served, behind one router.
pub fn router(state: AppState) -> Router {
    let mut paths: BTreeMap<&'static str, MethodRouter<AppState>> = BTreeMap::new();
    for operation in operations() {
        let methods = paths.remove(operation.path).unwrap_or_default();
        let handler =
            move |State(app): State<AppState>, request: Request| serve(app, operation, request);
        paths.insert(operation.path, methods.on(filter(&operation.method), handler));
    }
    let router = paths.into_iter().fold(Router::new(), |router, (path, methods)| {
        router.route(path, methods.fallback(method_not_allowed))
    });
    router
        .fallback(not_found)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), observe))
        .with_state(state)
}

fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE)
}

async fn not_found() -> Response {
    error::response(&Error::with(ErrorCode::NotFound, "No operation has this path."))
}

async fn method_not_allowed() -> Response {
    error::response(&Error::new(ErrorCode::MethodNotAllowed))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
fn panicked(panic: Box<dyn Any + Send>) -> Response<Body> {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    error::response(&Error::internal("panic", message))
}
