//! Definitions out of YAML files, at run time.

use ruleward_policy::{PolicyDefinition, Provenance, Subject, Verdict, run_cases};

/// The smallest file.
const FILE: &str = r#"
name: my-policy
display_name: Mine
description: {en: "In English", zh: "中文"}
trigger_type: resource
parameters:
  wanted:
    type: Array
    description: Wanted values
    default: [a, "b"]
needs: [properties.a, "tags['x y']"]
policy_rule:
  allOf:
    - {value: "${resource().properties.a}", comparator: notIn, pattern: "${parameters('wanted')}"}
cases:
  - name: wanted
    resource: {properties: {a: b}, tags: {x y: 1}}
    expect: compliant
  - name: not wanted
    resource: {properties: {a: c}, tags: {x y: 1.50}}
    expect: non-compliant
  - name: missing
    resource: {}
    expect: undetermined
"#;

#[test]
fn a_file_becomes_a_definition() {
    let definition = PolicyDefinition::from_yaml(FILE).unwrap();
    assert_eq!(definition.display_name.zh, "Mine");
    assert_eq!(definition.description.zh, "中文");
    assert_eq!(definition.provenance, Provenance::Derived);
    assert_eq!(definition.subject, Subject::Resource);
    assert_eq!(definition.id.len(), 24);
    assert_eq!(definition.cases().len(), 3);
    assert_eq!(definition.cases()[2].expect, Verdict::Undetermined);
    let report = run_cases(&definition, definition.cases());
    assert!(report.passed(), "{report:?}");
}

#[test]
fn every_fault_names_its_place() {
    let place = |from: &str, to: &str| {
        assert!(FILE.contains(from), "{from}");
        let error = PolicyDefinition::from_yaml(&FILE.replacen(from, to, 1)).unwrap_err();
        (error.line, error.column, error.message)
    };
    let known: &[(&str, &str, u32, u32, &str)] = &[
        ("name: my-policy", "name: [my", 3, 13, "illegal placement"),
        ("name: my-policy", "name: ''", 2, 7, "1 to 64"),
        ("name: my-policy", "nam: my-policy", 2, 1, "unknown field `nam`"),
        ("name: my-policy", "name: 7", 2, 7, "expected a string"),
        ("name: my-policy", "name: &a my-policy", 2, 7, "anchors are not used"),
        ("display_name: Mine", "display_name: !x Mine", 3, 15, "tags are not used"),
        ("display_name: Mine", "name: Mine", 3, 1, "key `name` is given twice"),
        ("trigger_type: resource", "trigger_type: never", 5, 15, "unknown variant"),
        ("type: Array", "type: List", 8, 5, "unknown variant"),
        ("default: [a, \"b\"]", "default: 7", 8, 5, "expected a list"),
        ("  wanted:", "  other:", 8, 5, "`other` is not used"),
        ("[a, \"b\"]", "[0x1F]", 10, 15, "write `0x1F` as JSON does"),
        ("tags['x y']", "tags['x y", 11, 29, "quoted string"),
        ("properties.a,", "properties..a,", 11, 20, "expected a name after"),
        ("comparator: notIn", "comparator: isIn", 14, 57, "unknown comparator"),
        ("resource().properties.a", "resource().properties.", 14, 40, "expected a name"),
        ("${resource().properties.a}", "${resorce().a}", 14, 18, "unknown function"),
        (
            "parameters('wanted')",
            "[parameters('wanted'), parameters('x')]",
            14,
            99,
            "`x` is not declared",
        ),
        ("expect: compliant", "expect: fine", 18, 13, "unknown variant"),
        ("resource: {}", "resorce: {}", 23, 5, "unknown field"),
    ];
    let mut faults = Vec::new();
    for (from, to, line, column, message) in known {
        let found = place(from, to);
        if (found.0, found.1) != (*line, *column) || !found.2.contains(message) {
            faults.push(format!("{to}: {found:?}, not {line}, {column}, {message}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(PolicyDefinition::from_yaml("").is_err());
    assert!(PolicyDefinition::from_yaml("- a").is_err());
    assert!(PolicyDefinition::from_yaml("a: 1\n---\nb: 2").is_err());
    let deep = format!("name: {}", "[".repeat(100_000));
    assert!(PolicyDefinition::from_yaml(&deep).is_err());
    let blocks = format!("{}x", "- ".repeat(1_000));
    assert!(PolicyDefinition::from_yaml(&blocks).is_err());
}
