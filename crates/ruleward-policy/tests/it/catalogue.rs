//! The catalogue as a whole.

use std::collections::HashSet;
use std::fmt::Write;

use ruleward_policy::{Provenance, Subject, TriggerType, catalogue};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The documented rules, byte for byte.
const DOCUMENTED: &str = include_str!("../data/documented_rules.json");

#[test]
fn it_can_be_read_and_is_sorted() {
    assert!(catalogue().faults().is_empty(), "{:?}", catalogue().faults());
    assert!(catalogue().list().len() >= 12);
    let ids: Vec<_> = catalogue().list().iter().map(|definition| &definition.id).collect();
    assert!(ids.is_sorted());
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    for definition in catalogue().list() {
        assert!(std::ptr::eq(catalogue().get(&definition.id).unwrap(), definition));
        assert_eq!(definition.id.len(), 24);
        assert!(definition.name.len() <= 64 && definition.display_name.en.len() <= 64);
        assert_eq!(definition.content_hash.len(), 64);
        for text in [&definition.description, &definition.display_name] {
            assert!(!text.en.is_empty() && !text.zh.is_empty());
        }
        assert!(definition.description.en.chars().count() <= 512);
    }
    assert!(catalogue().get("").is_none());
    assert!(catalogue().get("ffffffffffffffffffffffff").is_none());
}

#[test]
fn documented_rules_stand_as_documented() {
    let documented: Value = serde_json::from_str(DOCUMENTED).unwrap();
    let documented = documented.as_object().unwrap();
    assert_eq!(documented.len(), 9);
    for (name, entry) in documented {
        let definition = catalogue().by_name(name).unwrap();
        assert_eq!(definition.id, entry["id"].as_str().unwrap());
        assert_eq!(definition.provenance, Provenance::Documented);
        // As text: the order of keys counts too.
        assert_eq!(definition.policy_rule.to_string(), entry["policy_rule"].to_string(), "{name}");
    }
}

#[test]
fn other_ids_come_from_the_name() {
    let documented: Value = serde_json::from_str(DOCUMENTED).unwrap();
    for definition in catalogue().list() {
        let name = &definition.name;
        if documented.get(name).is_some() || name == "cts-obs-bucket-track" {
            continue;
        }
        let hash = Sha256::digest(format!("ruleward.policy.{name}"));
        let mut id = String::new();
        for byte in hash.iter().take(12) {
            write!(id, "{byte:02x}").unwrap();
        }
        assert_eq!(definition.id, id, "{name}");
    }
    let bucket = catalogue().by_name("cts-obs-bucket-track").unwrap();
    assert_eq!(bucket.id, "77982d0e4e8954e37d0f6919");
}

#[test]
fn guards_agree_with_the_default_types() {
    for definition in catalogue().list() {
        let bound = definition.parameters.iter().map(|parameter| {
            (parameter.name.clone(), parameter.default.clone().unwrap_or_default())
        });
        let program = definition.policy.compile(&bound.collect()).unwrap();
        let types: Vec<_> = definition
            .default_resource_types
            .iter()
            .map(|wanted| (wanted.provider.clone(), wanted.kind.clone()))
            .collect();
        assert_eq!(program.guards().unwrap_or_default(), types, "{}", definition.name);
        assert_eq!(program.reads_resource(), definition.subject == Subject::Resource);
        if program.reads_recorder() || program.reads_account() {
            assert_eq!(definition.trigger_type, TriggerType::Period, "{}", definition.name);
        }
    }
}
