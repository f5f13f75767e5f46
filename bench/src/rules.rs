//! Rule sets over the catalogue.

use anyhow::{Context as _, Result};
use ruleward_core::NewPolicyAssignment;
use ruleward_types::{AssignmentKind, FilterTag, PolicyFilter, PolicyFilterV2, Tag};
use serde_json::{Value, json};

use crate::catalogue;
use crate::properties::FLAVORS;
use crate::rule_table::{Entry, NARROWED, TYPED, UNFILTERED, images, some_of};

const REGIONS: [&str; 5] =
    ["cn-north-4", "cn-east-3", "cn-south-1", "ap-southeast-1", "eu-west-101"];
/// Without a common divisor with the number of typed policies, so each is met once.
const STEP: usize = 31;

/// So many rules over the catalogue: exactly three without filter over all types, then others
/// for all types narrowed by region and tag among such for one type each. From the 101st on
/// the policies come again with other parameters and narrowed.
///
/// The same `count` gives the same rules, and a longer set begins with the shorter ones.
pub fn rules(count: usize) -> Vec<NewPolicyAssignment> {
    let round_length = TYPED.len() + NARROWED.len();
    (0..count)
        .filter_map(|n| {
            if let Some((name, parameters)) = UNFILTERED.get(n) {
                return rule(name, n, None, parameters(0)).ok();
            }
            let (round, place) =
                ((n - UNFILTERED.len()) / round_length, (n - UNFILTERED.len()) % round_length);
            let ((name, parameters), is_narrowed) = entry(place)?;
            let is_narrowed = is_narrowed || round > 0 || place % 6 == 5;
            rule(name, n, is_narrowed.then(|| filter(n)), parameters(round)).ok()
        })
        .collect()
}

/// A policy of a round, and whether it is for all types: one such after six others.
fn entry(place: usize) -> Option<(&'static Entry, bool)> {
    let before = (place / 7).min(NARROWED.len());
    if place % 7 == 6 && before < NARROWED.len() {
        return NARROWED.get(before).map(|entry| (entry, true));
    }
    let typed = place - before;
    if typed >= TYPED.len() {
        return NARROWED.last().map(|entry| (entry, true));
    }
    TYPED.get(typed * STEP % TYPED.len()).map(|entry| (entry, false))
}

fn filter(n: usize) -> PolicyFilterV2 {
    let values =
        some_of(&["prod", "staging", "dev"], n, 1).into_iter().map(str::to_owned).collect();
    PolicyFilterV2 {
        region_ids: some_of(&REGIONS, n, 1).into_iter().map(str::to_owned).collect(),
        tags: if n.is_multiple_of(3) {
            vec![FilterTag { key: "env".to_owned(), values }]
        } else {
            Vec::new()
        },
        ..PolicyFilterV2::default()
    }
}

/// So many rules of which twenty are over all types without filter: every resource is in the
/// scope of at least these.
pub fn broad(count: usize) -> Result<Vec<NewPolicyAssignment>> {
    let keys = ["env", "team", "cost-center"];
    (0..count)
        .map(|n| match n {
            0..12 => {
                let key = some_of(&keys, n, 1).concat();
                let values =
                    some_of(&["prod", "staging", "payments", "search", "cc-1"], n / 3, n / 3);
                let parameters = json!({ "specifiedTagKey": key, "specifiedTagValue": values });
                rule("required-tag-check", n, None, parameters)
            }
            12..18 => {
                let patterns = ["%-%-%", "%-%", "p%", "%s-%", "_%-_%", "%1%"];
                let parameters = json!({ "regularExpression": some_of(&patterns, n, 1).concat() });
                rule("regular-matching-of-names", n, None, parameters)
            }
            18 => rule("resource-tag-not-empty", n, None, json!({})),
            19 => {
                rule("required-all-tags", n, None, json!({ "specifiedTagKeys": ["env", "team"] }))
            }
            _ => {
                let (name, parameters) = TYPED.get(n * STEP % TYPED.len()).context("a policy")?;
                rule(name, n, None, parameters(n / TYPED.len()))
            }
        })
        .collect()
}

/// The mix of ten policies of which every engine judges the same, p1 to p10. What stands in
/// lists and expressions differs by variant; paths do not.
pub fn mix(variant: u32) -> Result<Vec<NewPolicyAssignment>> {
    mix_table(variant)
        .into_iter()
        .enumerate()
        .map(|(n, (name, parameters))| rule(name, n, None, parameters))
        .collect()
}

/// The parameters of the mix under the names that the peers know them by.
pub fn mix_parameters(variant: u32) -> Value {
    let from = usize::try_from(variant).unwrap_or(0);
    let teams = [
        "payments|search|platform|data|mobile|risk",
        "payments|platform|mobile|data|risk",
        "[a-z]{4,8}",
        "pay[a-z]+|search|data|[a-m]+|risk",
    ];
    let team = some_of(&teams, from, 1).concat();
    json!({
        "tag_key": "env",
        "tag_values": some_of(&["prod", "staging", "dev", "test"], from, 2),
        "flavors": some_of(FLAVORS, from, 12),
        "images": images(from, 20),
        "expression": format!("^({team})-[a-zA-Z]+-[0-9]{{1,{}}}$", 5 + from / teams.len()),
        "least": 8 + variant % 8,
        "port": 22,
    })
}

fn mix_table(variant: u32) -> Vec<(&'static str, Value)> {
    let of = mix_parameters(variant);
    let get = |name: &str| of.get(name).cloned().unwrap_or_default();
    vec![
        ("volume-unused-check", json!({})),
        ("volumes-encrypted-check", json!({})),
        (
            "required-tag-check",
            json!({ "specifiedTagKey": get("tag_key"), "specifiedTagValue": get("tag_values") }),
        ),
        ("bench-allowed-flavors", json!({ "flavors": get("flavors") })),
        ("bench-allowed-images", json!({ "images": get("images") })),
        ("bench-name-expression", json!({ "expression": get("expression") })),
        ("iam-user-mfa-enabled", json!({})),
        ("rds-instance-no-public-ip", json!({})),
        ("vpc-sg-restricted-ssh", json!({})),
        ("bench-password-length", json!({ "least": get("least") })),
    ]
}

/// A rule that binds a policy; its name ends with its number.
pub fn rule(
    policy: &str,
    n: usize,
    filter_v2: Option<PolicyFilterV2>,
    parameters: Value,
) -> Result<NewPolicyAssignment> {
    let definition = catalogue::definition(policy)?;
    let Value::Object(parameters) = parameters else {
        anyhow::bail!("the parameters of {policy} are no object");
    };
    Ok(NewPolicyAssignment {
        kind: AssignmentKind::Builtin,
        name: format!("{policy}-{n}"),
        description: None,
        filter: PolicyFilter::default(),
        filter_v2,
        period: None,
        policy_definition_id: Some(definition.id.clone()),
        custom_policy: None,
        parameters,
        tags: vec![Tag { key: "team".to_owned(), value: format!("t{}", n % 10) }],
    })
}

/// A rule set as JSON, one object a rule, for those who judge by hand.
pub fn described(rules: &[NewPolicyAssignment]) -> Result<Vec<Value>> {
    rules
        .iter()
        .map(|rule| {
            let id = rule.policy_definition_id.as_deref().unwrap_or_default();
            let definition = catalogue::catalogue()?.get(id).context("a policy is not known")?;
            let types: Vec<String> =
                definition.default_resource_types.iter().map(|of| format!("{}.{}", of.provider, of.kind)).collect();
            let filter = rule.filter_v2.as_ref().map(|filter| {
                json!({ "regions": filter.region_ids,
                    "tags": filter.tags.iter().map(|tag| json!({ "key": tag.key, "values": tag.values })).collect::<Vec<_>>() })
            });
            Ok(json!({ "name": rule.name, "policy": definition.name, "types": types,
                "filter": filter, "parameters": rule.parameters }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use ruleward_policy::{Environment, Outcome, ProgramSet, Scratch};

    use super::*;
    use crate::inventory;

    #[test]
    fn sets_are_whole_and_begin_alike() {
        for count in [10, 20, 100, 500] {
            let set = rules(count);
            assert_eq!(set.len(), count);
            let names: BTreeSet<_> = set.iter().map(|rule| rule.name.clone()).collect();
            assert_eq!(names.len(), count);
            assert_eq!(
                rules(10).iter().map(|r| r.name.clone()).collect::<Vec<_>>(),
                set.iter().take(10).map(|r| r.name.clone()).collect::<Vec<_>>()
            );
        }
        let policies: BTreeSet<_> =
            rules(100).into_iter().map(|rule| rule.policy_definition_id).collect();
        assert!(policies.len() > 90, "{}", policies.len());
        let set = described(&rules(100)).unwrap();
        let open = set
            .iter()
            .filter(|rule| rule["types"] == json!([]) && rule["filter"].is_null())
            .count();
        assert_eq!(open, 3);
    }

    struct Nothing;

    impl Environment for Nothing {
        fn now_ms(&self) -> i64 {
            1_790_000_000_000
        }

        fn recorder_enabled(&self) -> Option<bool> {
            Some(true)
        }

        fn resources(&self, _: &str) -> Result<std::sync::Arc<[std::sync::Arc<[u8]>]>, String> {
            Err("not here".to_owned())
        }
    }

    #[test]
    fn every_rule_reaches_both_verdicts_and_none_is_undetermined() {
        let mut all = rules(100);
        all.extend(mix(0).unwrap());
        let programs: Vec<_> = all
            .iter()
            .map(|rule| {
                let id = rule.policy_definition_id.as_deref().unwrap();
                let definition = catalogue::catalogue().unwrap().get(id).unwrap();
                let bound = definition.bind_parameters(&rule.parameters).unwrap();
                std::sync::Arc::new(definition.policy.compile(&bound).unwrap())
            })
            .collect();
        let set = ProgramSet::new(&programs);
        let (mut scratch, mut outcomes) = (Scratch::new(), Vec::new());
        let mut violations: HashMap<&str, u32> = HashMap::new();
        for n in 0..20_000 {
            let body = serde_json::to_vec(&inventory::resource(1, n)).unwrap();
            set.evaluate(&mut scratch, &body, &Nothing, &mut outcomes);
            for (rule, outcome) in all.iter().zip(&outcomes) {
                assert!(!matches!(outcome, Outcome::Undetermined(_)), "{}: {outcome:?}", rule.name);
                if matches!(outcome, Outcome::NonCompliant) {
                    *violations.entry(rule.name.as_str()).or_default() += 1;
                }
            }
        }
        let never: Vec<_> = all
            .iter()
            .filter(|rule| !violations.contains_key(rule.name.as_str()))
            .map(|r| &r.name)
            .collect();
        assert!(never.len() <= 3, "{never:?}");
    }
}
