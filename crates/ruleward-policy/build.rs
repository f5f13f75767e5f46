//! Turns the catalogue of policies (YAML, for people) into JSON that is compiled in, and checks its form.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value};

#[expect(dead_code, reason = "the library uses the places")]
#[path = "src/yaml.rs"]
mod yaml;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../policies");
    println!("cargo::rerun-if-changed={}", root.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/yaml.rs");
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let (mut catalogue, mut cases) = (Vec::new(), Vec::new());
    for file in files {
        let (definition, examples) =
            read(&file).map_err(|fault| format!("{}: {fault}", file.display()))?;
        catalogue.push(definition);
        cases.push(examples);
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("catalogue.json"), serde_json::to_vec(&catalogue)?)?;
    fs::write(out.join("cases.json"), serde_json::to_vec(&cases)?)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}

/// A definition without its cases, and the cases with the name of their policy.
fn read(file: &Path) -> Outcome<(Value, Value)> {
    let text = fs::read_to_string(file)?;
    let node = yaml::read(&text).map_err(|fault| {
        format!("line {}, column {}: {}", fault.line, fault.column, fault.message)
    })?;
    let Value::Object(mut definition) = node.to_value() else {
        return Err("a mapping is expected".into());
    };
    let name = definition.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if file.file_stem().and_then(|stem| stem.to_str()) != Some(name.as_str()) {
        return Err(format!("the policy's name `{name}` is not the file's name").into());
    }
    let cases = definition.shift_remove("cases").unwrap_or_default();
    if cases.as_array().is_none_or(Vec::is_empty) {
        return Err("a policy needs cases".into());
    }
    let mut examples = Map::new();
    examples.insert("policy".to_owned(), Value::String(name));
    examples.insert("cases".to_owned(), cases);
    Ok((Value::Object(definition), Value::Object(examples)))
}
