//! The environment of a function: ours alone, and the vendor's SDK finds this server in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::sandbox::File;

/// The regions that the vendor's SDKs know. Functions name one; all of them lead here.
const REGIONS: &[&str] = &[
    "ae-ad-1",
    "af-north-1",
    "af-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "cn-east-2",
    "cn-east-3",
    "cn-east-4",
    "cn-east-5",
    "cn-north-1",
    "cn-north-11",
    "cn-north-12",
    "cn-north-2",
    "cn-north-4",
    "cn-north-9",
    "cn-south-1",
    "cn-south-2",
    "cn-south-4",
    "cn-southwest-2",
    "cn-southwest-3",
    "eu-west-0",
    "eu-west-101",
    "la-north-2",
    "la-south-2",
    "me-east-1",
    "my-kualalumpur-1",
    "na-mexico-1",
    "ru-moscow-1",
    "ru-northwest-2",
    "sa-brazil-1",
    "tr-west-1",
];
const REGION_CONFIG: &str = "HUAWEICLOUD_SDK_REGION_CONFIG_";
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The variables that a process starts with.
pub(super) fn variables(endpoint: &str, ca_file: Option<&Path>) -> Vec<(String, String)> {
    let mut variables = vec![
        ("PATH".to_owned(), PATH.to_owned()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
        // Where the SDK asks which account a key belongs to.
        ("HUAWEICLOUD_SDK_IAM_ENDPOINT".to_owned(), endpoint.to_owned()),
        ("HUAWEICLOUD_SDK_STS_ENDPOINT".to_owned(), endpoint.to_owned()),
    ];
    variables.extend(REGIONS.iter().map(|region| (variable(region), endpoint.to_owned())));
    if let Some(file) = ca_file {
        for name in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
            variables.push((name.to_owned(), file.display().to_string()));
        }
    }
    variables
}

/// The variables that an event adds: the region of the function, should nobody know it.
pub(super) fn of_event(region: &str, endpoint: &str) -> BTreeMap<String, String> {
    let mut added = BTreeMap::new();
    if !region.is_empty() {
        added.insert(variable(region), endpoint.to_owned());
    }
    added
}

/// The file in which the SDK looks for regions, should a function clear its environment.
pub(super) fn regions_file(endpoint: &str) -> File {
    let mut text = "CONFIG:\n".to_owned();
    // A string of JSON is one of YAML, whatever is in it.
    let endpoint = serde_json::Value::from(endpoint).to_string();
    for region in REGIONS {
        let _ = writeln!(text, "  - id: {region}\n    endpoint: {endpoint}");
    }
    File { path: ".huaweicloud/regions.yaml".into(), text }
}

fn variable(region: &str) -> String {
    format!("{REGION_CONFIG}{}", region.replace('-', "_").to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_spelled_as_the_sdk_spells_it() {
        assert_eq!(variable("cn-north-4"), "HUAWEICLOUD_SDK_REGION_CONFIG_CN_NORTH_4");
        assert!(of_event("", "http://x").is_empty());
        assert!(regions_file("http://x:1").text.contains("id: eu-west-101\n    endpoint: \"http"));
    }
}
