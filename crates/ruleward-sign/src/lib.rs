//! Request signing as the vendor's SDKs do it, from both sides.
//!
//! The server parses the `Authorization` header ([`Authorization::parse`]), looks the access key
//! up, checks that [`signing_time`] is near its clock, and calls [`verify`]. Our own client calls
//! [`sign`] and sends the headers that it returns.
//!
//! The crate is pure: no clock, no I/O, and no input makes it panic. It is held against golden
//! vectors which the vendor's own signer made (`tests/it/vectors.json`).

mod authorization;
mod canonical;
mod crypto;
mod request;
mod sign;
mod verify;

pub use authorization::{Authorization, AuthorizationError, DerivedInfo, Scheme};
pub use canonical::query_pairs;
pub use request::{DateError, SignedRequest, signing_time};
pub use sign::{Credentials, SignError, sign, sign_derived};
pub use verify::{VerifyError, verify};

/// Carries the scheme, the access key, the list of signed headers and the signature.
pub const AUTHORIZATION: &str = "authorization";
/// The time of signing, `yyyymmddThhmmssZ` in UTC.
pub const X_SDK_DATE: &str = "x-sdk-date";
/// The hash of the body, or [`UNSIGNED_PAYLOAD`].
pub const X_SDK_CONTENT_SHA256: &str = "x-sdk-content-sha256";
/// The token which belongs to a temporary key.
pub const X_SECURITY_TOKEN: &str = "x-security-token";
/// The server's name and port; always signed.
pub const HOST: &str = "host";
/// Stands for the body's hash where the client left the body out of the signature.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
