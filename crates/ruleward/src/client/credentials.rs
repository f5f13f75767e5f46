//! The file that `serve --dev` writes, so that a second terminal just works.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::files;

const FILE: &str = "dev-credentials.json";

/// Where a development server is and how to get in.
#[derive(Debug, Clone, Deserialize)]
pub struct DevCredentials {
    /// The service.
    pub endpoint: String,
    /// Where SDKs ask for their account; the service itself.
    pub iam_endpoint: String,
    /// The account.
    pub domain_id: String,
    /// The key.
    pub access_key: String,
    /// Its secret.
    #[serde(deserialize_with = "secret")]
    pub secret_key: SecretString,
    /// The organization of the sample, which the account manages.
    #[serde(flatten)]
    pub organization: Option<DevOrganization>,
}

/// An organization and how to get into its members.
#[derive(Debug, Clone, Deserialize)]
pub struct DevOrganization {
    /// The organization.
    #[serde(rename = "organization_id")]
    pub id: String,
    /// Its members.
    pub members: Vec<DevMember>,
}

/// A member account.
#[derive(Debug, Clone, Deserialize)]
pub struct DevMember {
    /// The account.
    pub domain_id: String,
    /// The key.
    pub access_key: String,
    /// Its secret.
    #[serde(deserialize_with = "secret")]
    pub secret_key: SecretString,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl DevCredentials {
    /// Reads the file of a data folder, if there is one.
    pub fn read(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = dir.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        serde_json::from_slice(&text)
            .map(Some)
            // What is wrong is told by place only: the text is secret.
            .map_err(|error| anyhow::anyhow!("line {}, column {}", error.line(), error.column()))
            .with_context(|| format!("{} is not as it was written", path.display()))
    }

    /// Writes the file of a data folder, readable by its owner only.
    pub fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let mut content = json!({
            "endpoint": self.endpoint,
            "iam_endpoint": self.iam_endpoint,
            "domain_id": self.domain_id,
            "access_key": self.access_key,
            "secret_key": self.secret_key.expose_secret(),
        });
        if let (Some(organization), Some(fields)) = (&self.organization, content.as_object_mut()) {
            let member = |of: &DevMember| {
                json!({
                    "domain_id": of.domain_id,
                    "access_key": of.access_key,
                    "secret_key": of.secret_key.expose_secret(),
                })
            };
            let members = organization.members.iter().map(member).collect();
            fields.insert("organization_id".to_owned(), json!(organization.id));
            fields.insert("members".to_owned(), Value::Array(members));
        }
        let mut text = serde_json::to_vec_pretty(&content)?;
        text.push(b'\n');
        files::write_private(&dir.join(FILE), &text)
    }

    /// The variables that make the vendor's SDKs, and our own client, use the service.
    pub fn environment(&self) -> [(&'static str, &str); 5] {
        [
            ("HUAWEICLOUD_SDK_AK", &self.access_key),
            ("HUAWEICLOUD_SDK_SK", self.secret_key.expose_secret()),
            ("HUAWEICLOUD_SDK_DOMAIN_ID", &self.domain_id),
            ("HUAWEICLOUD_SDK_IAM_ENDPOINT", &self.iam_endpoint),
            ("HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4", &self.endpoint),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_and_read() {
        let dir = tempfile::tempdir().unwrap();
        assert!(DevCredentials::read(dir.path()).unwrap().is_none());
        let made = DevCredentials {
            endpoint: "http://127.0.0.1:1".into(),
            iam_endpoint: "http://127.0.0.1:1".into(),
            domain_id: "d".into(),
            access_key: "AK".into(),
            secret_key: "very secret".into(),
            organization: Some(DevOrganization {
                id: "o-0123456789".into(),
                members: vec![DevMember {
                    domain_id: "m".into(),
                    access_key: "MAK".into(),
                    secret_key: "very secret too".into(),
                }],
            }),
        };
        made.write(dir.path()).unwrap();
        let read = DevCredentials::read(dir.path()).unwrap().unwrap();
        assert_eq!(read.environment(), made.environment());
        assert!(!format!("{read:?}").contains("very secret"));
        let organization = read.organization.unwrap();
        assert_eq!((organization.id.as_str(), organization.members.len()), ("o-0123456789", 1));
        DevCredentials { organization: None, ..made }.write(dir.path()).unwrap();
        assert!(DevCredentials::read(dir.path()).unwrap().unwrap().organization.is_none());
        fs::write(dir.path().join(FILE), "{\"secret_key\": \"very secret\"").unwrap();
        let told = format!("{:#}", DevCredentials::read(dir.path()).unwrap_err());
        assert!(told.contains("line 1") && !told.contains("very secret"), "{told}");
    }
}
