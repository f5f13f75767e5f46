//! The catalogue as a whole.

use std::collections::HashSet;
use std::fmt::Write;

use ruleward_policy::{Provenance, Subject, TriggerType, catalogue};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The documented rules, byte for byte.
const DOCUMENTED: &str = include_str!("../data/documented_rules.json");

/// Every id that is documented. All others are made from the name.
const DOCUMENTED_IDS: [(&str, &str); 13] = [
    ("access-keys-rotated", "2a2938894ae786dc306a647a"),
    ("allowed-ecs-flavors", "5f8d549bffeecc14f1fb522a"),
    ("allowed-images-by-id", "5fa265c0aa1e6afc05a0ff07"),
    ("allowed-volume-specs", "5fa3a1196eed194ccb2c04d7"),
    ("cts-obs-bucket-track", "77982d0e4e8954e37d0f6919"),
    ("ecs-instance-in-vpc", "5fa265c0aa1e6afc05a0ff10"),
    ("ecs-instance-no-public-ip", "5f8d5428ffeecc14f1fb5205"),
    ("eip-unbound-check", "5fa3a1196eed194ccb2c04d5"),
    ("iam-group-has-users-check", "f7dd9c02266297f6e8c8445e"),
    ("iam-password-policy", "2d8d3502539a623ba1907644"),
    ("required-tag-check", "5fa9f89b6eed194ccb2c04db"),
    ("volume-unused-check", "5fa36558aa1e6afc05a3d0a7"),
    ("volumes-encrypted-check", "5fa365476eed194ccb2c04d1"),
];

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
fn ids_are_documented_or_come_from_the_name() {
    for (name, id) in DOCUMENTED_IDS {
        assert_eq!(catalogue().by_name(name).unwrap().id, id, "{name}");
    }
    for definition in catalogue().list() {
        let name = &definition.name;
        if DOCUMENTED_IDS.iter().any(|(documented, _)| documented == name) {
            continue;
        }
        let hash = Sha256::digest(format!("ruleward.policy.{name}"));
        let mut id = String::new();
        for byte in hash.iter().take(12) {
            write!(id, "{byte:02x}").unwrap();
        }
        assert_eq!(definition.id, id, "{name}");
    }
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
