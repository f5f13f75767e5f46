//! Who asks: a signature by an access key, or a token.
//!
//! It goes in two steps, so that no body is read for somebody unknown: [`identify`] reads the
//! headers and looks the key up, [`Identity::prove`] checks the signature over the whole request.

use http::request::Parts;
use http::{HeaderMap, header};
use ruleward_core::{Caller, Service};
use ruleward_sign::{Authorization, AuthorizationError, SignedRequest, signing_time, verify};
use ruleward_types::{Error, ErrorCode, Result};
use secrecy::{ExposeSecret, SecretSlice};

/// How far the client's clock may be from ours.
const CLOCK_SKEW_SECONDS: i64 = 15 * 60;
/// The token header; used where no signature is sent.
const X_AUTH_TOKEN: &str = "x-auth-token";
/// A proof that comes with keys that end.
const X_SECURITY_TOKEN: &str = ruleward_sign::X_SECURITY_TOKEN;

/// Somebody who is said to have sent the request.
pub(crate) enum Identity {
    /// Named by a token, which is its own proof.
    Token(Caller),
    /// Named by an access key; the signature is still to be checked.
    Key(Caller, SecretSlice<u8>),
}

fn refused(reason: impl std::fmt::Display) -> Error {
    let words = format!("Incorrect IAM authentication information: {reason}.");
    Error::with(ErrorCode::Unauthenticated, words)
}

/// The one value of a header that may stand once.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(refused(format_args!("header {name} stands more than once")));
    }
    let malformed = || refused(format_args!("header {name} is malformed"));
    value.map(|value| value.to_str().map_err(|_| malformed())).transpose()
}

fn authorization(headers: &HeaderMap) -> Result<Option<Authorization<'_>>> {
    let Some(text) = single(headers, header::AUTHORIZATION.as_str())? else { return Ok(None) };
    let authorization = Authorization::parse(text).map_err(|error| match error {
        AuthorizationError::UnknownScheme => refused(
            "the authorization scheme is not supported; sign with SDK-HMAC-SHA256 or \
             V11-HMAC-SHA256, or send X-Auth-Token",
        ),
        other => refused(other),
    })?;
    Ok(Some(authorization))
}

/// Reads the headers and looks up whom they name.
pub(crate) fn identify(service: &Service, parts: &Parts) -> Result<Identity> {
    let Some(authorization) = authorization(&parts.headers)? else {
        return match single(&parts.headers, X_AUTH_TOKEN)? {
            Some(token) => service.caller_by_token(token).map(Identity::Token),
            None => Err(refused("Authorization header is missing")),
        };
    };
    let headers = header_pairs(parts);
    let signed = signing_time(&signed_request(parts, &headers, &[])).map_err(refused)?;
    let skew = signed.saturating_sub(service.clock().now().seconds());
    if skew.saturating_abs() > CLOCK_SKEW_SECONDS {
        return Err(refused("X-Sdk-Date is more than 15 minutes away from the server's time"));
    }
    let security_token = single(&parts.headers, X_SECURITY_TOKEN)?;
    let (caller, secret) = service.access_key_secret(authorization.access_key, security_token)?;
    Ok(Identity::Key(caller, secret))
}

impl Identity {
    /// The caller, where the request is signed with its key.
    pub(crate) fn prove(self, parts: &Parts, body: &[u8]) -> Result<Caller> {
        let (caller, secret) = match self {
            Self::Token(caller) => return Ok(caller),
            Self::Key(caller, secret) => (caller, secret),
        };
        let authorization =
            authorization(&parts.headers)?.ok_or_else(|| Error::new(ErrorCode::Unauthenticated))?;
        let headers = header_pairs(parts);
        let request = signed_request(parts, &headers, body);
        verify(&request, &authorization, secret.expose_secret()).map_err(refused)?;
        Ok(caller)
    }
}

/// All headers. HTTP/2 has no `host`; what the client signed as such stands in the URI.
fn header_pairs(parts: &Parts) -> Vec<(&str, &[u8])> {
    let mut pairs: Vec<_> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    if !parts.headers.contains_key(header::HOST)
        && let Some(authority) = parts.uri.authority()
    {
        pairs.push((header::HOST.as_str(), authority.as_str().as_bytes()));
    }
    pairs
}

fn signed_request<'a>(
    parts: &'a Parts,
    headers: &'a [(&'a str, &'a [u8])],
    body: &'a [u8],
) -> SignedRequest<'a> {
    SignedRequest {
        method: parts.method.as_str(),
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers,
        body,
    }
}
