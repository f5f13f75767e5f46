//! The one text form of a request which both sides sign.

use crate::request::SignedRequest;
use crate::{UNSIGNED_PAYLOAD, X_SDK_CONTENT_SHA256, crypto};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// Everything but letters, digits and `-_.~` is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The pairs of a raw query, decoded and in the order in which they stand.
///
/// A plus sign is a plus sign: that is how it is signed, so whoever reads the query of a signed
/// request must read it so as well.
pub fn query_pairs(raw: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (percent_decode_str(key).collect(), percent_decode_str(value).collect())
    })
}

/// What stands for the body in the text that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// Its SHA-256.
    Hash,
    /// The word which says that it is left out.
    Unsigned,
}

impl Payload {
    fn text(self, body: &[u8]) -> String {
        match self {
            Self::Hash => crypto::sha256_hex(body),
            Self::Unsigned => UNSIGNED_PAYLOAD.to_owned(),
        }
    }
}

/// The body's hash that the client states, when it states one.
pub(crate) fn stated_hash<'a>(request: &SignedRequest<'a>) -> Option<&'a [u8]> {
    request.header_values(X_SDK_CONTENT_SHA256).next().filter(|value| !value.is_empty())
}

/// The canonical request over signed headers of which each has exactly one value.
pub(crate) fn canonical_request(
    request: &SignedRequest<'_>,
    signed_headers: &[(&str, &[u8])],
    payload: Payload,
) -> Vec<u8> {
    let mut text = Vec::with_capacity(512);
    text.extend_from_slice(request.method.to_ascii_uppercase().as_bytes());
    text.push(b'\n');
    text.extend_from_slice(canonical_path(request.path).as_bytes());
    text.push(b'\n');
    text.extend_from_slice(canonical_query(request.query).as_bytes());
    text.push(b'\n');
    for (name, value) in signed_headers {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text.extend_from_slice(value.trim_ascii());
        text.push(b'\n');
    }
    text.push(b'\n');
    for (index, (name, _)) in signed_headers.iter().enumerate() {
        if index > 0 {
            text.push(b';');
        }
        text.extend_from_slice(name.as_bytes());
    }
    text.push(b'\n');
    text.extend_from_slice(payload.text(request.body).as_bytes());
    text
}

/// The path decoded as a whole, each part between slashes encoded again, with a slash at its end.
///
/// Bytes that are not UTF-8 become the replacement character, as in the vendor's signer.
fn canonical_path(raw: &str) -> String {
    let decoded = percent_decode_str(raw).decode_utf8_lossy();
    let mut path = String::with_capacity(raw.len() + 8);
    for (index, part) in decoded.split('/').enumerate() {
        if index > 0 {
            path.push('/');
        }
        path.extend(percent_encode(part.as_bytes(), ENCODED));
    }
    if !path.ends_with('/') {
        path.push('/');
    }
    path
}

/// The pairs sorted by key and value as they read decoded, then encoded.
fn canonical_query(raw: &str) -> String {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query_pairs(raw).collect();
    pairs.sort_unstable();
    let mut query = String::with_capacity(raw.len() + 8);
    for (key, value) in &pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(percent_encode(key, ENCODED));
        query.push('=');
        query.extend(percent_encode(value, ENCODED));
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        assert_eq!(canonical_path("/v1/a"), "/v1/a/");
        assert_eq!(canonical_path("/v1/a/"), "/v1/a/");
        assert_eq!(canonical_path(""), "/");
        assert_eq!(canonical_path("/a%2fb%20c"), "/a/b%20c/");
        assert_eq!(canonical_path("/100%25/%E4%BC%81"), "/100%25/%E4%BC%81/");
        assert_eq!(canonical_path("/a+b~c"), "/a%2Bb~c/");
    }

    #[test]
    fn queries() {
        assert_eq!(canonical_query(""), "");
        assert_eq!(canonical_query("b=2&a=2&a=1"), "a=1&a=2&b=2");
        assert_eq!(canonical_query("a&b="), "a=&b=");
        assert_eq!(canonical_query("tags=a=b"), "tags=a%3Db");
        assert_eq!(canonical_query("&&a=+&"), "a=%2B");
        // "{" sorts after "z" although its encoded form begins with a percent sign.
        assert_eq!(canonical_query("%7B=1&z=1"), "z=1&%7B=1");
    }
}
