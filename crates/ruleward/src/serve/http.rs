//! The HTTP server: connections, TLS, and the orderly end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use ruleward_core::Service;
use ruleward_http::{AppState, Options, router};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{Limits, Tls};

/// Threads that wait for the store on behalf of requests. Writers that wait together share a
/// sync, so there are more of them than cores; they are small and go when idle.
const BLOCKING_THREADS: usize = 32;
const STACK_BYTES: usize = 2 * 1024 * 1024;
const IDLE_THREAD: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads certificate and key, so that a mistake is told at the start.
pub fn tls(tls: &Tls) -> anyhow::Result<Arc<ServerConfig>> {
    let certificates = CertificateDer::pem_file_iter(&tls.certificate_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("[tls] certificate_file {}", tls.certificate_file.display()))?;
    let key = PrivateKeyDer::from_pem_file(&tls.private_key_file)
        .with_context(|| format!("[tls] private_key_file {}", tls.private_key_file.display()))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .context("[tls] certificate_file and private_key_file do not fit")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves until SIGTERM or SIGINT, then lets the requests in hand end.
pub fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    service: &Arc<Service>,
    limits: Limits,
    ready: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // At least two: quick requests are answered on them, and one that waits for the disk must not keep
    // probes from theirs.
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_stack_size(STACK_BYTES)
        .thread_keep_alive(IDLE_THREAD)
        .thread_name("ruleward-http")
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let options = Options { concurrent_requests: limits.concurrent_requests, ..Options::default() };
    let state = AppState::new(Arc::clone(service), options)?;
    let drain = Duration::from_secs(limits.drain_seconds);
    let served = runtime.block_on(async move {
        listener.set_nonblocking(true)?;
        let handle = Handle::new();
        // Signals are caught from before the server says that it is there.
        let ending = end_on_signal(handle.clone(), drain)?;
        ready()?;
        let app = router(state).into_make_service();
        let result = match tls {
            None => {
                let mut server = axum_server::from_tcp(listener)?
                    .acceptor(NoDelayAcceptor::new())
                    .handle(handle);
                patience(server.http_builder());
                server.serve(app).await
            }
            Some(config) => {
                let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(config))
                    .acceptor(NoDelayAcceptor::new());
                let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor).handle(handle);
                patience(server.http_builder());
                server.serve(app).await
            }
        };
        ending.abort();
        anyhow::Ok(result?)
    });
    // Requests whose client is gone may still hold the store.
    runtime.shutdown_timeout(Duration::from_secs(5));
    served.context("the server failed")
}

/// Slow heads of requests end their connection.
fn patience(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>) {
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(HEAD_TIMEOUT));
}

fn end_on_signal(
    handle: Handle<SocketAddr>,
    drain: Duration,
) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(
            signal.name = name,
            connections.open = handle.connection_count(),
            "stopping: no new connections, requests in hand are finished"
        );
        handle.graceful_shutdown(Some(drain));
    }))
}
