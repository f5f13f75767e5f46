//! Cases: examples that stand with a policy, each with the verdict it must get.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::PolicyDefinition;
use crate::ast::{Comparator, Condition, ExprKind, Operand, Rule};
use crate::engine::timestamp_ms;
use crate::{
    Environment, ExplainedNode, Explanation, NodeKind, Outcome, Program, ProgramSet, Scratch,
    explain,
};

/// An example and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The time of the evaluation, in any form that the language reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// What `recorder()` gives: a boolean for `{"enabled": …}`, or the object. Null: not known.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub recorder: Value,
    /// What `account()` gives. Without it, the account is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Map<String, Value>>,
    /// The parameters of the assignment.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// The judged resource.
    pub resource: Value,
    /// The other resources, by `provider.type`. A type that is not named is not available.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub inventory: Map<String, Value>,
    /// Types that are not available, for the reader: they must not stand in `inventory`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unavailable: Vec<String>,
    /// The verdict it must get.
    pub expect: Verdict,
}

/// A verdict as cases name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No violation.
    Compliant,
    /// A violation.
    NonCompliant,
    /// Not known.
    Undetermined,
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Compliant => Self::Compliant,
            Outcome::NonCompliant => Self::NonCompliant,
            Outcome::Undetermined(_) => Self::Undetermined,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Compliant => "compliant",
            Self::NonCompliant => "non-compliant",
            Self::Undetermined => "undetermined",
        })
    }
}

/// How the cases of a policy went.
#[derive(Debug, Clone, Serialize)]
pub struct CaseReport {
    /// Each case.
    pub cases: Vec<CaseResult>,
    /// Each condition of the rule.
    pub conditions: Vec<ConditionCoverage>,
}

/// How a case went.
#[derive(Debug, Clone, Serialize)]
pub struct CaseResult {
    /// The name of the case.
    pub name: String,
    /// The verdict it must get.
    pub expected: Verdict,
    /// The verdict it got; absent where it could not be run.
    pub got: Option<Verdict>,
    /// Why it could not be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// How the verdict came about, where it is not the expected one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
}

impl CaseResult {
    /// Did it get its verdict?
    pub fn passed(&self) -> bool {
        self.got == Some(self.expected)
    }
}

/// What the cases saw of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConditionCoverage {
    /// The JSON pointer of the condition in the rule.
    pub pointer: String,
    /// The condition as written.
    pub condition: String,
    /// A guard: it asks for the provider or the type. Cases need not show it false.
    pub guard: bool,
    /// A case saw it hold.
    pub seen_true: bool,
    /// A case saw it not hold.
    pub seen_false: bool,
}

impl ConditionCoverage {
    /// Did the cases show what they must?
    pub fn covered(&self) -> bool {
        self.seen_true && (self.seen_false || self.guard)
    }
}

impl CaseReport {
    /// Did every case get its verdict, and do the cases show every condition both ways?
    pub fn passed(&self) -> bool {
        self.cases.iter().all(CaseResult::passed) && self.uncovered().next().is_none()
    }

    /// The conditions that the cases do not show both ways.
    pub fn uncovered(&self) -> impl Iterator<Item = &ConditionCoverage> {
        self.conditions.iter().filter(|condition| !condition.covered())
    }
}

/// The cases of the predefined policies, by name.
static BUILT_IN: LazyLock<HashMap<String, Vec<Case>>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Entry {
        policy: String,
        cases: Vec<Case>,
    }
    let text = include_str!(concat!(env!("OUT_DIR"), "/cases.json"));
    let entries: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    // A test tells that none is lost here.
    let entries = entries.into_iter().filter_map(|entry| serde_json::from_value(entry).ok());
    entries.map(|Entry { policy, cases }| (policy, cases)).collect()
});

/// Where the cases of a definition are.
#[derive(Debug, Clone)]
pub(super) enum CaseStore {
    /// Compiled in, read when first asked for.
    BuiltIn,
    Own(Vec<Case>),
}

impl PolicyDefinition {
    /// The examples that stand with the policy.
    pub fn cases(&self) -> &[Case] {
        match &self.case_store {
            CaseStore::BuiltIn => BUILT_IN.get(&self.name).map(Vec::as_slice).unwrap_or_default(),
            CaseStore::Own(cases) => cases,
        }
    }
}

/// The world of a case.
struct World {
    now_ms: i64,
    recorder: Option<Arc<[u8]>>,
    enabled: Option<bool>,
    account: Option<Arc<[u8]>>,
    inventory: HashMap<String, Arc<[Arc<[u8]>]>>,
}

impl World {
    fn new(case: &Case) -> Result<Self, String> {
        let now_ms = match &case.now {
            Some(text) => timestamp_ms(text).ok_or_else(|| format!("`{text}` is not a time"))?,
            None => 0,
        };
        let (enabled, recorder) = match &case.recorder {
            Value::Null => (None, None),
            Value::Bool(enabled) => {
                (Some(*enabled), Some(bytes(&serde_json::json!({ "enabled": enabled }))))
            }
            Value::Object(object) => {
                (object.get("enabled").and_then(Value::as_bool), Some(bytes(&case.recorder)))
            }
            _ => return Err("`recorder` is a boolean, an object or null".to_owned()),
        };
        let account = case.account.as_ref().map(|object| bytes(&Value::Object(object.clone())));
        let mut inventory = HashMap::new();
        for (kind, resources) in &case.inventory {
            let Value::Array(resources) = resources else {
                return Err(format!("inventory: `{kind}` is not a list"));
            };
            if case.unavailable.contains(kind) {
                return Err(format!("`{kind}` is in the inventory, so it is available"));
            }
            inventory.insert(kind.clone(), resources.iter().map(bytes).collect());
        }
        Ok(Self { now_ms, recorder, enabled, account, inventory })
    }
}

fn bytes(value: &Value) -> Arc<[u8]> {
    value.to_string().into_bytes().into()
}

impl Environment for World {
    fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn recorder_enabled(&self) -> Option<bool> {
        self.enabled
    }

    fn recorder(&self) -> Option<Arc<[u8]>> {
        self.recorder.clone()
    }

    fn account(&self) -> Option<Arc<[u8]>> {
        self.account.clone()
    }

    fn resources(&self, provider_type: &str) -> Result<Arc<[Arc<[u8]>]>, String> {
        self.inventory.get(provider_type).cloned().ok_or_else(|| "not in the case".to_owned())
    }
}

/// Runs cases against a policy and tells what they saw of its rule.
pub fn run_cases(definition: &PolicyDefinition, cases: &[Case]) -> CaseReport {
    let mut conditions = Vec::new();
    list_conditions(definition.policy.ast(), String::new(), &mut conditions);
    let mut report = CaseReport { cases: Vec::with_capacity(cases.len()), conditions };
    for case in cases {
        let mut result = CaseResult {
            name: case.name.clone(),
            expected: case.expect,
            got: None,
            fault: None,
            explanation: None,
        };
        match run_case(definition, case) {
            Err(fault) => result.fault = Some(fault),
            Ok((outcome, explanation)) => {
                result.got = Some(outcome.into());
                if let Some(rule) = &explanation.rule {
                    cover(rule, &mut report.conditions);
                }
                if !result.passed() {
                    result.explanation = Some(explanation);
                }
            }
        }
        report.cases.push(result);
    }
    report
}

fn run_case(definition: &PolicyDefinition, case: &Case) -> Result<(Outcome, Explanation), String> {
    let given = definition.bind_parameters(&case.parameters).map_err(|error| error.to_string())?;
    let program: Program = definition.policy.compile(&given).map_err(|error| error.to_string())?;
    let program = Arc::new(program);
    let world = World::new(case)?;
    let body = case.resource.to_string();
    let mut out = Vec::new();
    let set = ProgramSet::new(std::slice::from_ref(&program));
    set.evaluate(&mut Scratch::new(), body.as_bytes(), &world, &mut out);
    let outcome = out.first().copied().ok_or("no outcome")?;
    let explanation = explain(&program, body.as_bytes(), &world);
    let named = Verdict::from(outcome).to_string().replace('-', "_");
    if explanation.outcome != named {
        let told = explanation.outcome;
        return Err(format!("evaluated it is {named}, explained it is {told}: a fault of ours"));
    }
    Ok((outcome, explanation))
}

fn cover(node: &ExplainedNode, conditions: &mut [ConditionCoverage]) {
    if node.kind == NodeKind::Condition
        && let Some(matched) = node.matched
        && let Some(known) = conditions.iter_mut().find(|known| known.pointer == node.pointer)
    {
        known.seen_true |= matched;
        known.seen_false |= !matched;
    }
    node.parts.iter().for_each(|part| cover(part, conditions));
}

fn list_conditions(rule: &Rule, pointer: String, into: &mut Vec<ConditionCoverage>) {
    let (key, parts) = match rule {
        Rule::AllOf(parts, _) => ("allOf", parts),
        Rule::AnyOf(parts, _) => ("anyOf", parts),
        Rule::Not(part, _) => return list_conditions(part, format!("{pointer}/not"), into),
        Rule::Condition(condition) => {
            into.push(ConditionCoverage {
                pointer,
                condition: written(condition),
                guard: is_guard(condition),
                seen_true: false,
                seen_false: false,
            });
            return;
        }
    };
    for (number, part) in parts.iter().enumerate() {
        list_conditions(part, format!("{pointer}/{key}/{number}"), into);
    }
}

/// `value comparator pattern`, as in the text.
pub(super) fn written(condition: &Condition) -> String {
    let side = |operand: &Operand| match operand {
        Operand::Literal(value, _) => value.to_string(),
        Operand::Expression { text, .. } => text.clone(),
    };
    let name = condition.comparator.name();
    format!("{} {name} {}", side(&condition.value), side(&condition.pattern))
}

/// Does the condition ask for the provider or the type?
pub(super) fn is_guard(condition: &Condition) -> bool {
    let Operand::Expression { expr, .. } = &condition.value else { return false };
    let ExprKind::Member(object, key) = &expr.kind else { return false };
    object.kind == ExprKind::Resource
        && (key == "provider" || key == "type")
        && condition.comparator == Comparator::Equals
        && matches!(condition.pattern, Operand::Literal(..))
}
