//! Where the store is: what `--data`, `--store` and the configuration say together.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use ruleward_policy::Catalogue;

use crate::config::Config;
use crate::own_policies;

/// Where everything is kept unless something else is said.
pub const DEFAULT_DATA: &str = "ruleward-data";
const DATABASE: &str = "ruleward.db";

/// The options that name a store.
#[derive(Debug, Clone, Args)]
pub struct StoreArgs {
    /// Folder that holds the store, the sealing key and the credentials of --dev
    /// [default: ./ruleward-data].
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    pub data: Option<PathBuf>,

    /// The store as a URL: sqlite:PATH. The other files lie in the folder of PATH.
    #[arg(long, value_name = "URL")]
    pub store: Option<String>,

    /// TOML configuration; options on the command line win over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Folder of policies of your own, YAML files that are read at the start
    /// [default: policies in the data folder, if it is there].
    #[arg(long, value_name = "DIR")]
    pub policies: Option<PathBuf>,
}

impl StoreArgs {
    /// The policies that rules can use: the predefined ones and one's own.
    pub fn catalogue(&self, config: &Config, place: &Place) -> anyhow::Result<&'static Catalogue> {
        let named = self.policies.as_deref().or(config.policies.folder.as_deref());
        own_policies::catalogue_with(own_policies::folder(named, &place.dir).as_deref())
    }
}

/// A store's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The folder.
    pub dir: PathBuf,
    /// The database in it.
    pub database: PathBuf,
}

impl Place {
    /// The place that options and configuration name.
    pub fn resolve(args: &StoreArgs, config: &Config) -> anyhow::Result<Self> {
        if let Some(dir) = &args.data {
            return Ok(Self::in_dir(dir));
        }
        if let Some(url) = &args.store {
            return Self::of_url(url).context("--store");
        }
        if let Some(dir) = &config.store.data {
            return Ok(Self::in_dir(dir));
        }
        if let Some(url) = &config.store.url {
            return Self::of_url(url).context("[store] url");
        }
        Ok(Self::in_dir(Path::new(DEFAULT_DATA)))
    }

    fn in_dir(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), database: dir.join(DATABASE) }
    }

    /// The place of `sqlite:PATH`.
    pub fn of_url(url: &str) -> anyhow::Result<Self> {
        let Some((scheme, path)) = url.split_once(':') else {
            bail!("`{url}` is not the URL of a store; write sqlite:PATH");
        };
        if scheme != "sqlite" {
            // Not the whole URL: it may hold a password.
            bail!("stores of the scheme `{scheme}` are not supported; write sqlite:PATH");
        }
        let path = path.strip_prefix("//").unwrap_or(path);
        let database = PathBuf::from(path);
        if path.is_empty() || path.starts_with(':') || database.file_name().is_none() {
            bail!("`{url}` names no file; write sqlite:PATH");
        }
        let dir = match database.parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { dir, database })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_files() {
        let place = Place::of_url("sqlite:/var/lib/r/store.db").unwrap();
        assert_eq!(place.dir, Path::new("/var/lib/r"));
        assert_eq!(place.database, Path::new("/var/lib/r/store.db"));
        assert_eq!(Place::of_url("sqlite:///a/b").unwrap().database, Path::new("/a/b"));
        assert_eq!(Place::of_url("sqlite:b").unwrap().dir, Path::new("."));
        for (url, word) in [
            ("postgres://me:secret@host/db", "`postgres`"),
            ("store.db", "sqlite:PATH"),
            ("sqlite:", "names no file"),
            ("sqlite::memory:", "names no file"),
        ] {
            let told = Place::of_url(url).unwrap_err().to_string();
            assert!(told.contains(word) && !told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn the_command_line_wins() {
        let config: Config = toml::from_str("[store]\ndata = \"/etc/x\"").unwrap();
        let mut args = StoreArgs { data: None, store: None, config: None, policies: None };
        assert_eq!(Place::resolve(&args, &config).unwrap().dir, Path::new("/etc/x"));
        args.data = Some("here".into());
        assert_eq!(
            Place::resolve(&args, &config).unwrap().database,
            Path::new("here").join("ruleward.db")
        );
    }
}
