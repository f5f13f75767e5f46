//! The way of every request: who is it, what does it say, may it, what is the answer.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use ruleward_core::Access;
use ruleward_types::{Error, ErrorCode, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::AppState;
use crate::authentication::{self, Identity};
use crate::call::{Answer, Call};
use crate::observe::RequestId;
use crate::operations::{Handler, Load, Operation};
use crate::{body, error, validation};

/// Which operation answered; the access log and the metrics read it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served(pub(crate) &'static Operation);

/// Answers a request to an operation.
pub(crate) async fn serve(
    app: AppState,
    operation: &'static Operation,
    request: Request,
) -> Response {
    tracing::Span::current().record("operation.id", operation.id);
    let timeout = app.request_timeout();
    let work = Box::pin(exchange(app, operation, request));
    let result = tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| {
        Err(Error::with(ErrorCode::Unavailable, "The request took too long; try again later."))
    });
    let mut response = match result {
        Ok(answer) => respond(operation, answer),
        Err(error) => error::response(&error),
    };
    response.extensions_mut().insert(Served(operation));
    response
}

async fn exchange(
    app: AppState,
    operation: &'static Operation,
    request: Request,
) -> Result<Answer> {
    let mut places = Places::default();
    if !operation.is_open() {
        // Probes are not among them, so that they answer whatever else goes on.
        places.take(app.requests()).await?;
    }
    let (mut parts, body) = request.into_parts();
    let parameters = path_parameters(&mut parts).await;
    if operation.load == Load::Light && !operation.is_open() && body.is_end_stream() {
        // There is no body to wait for between the two looks at the caller.
        return blocking(move || {
            let identity = authentication::identify(app.service(), &parts)?;
            let (parameters, body) = (parameters?, Bytes::new());
            let call = Call { app, operation, parts, parameters, body, caller: None };
            let answered = answer(call, Some(identity));
            drop(places);
            answered
        })
        .await;
    }
    let (parts, identity) = identify(&app, operation, parts).await?;
    let parameters = parameters?;
    if operation.load == Load::Batch {
        places.take(app.batches()).await?;
    }
    let body = body::read(&parts, body, operation.load.largest_body()).await?;
    if operation.load == Load::Password {
        // After the body: whoever sends it slowly keeps no place from others.
        places.take(app.password_checks()).await?;
    }
    let call = Call { app, operation, parts, parameters, body, caller: None };
    if operation.load == Load::None {
        return answer(call, identity);
    }
    blocking(move || {
        let answered = answer(call, identity);
        drop(places);
        answered
    })
    .await
}

/// Places among the requests that are worked on. They go along to the thread that works: a client
/// that hangs up does not end the work, and must not make room for more.
#[derive(Debug, Default)]
struct Places(Vec<OwnedSemaphorePermit>);

impl Places {
    async fn take(&mut self, of: Arc<Semaphore>) -> Result<()> {
        let closed = |error| Error::internal("no more requests are taken", error);
        self.0.push(of.acquire_owned().await.map_err(closed)?);
        Ok(())
    }
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
    if operation.is_open() {
        return Ok((parts, None));
    }
    let app = app.clone();
    blocking(move || {
        let identity = authentication::identify(app.service(), &parts)?;
        Ok((parts, Some(identity)))
    })
    .await
}

/// Proves the caller, asks whether it may, and lets the handler answer.
fn answer(mut call: Call, identity: Option<Identity>) -> Result<Answer> {
    call.caller = identity.map(|identity| identity.prove(&call.parts, &call.body)).transpose()?;
    match call.operation.handler {
        Handler::Open(handler) => handler(&call),
        Handler::Known(handler) => handler(&call, call.caller()?),
        Handler::Allowed(handler) => {
            let access = authorize(&call)?;
            unpack(&mut call)?;
            handler(&call, &access)
        }
        Handler::NotYet => authorize(&call).and(Err(not_yet(call.operation))),
    }
}

fn authorize(call: &Call) -> Result<Access> {
    let domain_id = call.find_parameter("domain_id");
    validation::DOMAIN_ID.check_optional("domain_id", domain_id)?;
    let access = call.service().authorize(call.caller()?, call.operation.action, domain_id)?;
    Ok(match call.parts.extensions.get::<RequestId>() {
        Some(RequestId(id)) => access.of_request(id.clone()),
        None => access,
    })
}

fn unpack(call: &mut Call) -> Result<()> {
    let load = call.operation.load;
    if load.is_packed() {
        let sent = std::mem::take(&mut call.body);
        call.body = body::unpack(&call.parts, sent, load.largest_body())?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_whose_words_stay_inside() {
        let error = blocking::<()>(|| panic!("secret words")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Internal);
        assert!(error.cause().is_some());
        assert!(!error.message().contains("secret"));
        let response = error::response(&error);
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
