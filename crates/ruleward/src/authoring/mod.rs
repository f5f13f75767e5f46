//! What authors of policies need: `ruleward policies test`, `lint`, `fmt` and `add`.

pub mod add;
pub mod fmt;
pub mod lint;
pub mod test;

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::Args;
use ruleward_policy::{PolicyDefinition, catalogue};

use crate::own_policies;

/// The policies that a command is about.
#[derive(Debug, Args)]
pub struct PolicyFiles {
    /// Files of policies, or folders of such.
    #[arg(value_name = "FILE", required_unless_present = "all")]
    files: Vec<PathBuf>,

    /// The predefined policies, too.
    #[arg(long)]
    all: bool,
}

/// A policy and its file; none for the predefined ones.
#[derive(Debug)]
struct Named {
    file: Option<PathBuf>,
    definition: PolicyDefinition,
}

impl Named {
    /// How it is called in what is printed.
    fn shown(&self) -> String {
        match &self.file {
            Some(file) => file.display().to_string(),
            None => self.definition.name.clone(),
        }
    }
}

impl PolicyFiles {
    /// The files, those of folders included.
    fn paths(&self) -> anyhow::Result<Vec<PathBuf>> {
        paths(&self.files)
    }

    /// The policies; every faulty file is told before the command ends.
    fn read(&self) -> anyhow::Result<Vec<Named>> {
        let mut found = Vec::new();
        if self.all {
            found.extend(
                catalogue()
                    .list()
                    .iter()
                    .map(|definition| Named { file: None, definition: definition.clone() }),
            );
            found.sort_by(|a, b| a.definition.name.cmp(&b.definition.name));
        }
        let mut faulty = 0_usize;
        for path in self.paths()? {
            match own_policies::read(&path) {
                Ok(definition) => found.push(Named { file: Some(path), definition }),
                Err(error) => {
                    eprintln!("error: {error:#}");
                    faulty += 1;
                }
            }
        }
        if faulty > 0 {
            bail!("{faulty} of the files hold no policy");
        }
        Ok(found)
    }
}

/// Files, and the files of folders.
fn paths(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in named {
        if path.is_dir() {
            let files = own_policies::files(path)?;
            if files.is_empty() {
                return Err(anyhow!("{} holds no file of a policy", path.display()));
            }
            found.extend(files);
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// A fault at a place of a file, as compilers write it.
fn at(file: &Path, line: u32, column: u32, message: &str) -> String {
    format!("{}:{line}:{column}: {message}", file.display())
}
