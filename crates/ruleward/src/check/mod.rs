//! `ruleward check`: judges resources without a server.

mod judge;
mod reason;
mod report;
mod rules;
pub mod terraform;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::{Args, ValueEnum};
use ruleward_core::{Offline, OfflineOptions};
use ruleward_policy::Catalogue;
use ruleward_types::{Clock as _, SystemClock, Timestamp};

use self::judge::Judged;
use self::report::Report;
use self::rules::RulesFile;
use self::terraform::Plan;
use crate::failure;
use crate::import::Input;
use crate::output::printable;
use crate::own_policies;
use crate::place::DEFAULT_DATA;

/// Judge resources without a server.
///
/// Reads resources as the service lists them (one JSON object per line, an array, an answer of
/// `ListAllResources`, gzip of these), or what `terraform show -json` prints, and judges them as
/// the service would. Exit code 0: nothing is non-compliant; 1: something is; 2: the check could
/// not be made, or a part of the input is no resource.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The resources; - is standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "terraform_plan")]
    resources: Option<PathBuf>,

    /// A plan or a state of Terraform, as `terraform show -json` prints it; - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "resources")]
    terraform_plan: Option<PathBuf>,

    /// A policy to judge by, with parameters; a list may be written a,b,c. Can be repeated.
    #[arg(long, value_name = "NAME[:PARAMETER=VALUE]...", required_unless_present = "rules")]
    policy: Vec<String>,

    /// A file of rules to judge by: bodies that make rules, or what
    /// `ruleward rules list --output json` prints.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,

    /// A folder of policies of your own [default: ./ruleward-data/policies, if it is there].
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,

    /// What cannot be determined is an error of the check, too: exit code 1.
    #[arg(long)]
    strict: bool,

    /// The id of the account, for policies that read it.
    #[arg(long, value_name = "ID")]
    domain: Option<String>,

    /// Judge as if it were this moment (RFC 3339) [default: now].
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,

    /// Name at most so many resources in the table.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,

    /// How to print.
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    output: ReportFormat,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum ReportFormat {
    /// Rules and resources for people.
    #[default]
    Table,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, which code hosts show beside the code.
    Sarif,
    /// `JUnit` XML, a test suite for each rule.
    Junit,
    /// One line for each finding.
    Csv,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "write a time such as 2026-01-31T12:00:00Z".to_owned())
}

/// Judges and reports.
pub fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let folder = own_policies::folder(args.policies.as_deref(), Path::new(DEFAULT_DATA));
    let catalogue = own_policies::catalogue_with(folder.as_deref())?;
    let offline = offline(args, catalogue)?;
    let (file, judged, plan) = match (&args.resources, &args.terraform_plan) {
        (Some(file), _) => (file, judge::input(&offline, Input::open(file)?)?, None),
        (None, Some(file)) => {
            let plan = Plan::read(file)?;
            let judged = judge::resources(offline.another(), plan.texts());
            (file, judged, Some(plan))
        }
        (None, None) => bail!("--resources or --terraform-plan is wanted"),
    };
    complain(&judged, plan.as_ref());
    let report = Report::new(file, catalogue, offline.rules(), judged, plan.as_ref());
    report.print(args.output, args.limit)?;
    Ok(exit_code(&report, args.strict))
}

fn offline(args: &CheckArgs, catalogue: &Catalogue) -> anyhow::Result<Offline> {
    let input = args.resources.as_ref().or(args.terraform_plan.as_ref());
    if args.rules.as_deref() == Some(Path::new("-")) && input == args.rules.as_ref() {
        bail!("standard input holds either the resources or the rules");
    }
    let mut rules = Vec::new();
    for text in &args.policy {
        rules.push(rules::of_policy(catalogue, text)?);
    }
    if let Some(file) = &args.rules {
        let read = RulesFile::read(file)?;
        for words in read.left_out {
            eprintln!("left out: {words}");
        }
        rules.extend(read.rules);
    }
    if rules.is_empty() {
        bail!("there is no rule to judge by");
    }
    let options = OfflineOptions {
        now: args.at.unwrap_or_else(|| SystemClock.now()),
        domain_id: args.domain.clone(),
        named: if args.output == ReportFormat::Table { args.limit } else { usize::MAX },
        words: reason::words,
    };
    // Not as the service's refusal, whose exit code would say that something is non-compliant.
    Offline::new(catalogue, rules, options).map_err(|error| anyhow!("{}", error.message()))
}

/// Says on stderr what was not judged.
fn complain(judged: &Judged, plan: Option<&Plan>) {
    for (place, reason) in &judged.refusals {
        let place = match plan.and_then(|plan| plan.address(*place)) {
            Some(address) => address.to_owned(),
            None => format!("line {}", judged.lines.line(*place)),
        };
        eprintln!("refused: {}: {}", printable(&place), printable(reason));
    }
    let told = judged.refusals.len() as u64;
    if judged.refused > told {
        eprintln!("refused: and {} more", judged.refused - told);
    }
    for (name, count) in plan.into_iter().flat_map(Plan::unknown) {
        eprintln!("not judged: {count} of the unknown type {}", printable(name));
    }
}

fn exit_code(report: &Report<'_>, strict: bool) -> ExitCode {
    if report.refused() > 0 {
        ExitCode::from(failure::FAILED)
    } else if report.non_compliant() > 0 || (strict && report.undetermined() > 0) {
        ExitCode::from(failure::REFUSED)
    } else {
        ExitCode::SUCCESS
    }
}
