//! The operator's commands: directly on the store, also while a server runs on it.

pub mod accounts;
pub mod keys;
pub mod organizations;
pub mod users;

use std::sync::Arc;

use anyhow::bail;
use ruleward_core::Service;

use crate::config::Config;
use crate::place::{Place, StoreArgs};
use crate::{files, sealing, serve};

/// Opens the store that the options name.
fn open(args: &StoreArgs) -> anyhow::Result<Arc<Service>> {
    let config = Config::load(args.config.as_deref())?;
    let place = Place::resolve(args, &config)?;
    if !place.database.try_exists()? {
        bail!(
            "there is no store at {}; name another with --data or --store, or begin one with \
             `ruleward accounts create`",
            place.database.display()
        );
    }
    open_place(args, &place, &config)
}

/// Opens the store that the options name, or makes it.
fn open_or_make(args: &StoreArgs) -> anyhow::Result<Arc<Service>> {
    let config = Config::load(args.config.as_deref())?;
    let place = Place::resolve(args, &config)?;
    files::make_private_dir(&place.dir)?;
    open_place(args, &place, &config)
}

fn open_place(args: &StoreArgs, place: &Place, config: &Config) -> anyhow::Result<Arc<Service>> {
    let catalogue = args.catalogue(config, place)?;
    let key = sealing::find(place, config)?;
    serve::open(place, &key, config, catalogue)
}
