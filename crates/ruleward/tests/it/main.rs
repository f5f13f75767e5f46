//! The real binary, as a user runs it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper of a test may fail loudly"
)]

mod client;
mod configuration;
mod harness;
mod help;
mod import;
mod import_sources;
mod operator;
mod organizations;
mod proxy;
mod remote;
mod serve;
mod tls;
mod traces;
