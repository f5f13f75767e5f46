//! The way of every request: who is it, what does it say, may it, what is the answer.

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use ruleward_core::Access;
use ruleward_types::{Error, ErrorCode, Result};

use crate::app::AppState;
use crate::authentication::{self, Identity};
use crate::call::{Answer, Call};
use crate::observe::RequestId;
use crate::operations::{Handler, Load, Operation};
use crate::reply::{Places, Reply, answered, blocking};
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

/// A body up to here is read before it is known who sends it: it costs little more than a head, and
/// the caller is looked at once instead of twice.
const EAGER_BYTES: u64 = 64 * 1024;

async fn exchange(
    app: AppState,
    operation: &'static Operation,
    request: Request,
) -> Result<Answer> {
    let (mut parts, body) = request.into_parts();
    let parameters = path_parameters(&mut parts).await;
    let mut places = Places::default();
    let load = operation.load;
    if operation.is_open() {
        // Probes are among them: they take no place, so that they answer whatever else goes on.
    } else if load.is_single() && body.size_hint().exact().is_some_and(|n| n <= EAGER_BYTES) {
        let body = body::read(&parts, body, load.largest_body()).await?;
        // After the body: whoever sends it slowly keeps no place from others.
        places.take(app.requests()).await?;
        // Packed, a small body may be a large one.
        let is_quick = operation.is_quick()
            && !parts.headers.contains_key(header::CONTENT_ENCODING)
            && app.service().reads_at_once();
        let work = move |reply: Reply<Answer>| {
            let known = authentication::identify(app.service(), &parts);
            match known.and_then(|identity| Ok((identity, parameters?))) {
                Ok((identity, parameters)) => {
                    let call = Call { app, operation, parts, parameters, body, caller: None };
                    answer(call, Some(identity), reply);
                }
                Err(error) => reply.send(Err(error)),
            }
        };
        if is_quick {
            return answered(places, work).await;
        }
        return blocking(places, work).await;
    } else {
        places.take(app.requests()).await?;
    }
    let (parts, identity) = identify(&app, operation, parts).await?;
    let parameters = parameters?;
    if load == Load::Batch {
        places.take(app.batches()).await?;
    }
    let body = body::read(&parts, body, load.largest_body()).await?;
    if load == Load::Password {
        // After the body, as above.
        places.take(app.password_checks()).await?;
    }
    let call = Call { app, operation, parts, parameters, body, caller: None };
    if load == Load::None {
        return answered(places, |reply| answer(call, identity, reply)).await;
    }
    blocking(places, move |reply| answer(call, identity, reply)).await
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
    blocking(Places::default(), move |reply| {
        let identity = authentication::identify(app.service(), &parts);
        reply.send(identity.map(|identity| (parts, Some(identity))));
    })
    .await
}

/// Proves the caller, asks whether it may, and lets the handler answer.
fn answer(mut call: Call, identity: Option<Identity>, reply: Reply<Answer>) {
    let answered = match call.operation.handler {
        Handler::Open(handler) => handler(&call),
        Handler::Known(handler) => {
            prove(&mut call, identity).and_then(|()| handler(&call, call.caller()?))
        }
        Handler::Allowed(handler) => {
            allowed(&mut call, identity).and_then(|access| handler(&call, &access))
        }
        Handler::Deferred(handler) => match allowed(&mut call, identity) {
            Ok(access) => return handler(&call, &access, reply),
            Err(error) => Err(error),
        },
        Handler::NotYet => prove(&mut call, identity)
            .and_then(|()| authorize(&call))
            .and(Err(not_yet(call.operation))),
    };
    reply.send(answered);
}

fn prove(call: &mut Call, identity: Option<Identity>) -> Result<()> {
    call.caller = identity.map(|identity| identity.prove(&call.parts, &call.body)).transpose()?;
    Ok(())
}

fn allowed(call: &mut Call, identity: Option<Identity>) -> Result<Access> {
    prove(call, identity)?;
    let access = authorize(call)?;
    unpack(call)?;
    Ok(access)
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

fn respond(operation: &Operation, answer: Answer) -> Response {
    let status = answer.status.or_else(|| StatusCode::from_u16(operation.success).ok());
    let headers: HeaderMap = answer.headers.into_iter().collect();
    (status.unwrap_or_default(), headers, body_of(answer.body)).into_response()
}

fn body_of(bytes: Bytes) -> Body {
    if bytes.is_empty() { Body::empty() } else { Body::from(bytes) }
}
