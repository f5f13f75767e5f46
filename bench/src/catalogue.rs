//! The catalogue and the benchmark's own policies: the vendor's lists of allowed flavors and
//! images take ten, the mix has twelve and twenty; its names are matched by a regular expression.

use std::sync::LazyLock;

use anyhow::{Context as _, Result, anyhow};
use ruleward_policy::{Catalogue, PolicyDefinition};

const OWN: [&str; 5] = [
    include_str!("../policies/allowed-flavors.yaml"),
    include_str!("../policies/allowed-images.yaml"),
    include_str!("../policies/name-expression.yaml"),
    include_str!("../policies/password-length.yaml"),
    include_str!("../policies/volume-size.yaml"),
];

/// The predefined policies and the benchmark's own.
pub fn catalogue() -> Result<&'static Catalogue> {
    static ALL: LazyLock<Result<Catalogue, String>> = LazyLock::new(|| {
        let own = OWN
            .iter()
            .map(|text| PolicyDefinition::from_yaml(text).map_err(|e| e.message))
            .collect::<Result<Vec<_>, String>>()?;
        ruleward_policy::catalogue().with(own).map_err(|clash| clash.to_string())
    });
    ALL.as_ref().map_err(|told| anyhow!("{told}"))
}

/// The policy of that name.
pub fn definition(name: &str) -> Result<&'static PolicyDefinition> {
    catalogue()?.by_name(name).with_context(|| format!("no policy is called {name}"))
}
