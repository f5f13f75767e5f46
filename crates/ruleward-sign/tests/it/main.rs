//! Signing against the vendor's signer, and properties of both sides.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a helper of a test may fail loudly"
)]

mod golden;
mod properties;
mod refusals;
