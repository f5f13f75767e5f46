//! Policies without a verdict.

use ruleward_core::UncoveredPolicy;
use serde::Serialize;

/// The policies that need what no resource has.
#[derive(Debug, Serialize)]
pub(crate) struct CoverageAnswer<'a> {
    value: Vec<UncoveredAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct UncoveredAnswer<'a> {
    policy_definition_id: &'a str,
    name: &'a str,
    resource_types: Vec<String>,
    resources: u64,
    missing: &'a [String],
}

impl<'a> From<&'a [UncoveredPolicy]> for CoverageAnswer<'a> {
    fn from(uncovered: &'a [UncoveredPolicy]) -> Self {
        let row = |of: &'a UncoveredPolicy| UncoveredAnswer {
            policy_definition_id: &of.definition.id,
            name: &of.definition.name,
            resource_types: of
                .definition
                .default_resource_types
                .iter()
                .map(|of| format!("{}.{}", of.provider, of.kind))
                .collect(),
            resources: of.resources,
            missing: &of.missing,
        };
        Self { value: uncovered.iter().map(row).collect() }
    }
}
