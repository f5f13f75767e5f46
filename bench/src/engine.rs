//! The engine alone: bytes in memory, verdicts out, one thread, no store.

use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use ruleward_core::NewPolicyAssignment;
use ruleward_policy::{Environment, Outcome, ProgramSet, Scratch};
use ruleward_types::Resource;
use serde_json::{Value, json};

use crate::{catalogue, cpu};

struct Nothing;

impl Environment for Nothing {
    fn now_ms(&self) -> i64 {
        0
    }

    fn recorder_enabled(&self) -> Option<bool> {
        Some(true)
    }

    fn resources(&self, _: &str) -> Result<Arc<[Arc<[u8]>]>, String> {
        Err("not here".to_owned())
    }
}

/// Judges the first `most` bodies of a file by rules, filters not counted: CPU nanoseconds of
/// each pass, and the verdicts of the last by rule.
pub fn run(
    file: &Path,
    rules: &[NewPolicyAssignment],
    passes: usize,
    most: usize,
) -> Result<Value> {
    let mut bodies = Vec::new();
    for line in std::io::BufReader::new(std::fs::File::open(file)?).split(b'\n').take(most) {
        bodies.push(Resource::parse(&line?, |given| given)?.body);
    }
    let mut programs = Vec::new();
    for rule in rules {
        let id = rule.policy_definition_id.as_deref().context("a rule without policy")?;
        let definition = catalogue::catalogue()?.get(id).context("a policy is not known")?;
        let bound = definition.bind_parameters(&rule.parameters)?;
        programs.push(Arc::new(definition.policy.compile(&bound)?));
    }
    let set = ProgramSet::new(&programs);
    let (mut scratch, mut outcomes) = (Scratch::new(), Vec::new());
    let (mut times, mut violations, mut open) = (Vec::new(), Vec::new(), 0_u64);
    for _ in 0..passes {
        violations = vec![0_u64; rules.len()];
        open = 0;
        let before = cpu::thread_ns()?;
        for body in &bodies {
            set.evaluate(&mut scratch, body, &Nothing, &mut outcomes);
            for (count, outcome) in violations.iter_mut().zip(&outcomes) {
                match outcome {
                    Outcome::NonCompliant => *count += 1,
                    Outcome::Compliant => {}
                    Outcome::Undetermined(_) => open += 1,
                }
            }
        }
        times.push(cpu::thread_ns()? - before);
    }
    Ok(json!({ "engine": "ruleward", "resources": bodies.len(), "cpu_ns": times,
        "non_compliant": violations, "undetermined": open }))
}
