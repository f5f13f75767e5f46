//! The client's side: the headers which sign a request.

use crate::authorization::Scheme;
use crate::canonical::{Payload, canonical_request, stated_hash};
use crate::request::{SignedRequest, format_date};
use crate::{AUTHORIZATION, HOST, UNSIGNED_PAYLOAD, X_SDK_DATE, X_SECURITY_TOKEN, crypto};
use jiff::Timestamp;
use std::fmt;
use thiserror::Error;

/// A key pair, with a token when it is a temporary one.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// The public half.
    pub access_key: &'a str,
    /// The secret half.
    pub secret_key: &'a str,
    /// Belongs to a temporary key and is sent along.
    pub security_token: Option<&'a str>,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// Why a request cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SignError {
    /// Without a host the signature would be good for any server.
    #[error("a request without the header `host` cannot be signed")]
    HostMissing,
    /// A header stands twice, so that the signature would be ambiguous.
    #[error("header `{0}` stands more than once")]
    HeaderRepeated(String),
}

/// Signs with `SDK-HMAC-SHA256`; the answer is the headers to add, names in lower case.
///
/// Every header of the request is signed, but for those with an underscore in their names.
pub fn sign(
    request: &SignedRequest<'_>,
    credentials: &Credentials<'_>,
    now: Timestamp,
) -> Result<Vec<(&'static str, String)>, SignError> {
    sign_with(request, credentials, now, None)
}

/// Signs with `V11-HMAC-SHA256`, whose key is good for a day, a region and a service.
pub fn sign_derived(
    request: &SignedRequest<'_>,
    credentials: &Credentials<'_>,
    now: Timestamp,
    region: &str,
    service: &str,
) -> Result<Vec<(&'static str, String)>, SignError> {
    sign_with(request, credentials, now, Some((region, service)))
}

fn sign_with(
    request: &SignedRequest<'_>,
    credentials: &Credentials<'_>,
    now: Timestamp,
    derived_for: Option<(&str, &str)>,
) -> Result<Vec<(&'static str, String)>, SignError> {
    let date = format_date(now);
    let headers = headers_to_sign(request, credentials, &date)?;
    let signed_headers: Vec<(&str, &[u8])> =
        headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();

    let unsigned = stated_hash(request) == Some(UNSIGNED_PAYLOAD.as_bytes());
    let payload =
        if unsigned && !request.body.is_empty() { Payload::Unsigned } else { Payload::Hash };
    let canonical = canonical_request(request, &signed_headers, payload);

    let (scheme, holder, key, info) = match derived_for {
        None => (
            Scheme::SdkHmacSha256,
            format!("Access={}", credentials.access_key),
            credentials.secret_key.as_bytes().to_vec(),
            None,
        ),
        Some((region, service)) => {
            let day = date.split('T').next().unwrap_or_default();
            let info = format!("{day}/{region}/{service}");
            let key = crypto::derive_key(
                credentials.access_key,
                credentials.secret_key.as_bytes(),
                &info,
            );
            let holder = format!("Credential={}/{info}", credentials.access_key);
            (Scheme::V11HmacSha256, holder, key.into_bytes(), Some(info))
        }
    };
    let text = string_to_sign(scheme, &date, info.as_deref(), &canonical);
    let signature = crypto::hex(&crypto::hmac_sha256(&key, text.as_bytes()));
    let names: Vec<&str> = signed_headers.iter().map(|(name, _)| *name).collect();

    let mut added = vec![
        (
            AUTHORIZATION,
            format!("{scheme} {holder}, SignedHeaders={}, Signature={signature}", names.join(";")),
        ),
        (X_SDK_DATE, date),
    ];
    if let Some(token) = credentials.security_token {
        added.push((X_SECURITY_TOKEN, token.to_owned()));
    }
    Ok(added)
}

/// The request's headers and the ones that signing adds, sorted by name.
fn headers_to_sign<'a>(
    request: &SignedRequest<'a>,
    credentials: &Credentials<'a>,
    date: &'a str,
) -> Result<Vec<(String, &'a [u8])>, SignError> {
    let mut headers: Vec<(String, &[u8])> = vec![(X_SDK_DATE.to_owned(), date.as_bytes())];
    if let Some(token) = credentials.security_token {
        headers.push((X_SECURITY_TOKEN.to_owned(), token.as_bytes()));
    }
    for (name, value) in request.headers {
        let name = name.to_ascii_lowercase();
        if name.contains('_') || [AUTHORIZATION, X_SDK_DATE, X_SECURITY_TOKEN].contains(&&*name) {
            continue;
        }
        headers.push((name, value));
    }
    headers.sort();
    for pair in headers.windows(2) {
        if let [(first, _), (second, _)] = pair
            && first == second
        {
            return Err(SignError::HeaderRepeated(first.clone()));
        }
    }
    if headers.iter().any(|(name, _)| name == HOST) {
        Ok(headers)
    } else {
        Err(SignError::HostMissing)
    }
}

/// The text over which the signature goes.
pub(crate) fn string_to_sign(
    scheme: Scheme,
    date: &str,
    info: Option<&str>,
    canonical: &[u8],
) -> String {
    let hash = crypto::sha256_hex(canonical);
    match info {
        None => format!("{scheme}\n{date}\n{hash}"),
        Some(info) => format!("{scheme}\n{date}\n{info}\n{hash}"),
    }
}
