//! What a policy says that its author cannot have meant.

mod definition;
mod implied;
mod logic;
mod types;

use serde::Serialize;
use serde_json::Map;

use crate::Policy;
use crate::ast::{
    Comparator, Condition, Expr, ExprKind, Function, Operand, Quantifier, Rule, Span,
};
use crate::engine::always;
use logic::Claim;
use types::{Types, types_of};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Probably not meant.
    Warning,
    /// Cannot be meant.
    Error,
}

/// Something in a policy that its author cannot have meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// How bad it is.
    pub severity: Severity,
    /// What it is, lower case, without a full stop.
    pub message: String,
    /// The line, from 1, in the text that the rule was read from.
    pub line: u32,
    /// The column in code points, from 1.
    pub column: u32,
    /// The JSON pointer of the part of the rule; empty for the whole.
    pub pointer: String,
}

impl Policy {
    /// Looks for what the author of the rule cannot have meant.
    pub fn lint(&self) -> Vec<Lint> {
        self.lint_with(&|_| Types::ANY)
    }

    /// As [`Policy::lint`], with what is known of parameters.
    pub(crate) fn lint_with(&self, parameter: &dyn Fn(&str) -> Types) -> Vec<Lint> {
        let mut linter = Linter { parameter, found: Vec::new() };
        let fixed = linter.rule(self.ast(), "");
        if let Some(truth) = fixed {
            let told = if truth { "always" } else { "never" };
            let message = format!("the rule is {told} violated, whatever the resource");
            linter.add(Severity::Error, message, span(self.ast()), "");
        }
        linter.found.sort_by_key(|lint| (lint.line, lint.column));
        linter.found.dedup();
        linter.found
    }
}

fn span(rule: &Rule) -> Span {
    match rule {
        Rule::AllOf(_, span) | Rule::AnyOf(_, span) | Rule::Not(_, span) => *span,
        Rule::Condition(condition) => condition.span,
    }
}

struct Linter<'a> {
    parameter: &'a dyn Fn(&str) -> Types,
    found: Vec<Lint>,
}

impl Linter<'_> {
    fn add(&mut self, severity: Severity, message: impl Into<String>, at: Span, pointer: &str) {
        self.found.push(Lint {
            severity,
            message: message.into(),
            line: at.line,
            column: at.column,
            pointer: pointer.to_owned(),
        });
    }

    /// What is known of the truth of a part.
    fn rule(&mut self, rule: &Rule, pointer: &str) -> Option<bool> {
        match rule {
            Rule::AllOf(parts, _) => self.parts(parts, &format!("{pointer}/allOf"), true),
            Rule::AnyOf(parts, _) => self.parts(parts, &format!("{pointer}/anyOf"), false),
            Rule::Not(part, _) => self.rule(part, &format!("{pointer}/not")).map(|truth| !truth),
            Rule::Condition(condition) => self.condition(condition, pointer),
        }
    }

    /// `neutral` is the truth of a part that changes nothing.
    fn parts(&mut self, parts: &[Rule], pointer: &str, neutral: bool) -> Option<bool> {
        let mut fixed = Some(neutral);
        let mut ended = false;
        for (number, part) in parts.iter().enumerate() {
            let place = format!("{pointer}/{number}");
            if ended {
                let message = "this part is never reached: the parts before decide";
                self.add(Severity::Error, message, span(part), &place);
                break;
            }
            let truth = self.rule(part, &place);
            ended = truth == Some(!neutral);
            fixed = match (fixed, truth) {
                (_, Some(truth)) if truth != neutral => Some(truth),
                (fixed, Some(_)) => fixed,
                (_, None) => None,
            };
        }
        let claims: Vec<Claim<'_>> = parts.iter().filter_map(Claim::of).collect();
        self.claims(&claims, parts, pointer, neutral).or(fixed)
    }

    /// Parts on the same value that exclude each other, or say the same.
    fn claims(
        &mut self,
        claims: &[Claim<'_>],
        parts: &[Rule],
        pointer: &str,
        all: bool,
    ) -> Option<bool> {
        for (number, part) in parts.iter().enumerate() {
            let same = |other: &Rule| logic::same_rule(part, other);
            if parts.iter().take(number).any(same) {
                let message = "this part stands here twice";
                self.add(Severity::Warning, message, span(part), &format!("{pointer}/{number}"));
            }
        }
        for (number, claim) in claims.iter().enumerate() {
            for other in claims.iter().take(number) {
                let clash = if all { claim.excludes(other) } else { claim.covers_all_with(other) };
                if clash {
                    let told = if all { "hold with" } else { "fail with" };
                    let written = other.written();
                    let message = format!("this can never {told} `{written}` before it");
                    self.add(Severity::Error, message, claim.span(), pointer);
                    return Some(!all);
                }
            }
        }
        None
    }

    fn condition(&mut self, condition: &Condition, pointer: &str) -> Option<bool> {
        for operand in [&condition.value, &condition.pattern] {
            if let Operand::Expression { expr, .. } = operand {
                self.expr(expr, pointer);
            }
        }
        let truth = self.known(condition);
        if let Some(truth) = truth {
            let told = if truth { "always true" } else { "never true" };
            let why = self.reason(condition);
            self.add(
                Severity::Error,
                format!("this condition is {told}{why}"),
                condition.span,
                pointer,
            );
        }
        truth
    }

    fn known(&self, condition: &Condition) -> Option<bool> {
        let parameters = Map::new();
        if let Some(truth) = always(condition, &parameters) {
            return Some(truth);
        }
        let (value, pattern) = (self.operand(&condition.value), self.operand(&condition.pattern));
        let (comparator, negated) = condition.comparator.positive();
        let empty = match &condition.pattern {
            Operand::Literal(serde_json::Value::Array(elements), _) => elements.is_empty(),
            Operand::Expression { expr, .. } => {
                matches!(&expr.kind, ExprKind::List(elements) if elements.is_empty())
            }
            Operand::Literal(..) => false,
        };
        let impossible =
            !types::can_hold(comparator, value, pattern) || (comparator == Comparator::In && empty);
        impossible.then_some(negated)
    }

    fn operand(&self, operand: &Operand) -> Types {
        match operand {
            Operand::Literal(value, _) => Types::of_value(value),
            Operand::Expression { expr, .. } => types_of(expr, self.parameter),
        }
    }

    fn reason(&self, condition: &Condition) -> String {
        let (value, pattern) = (self.operand(&condition.value), self.operand(&condition.pattern));
        if pattern == Types::NULL || value == Types::NULL {
            return ": null equals nothing, use isNull(…)".to_owned();
        }
        if types::can_hold(condition.comparator.positive().0, value, pattern) {
            return String::new();
        }
        let name = condition.comparator.name();
        format!(": `{name}` of {} and {}", value.describe(), pattern.describe())
    }

    /// Looks for calls within an expression that have only one answer.
    fn expr(&mut self, expr: &Expr, pointer: &str) {
        match &expr.kind {
            ExprKind::Member(object, _) => self.expr(object, pointer),
            ExprKind::List(parts) => parts.iter().for_each(|part| self.expr(part, pointer)),
            ExprKind::Each { quantifier, list, body, .. } => {
                self.expr(list, pointer);
                self.expr(body, pointer);
                if *quantifier != Quantifier::Map {
                    let what = format!("the body of {}", quantifier.name());
                    self.truth(body, &what, pointer);
                }
                if !types_of(list, self.parameter).intersects(Types::LIST) {
                    let message = format!("{} goes through what is no list", quantifier.name());
                    self.add(Severity::Error, message, list.span, pointer);
                }
            }
            ExprKind::Call(function, arguments) => {
                for argument in arguments {
                    self.expr(argument, pointer);
                }
                self.call(*function, arguments, expr.span, pointer);
            }
            _ => {}
        }
    }

    fn call(&mut self, function: Function, arguments: &[Expr], at: Span, pointer: &str) {
        match function {
            Function::And | Function::Or | Function::Not => {
                for argument in arguments {
                    self.truth(argument, &format!("a part of {}", function.name()), pointer);
                }
            }
            Function::If => {
                if let Some(condition) = arguments.first() {
                    self.truth(condition, "the condition of if", pointer);
                }
            }
            Function::Compare(comparator) => {
                let [value, pattern] = arguments else { return };
                let of = |expr: &Expr| types_of(expr, self.parameter);
                let (value, pattern) = (of(value), of(pattern));
                if !types::can_hold(comparator.positive().0, value, pattern) {
                    let name = comparator.name();
                    let (value, pattern) = (value.describe(), pattern.describe());
                    let message = format!("`{name}` of {value} and {pattern} has only one answer");
                    self.add(Severity::Error, message, at, pointer);
                }
            }
            _ => {}
        }
    }

    /// Something that is asked for its truth.
    fn truth(&mut self, expr: &Expr, what: &str, pointer: &str) {
        if let ExprKind::Literal(_) = expr.kind {
            let message = format!("{what} is always the same");
            self.add(Severity::Warning, message, expr.span, pointer);
        } else if !types_of(expr, self.parameter).intersects(Types::BOOL) {
            let message = format!("{what} is no boolean, so it is never true");
            self.add(Severity::Error, message, expr.span, pointer);
        }
    }
}
