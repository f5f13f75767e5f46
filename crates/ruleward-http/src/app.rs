//! What every request shares.

use std::sync::Arc;
use std::time::Duration;

use ruleward_core::Service;
use ruleward_types::Result;
use tokio::sync::Semaphore;

use crate::marker::MarkerKey;
use crate::metrics::Metrics;

/// How much the interface takes on at a time.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// A request that takes longer is answered 503.
    pub request_timeout: Duration,
    /// Requests that are worked on at a time; more of them wait.
    pub concurrent_requests: usize,
    /// Of these, requests with bodies of many resources.
    pub concurrent_batches: usize,
    /// Passwords that are checked at a time, which is slow by intent.
    pub concurrent_password_checks: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_mins(2),
            concurrent_requests: 256,
            concurrent_batches: 4,
            concurrent_password_checks: 2,
        }
    }
}

/// The state of the router; cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    inner: Arc<Inner>,
}

struct Inner {
    service: Arc<Service>,
    marker_key: MarkerKey,
    metrics: Metrics,
    request_timeout: Duration,
    requests: Arc<Semaphore>,
    batches: Arc<Semaphore>,
    password_checks: Arc<Semaphore>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("requests", &self.requests).finish_non_exhaustive()
    }
}

impl AppState {
    /// The state over a service.
    pub fn new(service: Arc<Service>, options: Options) -> Result<Self> {
        let inner = Inner {
            marker_key: MarkerKey::new(service.marker_key()),
            service,
            metrics: Metrics::new(),
            request_timeout: options.request_timeout,
            requests: places(options.concurrent_requests),
            batches: places(options.concurrent_batches),
            password_checks: places(options.concurrent_password_checks),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.inner.service
    }

    pub(crate) fn marker_key(&self) -> &MarkerKey {
        &self.inner.marker_key
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        self.inner.request_timeout
    }

    pub(crate) fn requests(&self) -> Arc<Semaphore> {
        Arc::clone(&self.inner.requests)
    }

    pub(crate) fn batches(&self) -> Arc<Semaphore> {
        Arc::clone(&self.inner.batches)
    }

    pub(crate) fn password_checks(&self) -> Arc<Semaphore> {
        Arc::clone(&self.inner.password_checks)
    }
}

/// At least one, or nothing would ever be answered.
fn places(count: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)))
}
