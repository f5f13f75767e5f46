//! Evaluations of a stored inventory: for the first time, again, forced, by new rules, after a
//! hundredth of it has changed.

use std::path::Path;

use anyhow::{Context as _, Result};
use ruleward_core::{Access, NewPolicyAssignment, Service};
use ruleward_types::PolicyAssignmentId;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{measured, open, reads, settle};
use crate::inventory;
use crate::rules::{self, rule};

/// The largest type of the inventory.
const LARGEST: &str = "evs.volumes";
/// One resource in so many changes.
const ONE_IN: u64 = 100;

/// Judges a stored inventory by a rule set and then in every way in which there is less to do.
/// Each figure stands beside the CPU time of reading what it is about.
pub fn evaluate(database: &Path, count: usize, first_only: bool) -> Result<Value> {
    let mut figures = Vec::new();
    let mut take = |told: Value| figures.push(told);
    for _ in 0..3 {
        take(measured("read all bodies", || Ok(json!(reads::read(database, None)?)))?);
        take(measured("read the largest type", || {
            Ok(json!(reads::read(database, Some(LARGEST))?))
        })?);
    }
    take(first(database, count)?);
    if first_only {
        return Ok(Value::Array(figures));
    }
    take(unchanged(database)?);
    take(forced(database)?);
    for (figure, rule) in new_rules()? {
        take(one_rule(database, figure, rule)?);
    }
    take(changed(database)?);
    Ok(Value::Array(figures))
}

/// Makes the rules and judges everything by them.
fn first(database: &Path, count: usize) -> Result<Value> {
    let (service, access) = open(database)?;
    for rule in rules::rules(count) {
        service.create_policy_assignment(&access, rule)?;
    }
    let mut workers = None;
    let told = measured("first evaluation", || {
        workers = Some(service.start()?);
        settle(&service)?;
        Ok(json!({ "evaluations": super::evaluations(&service, &access)? }))
    });
    drop(workers);
    told
}

/// Asks for a run of every rule where nothing has changed.
fn unchanged(database: &Path) -> Result<Value> {
    let (service, access) = open(database)?;
    let workers = service.start()?;
    settle(&service)?;
    let ids = ids(&service, &access)?;
    let told = measured("again, nothing changed", || {
        super::run_all(&service, &access, &ids)?;
        settle(&service)?;
        Ok(json!({ "rules": ids.len() }))
    });
    drop(workers);
    told
}

fn ids(service: &Service, access: &Access) -> Result<Vec<PolicyAssignmentId>> {
    let summary = service.summary_by_domain(access, &[])?;
    Ok(summary.policy_assignments.into_iter().map(|of| of.policy_assignment.id.clone()).collect())
}

/// Judges everything again, as a start does when every policy has changed with the program:
/// the rules are marked so while the store is closed.
fn forced(database: &Path) -> Result<Value> {
    {
        let connection = Connection::open(database)?;
        connection.execute(
            "UPDATE policy_assignment SET body = json_set(body, '$.revision', 'before')",
            [],
        )?;
    }
    let (service, access) = open(database)?;
    let mut workers = None;
    let told = measured("forced to judge again", || {
        workers = Some(service.start()?);
        settle(&service)?;
        Ok(json!({ "evaluations": super::evaluations(&service, &access)? }))
    });
    drop(workers);
    told
}

/// What the new rules are, and the figures that they give.
fn new_rules() -> Result<Vec<(&'static str, NewPolicyAssignment)>> {
    let specs = json!({ "listOfAllowedSpecs": ["SSD", "SATA"] });
    let expression = json!({ "expression": "^[a-z]{4,8}-[a-zA-Z]+-[0-9]{2,4}$" });
    Ok(vec![
        ("new rule on the largest type", rule("allowed-volume-specs", 10_001, None, specs)?),
        (
            "new regular expression on names",
            rule("bench-name-expression", 10_002, None, expression)?,
        ),
        (
            "new rule, a path never read before",
            rule("bench-volume-size", 10_003, None, json!({ "most": 400 }))?,
        ),
    ])
}

fn one_rule(database: &Path, figure: &str, rule: NewPolicyAssignment) -> Result<Value> {
    let (service, access) = open(database)?;
    let workers = service.start()?;
    settle(&service)?;
    let told = measured(figure, || {
        let rule = service.create_policy_assignment(&access, rule)?;
        settle(&service)?;
        let of = service.summary_by_domain(&access, &[])?.policy_assignments;
        let of =
            of.into_iter().find(|of| of.policy_assignment.id == rule.id).context("the rule")?;
        Ok(
            json!({ "compliant": of.resources.compliant, "non_compliant": of.resources.non_compliant,
            "undetermined": of.resources.undetermined }),
        )
    });
    drop(workers);
    told
}

/// Changes a hundredth of the resources in batches of a thousand, judged as they are written.
fn changed(database: &Path) -> Result<Value> {
    let (service, access) = open(database)?;
    let workers = service.start()?;
    settle(&service)?;
    let resources = u64::try_from(service.gauges()?.judged_resources)?;
    let mut batches = vec![Vec::new()];
    for (place, n) in (0..resources).step_by(usize::try_from(ONE_IN)?).enumerate() {
        let mut resource = inventory::resource(1, n);
        if let Some(fields) = resource.as_object_mut() {
            fields.insert("tags".to_owned(), json!({ "env": "dev", "changed": "yes" }));
        }
        if place % 1000 == 999 {
            batches.push(Vec::new());
        }
        let Some(batch) = batches.last_mut() else { continue };
        serde_json::to_writer(&mut *batch, &resource)?;
        batch.push(b'\n');
    }
    let told = measured("a hundredth changed", || {
        let mut changed = 0;
        for batch in &batches {
            changed += service.put_resources(&access, batch)?.changed;
        }
        settle(&service)?;
        Ok(json!({ "changed": changed }))
    });
    drop(workers);
    told
}
