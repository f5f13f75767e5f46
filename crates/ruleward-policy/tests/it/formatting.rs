//! The one form of a policy file.

use std::path::{Path, PathBuf};

use ruleward_policy::{PolicyDefinition, format};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn the_meaning_of_every_file_stays() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies"), &mut found);
    assert!(!found.is_empty());
    let mut faults = Vec::new();
    for file in found {
        let text = std::fs::read_to_string(&file).unwrap();
        let before = match PolicyDefinition::from_yaml(&text) {
            Ok(definition) => definition,
            Err(error) => {
                faults.push(format!("{}: {error}", file.display()));
                continue;
            }
        };
        // A file with comments inside is refused, and stays as it is.
        let Ok(formatted) = format(&text) else { continue };
        let after = PolicyDefinition::from_yaml(&formatted).unwrap();
        assert_eq!(before.content_hash, after.content_hash, "{}", file.display());
        assert_eq!(before.cases(), after.cases(), "{}", file.display());
        assert_eq!(before.policy_rule.to_string(), after.policy_rule.to_string());
        assert_eq!((&before.id, &before.description), (&after.id, &after.description));
        assert_eq!(format(&formatted).unwrap(), formatted, "{}", file.display());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn files_of_the_house_are_in_form() {
    for name in
        ["ecs/ecs-instance-no-public-ip", "tag/required-tag-check", "evs/volume-unused-check"]
    {
        let file =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../policies/{name}.yaml"));
        let text = std::fs::read_to_string(file).unwrap();
        let formatted = format(&text).unwrap();
        for (number, (is, should)) in text.lines().zip(formatted.lines()).enumerate() {
            assert_eq!(is, should, "{name}, line {}", number + 1);
        }
        assert_eq!(text, formatted);
    }
}

#[test]
fn comments_are_kept_or_refused() {
    let file = "policy_rule: {value: 1, comparator: equals, pattern: \"a # b\"}\nname: x\ntrigger_type: resource\ndescription: 'it''s'\ndisplay_name: D\n";
    let expected = "name: x\ndisplay_name: \"D\"\ndescription: \"it's\"\ntrigger_type: resource\npolicy_rule:\n  value: 1\n  comparator: \"equals\"\n  pattern: \"a # b\"\n";
    assert_eq!(format(file).unwrap(), expected);
    let header = "# One\n\n# Two\n";
    assert_eq!(format(&format!("{header}{file}")).unwrap(), format!("{header}{expected}"));
    let inside = format(&file.replace("name: x\n", "name: x # here\n")).unwrap_err();
    assert_eq!((inside.line, inside.column), (2, 9));
    assert!(format("name: x").is_err());
}
