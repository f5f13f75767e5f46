//! Judging a stored inventory from what is kept beside it, in phases of one process.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ruleward_core::{Access, NewPolicyAssignment, Service};
use ruleward_types::PolicyAssignmentId;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value, json};

use crate::{cpu, rules, scenario};

struct Phases<'a> {
    service: &'a Arc<Service>,
    access: &'a Access,
    told: Map<String, Value>,
}

impl Phases<'_> {
    /// Runs a phase and notes the CPU nanoseconds of it.
    fn cpu(&mut self, name: &str, phase: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let before = cpu::process_ns()?;
        phase(self)?;
        self.told.insert(name.to_owned(), json!(cpu::process_ns()? - before));
        Ok(())
    }

    fn create(&self, name: &str, mut rule: NewPolicyAssignment) -> Result<PolicyAssignmentId> {
        rule.name = format!("{name}-{}", rule.name);
        Ok(self.service.create_policy_assignment(self.access, rule)?.id)
    }

    fn create_all(
        &self,
        name: &str,
        rules: Vec<NewPolicyAssignment>,
    ) -> Result<Vec<PolicyAssignmentId>> {
        rules.into_iter().map(|rule| self.create(name, rule)).collect()
    }

    /// Tries rules without storing anything: each reads the columns of the store again. One changed
    /// resource is named; each more is a look-up of its body.
    fn preview(&mut self, name: &str, rules: Vec<NewPolicyAssignment>) -> Result<()> {
        let before = cpu::process_ns()?;
        let mut evaluations = 0;
        let mut violations = Vec::new();
        for rule in rules {
            let found = self.service.preview_policy_assignment(self.access, rule, None, 1)?;
            let then = found.then;
            evaluations += then.compliant + then.non_compliant + then.undetermined;
            violations.push(then.non_compliant);
        }
        let ns = cpu::process_ns()? - before;
        self.told.insert(
            name.to_owned(),
            json!({ "cpu_ns": ns, "evaluations": evaluations, "non_compliant": violations }),
        );
        Ok(())
    }
}

/// Bytes of all columns.
fn column_bytes(database: &Path) -> Result<i64> {
    let store = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    Ok(store.query_row(
        "SELECT coalesce(sum(length(bytes)), 0) FROM resource_column",
        [],
        |row| row.get(0),
    )?)
}

/// The phases over a store that `import` made, by so many rules: CPU nanoseconds of each.
pub fn run(database: &Path, count: usize) -> Result<Value> {
    let (service, access) = scenario::open(database)?;
    let mut phases = Phases { service: &service, access: &access, told: Map::new() };
    let (resources, _) = scenario::read(database)?;
    phases.told.insert("resources".to_owned(), json!(resources));
    phases.cpu("read", |_| scenario::read(database).map(drop))?;
    phases.cpu("build", |of| {
        let session = of.service.open_import(of.access, "columns", &[])?;
        of.service.complete_import(of.access, &session.id, false)?;
        Ok(of.service.work_off()?)
    })?;
    phases.told.insert("column_bytes".to_owned(), json!(column_bytes(database)?));
    let anonymous = cpu::anonymous_kib()?;
    let mut made = Vec::new();
    phases.cpu("create", |of| {
        made = of.create_all("first", rules::rules(count))?;
        Ok(())
    })?;
    phases.cpu("first", |of| Ok(of.service.work_off()?))?;
    let mut evaluations = 0;
    for summary in service.summary_by_domain(&access, &[])?.policy_assignments {
        if summary.policy_assignment.name.starts_with("first-") {
            let of = summary.resources;
            evaluations += of.compliant + of.non_compliant + of.undetermined;
        }
    }
    phases.told.insert("evaluations".to_owned(), json!(evaluations));
    phases.cpu("unchanged", |of| {
        scenario::run_all(of.service, of.access, &made)?;
        Ok(of.service.work_off()?)
    })?;
    for id in &made {
        service.disable_policy_assignment(&access, id)?;
    }
    for id in &made {
        service.enable_policy_assignment(&access, id)?;
    }
    phases.cpu("forced", |of| Ok(of.service.work_off()?))?;
    phases.told.insert("anonymous_kib".to_owned(), json!(cpu::anonymous_kib()? - anonymous));
    let new = |name: &str, variant: u32| -> Result<NewPolicyAssignment> {
        let mix = rules::mix(variant)?;
        mix.into_iter().find(|rule| rule.name.starts_with(name)).context("a rule of the mix")
    };
    phases.cpu("new_rule_on_largest_type", |of| {
        of.create("scalar", new("volumes-encrypted-check", 1)?)?;
        Ok(of.service.work_off()?)
    })?;
    phases.cpu("new_expression_on_names", |of| {
        of.create("names", new("bench-name-expression", 2)?)?;
        Ok(of.service.work_off()?)
    })?;
    phases.preview("mix", rules::mix(3)?)?;
    let is_scalar = |rule: &NewPolicyAssignment| {
        !["bench-name-expression", "rds-instance-no-public-ip", "vpc-sg-restricted-ssh"]
            .iter()
            .any(|name| rule.name.starts_with(name))
    };
    phases.preview("scalar", rules::mix(4)?.into_iter().filter(is_scalar).collect())?;
    Ok(Value::Object(phases.told))
}
