//! The rules of the sample.

use ruleward_core::NewPolicyAssignment;
use ruleward_types::{AssignmentKind, FilterTag, Period, PolicyFilter, PolicyFilterV2, Tag};
use serde_json::{Map, Value, json};

use super::inventory::services::AUDIT_BUCKET;
use super::inventory::{HOME, Inventory};

/// A dozen and one.
pub fn rules(inventory: &Inventory) -> Vec<NewPolicyAssignment> {
    let allowed: Vec<&String> = inventory.images.iter().take(3).collect();
    vec![
        Draft::new("disks-are-encrypted", "volumes-encrypted-check", "security")
            .says("Every disk that is attached to a server is encrypted.")
            .build(),
        Draft::new("disks-are-in-use", "volume-unused-check", "cost")
            .says("A disk that is attached to nothing costs money.")
            .build(),
        Draft::new("disks-of-allowed-specifications", "allowed-volume-specs", "cost")
            .parameter("listOfAllowedSpecs", json!(["SSD", "ESSD", "SAS", "SATA"]))
            .build(),
        Draft::new("servers-of-allowed-flavors", "allowed-ecs-flavors", "cost")
            .parameter(
                "listOfAllowedFlavors",
                json!(["s7.large.2", "s7.xlarge.2", "c7.2xlarge.2", "m7.xlarge.8", "s3.small.1"]),
            )
            .build(),
        Draft::new("servers-from-golden-images", "allowed-images-by-id", "security")
            .parameter("listOfAllowedImages", json!(allowed))
            .build(),
        Draft::new("servers-without-public-addresses", "ecs-instance-no-public-ip", "security")
            .says("Only bastions may be reached from the internet.")
            .filter(PolicyFilterV2 {
                resource_types: vec!["ecs.cloudservers".to_owned()],
                exclude_tags: vec![tag("role", &["bastion"])],
                ..PolicyFilterV2::default()
            })
            .build(),
        Draft::new("production-servers-in-their-network", "ecs-instance-in-vpc", "security")
            .parameter("vpcId", json!(inventory.production_vpc()))
            .filter(PolicyFilterV2 {
                region_ids: vec![HOME.to_owned()],
                resource_types: vec!["ecs.cloudservers".to_owned()],
                tags: vec![tag("environment", &["production"])],
                ..PolicyFilterV2::default()
            })
            .build(),
        Draft::new("public-addresses-are-bound", "eip-unbound-check", "cost").build(),
        Draft::new("everything-has-a-team", "required-tag-check", "ownership")
            .says("Somebody has to answer for it.")
            .parameter("specifiedTagKey", json!("team"))
            .parameter("specifiedTagValue", json!([]))
            .filter(PolicyFilterV2 {
                tags: vec![tag("environment", &[])],
                ..PolicyFilterV2::default()
            })
            .build(),
        Draft::new("production-has-a-cost-center", "required-tag-check", "ownership")
            .parameter("specifiedTagKey", json!("cost-center"))
            .parameter(
                "specifiedTagValue",
                json!(["cc-1001", "cc-1002", "cc-1003", "cc-1004", "cc-1005"]),
            )
            .filter(PolicyFilterV2 {
                tags: vec![tag("environment", &["production"])],
                ..PolicyFilterV2::default()
            })
            .build(),
        Draft::new("audit-bucket-is-tracked", "cts-obs-bucket-track", "audit")
            .parameter("trackBucket", json!(AUDIT_BUCKET))
            .every(Period::OneHour)
            .build(),
        Draft::new("access-keys-are-rotated", "access-keys-rotated", "security")
            .parameter("maxAccessKeyAge", json!(90))
            .every(Period::TwentyFourHours)
            .build(),
        Draft::new("recorder-is-on", "tracker-config-enabled-check", "audit")
            .every(Period::TwentyFourHours)
            .build(),
    ]
}

struct Draft(NewPolicyAssignment);

impl Draft {
    /// A rule by a policy of that name.
    fn new(name: &str, policy: &str, theme: &str) -> Self {
        let definition = ruleward_policy::catalogue().by_name(policy);
        Self(NewPolicyAssignment {
            kind: AssignmentKind::Builtin,
            name: name.to_owned(),
            description: None,
            filter: PolicyFilter::default(),
            filter_v2: None,
            period: None,
            // A name that the catalogue does not have is refused where the rule is made.
            policy_definition_id: Some(
                definition.map_or_else(|| policy.to_owned(), |definition| definition.id.clone()),
            ),
            custom_policy: None,
            parameters: Map::new(),
            tags: vec![Tag { key: "theme".to_owned(), value: theme.to_owned() }],
        })
    }

    fn says(mut self, description: &str) -> Self {
        self.0.description = Some(description.to_owned());
        self
    }

    fn parameter(mut self, name: &str, value: Value) -> Self {
        self.0.parameters.insert(name.to_owned(), value);
        self
    }

    fn filter(mut self, filter: PolicyFilterV2) -> Self {
        self.0.filter_v2 = Some(filter);
        self
    }

    fn every(mut self, period: Period) -> Self {
        self.0.period = Some(period);
        self
    }

    fn build(self) -> NewPolicyAssignment {
        self.0
    }
}

fn tag(key: &str, values: &[&str]) -> FilterTag {
    FilterTag { key: key.to_owned(), values: values.iter().map(|of| (*of).to_owned()).collect() }
}

#[cfg(test)]
mod tests {
    use ruleward_types::Timestamp;

    use super::super::inventory::SEED;
    use super::*;

    #[test]
    fn every_policy_is_there() {
        let rules = rules(&Inventory::invent(Timestamp::default(), SEED));
        assert!(rules.len() >= 12);
        for rule in rules {
            let id = rule.policy_definition_id.unwrap();
            assert_eq!(id.len(), 24, "{}: {id}", rule.name);
        }
    }
}
