//! The binary: the server, the operator's commands on its store, and its clients.

mod authoring;
mod channels;
mod check;
mod cli;
mod client;
mod config;
mod failure;
mod files;
mod import;
mod operator;
mod output;
mod own_policies;
mod place;
mod sample;
mod sealing;
mod serve;
mod telemetry;

use std::process::ExitCode;

use clap::Parser as _;

/// Threads hand bodies and verdicts to each other all the time: docs/adr/0014-allocator.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A huge page for a few small values each would be most of the memory. Where the system has none,
    // nothing is lost.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    // Both the server and the clients speak TLS; whoever comes first needs the provider.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return failure::report(&anyhow::anyhow!("a TLS provider is installed already"));
    }
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
