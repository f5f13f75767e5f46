//! The same evaluation with a recorder: which condition saw what and decided.

use serde::Serialize;
use serde_json::Value;

use super::compile::Compiler;
use super::environment::Environment;
use super::evaluate::{Buffers, Evaluator, Lookups};
use super::made::Made;
use super::program::{Expr, Node};
use super::set::is_object;
use super::value::Val;
use super::{Outcome, Program, Reason, STEP_BUDGET};
use crate::ast::{Condition, Operand, Rule};
use crate::json::{PathSetBuilder, RawString, RawValue, Seen};

/// Why a program finds what it finds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// `compliant`, `non_compliant` or `undetermined`.
    pub outcome: &'static str,
    /// Why there is no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The pointers of the conditions that decided.
    pub decisive: Vec<String>,
    /// The paths that the policy needs and the resource lacks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// The rule's tree; absent where the resource could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<ExplainedNode>,
}

/// One node of the rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedNode {
    /// The JSON pointer of the node in the rule.
    pub pointer: String,
    /// What kind of node it is.
    pub kind: NodeKind,
    /// Did it match (a match is a violation)? `null` if it was not reached or left open.
    pub matched: Option<bool>,
    /// Did it decide the outcome?
    pub decisive: bool,
    /// The comparison, for a condition.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub condition: Option<ExplainedCondition>,
    /// The parts, for any other node.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ExplainedNode>,
}

/// The kinds of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NodeKind {
    /// All parts match.
    AllOf,
    /// One part matches.
    AnyOf,
    /// The part does not match.
    Not,
    /// A comparison.
    Condition,
}

/// What a condition compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedCondition {
    /// The left side as written.
    pub value: String,
    /// What it read of the resource.
    pub reads: Vec<ReadPath>,
    /// The value of the left side; `null` also where it is missing or was not reached.
    pub actual: Value,
    /// The comparator.
    pub comparator: &'static str,
    /// The right side as written.
    pub pattern: String,
    /// The value of the right side.
    pub expected: Value,
    /// Why the condition is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A path of the resource and what stands there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReadPath {
    /// The path, as in the language but without `resource()`.
    pub path: String,
    /// Is there anything?
    pub present: bool,
    /// The value.
    pub value: Value,
}

/// A condition made ready: its two sides and the whole.
struct Prepared {
    value: Expr,
    pattern: Expr,
    node: Node,
    /// Which paths the sides read.
    paths: Vec<usize>,
}

/// Evaluates a program on a resource and tells how it went.
pub fn explain(program: &Program, resource: &[u8], env: &dyn Environment) -> Explanation {
    match explained(program, resource, env) {
        Ok(((node, holds), missing)) => {
            let outcome = match holds {
                Ok(true) => Outcome::NonCompliant,
                Ok(false) => Outcome::Compliant,
                Err(reason) => Outcome::Undetermined(reason),
            };
            finish(outcome, missing, Some(node))
        }
        Err(reason) => finish(Outcome::Undetermined(reason), Vec::new(), None),
    }
}

fn finish(outcome: Outcome, missing: Vec<String>, mut rule: Option<ExplainedNode>) -> Explanation {
    let mut decisive = Vec::new();
    if let Some(rule) = rule.as_mut().filter(|_| missing.is_empty()) {
        mark(rule, &mut decisive);
    }
    let (outcome, reason) = match outcome {
        Outcome::Compliant => ("compliant", None),
        Outcome::NonCompliant => ("non_compliant", None),
        Outcome::Undetermined(reason) => ("undetermined", Some(reason)),
    };
    Explanation { outcome, reason, decisive, missing, rule }
}

/// Marks what decided: of an `allOf` that fails the part that failed, of one that matches all parts;
/// of an `anyOf` the other way round; of an open node the part that is open.
fn mark(node: &mut ExplainedNode, decisive: &mut Vec<String>) {
    node.decisive = true;
    if node.kind == NodeKind::Condition {
        decisive.push(node.pointer.clone());
        return;
    }
    let wanted = match (node.kind, node.matched) {
        (NodeKind::AllOf | NodeKind::AnyOf, Some(matched)) => Some(matched),
        (NodeKind::Not, Some(matched)) => Some(!matched),
        _ => None,
    };
    // An open node stops at the part that is open; those behind it were not reached.
    let parts = node.parts.iter_mut().filter(|part| part.matched == wanted);
    if wanted.is_some() {
        parts.for_each(|part| mark(part, decisive));
    } else if let Some(part) = parts.into_iter().next() {
        mark(part, decisive);
    }
}

type Walked = (ExplainedNode, Result<bool, Reason>);

/// The needed paths that the resource lacks; none where the rule's guards do not hold.
fn lacking(program: &Program, resource: &[u8]) -> Result<Vec<String>, Reason> {
    let mut builder = PathSetBuilder::default();
    let guarded = ["provider", "type"].map(|key| builder.slot(&[key.to_owned()]));
    let needed = program.needs.iter().filter_map(|path| program.paths.get(*path));
    let needed: Vec<_> = needed.map(|path| (path, builder.slot(path))).collect();
    let mut values = Vec::new();
    builder.build().extract(resource, &mut Seen::default(), &mut values)?;
    let at = |slot: usize| values.get(slot).copied().flatten();
    let text = |slot| at(slot).and_then(RawValue::as_string).map(RawString::to_text);
    let pair = guarded.map(text);
    let fits =
        |(provider, kind): &(String, String)| pair == [Some(provider.clone()), Some(kind.clone())];
    if program.guards().is_some_and(|pairs| !pairs.iter().any(fits)) {
        return Ok(Vec::new());
    }
    let missing = needed.into_iter().filter(|(_, slot)| at(*slot).is_none());
    Ok(missing.map(|(path, _)| path.join(".")).collect())
}

fn explained(
    program: &Program,
    resource: &[u8],
    env: &dyn Environment,
) -> Result<(Walked, Vec<String>), Reason> {
    let mut compiler = Compiler::new(&program.parameters, program.looks_up());
    let mut prepared = Vec::new();
    // The program compiled once, so it compiles again.
    prepare(&program.rule, &mut compiler, &mut prepared).map_err(|_| Reason::BudgetExceeded)?;
    let (paths, keys) = (compiler.paths, compiler.keys.len());
    let mut builder = PathSetBuilder::default();
    let places: Vec<usize> = paths.iter().map(|path| builder.slot(path)).collect();
    let mut values = Vec::new();
    if !is_object(resource) {
        return Err(Reason::NotJson);
    }
    builder.build().extract(resource, &mut Seen::default(), &mut values)?;
    let lookups = Lookups::new(program.looks_up(), keys);
    let (mut buffers, made) = (Buffers::default(), Made::default());
    let evaluator = Evaluator {
        places: &places,
        values: &values,
        env,
        lookups: &lookups,
        indexes: &mut buffers.indexes,
        steps: STEP_BUDGET,
        buffer: &mut buffers.bytes,
        made: &made.first,
        made_bytes: 0,
        nesting: 0,
        listed: None,
    };
    let mut recorder =
        Recorder { evaluator, prepared: prepared.iter(), paths: &paths, values: &values };
    let missing = lacking(program, resource)?;
    let (node, holds) = recorder.rule(&program.rule, String::new(), missing.is_empty());
    let holds = if missing.is_empty() { holds } else { Err(Reason::NeededValueMissing) };
    Ok(((node, holds), missing))
}

/// Makes the conditions ready, in the order of the tree.
fn prepare<'a>(
    rule: &'a Rule,
    compiler: &mut Compiler<'a>,
    prepared: &mut Vec<Prepared>,
) -> Result<(), crate::PolicyError> {
    match rule {
        Rule::AllOf(parts, _) | Rule::AnyOf(parts, _) => {
            parts.iter().try_for_each(|part| prepare(part, compiler, prepared))
        }
        Rule::Not(part, _) => prepare(part, compiler, prepared),
        Rule::Condition(condition) => {
            let mut used = Vec::new();
            let value = compiler.operand(&condition.value)?;
            value.paths(&mut used);
            let pattern = compiler.operand(&condition.pattern)?;
            pattern.paths(&mut used);
            let node = compiler.condition(condition)?;
            prepared.push(Prepared { value, pattern, node, paths: used });
            Ok(())
        }
    }
}

struct Recorder<'a, 'b> {
    evaluator: Evaluator<'a, 'b>,
    prepared: std::slice::Iter<'a, Prepared>,
    paths: &'a [Vec<String>],
    values: &'a [Option<RawValue<'a>>],
}

impl<'a> Recorder<'a, '_> {
    fn rule(&mut self, rule: &Rule, pointer: String, reached: bool) -> Walked {
        let (kind, parts, key) = match rule {
            Rule::Condition(condition) => return self.condition(condition, pointer, reached),
            Rule::AllOf(parts, _) => (NodeKind::AllOf, parts.as_slice(), "allOf"),
            Rule::AnyOf(parts, _) => (NodeKind::AnyOf, parts.as_slice(), "anyOf"),
            Rule::Not(part, _) => (NodeKind::Not, std::slice::from_ref(&**part), "not"),
        };
        let mut result = Ok(kind == NodeKind::AllOf);
        let mut goes_on = reached;
        let mut explained = Vec::with_capacity(parts.len());
        for (number, part) in parts.iter().enumerate() {
            let place = match kind {
                NodeKind::Not => format!("{pointer}/{key}"),
                _ => format!("{pointer}/{key}/{number}"),
            };
            let (node, holds) = self.rule(part, place, goes_on);
            explained.push(node);
            if !goes_on {
                continue;
            }
            result = match kind {
                NodeKind::Not => holds.map(|holds| !holds),
                _ => holds,
            };
            goes_on = match kind {
                NodeKind::AllOf => holds == Ok(true),
                _ => holds == Ok(false),
            };
        }
        let matched = result.ok().filter(|_| reached);
        let node = ExplainedNode {
            pointer,
            kind,
            matched,
            decisive: false,
            condition: None,
            parts: explained,
        };
        (node, result)
    }

    fn condition(&mut self, condition: &Condition, pointer: String, reached: bool) -> Walked {
        let Some(prepared) = self.prepared.next() else {
            return (unreached(pointer), Err(Reason::BudgetExceeded));
        };
        let result = if reached { self.evaluator.node(&prepared.node) } else { Ok(false) };
        let steps = self.evaluator.steps;
        let reads = prepared.paths.iter().filter_map(|path| self.read(*path)).collect();
        let condition = ExplainedCondition {
            value: text(&condition.value),
            reads,
            actual: if reached { self.shown(&prepared.value) } else { Value::Null },
            comparator: condition.comparator.name(),
            pattern: text(&condition.pattern),
            expected: self.shown(&prepared.pattern),
            reason: result.err(),
        };
        // What is only shown costs the program nothing.
        self.evaluator.steps = steps;
        let node = ExplainedNode {
            pointer,
            kind: NodeKind::Condition,
            matched: result.ok().filter(|_| reached),
            decisive: false,
            condition: Some(condition),
            parts: Vec::new(),
        };
        (node, result)
    }

    fn read(&self, path: usize) -> Option<ReadPath> {
        let value = self.evaluator.places.get(path).and_then(|slot| self.values.get(*slot))?;
        Some(ReadPath {
            path: self.paths.get(path)?.join("."),
            present: value.is_some(),
            value: value.and_then(RawValue::to_value).unwrap_or(Value::Null),
        })
    }

    fn shown(&mut self, expr: &'a Expr) -> Value {
        let Ok(value) = self.evaluator.expr(expr, None) else { return Value::Null };
        self.tree(value)
    }

    fn tree(&mut self, value: Val<'a>) -> Value {
        let raw = match value {
            // Explanations read the resource itself, so they meet no row.
            Val::Missing | Val::Null | Val::Row(..) => RawValue::Null,
            Val::Bool(truth) => RawValue::Bool(truth),
            Val::Integer(number) => return Value::from(number),
            Val::Float(number) => return Value::from(number),
            Val::Number(text) => RawValue::Number(text),
            Val::Text(text) => RawValue::String(text),
            Val::Array(text) => RawValue::Array(text),
            Val::Object(text) => RawValue::Object(text),
            Val::Each(_) | Val::Keys(_) | Val::Values(_) | Val::Resources(_) => {
                let elements = self.evaluator.collect(value, None).unwrap_or_default();
                return elements.into_iter().map(|element| self.tree(element)).collect();
            }
        };
        raw.to_value().unwrap_or(Value::Null)
    }
}

fn unreached(pointer: String) -> ExplainedNode {
    ExplainedNode {
        pointer,
        kind: NodeKind::Condition,
        matched: None,
        decisive: false,
        condition: None,
        parts: Vec::new(),
    }
}

fn text(operand: &Operand) -> String {
    match operand {
        Operand::Literal(value, _) => value.to_string(),
        Operand::Expression { text, .. } => text.clone(),
    }
}
