//! The inventory of an account of a service that speaks the published API: the vendor's, or ours.

use std::convert::Infallible;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::Method;
use ruleward_types::ids::hex;
use secrecy::SecretString;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::patience::persist;
use super::source::{Source, pieces};
use super::split::Splitter;
use super::spool::{Place, Spool};
use crate::client::{Api, ConnectionArgs, OtherAccount, Request, Trouble};
use crate::output::printable;

/// Resources of a page, the most that is published.
const PAGE: &str = "200";
const READ_BYTES: u64 = 256 * 1024;
const FOLDER: &str = "ruleward-import";

/// The account that is copied, and where to.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Copying an account (--from config)")]
pub struct RemoteArgs {
    /// The key of the account that is copied [default: `HUAWEICLOUD_SDK_AK`].
    #[arg(long, value_name = "KEY")]
    ak: Option<String>,

    /// Its secret half; better in `HUAWEICLOUD_SDK_SK`, which no list of processes shows.
    #[arg(long, value_name = "SECRET", value_parser = secret)]
    sk: Option<SecretString>,

    /// The account that is copied [default: `HUAWEICLOUD_SDK_DOMAIN_ID`, or that of the key].
    #[arg(long, value_name = "ID")]
    domain_id: Option<String>,

    /// Copy all resources that the account's services report. That is the default.
    #[arg(long, conflicts_with = "tracked")]
    all: bool,

    /// Copy only what the account's recorder has collected.
    #[arg(long)]
    tracked: bool,

    /// The service to copy to, with the key in `RULEWARD_AK` and `RULEWARD_SK` [default: the
    /// development server of --data].
    #[arg(long, value_name = "URL")]
    to: Option<String>,

    /// Where pages are kept until the import has ended, so that the same command goes on where it
    /// was interrupted [default: ./ruleward-import].
    #[arg(long, value_name = "DIR")]
    spool: Option<PathBuf>,
}

#[expect(clippy::unnecessary_wraps, reason = "the form that arguments are read by")]
fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text))
}

impl RemoteArgs {
    /// Whether any of it is said.
    pub fn is_given(&self) -> bool {
        let told = [&self.ak, &self.domain_id, &self.to].map(Option::is_some);
        told.contains(&true)
            || self.sk.is_some()
            || self.all
            || self.tracked
            || self.spool.is_some()
    }

    /// The service to copy to.
    pub fn target(&self, connection: &ConnectionArgs) -> anyhow::Result<Api> {
        connection.connect_apart(self.to.as_deref())
    }

    /// The resources of the account. The first page that is missing is got at once, so that a
    /// key that does not fit is told before anything begins.
    pub fn source(
        &self,
        connection: &ConnectionArgs,
        target: &Api,
        replace: &[String],
    ) -> anyhow::Result<Source> {
        let api = connection.connect_other(OtherAccount {
            ak: self.ak.as_deref(),
            sk: self.sk.as_ref(),
            domain_id: self.domain_id.as_deref(),
        })?;
        let list = List {
            path: api.path(if self.tracked { "/tracked-resources" } else { "/all-resources" }),
            api,
        };
        let key = list.key(target, replace);
        let folder = self.spool.as_deref().unwrap_or(Path::new(FOLDER));
        let mut spool = Spool::open(folder, &key)?;
        if spool.place != Place::Begin {
            eprintln!(
                "going on with what an earlier run got ({})",
                printable(&spool.path.display().to_string())
            );
        }
        let tell = |trouble: &Trouble| eprintln!("{}", printable(&words(trouble)));
        match list.get(&spool.place, tell) {
            Ok(page) => list.keep(&mut spool, page)?,
            // A place that the service does not know any more.
            Err(trouble) if is_lost(&trouble) && spool.place != Place::Begin => {
                spool = spool.renew(folder, &key)?;
                let page = list.get(&spool.place, tell)?;
                list.keep(&mut spool, page)?;
            }
            Err(trouble) => return Err(trouble.into()),
        }
        Ok(list.into_source(spool))
    }
}

fn words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Refused(refused) => format!("{refused}; trying again"),
        Trouble::Unreachable(error) => format!("{error:#}; trying again"),
    }
}

fn is_lost(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::Refused(refused) if refused.status == 400)
}

/// A list of resources.
struct List {
    api: Api,
    path: String,
}

impl List {
    /// What names the list and what is made of it.
    fn key(&self, target: &Api, replace: &[String]) -> String {
        let mut digest = Sha256::new();
        let ends = [
            self.api.endpoint().as_str(),
            &self.path,
            target.endpoint().as_str(),
            target.domain_id(),
        ];
        for part in
            ends.into_iter().map(str::to_owned).chain(replace.iter().map(|of| of.to_lowercase()))
        {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        hex(digest.finalize().get(..12).unwrap_or_default())
    }

    /// The page at a place; nothing where the list has ended.
    fn get(&self, place: &Place, waiting: impl FnMut(&Trouble)) -> Result<Option<Value>, Trouble> {
        let marker = match place {
            Place::Begin => None,
            Place::At(marker) => Some(marker.as_str()),
            Place::End => return Ok(None),
        };
        let request = Request::new(Method::GET, self.path.clone());
        let request = request.query("limit", PAGE).query_if("marker", marker);
        persist(waiting, || self.api.send(&request), Trouble::may_pass).map(Some)
    }

    fn keep(&self, spool: &mut Spool, page: Option<Value>) -> anyhow::Result<()> {
        page.map_or(Ok(()), |page| self.add(spool, &page).map(drop))
    }

    fn add(&self, spool: &mut Spool, page: &Value) -> anyhow::Result<Vec<u8>> {
        if !page.get("resources").is_some_and(Value::is_array) {
            anyhow::bail!("{} does not answer a list of resources", self.api.endpoint());
        }
        spool.add(page)
    }

    /// First what was kept, then page by page what follows.
    fn into_source(self, mut spool: Spool) -> Source {
        let (name, path) = (format!("config-{}", spool.name), spool.path.clone());
        let source = Source::new(
            name,
            Box::new(move |progress| {
                let mut kept = spool.pages().map_err(std::io::Error::other)?;
                let next = move |into: &mut Vec<u8>| {
                    if kept.by_ref().take(READ_BYTES).read_to_end(into)? > 0 {
                        return Ok(true);
                    }
                    let page = self.get(&spool.place, |trouble| progress.waiting(trouble));
                    let Some(page) = page.map_err(anyhow::Error::from)? else { return Ok(false) };
                    *into = self.add(&mut spool, &page)?;
                    Ok(true)
                };
                Ok(Splitter::of_list(pieces(next), b"resources"))
            }),
        );
        source.with_spool(path)
    }
}
