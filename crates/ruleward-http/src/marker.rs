//! Markers: a place in a list, bound to the account and the query that it came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use ruleward_core::Cursor;
use ruleward_types::{Error, ErrorCode, Result};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::query::Query;

/// Bytes of a cursor's two numbers.
const CURSOR_BYTES: usize = 16;
/// Bytes of the proof that are kept.
const PROOF_BYTES: usize = 16;
/// Lengths that a marker may have on the wire.
const LENGTHS: std::ops::RangeInclusive<usize> = 4..=400;

/// The key that proves a marker to be ours.
pub(crate) struct MarkerKey([u8; 64]);

impl MarkerKey {
    pub(crate) fn new(secret: [u8; 32]) -> Self {
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(secret) {
            *to = from;
        }
        Self(block)
    }
}

/// What a marker is bound to.
pub(crate) struct Scope<'a> {
    pub(crate) domain_id: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) parameters: &'a [(String, String)],
    pub(crate) query: &'a Query,
}

impl Scope<'_> {
    fn proof(&self, key: &MarkerKey, cursor: &[u8]) -> Vec<u8> {
        let mut mac = Hmac::<Sha256>::new(&key.0.into());
        mac.update(cursor);
        let mut part = |text: &str| {
            mac.update(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(text.as_bytes());
        };
        part(self.domain_id);
        part(self.operation);
        for (name, value) in self.parameters {
            part(name);
            part(value);
        }
        let mut pairs: Vec<_> = self.query.pairs().filter(|(name, _)| !is_paging(name)).collect();
        pairs.sort_unstable();
        for (name, value) in pairs {
            part(name);
            part(value);
        }
        mac.finalize().into_bytes().iter().copied().take(PROOF_BYTES).collect()
    }
}

fn is_paging(name: &str) -> bool {
    matches!(name, "limit" | "marker")
}

/// The marker of a place.
pub(crate) fn write(key: &MarkerKey, scope: &Scope<'_>, cursor: Cursor) -> String {
    let mut bytes = Vec::with_capacity(CURSOR_BYTES + PROOF_BYTES);
    bytes.extend_from_slice(&cursor.0.to_be_bytes());
    bytes.extend_from_slice(&cursor.1.to_be_bytes());
    let proof = scope.proof(key, &bytes);
    bytes.extend_from_slice(&proof);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place of a marker, where it is ours and of this very query.
pub(crate) fn read(key: &MarkerKey, scope: &Scope<'_>, text: &str) -> Result<Cursor> {
    if !LENGTHS.contains(&text.chars().count()) {
        return Err(Error::new(ErrorCode::MarkerLength));
    }
    let illegal = || Error::new(ErrorCode::MarkerIllegal);
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| illegal())?;
    let (cursor, proof) = bytes.split_at_checked(CURSOR_BYTES).ok_or_else(illegal)?;
    if !bool::from(scope.proof(key, cursor).ct_eq(proof)) {
        return Err(Error::with(
            ErrorCode::MarkerIllegal,
            "Marker is illegal: it is not of this query; begin again without one.",
        ));
    }
    let (first, second) = cursor.split_at_checked(8).ok_or_else(illegal)?;
    let number = |bytes: &[u8]| bytes.try_into().map(i64::from_be_bytes).map_err(|_| illegal());
    Ok(Cursor(number(first)?, number(second)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(raw: &str) -> Query {
        Query::parse(raw).unwrap()
    }

    fn code(result: Result<Cursor>) -> ErrorCode {
        result.map(|_| ()).unwrap_err().code()
    }

    #[test]
    fn a_marker_is_bound_to_account_operation_path_and_query() {
        let key = MarkerKey::new([7; 32]);
        let path = [("policy_assignment_id".to_owned(), "a".to_owned())];
        let other_path = [("policy_assignment_id".to_owned(), "b".to_owned())];
        let given = query("limit=1&compliance_state=Compliant&resource_name=x");
        let reordered = query("resource_name=x&marker=zzzz&compliance_state=Compliant&limit=9");
        let other = query("limit=1&compliance_state=NonCompliant&resource_name=x");
        let scope = |domain_id, operation, parameters, query| Scope {
            domain_id,
            operation,
            parameters,
            query,
        };
        let text = write(&key, &scope("d", "o", &path, &given), Cursor(-5, 1 << 40));
        assert!((4..=400).contains(&text.len()));
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "+/=%-_".contains(c)), "{text}");

        let cursor = read(&key, &scope("d", "o", &path, &reordered), &text).unwrap();
        assert_eq!((cursor.0, cursor.1), (-5, 1 << 40));
        for foreign in [
            scope("e", "o", &path, &given),
            scope("d", "p", &path, &given),
            scope("d", "o", &other_path, &given),
            scope("d", "o", &path, &other),
        ] {
            assert_eq!(code(read(&key, &foreign, &text)), ErrorCode::MarkerIllegal);
        }
        let other_key = MarkerKey::new([8; 32]);
        let own = scope("d", "o", &path, &given);
        assert_eq!(code(read(&other_key, &own, &text)), ErrorCode::MarkerIllegal);
    }

    #[test]
    fn what_is_no_marker() {
        let key = MarkerKey::new([7; 32]);
        let query = query("");
        let scope = Scope { domain_id: "d", operation: "o", parameters: &[], query: &query };
        let long = "A".repeat(401);
        for (text, expected) in [
            ("abc", ErrorCode::MarkerLength),
            ("", ErrorCode::MarkerLength),
            (long.as_str(), ErrorCode::MarkerLength),
            ("AAAA", ErrorCode::MarkerIllegal),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ErrorCode::MarkerIllegal),
            ("a b c", ErrorCode::MarkerIllegal),
            ("磁磁磁磁", ErrorCode::MarkerIllegal),
        ] {
            assert_eq!(code(read(&key, &scope, text)), expected, "{text}");
        }
    }
}
