//! What a check found, in the forms that people and their tools read.

mod junit;
mod sarif;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use ruleward_core::{Finding, FoundResource};
use ruleward_policy::{Catalogue, PolicyDefinition};
use ruleward_types::{ComplianceCounts, PolicyAssignment};
use serde::Serialize;

use super::ReportFormat;
use super::judge::Judged;
use super::terraform::Plan;
use crate::output::{Format, Listing, line};

/// A report.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was read, as it was named.
    file: &'a Path,
    rules: Vec<Rule<'a>>,
    judged: Judged,
    plan: Option<&'a Plan>,
}

/// A rule and its numbers.
#[derive(Debug)]
struct Rule<'a> {
    assignment: &'a PolicyAssignment,
    definition: Option<&'a PolicyDefinition>,
    counts: ComplianceCounts,
}

impl Rule<'_> {
    fn policy(&self) -> &str {
        self.definition.map_or("", |definition| &definition.name)
    }

    fn describes(&self) -> &str {
        let of_policy = self.definition.map_or("", |definition| &definition.description.en);
        self.assignment.description.as_deref().unwrap_or(of_policy)
    }
}

/// A finding and where it stands.
#[derive(Debug, Clone, Copy)]
struct Found<'a> {
    rule: &'a Rule<'a>,
    finding: &'a Finding,
    /// The line of the input; none for the account, and in a plan.
    line: Option<u64>,
    /// The address in Terraform.
    address: Option<&'a str>,
}

impl Found<'_> {
    fn state(&self) -> &'static str {
        if self.finding.undetermined { "Undetermined" } else { "NonCompliant" }
    }

    fn reason(&self) -> &str {
        &self.finding.reason
    }

    fn place(&self) -> String {
        match (self.address, self.line) {
            (Some(address), _) => address.to_owned(),
            (None, Some(line)) => line.to_string(),
            (None, None) => String::new(),
        }
    }
}

#[derive(Serialize)]
struct JsonReport<'a> {
    resources: u64,
    refused: u64,
    refusals: Vec<JsonRefusal<'a>>,
    unknown_types: Vec<JsonUnknown<'a>>,
    rules: Vec<JsonRule<'a>>,
    findings: Vec<JsonFinding<'a>>,
}

#[derive(Serialize)]
struct JsonRefusal<'a> {
    line: Option<u64>,
    address: Option<&'a str>,
    reason: &'a str,
}

#[derive(Serialize)]
struct JsonUnknown<'a> {
    #[serde(rename = "type")]
    name: &'a str,
    resources: u64,
}

#[derive(Serialize)]
struct JsonRule<'a> {
    policy_assignment_name: &'a str,
    policy_definition_id: Option<&'a str>,
    policy_definition_name: &'a str,
    compliant: i64,
    non_compliant: i64,
    undetermined: i64,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    policy_assignment_name: &'a str,
    compliance_state: &'static str,
    resource_type: &'a str,
    resource_id: &'a str,
    resource_name: &'a str,
    region_id: &'a str,
    line: Option<u64>,
    address: Option<&'a str>,
    reason: &'a str,
}

impl<'a> Report<'a> {
    /// What was found by these rules, which are those that judged.
    pub fn new(
        file: &'a Path,
        catalogue: &'a Catalogue,
        rules: impl Iterator<Item = &'a PolicyAssignment>,
        judged: Judged,
        plan: Option<&'a Plan>,
    ) -> Self {
        let rules = rules
            .zip(&judged.findings.counts)
            .map(|(assignment, counts)| Rule {
                assignment,
                definition: assignment
                    .policy_definition_id
                    .as_deref()
                    .and_then(|id| catalogue.get(id)),
                counts: *counts,
            })
            .collect();
        Self { file, rules, judged, plan }
    }

    /// How much of the input is no resource.
    pub fn refused(&self) -> u64 {
        self.judged.refused
    }

    /// Findings of "non-compliant".
    pub fn non_compliant(&self) -> i64 {
        self.rules.iter().map(|rule| rule.counts.non_compliant).sum()
    }

    /// Findings of "undetermined".
    pub fn undetermined(&self) -> i64 {
        self.rules.iter().map(|rule| rule.counts.undetermined).sum()
    }

    /// Prints it on stdout; a table names at most so many findings.
    pub fn print(&self, format: ReportFormat, limit: usize) -> anyhow::Result<()> {
        match format {
            ReportFormat::Table => self.print_table(limit),
            ReportFormat::Csv => self.listing(usize::MAX).print(Format::Csv, &().into()),
            ReportFormat::Json => print(&self.json()),
            ReportFormat::Sarif => print(&sarif::log(self)),
            ReportFormat::Junit => {
                let mut out = BufWriter::new(io::stdout().lock());
                junit::write(self, &mut out)?;
                Ok(out.flush()?)
            }
        }
    }

    fn found(&self) -> impl Iterator<Item = Found<'_>> {
        self.judged.findings.findings.iter().filter_map(|finding| {
            let rule = self.rules.get(finding.rule)?;
            let address = finding.line.and_then(|place| self.plan?.address(place));
            Some(Found { rule, finding, line: self.line(finding.line), address })
        })
    }

    fn line(&self, place: Option<u64>) -> Option<u64> {
        place.filter(|_| self.plan.is_none()).map(|place| self.judged.lines.line(place))
    }

    fn print_table(&self, limit: usize) -> anyhow::Result<()> {
        let mut rules = Listing::new(&["rule", "non_compliant", "compliant", "undetermined"]);
        for Rule { assignment, counts, .. } in &self.rules {
            rules.push(vec![
                assignment.name.clone(),
                counts.non_compliant.to_string(),
                counts.compliant.to_string(),
                counts.undetermined.to_string(),
            ]);
        }
        rules.print_table()?;
        let all = self.non_compliant() + self.undetermined();
        let shown = i64::try_from(self.judged.findings.findings.len().min(limit)).unwrap_or(all);
        if shown > 0 {
            line("")?;
            self.listing(limit).print_table()?;
        }
        if all > shown {
            line(&format!("\nand {} more; --limit or another --output shows them", all - shown))?;
        }
        line(&format!(
            "\n{} resources, {} rules: {} non-compliant, {} undetermined, {} refused",
            self.judged.findings.resources,
            self.rules.len(),
            self.non_compliant(),
            self.undetermined(),
            self.refused()
        ))
    }

    fn listing(&self, limit: usize) -> Listing {
        let mut listing = Listing::new(&[
            "compliance_state",
            "rule",
            "type",
            "resource_id",
            "resource_name",
            "region_id",
            "place",
            "reason",
        ]);
        for found in self.found().take(limit) {
            let FoundResource { id, name, resource_type, region_id } = &*found.finding.resource;
            listing.push(vec![
                found.state().to_owned(),
                found.rule.assignment.name.clone(),
                resource_type.clone(),
                id.clone(),
                name.clone(),
                region_id.clone(),
                found.place(),
                found.reason().to_owned(),
            ]);
        }
        listing
    }

    fn json(&self) -> JsonReport<'_> {
        let refusals = self.judged.refusals.iter().map(|(place, reason)| JsonRefusal {
            line: self.line(Some(*place)),
            address: self.plan.and_then(|plan| plan.address(*place)),
            reason,
        });
        JsonReport {
            resources: self.judged.findings.resources,
            refused: self.refused(),
            refusals: refusals.collect(),
            unknown_types: self
                .plan
                .into_iter()
                .flat_map(Plan::unknown)
                .map(|(name, resources)| JsonUnknown { name, resources })
                .collect(),
            rules: self
                .rules
                .iter()
                .map(|of| JsonRule {
                    policy_assignment_name: &of.assignment.name,
                    policy_definition_id: of.assignment.policy_definition_id.as_deref(),
                    policy_definition_name: of.policy(),
                    compliant: of.counts.compliant,
                    non_compliant: of.counts.non_compliant,
                    undetermined: of.counts.undetermined,
                })
                .collect(),
            findings: self.found().map(json_finding).collect(),
        }
    }
}

fn json_finding(found: Found<'_>) -> JsonFinding<'_> {
    JsonFinding {
        policy_assignment_name: &found.rule.assignment.name,
        compliance_state: found.state(),
        resource_type: &found.finding.resource.resource_type,
        resource_id: &found.finding.resource.id,
        resource_name: &found.finding.resource.name,
        region_id: &found.finding.resource.region_id,
        line: found.line,
        address: found.address,
        reason: &found.finding.reason,
    }
}

fn print(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    // serde_json hides the kind of the error, by which a reader that went away is known.
    serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
