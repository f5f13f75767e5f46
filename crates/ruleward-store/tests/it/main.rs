//! The conformance suite, for every store that there is.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a test owns its place, whether it opens it again or not"
)]

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod sqlite;
