//! The server's side: is this request signed with that secret key?

use crate::authorization::{Authorization, Scheme};
use crate::canonical::{Payload, canonical_request, stated_hash};
use crate::request::{DateError, SignedRequest, signing_date};
use crate::{HOST, UNSIGNED_PAYLOAD, X_SDK_DATE, crypto};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VerifyError {
    /// A header that binds the request to this server and moment is not signed.
    #[error("header `{0}` must be signed")]
    NotSigned(&'static str),
    /// A signed header did not arrive.
    #[error("signed header `{0}` is missing")]
    HeaderMissing(String),
    /// A signed header arrived more than once, so that it is open which of them was signed.
    #[error("signed header `{0}` stands more than once")]
    HeaderRepeated(String),
    /// The time of signing cannot be told.
    #[error(transparent)]
    Date(#[from] DateError),
    /// The key was derived for another day than the one of `X-Sdk-Date`.
    #[error("the credential's date is not the date of X-Sdk-Date")]
    DerivedDate,
    /// The scheme derives its key, and the header does not say for what.
    #[error("the credential does not say what its key is derived for")]
    DerivedInfoMissing,
    /// The body is not the one whose hash the client states.
    #[error("the body does not have the hash that X-Sdk-Content-Sha256 states")]
    BodyHash,
    /// The signature is not the one which the secret key gives.
    #[error("the signature does not match")]
    Signature,
}

/// Checks that the request was signed with this secret key.
///
/// The time of signing is bound by the signature but not judged: see [`crate::signing_time`].
/// Only the last comparison depends on the secret key, and it takes the same time for any input.
pub fn verify(
    request: &SignedRequest<'_>,
    authorization: &Authorization<'_>,
    secret_key: &[u8],
) -> Result<(), VerifyError> {
    for required in [HOST, X_SDK_DATE] {
        if !authorization.signed_headers.contains(&required) {
            return Err(VerifyError::NotSigned(required));
        }
    }
    let date = signing_date(request)?;
    let signed_headers = collect_signed_headers(request, authorization)?;
    let payloads = acceptable_payloads(request)?;
    let key = signing_key(authorization, date, secret_key)?;

    let holds = payloads.iter().fold(subtle::Choice::from(0), |holds, payload| {
        let canonical = canonical_request(request, &signed_headers, *payload);
        let text = string_to_sign(authorization, date, &canonical);
        let expected = crypto::hex(&crypto::hmac_sha256(&key, text.as_bytes()));
        let given = authorization.signature.to_ascii_lowercase();
        holds | expected.as_bytes().ct_eq(given.as_bytes())
    });
    if bool::from(holds) { Ok(()) } else { Err(VerifyError::Signature) }
}

/// The signed headers with the one value that each has.
fn collect_signed_headers<'a>(
    request: &SignedRequest<'a>,
    authorization: &Authorization<'a>,
) -> Result<Vec<(&'a str, &'a [u8])>, VerifyError> {
    let mut headers = Vec::with_capacity(authorization.signed_headers.len());
    for name in &authorization.signed_headers {
        let mut values = request.header_values(name);
        let value = values.next().ok_or_else(|| VerifyError::HeaderMissing((*name).to_owned()))?;
        if values.next().is_some() {
            return Err(VerifyError::HeaderRepeated((*name).to_owned()));
        }
        headers.push((*name, value));
    }
    Ok(headers)
}

/// What may stand for the body in the text that was signed.
///
/// An empty body with the word for an unsigned one is signed in two ways: some of the vendor's
/// SDKs take the word, others the hash of nothing. Both bind the same request.
fn acceptable_payloads(request: &SignedRequest<'_>) -> Result<&'static [Payload], VerifyError> {
    match stated_hash(request) {
        None => Ok(&[Payload::Hash]),
        Some(word) if word == UNSIGNED_PAYLOAD.as_bytes() => {
            if request.body.is_empty() {
                Ok(&[Payload::Hash, Payload::Unsigned])
            } else {
                Ok(&[Payload::Unsigned])
            }
        }
        Some(hash) if hash.eq_ignore_ascii_case(crypto::sha256_hex(request.body).as_bytes()) => {
            Ok(&[Payload::Hash])
        }
        Some(_) => Err(VerifyError::BodyHash),
    }
}

/// The key that signs: the secret key, or the one derived from it.
fn signing_key(
    authorization: &Authorization<'_>,
    date: &str,
    secret_key: &[u8],
) -> Result<Vec<u8>, VerifyError> {
    match authorization.scheme {
        Scheme::SdkHmacSha256 => Ok(secret_key.to_vec()),
        Scheme::V11HmacSha256 => {
            let info = authorization.derived.ok_or(VerifyError::DerivedInfoMissing)?;
            if info.date.len() != 8 || !date.starts_with(info.date) {
                return Err(VerifyError::DerivedDate);
            }
            Ok(crypto::derive_key(authorization.access_key, secret_key, info.text).into_bytes())
        }
    }
}

/// The text over which the signature goes.
fn string_to_sign(authorization: &Authorization<'_>, date: &str, canonical: &[u8]) -> String {
    let info = authorization.derived.map(|info| info.text);
    crate::sign::string_to_sign(authorization.scheme, date, info, canonical)
}
