//! The way of every request: who is it, what does it say, may it, what is the answer.

use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use ruleward_types::{Error, ErrorCode, Result};
use tokio::sync::SemaphorePermit;

use crate::app::AppState;
use crate::authentication::{self, Identity};
use crate::call::{Answer, Call};
use crate::operations::{Handler, Operation};
use crate::{body, error, validation};

/// Which operation answered; the access log and the metrics read it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served(pub(crate) &'static str);

/// Answers a request to an operation.
pub(crate) async fn serve(
    app: AppState,
    operation: &'static Operation,
    request: Request,
) -> Response {
    let timeout = app.request_timeout();
    let work = Box::pin(exchange(app, operation, request));
    let result = tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| {
        Err(Error::with(ErrorCode::Unavailable, "The request took too long; try again later."))
    });
    let mut response = match result {
        Ok(answer) => respond(operation, answer),
        Err(error) => error::response(&error),
    };
    response.extensions_mut().insert(Served(operation.id));
    response
}

async fn exchange(
    app: AppState,
    operation: &'static Operation,
    request: Request,
) -> Result<Answer> {
    let shared = app.clone();
    let _permit = permit(&shared, operation).await?;
    let (mut parts, body) = request.into_parts();
    let parameters = path_parameters(&mut parts).await?;
    let (parts, identity) = identify(&app, operation, parts).await?;
    let _heavy_permit = heavy_permit(&shared, operation).await?;
    let body = body::read(&parts, body, operation.load.largest_body()).await?;
    let call = Call { app, operation, parts, parameters, body, caller: None };
    blocking(move || answer(call, identity)).await
}

/// A place among the requests that are worked on. Probes need none, so that they always answer.
async fn permit<'a>(
    app: &'a AppState,
    operation: &Operation,
) -> Result<Option<SemaphorePermit<'a>>> {
    match operation.handler {
        Handler::Open(_) => Ok(None),
        Handler::NotYet | Handler::Known(_) | Handler::Allowed(_) => {
            app.requests().acquire().await.map(Some).map_err(closed)
        }
    }
}

async fn heavy_permit<'a>(
    app: &'a AppState,
    operation: &Operation,
) -> Result<Option<SemaphorePermit<'a>>> {
    if !operation.load.is_heavy() {
        return Ok(None);
    }
    app.heavy_requests().acquire().await.map(Some).map_err(closed)
}

fn closed(error: impl std::fmt::Display) -> Error {
    Error::internal("no more requests are taken", error)
}

async fn path_parameters(parts: &mut Parts) -> Result<Vec<(String, String)>> {
    let parameters = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| Error::invalid("The path is not UTF-8 text."))?;
    Ok(parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

async fn identify(
    app: &AppState,
    operation: &Operation,
    parts: Parts,
) -> Result<(Parts, Option<Identity>)> {
    match operation.handler {
        Handler::Open(_) => Ok((parts, None)),
        Handler::NotYet | Handler::Known(_) | Handler::Allowed(_) => {
            let app = app.clone();
            let identified = move || {
                let identity = authentication::identify(app.service(), &parts)?;
                Ok((parts, Some(identity)))
            };
            blocking(identified).await
        }
    }
}

/// Proves the caller, asks whether it may, and lets the handler answer.
fn answer(mut call: Call, identity: Option<Identity>) -> Result<Answer> {
    call.caller = identity.map(|identity| identity.prove(&call.parts, &call.body)).transpose()?;
    let load = call.operation.load;
    if load.is_packed() {
        let sent = std::mem::take(&mut call.body);
        call.body = body::unpack(&call.parts, sent, load.largest_body())?;
    }
    let access = || {
        let domain_id = call.find_parameter("domain_id");
        validation::DOMAIN_ID.check_optional("domain_id", domain_id)?;
        call.service().authorize(call.caller()?, call.operation.action, domain_id)
    };
    match call.operation.handler {
        Handler::Open(handler) => handler(&call),
        Handler::Known(handler) => handler(&call, call.caller()?),
        Handler::Allowed(handler) => handler(&call, &access()?),
        Handler::NotYet => access().and(Err(not_yet(call.operation))),
    }
}

fn not_yet(operation: &Operation) -> Error {
    let words = format!("{} is published but not built yet.", operation.id);
    Error::with(ErrorCode::NotImplemented, words)
}

/// Runs what blocks on a thread that may, in the request's span. A panic becomes an error.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || span.in_scope(work));
    task.await.unwrap_or_else(|error| Err(Error::internal("the work on a request ended", error)))
}

fn respond(operation: &Operation, answer: Answer) -> Response {
    let status = answer.status.or_else(|| StatusCode::from_u16(operation.success).ok());
    let headers: HeaderMap = answer.headers.into_iter().collect();
    (status.unwrap_or_default(), headers, body_of(answer.body)).into_response()
}

fn body_of(bytes: Bytes) -> Body {
    if bytes.is_empty() { Body::empty() } else { Body::from(bytes) }
}
