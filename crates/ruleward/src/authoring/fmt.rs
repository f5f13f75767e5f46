//! `ruleward policies fmt`: policy files in their one form.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use super::{at, paths};
use crate::failure;
use crate::output::{line, printable};

/// Write policy files in their one form.
///
/// Exit code 0: done, or with --check nothing is to do; 1: with --check, something is; 2: a file
/// holds no policy.
#[derive(Debug, Args)]
pub struct FmtArgs {
    /// Files of policies, or folders of such.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Change nothing, name the files that would change.
    #[arg(long)]
    check: bool,
}

/// Writes them.
pub fn run(args: &FmtArgs) -> anyhow::Result<ExitCode> {
    let (mut changed, mut faulty) = (0_usize, 0_usize);
    for path in paths(&args.files)? {
        match formatted(&path) {
            Ok(None) => {}
            Ok(Some(text)) => {
                changed += 1;
                if !args.check {
                    write(&path, &text)?;
                }
                line(&printable(&path.display().to_string()))?;
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                faulty += 1;
            }
        }
    }
    if faulty > 0 {
        bail!("{faulty} of the files hold no policy that can be formatted");
    }
    let open = args.check && changed > 0;
    Ok(if open { ExitCode::from(failure::REFUSED) } else { ExitCode::SUCCESS })
}

/// The form of a file, where it has another one.
fn formatted(path: &Path) -> anyhow::Result<Option<String>> {
    let cannot = || format!("cannot read {}", path.display());
    let text = fs::read_to_string(path).with_context(cannot)?;
    match ruleward_policy::format(&text) {
        Ok(formed) => Ok((formed != text).then_some(formed)),
        Err(error) => bail!("{}", at(path, error.line, error.column, &error.message)),
    }
}

/// Replaces a file whole or not at all; who may read it stays.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let replace = || -> std::io::Result<()> {
        fs::write(&temporary, text)?;
        fs::set_permissions(&temporary, fs::metadata(path)?.permissions())?;
        fs::rename(&temporary, path)
    };
    replace().with_context(|| format!("cannot write {}", path.display()))
}
