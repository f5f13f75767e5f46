//! Syntax tree to program: names resolved, parameters bound, constants folded.

use std::cmp::Ordering;

use regex::bytes::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::constant::{Constant, ConstantSet};
use super::evaluate::fold;
use super::join::{Join, LookupKey, Step, found_by_key};
use super::library::Glob;
use super::pattern::Pattern;
use super::program::{Comparison, Each, Expr, Node, Test};
use crate::ast::{self, Comparator, ExprKind, Function, Operand, Quantifier, Rule, Span};
use crate::error::PolicyError;
use crate::syntax::is_constant;

/// How much memory a regular expression may take, compiled; four times that for its cache.
const PATTERN_BYTES: usize = 256 * 1024;
/// How long a regular expression may be.
const PATTERN_LENGTH: usize = 4_096;

/// Compiles a regular expression within limits.
pub(crate) fn compile_pattern(pattern: &str, span: Span) -> Result<Regex, PolicyError> {
    if pattern.len() > PATTERN_LENGTH {
        let message = format!("the pattern is longer than {PATTERN_LENGTH} bytes");
        return Err(PolicyError::at(span, message));
    }
    RegexBuilder::new(pattern)
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(4 * PATTERN_BYTES)
        .nest_limit(64)
        .build()
        .map_err(|fault| {
            let text = fault.to_string();
            let reason = text.lines().last().unwrap_or("").trim_start_matches("error: ");
            PolicyError::at(span, format!("the pattern cannot be used: {reason}"))
        })
}

pub(crate) struct Compiler<'a> {
    parameters: &'a Map<String, Value>,
    looks_up: &'a [String],
    pub(crate) paths: Vec<Vec<String>>,
    pub(crate) keys: Vec<LookupKey>,
    /// How many `any` and `all` remember their answers.
    pub(crate) memos: usize,
    /// The variables of the enclosing lambdas, innermost last.
    variables: Vec<&'a str>,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(parameters: &'a Map<String, Value>, looks_up: &'a [String]) -> Self {
        let (paths, keys, variables) = (Vec::new(), Vec::new(), Vec::new());
        Self { parameters, looks_up, paths, keys, memos: 0, variables }
    }

    pub(crate) fn rule(&mut self, rule: &'a Rule) -> Result<Node, PolicyError> {
        Ok(match rule {
            Rule::AllOf(parts, _) => Node::AllOf(self.rules(parts)?),
            Rule::AnyOf(parts, _) => Node::AnyOf(self.rules(parts)?),
            Rule::Not(part, _) => Node::Not(Box::new(self.rule(part)?)),
            Rule::Condition(condition) => self.condition(condition)?,
        })
    }

    fn rules(&mut self, parts: &'a [Rule]) -> Result<Box<[Node]>, PolicyError> {
        parts.iter().map(|part| self.rule(part)).collect()
    }

    pub(crate) fn condition(&mut self, condition: &'a ast::Condition) -> Result<Node, PolicyError> {
        let value = self.operand(&condition.value)?;
        let pattern = self.operand(&condition.pattern)?;
        let span = condition.pattern.span();
        let comparison = self.comparison(condition.comparator, value, pattern, span)?;
        let whole = Expr::Compare(Box::new(comparison));
        if let Expr::Compare(parts) = &whole
            && parts.is_constant()
            && let Some(Constant::Bool(truth)) = fold(&whole)
        {
            return Ok(Node::Fixed(truth));
        }
        match whole {
            Expr::Compare(comparison) => Ok(Node::Condition(comparison)),
            _ => Ok(Node::Fixed(false)),
        }
    }

    pub(crate) fn operand(&mut self, operand: &'a Operand) -> Result<Expr, PolicyError> {
        match operand {
            Operand::Literal(value, _) => Ok(Expr::Constant(Constant::new(value))),
            Operand::Expression { expr, .. } => self.expr(expr),
        }
    }

    fn comparison(
        &mut self,
        comparator: Comparator,
        value: Expr,
        pattern: Expr,
        span: Span,
    ) -> Result<Comparison, PolicyError> {
        let (comparator, negate) = comparator.positive();
        if let (
            Comparator::Contains | Comparator::ContainsKey,
            Expr::Path(container),
            Expr::Constant(Constant::Text(key)),
        ) = (comparator, &value, &pattern)
            && let Some(child) = self.child(*container, key)
        {
            let keys_only = comparator == Comparator::ContainsKey;
            let value = Expr::HasKey { container: *container, child, key: key.clone(), keys_only };
            return Ok(Comparison { value, test: Test::Equals(Constant::Bool(true)), negate });
        }
        let test = match (comparator, pattern) {
            (Comparator::Equals, Expr::Constant(Constant::Text(text))) => Test::EqualsText(text),
            (Comparator::Equals, Expr::Constant(constant)) => Test::Equals(constant),
            (Comparator::In, Expr::Constant(constant)) => match elements(&constant) {
                Some(elements) => Test::In(ConstantSet::new(&elements)),
                None => Test::Never,
            },
            (Comparator::Match, Expr::Constant(Constant::Text(text))) => {
                let pattern = String::from_utf8_lossy(&text);
                Test::Matches(Box::new(Pattern::new(compile_pattern(&pattern, span)?)))
            }
            (Comparator::Match, Expr::Constant(Constant::Missing | Constant::Null)) => Test::Never,
            // Any other pattern has no value: it leaves the verdict open where it is reached.
            (Comparator::Match, Expr::Constant(_)) => {
                return Err(PolicyError::at(span, "a pattern to match is a string"));
            }
            (comparator, pattern) => Test::General(comparator, pattern),
        };
        Ok(Comparison { value, test, negate })
    }

    pub(crate) fn path(&mut self, path: Vec<String>) -> usize {
        if let Some(known) = self.paths.iter().position(|known| *known == path) {
            return known;
        }
        self.paths.push(path);
        self.paths.len() - 1
    }

    fn child(&mut self, container: usize, key: &[u8]) -> Option<usize> {
        let mut path = self.paths.get(container)?.clone();
        path.push(String::from_utf8(key.to_vec()).ok()?);
        Some(self.path(path))
    }

    pub(crate) fn expr(&mut self, expr: &'a ast::Expr) -> Result<Expr, PolicyError> {
        let compiled = self.unfolded(expr)?;
        if is_constant(expr)
            && !matches!(compiled, Expr::Constant(_))
            && let Some(constant) = fold(&compiled)
        {
            return Ok(Expr::Constant(constant));
        }
        Ok(compiled)
    }

    fn unfolded(&mut self, expr: &'a ast::Expr) -> Result<Expr, PolicyError> {
        Ok(match &expr.kind {
            ExprKind::Literal(value) => Expr::Constant(Constant::new(value)),
            ExprKind::Resource => Expr::Path(self.path(Vec::new())),
            ExprKind::Parameter(name) => {
                let value = self.parameters.get(name).ok_or_else(|| {
                    PolicyError::at(expr.span, format!("parameter `{name}` has no value"))
                })?;
                Expr::Constant(Constant::new(value))
            }
            ExprKind::Variable(name) => Expr::Variable(self.levels_out(name), Box::default()),
            ExprKind::Recorder => Expr::Recorder,
            ExprKind::Account => Expr::Account,
            ExprKind::Resources(wanted) => Expr::Resources(self.look_up(wanted)),
            ExprKind::List(elements) => Expr::List(self.exprs(elements)?),
            ExprKind::Member(object, key) => self.member(object, key)?,
            ExprKind::Call(function, arguments) => self.call(*function, arguments, expr.span)?,
            ExprKind::Each { quantifier, list, variable, body } => {
                let join = match quantifier {
                    Quantifier::Filter | Quantifier::Any => self.join(list, variable, body)?,
                    Quantifier::Map | Quantifier::All => None,
                };
                let list = self.expr(list)?;
                self.variables.push(variable);
                let body = self.expr(body);
                self.variables.pop();
                let body = body?;
                // What `map` answers is no truth.
                let asks = *quantifier != Quantifier::Map
                    && list.list_path().is_some()
                    && body.is_of_element(0);
                let memo = asks.then_some(self.memos);
                self.memos += usize::from(asks);
                let mut reads = Vec::new();
                body.element_keys(0, &mut reads);
                let reads = reads.into();
                let quantifier = *quantifier;
                Expr::Each(Box::new(Each { quantifier, list, body, join, memo, reads }))
            }
        })
    }

    fn look_up(&self, wanted: &str) -> usize {
        self.looks_up.iter().position(|known| known == wanted).unwrap_or(usize::MAX)
    }

    /// A look-up whose body asks for equality with something outside of it.
    fn join(
        &mut self,
        list: &'a ast::Expr,
        variable: &'a str,
        body: &'a ast::Expr,
    ) -> Result<Option<Join>, PolicyError> {
        let ExprKind::Resources(wanted) = &list.kind else { return Ok(None) };
        let Some(key) = found_by_key(variable, body) else { return Ok(None) };
        let depth = key.variables.len();
        self.variables.extend(&key.variables);
        let outer = self.expr(key.outer);
        self.variables.truncate(self.variables.len() - depth);
        let outer = outer?;
        let of_resource = match &outer {
            Expr::Path(path) => self.paths.get(*path).cloned(),
            _ => None,
        };
        self.keys.push(LookupKey::new(wanted, &key.steps, of_resource));
        let lookup = self.look_up(wanted);
        let steps: Box<[Step]> = key.steps.into();
        Ok(Some(Join { number: self.keys.len() - 1, lookup, steps, outer, depth }))
    }

    fn levels_out(&self, name: &str) -> usize {
        self.variables.iter().rev().position(|known| *known == name).unwrap_or(usize::MAX)
    }

    /// Follows a chain of members down to its root.
    fn member(&mut self, object: &'a ast::Expr, last: &'a str) -> Result<Expr, PolicyError> {
        let mut keys = vec![last];
        let mut root = object;
        while let ExprKind::Member(inner, key) = &root.kind {
            keys.push(key);
            root = inner;
        }
        keys.reverse();
        let bytes = || keys.iter().map(|key| Box::from(key.as_bytes())).collect::<Box<[_]>>();
        Ok(match &root.kind {
            ExprKind::Resource => {
                Expr::Path(self.path(keys.iter().map(|key| (*key).to_owned()).collect()))
            }
            ExprKind::Variable(name) => Expr::Variable(self.levels_out(name), bytes()),
            _ => Expr::Member(Box::new(self.expr(root)?), bytes()),
        })
    }

    fn exprs(&mut self, arguments: &'a [ast::Expr]) -> Result<Box<[Expr]>, PolicyError> {
        arguments.iter().map(|argument| self.expr(argument)).collect()
    }

    fn call(
        &mut self,
        function: Function,
        arguments: &'a [ast::Expr],
        span: Span,
    ) -> Result<Expr, PolicyError> {
        match function {
            Function::And => return Ok(Expr::And(self.exprs(arguments)?)),
            Function::Or => return Ok(Expr::Or(self.exprs(arguments)?)),
            Function::Coalesce => return Ok(Expr::Coalesce(self.exprs(arguments)?)),
            Function::If => return Ok(Expr::If(self.exprs(arguments)?)),
            _ => {}
        }
        // The parser has counted the arguments.
        let lacking = || PolicyError::at(span, "an argument is missing");
        let first = arguments.first().ok_or_else(lacking)?;
        let second = || arguments.get(1).ok_or_else(lacking);
        Ok(match function {
            Function::Compare(comparator) => {
                let span = second()?.span;
                let (value, pattern) = (self.expr(first)?, self.expr(second()?)?);
                Expr::Compare(Box::new(self.comparison(comparator, value, pattern, span)?))
            }
            Function::GetValue => {
                let (map, key) = (self.expr(first)?, self.expr(second()?)?);
                if let (Expr::Path(container), Expr::Constant(Constant::Text(name))) = (&map, &key)
                    && let Some(child) = self.child(*container, name)
                {
                    return Ok(Expr::Path(child));
                }
                Expr::GetValue(Box::new(map), Box::new(key))
            }
            Function::Length => Expr::Length(Box::new(self.expr(first)?)),
            Function::Like | Function::Wildcard => {
                let (text, pattern) = (self.expr(first)?, self.expr(second()?)?);
                if let Expr::Constant(Constant::Text(known)) = &pattern
                    && !text.is_constant()
                    && let Some(glob) =
                        std::str::from_utf8(known).ok().and_then(|known| Glob::new(function, known))
                {
                    return Ok(Expr::Fits(Box::new(text), Box::new(glob)));
                }
                Expr::Call(function, [text, pattern].into())
            }
            Function::Not => Expr::Not(Box::new(self.expr(first)?)),
            Function::Needed => Expr::Needed(Box::new(self.expr(first)?)),
            function => Expr::Call(function, self.exprs(arguments)?),
        })
    }
}

/// The truth of a condition that reads nothing but literals.
pub(crate) fn always(condition: &ast::Condition, none: &Map<String, Value>) -> Option<bool> {
    let literal = |operand: &Operand| match operand {
        Operand::Literal(..) => true,
        Operand::Expression { expr, .. } => is_constant(expr),
    };
    if !literal(&condition.value) || !literal(&condition.pattern) {
        return None;
    }
    // Without values for parameters only a rule without any compiles.
    match Compiler::new(none, &[]).condition(condition).ok()? {
        Node::Fixed(truth) => Some(truth),
        _ => None,
    }
}

fn elements(constant: &Constant) -> Option<Vec<Value>> {
    match constant {
        Constant::Array(text) => serde_json::from_slice(text).ok(),
        _ => None,
    }
}

impl Comparison {
    /// Known without a resource?
    fn is_constant(&self) -> bool {
        let fixed = !matches!(&self.test, Test::General(_, pattern) if !pattern.is_constant());
        fixed && self.value.is_constant()
    }
}

impl Expr {
    fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }
}

/// Does an ordering comparator accept this order?
pub(crate) fn accepts(comparator: Comparator, order: Ordering) -> bool {
    match comparator {
        Comparator::Greater => order.is_gt(),
        Comparator::GreaterOrEquals => order.is_ge(),
        Comparator::Less => order.is_lt(),
        Comparator::LessOrEquals => order.is_le(),
        _ => false,
    }
}
