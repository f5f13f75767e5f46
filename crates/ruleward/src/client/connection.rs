//! Which service, which account, which key: from options, the SDK's variables, and the file of
//! a development server.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::{Certificate, Url};
use secrecy::SecretString;

use super::api::{Api, Key, http_client};
use super::credentials::DevCredentials;
use crate::place::DEFAULT_DATA;

const AK: &str = "HUAWEICLOUD_SDK_AK";
const SK: &str = "HUAWEICLOUD_SDK_SK";
const SECURITY_TOKEN: &str = "HUAWEICLOUD_SDK_SECURITY_TOKEN";
const DOMAIN_ID: &str = "HUAWEICLOUD_SDK_DOMAIN_ID";
const REGION_CONFIG: &str = "HUAWEICLOUD_SDK_REGION_CONFIG_";
const FIRST_REGION: &str = "HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4";
const IAM_ENDPOINT: &str = "HUAWEICLOUD_SDK_IAM_ENDPOINT";
/// The key of the service itself, where the SDK's variables are about another account.
const OWN_AK: &str = "RULEWARD_AK";
const OWN_SK: &str = "RULEWARD_SK";
const VENDOR_HOSTS: &str = ".myhuaweicloud.com";
const VENDOR_ENDPOINT: &str = "https://rms.myhuaweicloud.com";
const VENDOR_IAM: &str = "https://iam.myhuaweicloud.com";
/// Longest wait for an answer; a full batch may queue behind others.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(150);

/// The options of every command that speaks to a service.
///
/// The key comes from the variables of the vendor's SDKs (`HUAWEICLOUD_SDK_AK`, `_SK`,
/// `_SECURITY_TOKEN`), or from the file that `ruleward serve --dev` writes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// The service's URL [default: `HUAWEICLOUD_SDK_REGION_CONFIG_*`, or what
    /// dev-credentials.json of the data folder says].
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,

    /// The account [default: `HUAWEICLOUD_SDK_DOMAIN_ID`, or the account of the key].
    #[arg(long, value_name = "ID")]
    pub domain: Option<String>,

    /// Take endpoint, account and key from dev-credentials.json in this folder. Without this
    /// option the SDK's variables come first, and then the folder ./ruleward-data.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// PEM file of the authority behind the service's certificate, beside those of the system.
    #[arg(long, value_name = "FILE", env = "RULEWARD_CA_FILE")]
    pub ca_file: Option<PathBuf>,
}

/// What was found out before the first request.
struct Found {
    endpoint: Option<String>,
    domain: Option<String>,
    key: Key,
}

impl ConnectionArgs {
    /// Finds everything and makes a client.
    pub fn connect(&self) -> anyhow::Result<Api> {
        let variables = || env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
        let found = self.find(variable, variables)?;
        let endpoint = found
            .endpoint
            .with_context(|| format!("which service? give --endpoint URL or set {FIRST_REGION}"))?;
        self.open(&endpoint, found.key, found.domain)
    }

    /// A client of one service, an account of it and a key.
    fn open(&self, endpoint: &str, key: Key, domain: Option<String>) -> anyhow::Result<Api> {
        let url = Url::parse(endpoint)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .with_context(|| format!("`{endpoint}` is not the URL of a service"))?;
        let authorities = self.ca_file.as_deref().map(authorities).transpose()?.unwrap_or_default();
        let client = http_client(url.scheme() == "https", ANSWER_TIMEOUT, &authorities)?;
        Api::connect(client, url, key, domain)
    }

    /// A client of the service whose account is copied: `--endpoint` and the SDK's variables are
    /// about that one.
    pub fn connect_other(&self, given: OtherAccount<'_>) -> anyhow::Result<Api> {
        let endpoint = self.endpoint.as_deref().with_context(|| {
            format!("which service is copied? give --endpoint URL, such as {VENDOR_ENDPOINT}")
        })?;
        let either =
            |given: Option<&str>, name| given.map(str::to_owned).or_else(|| variable(name));
        let secret = given.sk.cloned().or_else(|| variable(SK).map(SecretString::from));
        let (Some(access), Some(secret)) = (either(given.ak, AK), secret) else {
            bail!("which key opens the account that is copied? set {AK} and {SK}");
        };
        let security_token = variable(SECURITY_TOKEN).filter(|_| given.ak.is_none());
        let security_token = security_token.map(SecretString::from);
        let key = Key { access, secret, security_token };
        let domain = match either(given.domain_id, DOMAIN_ID) {
            Some(id) => id,
            None => {
                self.open(&identity_endpoint(endpoint), key.clone(), None)?.domain_id().to_owned()
            }
        };
        self.open(endpoint, key, Some(domain))
    }

    /// A client of the service itself, while the SDK's variables are about another account.
    pub fn connect_apart(&self, to: Option<&str>) -> anyhow::Result<Api> {
        if let Some(endpoint) = to {
            let (Some(access), Some(secret)) = (variable(OWN_AK), variable(OWN_SK)) else {
                bail!("which key opens {endpoint}? set {OWN_AK} and {OWN_SK}");
            };
            let secret = SecretString::from(secret);
            let key = Key { access, secret, security_token: None };
            return self.open(endpoint, key, self.domain.clone());
        }
        let dir = self.data.as_deref().unwrap_or(Path::new(DEFAULT_DATA));
        let Some(file) = DevCredentials::read(dir)? else {
            bail!(
                "where to? give --to URL with {OWN_AK} and {OWN_SK}, or name the data folder of a \
                 development server with --data (there is no dev-credentials.json in {})",
                dir.display()
            );
        };
        let key = Key { access: file.access_key, secret: file.secret_key, security_token: None };
        let domain = self.domain.clone().unwrap_or(file.domain_id);
        self.open(&file.endpoint, key, Some(domain))
    }

    fn find(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        variables: impl Fn() -> Vec<String>,
    ) -> anyhow::Result<Found> {
        let from_variables = match (variable(AK), variable(SK)) {
            (Some(access), Some(secret)) if self.data.is_none() => Some(Key {
                access,
                secret: SecretString::from(secret),
                security_token: variable(SECURITY_TOKEN).map(SecretString::from),
            }),
            (Some(_), None) | (None, Some(_)) if self.data.is_none() => {
                bail!("a key has two halves: set both {AK} and {SK}")
            }
            _ => None,
        };
        let options = (self.endpoint.clone(), self.domain.clone());
        if let Some(key) = from_variables {
            return Ok(Found {
                endpoint: options.0.or_else(|| region_endpoint(&variable, variables())),
                domain: options.1.or_else(|| variable(DOMAIN_ID)),
                key,
            });
        }
        let dir = self.data.as_deref().unwrap_or(Path::new(DEFAULT_DATA));
        let Some(file) = DevCredentials::read(dir)? else {
            bail!(
                "which key? set {AK} and {SK}, or name the data folder of a development server \
                 with --data (there is no dev-credentials.json in {})",
                dir.display()
            );
        };
        Ok(Found {
            endpoint: options.0.or(Some(file.endpoint)),
            domain: options.1.or(Some(file.domain_id)),
            key: Key { access: file.access_key, secret: file.secret_key, security_token: None },
        })
    }
}

/// What is told of an account that is copied.
#[derive(Debug, Clone, Copy)]
pub struct OtherAccount<'a> {
    /// The public half of its key.
    pub ak: Option<&'a str>,
    /// The secret half.
    pub sk: Option<&'a SecretString>,
    /// Its id.
    pub domain_id: Option<&'a str>,
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where an account is asked for that nobody names: the vendor has a service of its own for it,
/// ours answers itself.
fn identity_endpoint(endpoint: &str) -> String {
    let vendors = Url::parse(endpoint)
        .is_ok_and(|url| url.host_str().is_some_and(|host| host.ends_with(VENDOR_HOSTS)));
    variable(IAM_ENDPOINT)
        .unwrap_or_else(|| (if vendors { VENDOR_IAM } else { endpoint }).to_owned())
}

/// The endpoint that the SDK would use; the first region that has one.
fn region_endpoint(
    variable: &impl Fn(&str) -> Option<String>,
    mut names: Vec<String>,
) -> Option<String> {
    names.retain(|name| name.starts_with(REGION_CONFIG));
    names.sort();
    let value = variable(FIRST_REGION).or_else(|| names.iter().find_map(|name| variable(name)))?;
    // The SDK takes several, separated by commas.
    value.split(',').map(str::trim).find(|url| !url.is_empty()).map(str::to_owned)
}

fn authorities(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Certificate::from_pem_bundle(&pem)
        .with_context(|| format!("{} holds no certificates", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn find(args: &ConnectionArgs, set: &[(&str, &str)]) -> anyhow::Result<Found> {
        let set: BTreeMap<&str, &str> = set.iter().copied().collect();
        args.find(
            |name| set.get(name).map(|value| (*value).to_owned()),
            || set.keys().map(|name| (*name).to_owned()).collect(),
        )
    }

    #[test]
    fn variables_of_the_sdk() {
        let found = find(
            &ConnectionArgs::default(),
            &[
                (AK, "a"),
                (SK, "s"),
                (DOMAIN_ID, "d"),
                ("HUAWEICLOUD_SDK_REGION_CONFIG_EU_WEST_101", "http://x:1, http://y:1"),
            ],
        )
        .unwrap();
        assert_eq!(found.endpoint.as_deref(), Some("http://x:1"));
        assert_eq!(found.domain.as_deref(), Some("d"));
        assert_eq!(found.key.access, "a");
    }

    #[test]
    fn half_a_key_is_told() {
        let told = find(&ConnectionArgs::default(), &[(AK, "a")]).err().unwrap().to_string();
        assert!(told.contains(SK), "{told}");
    }

    #[test]
    fn a_named_folder_wins_over_variables() {
        let dir = tempfile::tempdir().unwrap();
        DevCredentials {
            endpoint: "http://127.0.0.1:9".into(),
            iam_endpoint: String::new(),
            domain_id: "of the file".into(),
            access_key: "file".into(),
            secret_key: "s".into(),
            organization: None,
        }
        .write(dir.path())
        .unwrap();
        let args =
            ConnectionArgs { data: Some(dir.path().to_owned()), ..ConnectionArgs::default() };
        let found = find(&args, &[(AK, "a"), (SK, "s"), (DOMAIN_ID, "d")]).unwrap();
        assert_eq!(found.key.access, "file");
        assert_eq!(found.domain.as_deref(), Some("of the file"));
        let nowhere = ConnectionArgs { data: Some("/nowhere".into()), ..args };
        assert!(find(&nowhere, &[]).err().unwrap().to_string().contains("--data"));
    }
}
