//! `ruleward policies lint`: what authors cannot have meant.

use std::process::ExitCode;

use clap::Args;
use ruleward_policy::{PolicyDefinition, Severity, catalogue};

use super::{Named, PolicyFiles, at};
use crate::failure;
use crate::output::{line, printable};

/// Find what the authors of policies cannot have meant.
///
/// Conditions that are never or always true, parts that are never reached, parameters that cannot
/// match, policies that find only what another one finds. Exit code 0: no errors; 1: errors; 2: a
/// file holds no policy.
#[derive(Debug, Args)]
pub struct LintArgs {
    #[command(flatten)]
    policies: PolicyFiles,

    /// Warnings are errors.
    #[arg(long)]
    strict: bool,
}

/// Looks for it and tells it.
pub fn run(args: &LintArgs) -> anyhow::Result<ExitCode> {
    let policies = args.policies.read()?;
    let (mut errors, mut warnings) = (0_usize, 0_usize);
    for policy in &policies {
        let others = others(policy, &policies);
        for (severity, told) in findings(policy, &others) {
            match severity {
                Severity::Error => errors += 1,
                Severity::Warning => warnings += 1,
            }
            line(&printable(&told))?;
        }
    }
    line(&format!("{} policies: {errors} errors, {warnings} warnings", policies.len()))?;
    let fails = errors > 0 || (args.strict && warnings > 0);
    Ok(if fails { ExitCode::from(failure::REFUSED) } else { ExitCode::SUCCESS })
}

/// The policies beside one, a file's own being its newer form.
fn others<'a>(policy: &Named, named: &'a [Named]) -> Vec<&'a PolicyDefinition> {
    let mut others: Vec<&PolicyDefinition> = named.iter().map(|of| &of.definition).collect();
    for known in catalogue().list() {
        if !others.iter().any(|of| of.id == known.id || of.name == known.name) {
            others.push(known);
        }
    }
    let own = &policy.definition;
    others.retain(|of| of.id != own.id && of.name != own.name);
    others
}

/// What there is to say of a policy, each with its place.
pub(super) fn findings(policy: &Named, others: &[&PolicyDefinition]) -> Vec<(Severity, String)> {
    let place = |line: u32, column: u32, message: &str| match &policy.file {
        Some(file) => at(file, line, column, message),
        // The rule of a predefined policy was not read from its file.
        None => format!("{}: {message}", policy.definition.name),
    };
    let mut found = Vec::new();
    for lint in policy.definition.lint() {
        let word = match lint.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let within = match lint.pointer.as_str() {
            "" => String::new(),
            pointer => format!(" ({pointer})"),
        };
        let message = format!("{word}: {}{within}", lint.message);
        found.push((lint.severity, place(lint.line, lint.column, &message)));
    }
    for other in others {
        if policy.definition.is_implied_by(other) {
            let name = &other.name;
            let message = format!("warning: `{name}` finds all that this policy finds");
            found.push((Severity::Warning, place(1, 1, &message)));
        }
    }
    found
}
