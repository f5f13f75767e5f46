//! `ruleward serve`: from options and configuration to a running service, and its end.

mod args;
mod dev;
mod functions;
mod http;
mod lock;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use ruleward_core::{Channels, NoChannels, Options, SealingKey, Service};
use ruleward_policy::Catalogue;
use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{Account, SystemClock};

pub use self::args::ServeArgs;
use self::functions::Runners;
use self::lock::DataLock;
use crate::config::Config;
use crate::config::server::{DEFAULT_LISTEN, address};
use crate::place::Place;
use crate::{channels, files, sample, sealing, telemetry};

/// Serves until a signal ends it.
pub fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let config = Config::load(args.store.config.as_deref())?;
    let listen = address(
        args.listen.as_deref().or(config.server.listen.as_deref()).unwrap_or(DEFAULT_LISTEN),
    )
    .context("--listen")?;
    if args.dev && !listen.ip().is_loopback() {
        bail!(
            "--dev makes an administrator and writes its secret key to a file, so it listens on \
             loopback addresses only, not on {}; leave --dev out and set up accounts with \
             `ruleward accounts`",
            listen.ip()
        );
    }
    let place = Place::resolve(&args.store, &config)?;
    let traces = telemetry::start(
        args.log_format.or(config.log.format).unwrap_or_default(),
        config.log.level.as_deref(),
        &config.telemetry,
    )?;
    tracing::debug!(config = ?config, "configuration read");
    let served = serve(args, &config, &place, listen);
    traces.finish();
    served
}

fn serve(
    args: &ServeArgs,
    config: &Config,
    place: &Place,
    listen: SocketAddr,
) -> anyhow::Result<()> {
    files::make_private_dir(&place.dir)?;
    let _lock = DataLock::take(place)?;
    let tls = config.tls.as_ref().map(http::tls).transpose()?;
    let listener =
        TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    let local = listener.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let endpoint = format!("{scheme}://{local}");
    if tls.is_none() && !local.ip().is_loopback() {
        tracing::warn!(server.address = %local, "requests and answers are not encrypted: no [tls]");
    }

    let catalogue = args.store.catalogue(config, place)?;
    let sealing_key = sealing::find(place, config)?;
    let store = open_store(place)?;
    let dev_folder = args.dev.then_some(place.dir.as_path());
    let channels = channels::open(&config.channels, dev_folder)?;
    let parts = Parts { config, dev: args.dev, catalogue, channels };
    let service = open_service(Arc::clone(&store), &sealing_key, &parts)?;
    let runners = Runners::start(&config.functions, &endpoint, &place.dir)?;
    service.set_function_host(Arc::clone(&runners) as _);
    let mut account = if args.dev { Some(dev::prepare(&service, place, &endpoint)?) } else { None };
    let workers = service.start().map_err(with_cause).context("cannot start to judge")?;
    if let Some(dev) = &mut account
        && args.sample
    {
        sample::seed(&service, &dev.account, has_resources(&store, &dev.account)?)?;
        if dev.credentials.organization.is_none()
            && let Some(organization) = sample::organization::seed(&service, &dev.account)?
        {
            dev.credentials.organization = Some(organization);
            dev.credentials.write(&place.dir)?;
        }
    }
    drop(store);

    let announce = || announce(&endpoint, account.as_ref());
    let result = http::serve(listener, tls, &service, config.limits, announce);
    runners.stop();
    // The chunk in hand is finished; what is left has tickets and goes on at the next start.
    drop(workers);
    if Arc::into_inner(service).is_none() {
        tracing::warn!("a request outlived its time; the store closes with the process");
    }
    tracing::info!("stopped");
    result
}

/// Opens the service on a store, which is made if it is new.
pub fn open(
    place: &Place,
    sealing_key: &SealingKey,
    config: &Config,
    catalogue: &'static Catalogue,
) -> anyhow::Result<Arc<Service>> {
    // The operator's commands neither deliver nor archive.
    let parts = Parts { config, dev: false, catalogue, channels: &NoChannels };
    open_service(open_store(place)?, sealing_key, &parts)
}

/// What a service is made of besides its store.
struct Parts<'a> {
    config: &'a Config,
    dev: bool,
    catalogue: &'static Catalogue,
    channels: &'static dyn Channels,
}

fn open_store(place: &Place) -> anyhow::Result<Arc<dyn Store>> {
    let store = SqliteStore::open(&place.database)
        .map_err(with_cause)
        .with_context(|| format!("cannot open the store {}", place.database.display()))?;
    Ok(store)
}

fn open_service(
    store: Arc<dyn Store>,
    sealing_key: &SealingKey,
    &Parts { config, dev, catalogue, channels }: &Parts<'_>,
) -> anyhow::Result<Arc<Service>> {
    let mut limits = config.limits;
    if dev {
        // Who tries things out changes them often.
        limits.recorder_changes_per_day = 0;
    }
    let options = Options {
        functions: config.functions.options(dev),
        policy_assignment_quota: limits.policy_assignments,
        recorder_changes_per_day: Some(limits.recorder_changes_per_day).filter(|most| *most > 0),
        evaluation_threads: limits.evaluation_threads,
        catalogue,
        channels,
        ..Options::default()
    };
    Service::open(store, Arc::new(SystemClock), sealing_key, options)
        .map_err(with_cause)
        .context("cannot open the service on its store")
}

/// Whether an account has any resource.
fn has_resources(store: &Arc<dyn Store>, account: &Account) -> anyhow::Result<bool> {
    Ok(store.read(|tx| {
        for of in tx.types(account.no)?.into_iter().filter(|of| !of.resource_type.is_account()) {
            let chunks = tx.chunks(account.no, Some(of.no), None, usize::MAX >> 1)?;
            if chunks.iter().any(|chunk| chunk.live > 0) {
                return Ok(true);
            }
        }
        Ok(false)
    })?)
}

/// The operator may read what the log may hold.
fn with_cause(error: ruleward_types::Error) -> anyhow::Error {
    match error.cause() {
        Some(cause) => anyhow::anyhow!("{cause}"),
        None => error.into(),
    }
}

/// Prints where the server is, first thing on stdout, and how the vendor's SDKs get there.
fn announce(endpoint: &str, dev: Option<&dev::DevAccount>) -> anyhow::Result<()> {
    let mut text = format!("ruleward listening on {endpoint}\n");
    if let Some(dev) = dev {
        for (name, value) in dev.credentials.environment() {
            let _ = writeln!(text, "export {name}={value}");
        }
    }
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
