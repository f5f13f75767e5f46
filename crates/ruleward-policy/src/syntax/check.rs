//! What a rule reads, and what must not stand in it.

use super::MAX_NODES;
use crate::ast::{Comparator, Condition, Expr, ExprKind, Function, Operand, Rule, Span};
use crate::columns::Reads;
use crate::engine::compile_pattern;
use crate::error::PolicyError;

/// What a rule reads.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Facts {
    pub(crate) parameters: Vec<String>,
    /// Where each of them is read first.
    pub(crate) parameter_places: Vec<Span>,
    pub(crate) looks_up: Vec<String>,
    pub(crate) reads_clock: bool,
    pub(crate) reads_recorder: bool,
    pub(crate) reads_account: bool,
    pub(crate) reads_resource: bool,
    /// What it reads of the resource.
    pub(crate) reads: Reads,
    nodes: usize,
}

/// Walks the tree once; the first fault ends it.
pub(crate) fn check(rule: &Rule) -> Result<Facts, PolicyError> {
    let mut facts = Facts::default();
    facts.rule(rule)?;
    facts.reads = Reads::of(rule, &[]);
    Ok(facts)
}

/// Depends on nothing but literals and parameters?
pub(crate) fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Parameter(_) => true,
        ExprKind::Resource
        | ExprKind::Variable(_)
        | ExprKind::Recorder
        | ExprKind::Account
        | ExprKind::Resources(_)
        | ExprKind::Each { .. } => false,
        ExprKind::Member(object, _) => is_constant(object),
        ExprKind::List(elements) => elements.iter().all(is_constant),
        ExprKind::Call(function, arguments) => {
            !function.reads_clock() && arguments.iter().all(is_constant)
        }
    }
}

impl Facts {
    fn count(&mut self, span: Span) -> Result<(), PolicyError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(PolicyError::at(span, format!("the rule has more than {MAX_NODES} nodes")));
        }
        Ok(())
    }

    fn rule(&mut self, rule: &Rule) -> Result<(), PolicyError> {
        match rule {
            Rule::AllOf(parts, span) | Rule::AnyOf(parts, span) => {
                self.count(*span)?;
                parts.iter().try_for_each(|part| self.rule(part))
            }
            Rule::Not(part, span) => {
                self.count(*span)?;
                self.rule(part)
            }
            Rule::Condition(condition) => self.condition(condition),
        }
    }

    fn condition(&mut self, condition: &Condition) -> Result<(), PolicyError> {
        self.count(condition.span)?;
        for operand in [&condition.value, &condition.pattern] {
            if let Operand::Expression { expr, .. } = operand {
                self.expr(expr)?;
            }
        }
        if matches!(condition.comparator, Comparator::Match | Comparator::NotMatch) {
            match &condition.pattern {
                Operand::Literal(value, span) => literal_pattern(value, *span)?,
                Operand::Expression { expr, .. } => constant_pattern(expr)?,
            }
        }
        Ok(())
    }

    fn expr(&mut self, expr: &Expr) -> Result<(), PolicyError> {
        self.count(expr.span)?;
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Variable(_) => {}
            ExprKind::Resource => self.reads_resource = true,
            ExprKind::Recorder => self.reads_recorder = true,
            ExprKind::Account => self.reads_account = true,
            ExprKind::Parameter(name) => {
                add(&mut self.parameters, name);
                if self.parameter_places.len() < self.parameters.len() {
                    self.parameter_places.push(expr.span);
                }
            }
            ExprKind::Resources(wanted) => add(&mut self.looks_up, wanted),
            ExprKind::Member(object, _) => self.expr(object)?,
            ExprKind::List(elements) => {
                elements.iter().try_for_each(|element| self.expr(element))?;
            }
            ExprKind::Each { list, body, .. } => {
                self.expr(list)?;
                self.expr(body)?;
            }
            ExprKind::Call(function, arguments) => {
                for argument in arguments {
                    self.expr(argument)?;
                }
                self.reads_clock |= function.reads_clock();
                if let Function::Compare(Comparator::Match | Comparator::NotMatch) = function
                    && let Some(pattern) = arguments.get(1)
                {
                    constant_pattern(pattern)?;
                }
            }
        }
        Ok(())
    }
}

fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

fn constant_pattern(expr: &Expr) -> Result<(), PolicyError> {
    if let ExprKind::Literal(value) = &expr.kind {
        return literal_pattern(value, expr.span);
    }
    if is_constant(expr) {
        return Ok(());
    }
    let message = "a pattern to match is a literal or a parameter, never part of a resource";
    Err(PolicyError::at(expr.span, message))
}

fn literal_pattern(value: &serde_json::Value, span: Span) -> Result<(), PolicyError> {
    match value.as_str() {
        Some(pattern) => compile_pattern(pattern, span).map(|_| ()),
        None => Err(PolicyError::at(span, "a pattern to match is a string")),
    }
}
