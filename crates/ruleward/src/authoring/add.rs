//! `ruleward policies add`: a policy of one's own for a server.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use ruleward_policy::{PolicyDefinition, Severity, run_cases};

use super::lint::findings;
use super::test::{passed, text};
use super::{Named, at};
use crate::config::Config;
use crate::failure;
use crate::output::{line, printable};
use crate::own_policies;
use crate::place::{Place, StoreArgs};

/// Add a policy of your own to those of a server.
///
/// The file is checked, its cases are run, and it is copied into the server's folder of policies.
/// The server reads that at its start. Exit code 0: added; 1: cases or lints speak against it; 2:
/// anything else.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// The policy's file.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Replace the policy of this name that was added before.
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    store: StoreArgs,
}

/// Checks and copies it.
pub fn run(args: &AddArgs) -> anyhow::Result<ExitCode> {
    let config = Config::load(args.store.config.as_deref())?;
    let place = Place::resolve(&args.store, &config)?;
    let named = args.store.policies.as_deref().or(config.policies.folder.as_deref());
    let folder = named.map_or_else(|| place.dir.join(own_policies::FOLDER), Path::to_owned);
    let definition = own_policies::read(&args.file)?;
    let policy = Named { file: Some(args.file.clone()), definition };
    if !is_sound(&policy)? {
        return Ok(ExitCode::from(failure::REFUSED));
    }
    let before = before(&folder, &policy.definition)?;
    if let Some(before) = &before
        && !args.replace
    {
        bail!("{} holds this policy already; --replace replaces it", before.display());
    }
    let target = if let Some(before) = before {
        before
    } else {
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        folder.join(format!("{}.yaml", policy.definition.name))
    };
    copy(&args.file, &target, args.replace)?;
    line(&printable(&format!("added {}", target.display())))?;
    line("the server reads it at its next start")?;
    Ok(ExitCode::SUCCESS)
}

/// Whether cases and lints have nothing against it; tells what they have.
fn is_sound(policy: &Named) -> anyhow::Result<bool> {
    let mut sound = true;
    for (severity, told) in findings(policy, &[]) {
        line(&printable(&told))?;
        sound &= severity != Severity::Error;
    }
    let report = run_cases(&policy.definition, policy.definition.cases());
    line(text(policy, &report).trim_end())?;
    Ok(sound && passed(&report))
}

/// The file of the policy of this name in the folder; clashes with any other are refused.
fn before(folder: &Path, new: &PolicyDefinition) -> anyhow::Result<Option<PathBuf>> {
    let mut before = None;
    let mut others = Vec::new();
    if folder.is_dir() {
        for file in own_policies::files(folder)? {
            let known = own_policies::read(&file)?;
            if known.name == new.name {
                before = Some(file);
            } else {
                others.push(known);
            }
        }
    }
    let name = &new.name;
    if name.contains(['/', '\\']) || name.starts_with('.') {
        bail!("`{name}` cannot be the name of a file");
    }
    others.push(new.clone());
    let clash = ruleward_policy::catalogue().with(others);
    match clash {
        Ok(_) => Ok(before),
        Err(clash) => bail!("{}", at(Path::new(name), 1, 1, &clash.to_string())),
    }
}

fn copy(from: &Path, to: &Path, replace: bool) -> anyhow::Result<()> {
    let text = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
    let written = (|| {
        let mut options = OpenOptions::new();
        options.write(true).truncate(replace).create(replace).create_new(!replace);
        let mut file = options.open(to)?;
        file.write_all(&text)?;
        file.sync_all()
    })();
    written.with_context(|| format!("cannot write {}", to.display()))
}
