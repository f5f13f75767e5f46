//! The file that `serve --dev` writes, so that a second terminal just works.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::json;

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
        let content = json!({
            "endpoint": self.endpoint,
            "iam_endpoint": self.iam_endpoint,
            "domain_id": self.domain_id,
            "access_key": self.access_key,
            "secret_key": self.secret_key.expose_secret(),
        });
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
        };
        made.write(dir.path()).unwrap();
        let read = DevCredentials::read(dir.path()).unwrap().unwrap();
        assert_eq!(read.environment(), made.environment());
        assert!(!format!("{read:?}").contains("very secret"));
        fs::write(dir.path().join(FILE), "{\"secret_key\": \"very secret\"").unwrap();
        let told = format!("{:#}", DevCredentials::read(dir.path()).unwrap_err());
        assert!(told.contains("line 1") && !told.contains("very secret"), "{told}");
    }
}
