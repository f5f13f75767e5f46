//! The users' own policies: YAML files of a folder, read beside the predefined ones.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use ruleward_policy::{Catalogue, PolicyDefinition, catalogue};
use ruleward_types::ids::is_word_or_dash;

/// The folder beside the store.
pub const FOLDER: &str = "policies";
/// Longest id that the wire's paths take.
const LONGEST_ID: usize = 36;

/// The predefined policies and those of a folder; a faulty file is told with its place.
pub fn catalogue_with(folder: Option<&Path>) -> anyhow::Result<&'static Catalogue> {
    let Some(folder) = folder else { return Ok(catalogue()) };
    let files = files(folder)?;
    let own = files.iter().map(|file| read(file)).collect::<anyhow::Result<Vec<_>>>()?;
    let all = catalogue().with(own).map_err(|clash| {
        let file = files.get(clash.place).map_or(folder, PathBuf::as_path);
        let line = fs::read_to_string(file).map_or(1, |text| line_of(&text, clash.what));
        anyhow!("{}:{line}:1: {clash}", file.display())
    })?;
    // Leaked on purpose: it is read once and lives as long as the process, and what shows or
    // judges by a definition borrows it for that long, as it does the predefined ones.
    Ok(Box::leak(Box::new(all)))
}

/// The folder that is named, else the one beside the store if it is there.
pub fn folder(named: Option<&Path>, data: &Path) -> Option<PathBuf> {
    named.map(Path::to_owned).or_else(|| Some(data.join(FOLDER)).filter(|path| path.is_dir()))
}

/// A policy from a file.
pub fn read(file: &Path) -> anyhow::Result<PolicyDefinition> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    let definition = PolicyDefinition::from_yaml(&text).map_err(|error| {
        let (line, column, message) = (error.line, error.column, error.message);
        anyhow!("{shown}:{line}:{column}: {message}")
    })?;
    let id = &definition.id;
    if id.is_empty() || id.len() > LONGEST_ID || !id.chars().all(is_word_or_dash) {
        let line = line_of(&text, "id");
        bail!("{shown}:{line}:1: an id has up to {LONGEST_ID} letters, digits, `_` and `-`");
    }
    Ok(definition)
}

/// All policies of a folder and the folders in it, in the order of their names.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let cannot = || format!("cannot read the folder of policies {}", next.display());
        for entry in fs::read_dir(&next).with_context(cannot)? {
            let path = entry.with_context(cannot)?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|of| of == "yaml" || of == "yml") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The line of a key of the file's top.
fn line_of(text: &str, key: &str) -> usize {
    let is_it = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
    text.lines().position(is_it).map_or(1, |place| place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
name: own
display_name: Own
description: Own.
trigger_type: resource
policy_rule: {value: '${resource().name}', comparator: equals, pattern: ''}
";

    fn told(files: &[(&str, &str)]) -> Result<usize, String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let all = catalogue_with(Some(dir.path())).map_err(|error| format!("{error:#}"))?;
        Ok(all.list().len() - catalogue().list().len())
    }

    #[test]
    fn own_policies_join_the_predefined_ones() {
        assert_eq!(told(&[]), Ok(0));
        let other = GOOD.replace("name: own", "name: other\nid: my-own_id");
        assert_eq!(told(&[("a.yaml", GOOD), ("deep/b.yml", &other), ("c.txt", "x")]), Ok(2));
    }

    #[test]
    fn faults_have_a_place() {
        for (text, words) in [
            (GOOD.replace("equals", "equal"), "a.yaml:5:"),
            (GOOD.replace("name: own", "name: volume-unused-check"), "a.yaml:1:1: the name"),
            (format!("{GOOD}id: 5fa36558aa1e6afc05a3d0a7\n"), "a.yaml:6:1: the id"),
            (format!("{GOOD}id: a b\n"), "a.yaml:6:1: an id"),
            (format!("{GOOD}colour: red\n"), "a.yaml:6:1"),
        ] {
            let told = told(&[("a.yaml", &text)]).unwrap_err();
            assert!(told.contains(words), "{words}: {told}");
        }
        assert!(catalogue_with(Some(Path::new("/nowhere"))).is_err());
    }
}
