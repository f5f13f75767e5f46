//! Rule sets over the catalogue.

use ruleward_core::NewPolicyAssignment;
use ruleward_types::{AssignmentKind, FilterTag, PolicyFilter, PolicyFilterV2};
use serde_json::{Value, json};

use crate::inventory::{IMAGES, VPC};

/// Policies with parameters, by name.
fn policies() -> Vec<(&'static str, Value)> {
    vec![
        ("volume-unused-check", json!({})),
        ("volumes-encrypted-check", json!({})),
        ("allowed-volume-specs", json!({ "listOfAllowedSpecs": ["SSD", "GPSSD", "ESSD"] })),
        (
            "allowed-ecs-flavors",
            json!({ "listOfAllowedFlavors": ["s6.small.1", "s6.large.2", "c6.xlarge.2"] }),
        ),
        ("allowed-images-by-id", json!({ "listOfAllowedImages": IMAGES })),
        ("ecs-instance-in-vpc", json!({ "vpcId": VPC })),
        ("ecs-instance-no-public-ip", json!({})),
        ("eip-unbound-check", json!({})),
        (
            "required-tag-check",
            json!({ "specifiedTagKey": "env", "specifiedTagValue": ["prod", "staging"] }),
        ),
        ("required-tag-check", json!({ "specifiedTagKey": "team", "specifiedTagValue": [] })),
    ]
}

/// So many rules: the policies over and over, later rounds with filters by region and tag.
pub fn rules(count: usize) -> Vec<NewPolicyAssignment> {
    let policies = policies();
    let regions = ["cn-north-4", "cn-east-3", "cn-south-1", "ap-southeast-1", "eu-west-101"];
    (0..count)
        .filter_map(|n| {
            let round = n / policies.len();
            let (name, parameters) = policies.get(n % policies.len())?;
            let definition = ruleward_policy::catalogue().by_name(name)?;
            let filter_v2 = (round > 0).then(|| PolicyFilterV2 {
                region_ids: regions
                    .get(round % regions.len())
                    .map(|r| (*r).to_owned())
                    .into_iter()
                    .collect(),
                tags: if round.is_multiple_of(2) {
                    vec![FilterTag { key: "env".to_owned(), values: vec!["prod".to_owned()] }]
                } else {
                    Vec::new()
                },
                ..PolicyFilterV2::default()
            });
            Some(NewPolicyAssignment {
                kind: AssignmentKind::Builtin,
                name: format!("{name}-{n}"),
                description: None,
                filter: PolicyFilter::default(),
                filter_v2,
                period: None,
                policy_definition_id: Some(definition.id.clone()),
                custom_policy: None,
                parameters: parameters.as_object().cloned().unwrap_or_default(),
                tags: Vec::new(),
            })
        })
        .collect()
}
