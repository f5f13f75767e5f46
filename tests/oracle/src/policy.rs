//! Policies, read off their syntax tree one node after the other.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use regex::Regex;
use ruleward_policy::Policy;
use ruleward_policy::ast::{
    Comparator, Condition, Expr, ExprKind, Function, Operand, Quantifier, Rule,
};
use serde_json::{Map, Value};

use crate::{library, number};

/// What a rule finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The rule does not hold: no violation.
    Compliant,
    /// The rule holds: a violation.
    NonCompliant,
    /// Something that is needed is not known.
    Undetermined,
}

/// What a rule can ask for besides the resource.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// The time in milliseconds.
    pub now_ms: i64,
    /// The recorder, an object with at least `enabled`, where it is known.
    pub recorder: Option<Value>,
    /// The account, an object with at least `id`, where it is known.
    pub account: Option<Value>,
    /// The resources by `provider.type`; a type that is not there is not available.
    pub inventory: BTreeMap<String, Vec<Value>>,
}

/// What the policy finds on the resource.
pub fn evaluate(
    policy: &Policy,
    parameters: &Map<String, Value>,
    resource: &Value,
    world: &World,
) -> Verdict {
    if lacks(policy, resource) {
        return Verdict::Undetermined;
    }
    match (Reader { parameters, resource, world }).rule(policy.ast()) {
        Ok(true) => Verdict::NonCompliant,
        Ok(false) => Verdict::Compliant,
        Err(Open) => Verdict::Undetermined,
    }
}

/// Whether the policy is for the resource and a path that it needs is not there.
fn lacks(policy: &Policy, resource: &Value) -> bool {
    let text = |key: &str| resource.get(key).and_then(Value::as_str);
    let own = (text("provider"), text("type"));
    let meant = guards(policy.ast()).is_none_or(|pairs| {
        pairs.iter().any(|(provider, name)| own == (Some(provider), Some(name)))
    });
    let there = |path: &Vec<String>| {
        let mut at = Some(resource);
        for key in path {
            at = at.and_then(Value::as_object).and_then(|object| object.get(key));
        }
        at.is_some()
    };
    meant && !policy.needs().iter().all(there)
}

/// The types that the guards at the start of a rule name, each with its provider; none if they do
/// not name both.
fn guards(rule: &Rule) -> Option<Vec<(String, String)>> {
    match rule {
        Rule::AllOf(parts, _) => {
            let (mut provider, mut name) = (None, None);
            for part in parts {
                if let Some(pairs) = guards(part) {
                    return Some(pairs);
                }
                match guard(part)? {
                    ("provider", text) => provider = provider.or(Some(text)),
                    (_, text) => name = name.or(Some(text)),
                }
                if let (Some(provider), Some(name)) = (provider, name) {
                    return Some(vec![(provider.to_owned(), name.to_owned())]);
                }
            }
            None
        }
        Rule::AnyOf(parts, _) => {
            let pairs: Option<Vec<_>> = parts.iter().map(guards).collect();
            Some(pairs?.into_iter().flatten().collect())
        }
        Rule::Not(..) | Rule::Condition(_) => None,
    }
}

/// What a condition asks the provider or the type to be.
fn guard(rule: &Rule) -> Option<(&str, &str)> {
    let Rule::Condition(condition) = rule else { return None };
    let Operand::Expression { expr, .. } = &condition.value else { return None };
    let ExprKind::Member(object, key) = &expr.kind else { return None };
    let Operand::Literal(Value::String(text), _) = &condition.pattern else { return None };
    let asks = object.kind == ExprKind::Resource
        && matches!(key.as_str(), "provider" | "type")
        && condition.comparator == Comparator::Equals;
    asks.then_some((key.as_str(), text.as_str()))
}

/// The verdict stays open.
pub(crate) struct Open;

pub(crate) type Result<T> = std::result::Result<T, Open>;
pub(crate) type Variables<'a> = Vec<(&'a str, Value)>;

#[derive(Clone)]
pub(crate) enum Found<'a> {
    Missing,
    Json(Value),
    /// What is computed beyond whole numbers.
    Float(f64),
    /// A list whose elements are looked for when somebody asks for them.
    Each(Rc<Each<'a>>),
}

/// A `filter` or `map`.
pub(crate) struct Each<'a> {
    quantifier: Quantifier,
    list: &'a Expr,
    variable: &'a str,
    body: &'a Expr,
    variables: Variables<'a>,
}

impl From<Option<&Value>> for Found<'_> {
    fn from(value: Option<&Value>) -> Self {
        value.map_or(Self::Missing, |value| Self::Json(value.clone()))
    }
}

impl Found<'_> {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Missing | Self::Json(Value::Null))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Self::Each(_) | Self::Json(Value::Array(_)))
    }

    fn member(&self, key: &str) -> Self {
        match self {
            Self::Json(Value::Object(object)) => object.get(key).into(),
            _ => Self::Missing,
        }
    }
}

pub(crate) struct Reader<'a> {
    parameters: &'a Map<String, Value>,
    resource: &'a Value,
    world: &'a World,
}

impl<'a> Reader<'a> {
    fn rule(&self, rule: &'a Rule) -> Result<bool> {
        match rule {
            Rule::AllOf(parts, _) => {
                for part in parts {
                    if !self.rule(part)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Rule::AnyOf(parts, _) => {
                for part in parts {
                    if self.rule(part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Rule::Not(part, _) => Ok(!self.rule(part)?),
            Rule::Condition(condition) => self.condition(condition),
        }
    }

    fn condition(&self, condition: &'a Condition) -> Result<bool> {
        let value = self.operand(&condition.value)?;
        let pattern = self.operand(&condition.pattern)?;
        self.compare(condition.comparator, &value, &pattern)
    }

    fn operand(&self, operand: &'a Operand) -> Result<Found<'a>> {
        match operand {
            Operand::Literal(value, _) => Ok(Found::Json(value.clone())),
            Operand::Expression { expr, .. } => self.expr(expr, &Vec::new()),
        }
    }

    fn expr(&self, expr: &'a Expr, variables: &Variables<'a>) -> Result<Found<'a>> {
        Ok(match &expr.kind {
            ExprKind::Literal(value) => Found::Json(value.clone()),
            ExprKind::Resource => Found::Json(self.resource.clone()),
            ExprKind::Parameter(name) => self.parameters.get(name).into(),
            ExprKind::Variable(name) => {
                let known = variables.iter().rev().find(|(known, _)| known == name);
                known.map(|(_, value)| value).into()
            }
            ExprKind::Recorder => Found::Json(self.world.recorder.clone().ok_or(Open)?),
            ExprKind::Account => Found::Json(self.world.account.clone().ok_or(Open)?),
            ExprKind::Resources(wanted) => {
                let found = self.world.inventory.get(wanted).ok_or(Open)?;
                Found::Json(Value::Array(found.clone()))
            }
            ExprKind::Member(object, key) => self.expr(object, variables)?.member(key),
            ExprKind::List(elements) => {
                let mut list = Vec::new();
                for element in elements {
                    let value = self.expr(element, variables)?;
                    list.push(self.value(&value)?.unwrap_or_default());
                }
                Found::Json(Value::Array(list))
            }
            ExprKind::Each { quantifier, list, variable, body } => {
                let each = Each {
                    quantifier: *quantifier,
                    list,
                    variable,
                    body,
                    variables: variables.clone(),
                };
                match quantifier {
                    Quantifier::Filter | Quantifier::Map => Found::Each(Rc::new(each)),
                    Quantifier::Any => {
                        let filter = Each { quantifier: Quantifier::Filter, ..each };
                        let mut any = false;
                        self.each(&Found::Each(Rc::new(filter)), &mut |_| {
                            any = true;
                            Ok(false)
                        })?;
                        Found::Json(any.into())
                    }
                    Quantifier::All => {
                        let list = self.expr(each.list, variables)?;
                        let mut all = true;
                        self.each(&list, &mut |element| {
                            all = self.holds(each.body, &with(&each, element))?;
                            Ok(all)
                        })?;
                        Found::Json(all.into())
                    }
                }
            }
            ExprKind::Call(function, arguments) => self.call(*function, arguments, variables)?,
        })
    }

    fn call(
        &self,
        function: Function,
        arguments: &'a [Expr],
        variables: &Variables<'a>,
    ) -> Result<Found<'a>> {
        let argument = |n: usize| match arguments.get(n) {
            Some(argument) => self.expr(argument, variables),
            None => Ok(Found::Missing),
        };
        let truth = |truth: bool| Ok(Found::Json(Value::Bool(truth)));
        match function {
            Function::Compare(comparator) => {
                truth(self.compare(comparator, &argument(0)?, &argument(1)?)?)
            }
            Function::Length => Ok(Found::Json(self.length(&argument(0)?)?.into())),
            Function::GetValue => {
                let map = argument(0)?;
                Ok(match argument(1)? {
                    Found::Json(Value::String(key)) => map.member(&key),
                    _ => Found::Missing,
                })
            }
            Function::And => {
                for part in arguments {
                    if !self.holds(part, variables)? {
                        return truth(false);
                    }
                }
                truth(true)
            }
            Function::Or => {
                for part in arguments {
                    if self.holds(part, variables)? {
                        return truth(true);
                    }
                }
                truth(false)
            }
            Function::Not => match arguments.first() {
                Some(part) => truth(!self.holds(part, variables)?),
                None => truth(true),
            },
            Function::Coalesce => {
                let mut last = Found::Missing;
                for part in arguments {
                    last = self.expr(part, variables)?;
                    if !last.is_null() {
                        break;
                    }
                }
                Ok(last)
            }
            Function::If => {
                let condition = arguments.first().map(|part| self.holds(part, variables));
                argument(if condition.transpose()? == Some(true) { 1 } else { 2 })
            }
            Function::DaysSince => Ok(self.elapsed(&argument(0)?, 24.0)),
            Function::DaysUntil => Ok(self.elapsed(&argument(0)?, -24.0)),
            Function::HoursSince => Ok(self.elapsed(&argument(0)?, 1.0)),
            Function::Concat => {
                let mut joined = String::new();
                for part in arguments {
                    let Found::Json(Value::String(text)) = self.expr(part, variables)? else {
                        return Ok(Found::Missing);
                    };
                    joined.push_str(&text);
                }
                Ok(Found::Json(joined.into()))
            }
            Function::Needed => match argument(0)? {
                Found::Missing => Err(Open),
                found => Ok(found),
            },
            _ => {
                let (one, two) = (argument(0)?, argument(1)?);
                self.library(function, one, &two)
            }
        }
    }

    /// A found value as JSON; `None` where it is missing.
    pub(crate) fn value(&self, found: &Found<'a>) -> Result<Option<Value>> {
        Ok(match found {
            Found::Missing => None,
            Found::Json(value) => Some(value.clone()),
            Found::Float(float) => serde_json::Number::from_f64(*float).map(Value::Number),
            Found::Each(_) => Some(Value::Array(self.elements(found)?)),
        })
    }

    /// Only the boolean true is true.
    fn holds(&self, expr: &'a Expr, variables: &Variables<'a>) -> Result<bool> {
        Ok(matches!(self.expr(expr, variables)?, Found::Json(Value::Bool(true))))
    }

    /// Visits the elements of a list until the visitor says stop. What is no list has none.
    pub(crate) fn each(
        &self,
        list: &Found<'a>,
        visit: &mut dyn FnMut(&Value) -> Result<bool>,
    ) -> Result<()> {
        match list {
            Found::Json(Value::Array(elements)) => {
                for element in elements {
                    if !visit(element)? {
                        break;
                    }
                }
            }
            Found::Each(each) => {
                let list = self.expr(each.list, &each.variables)?;
                self.each(&list, &mut |element| {
                    let variables = with(each, element);
                    if each.quantifier == Quantifier::Map {
                        let value = self.expr(each.body, &variables)?;
                        visit(&self.value(&value)?.unwrap_or_default())
                    } else if self.holds(each.body, &variables)? {
                        visit(element)
                    } else {
                        Ok(true)
                    }
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn elements(&self, list: &Found<'a>) -> Result<Vec<Value>> {
        let mut elements = Vec::new();
        self.each(list, &mut |element| {
            elements.push(element.clone());
            Ok(true)
        })?;
        Ok(elements)
    }

    fn length(&self, of: &Found<'a>) -> Result<usize> {
        Ok(match of {
            Found::Json(Value::String(text)) => text.chars().count(),
            Found::Json(Value::Object(object)) => object.len(),
            list => self.elements(list)?.len(),
        })
    }

    fn compare(
        &self,
        comparator: Comparator,
        value: &Found<'a>,
        pattern: &Found<'a>,
    ) -> Result<bool> {
        let order = || match (value, pattern) {
            (Found::Json(Value::String(a)), Found::Json(Value::String(b))) => {
                Some(a.as_bytes().cmp(b.as_bytes()))
            }
            _ => order(value, pattern),
        };
        Ok(match comparator {
            Comparator::Equals => self.equal(value, pattern)?,
            Comparator::NotEquals => !self.equal(value, pattern)?,
            Comparator::In => self.has(pattern, value)?,
            Comparator::NotIn => !self.has(pattern, value)?,
            Comparator::Contains => self.contains(value, pattern)?,
            Comparator::NotContains => !self.contains(value, pattern)?,
            Comparator::ContainsKey => contains_key(value, pattern),
            Comparator::NotContainsKey => !contains_key(value, pattern),
            Comparator::Greater => order() == Some(Ordering::Greater),
            Comparator::Less => order() == Some(Ordering::Less),
            Comparator::GreaterOrEquals => order().is_some_and(|order| order != Ordering::Less),
            Comparator::LessOrEquals => order().is_some_and(|order| order != Ordering::Greater),
            Comparator::Match => matches_pattern(value, pattern),
            Comparator::NotMatch => !matches_pattern(value, pattern),
        })
    }

    /// Null equals nothing, not even null.
    fn equal(&self, a: &Found<'a>, b: &Found<'a>) -> Result<bool> {
        if a.is_null() || b.is_null() {
            return Ok(false);
        }
        if a.is_list() && b.is_list() {
            let (a, b) = (self.elements(a)?, self.elements(b)?);
            return Ok(a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| same(a, b)));
        }
        Ok(match (a, b) {
            (Found::Json(a), Found::Json(b)) => same(a, b),
            _ => order(a, b) == Some(Ordering::Equal),
        })
    }

    fn has(&self, list: &Found<'a>, wanted: &Found<'a>) -> Result<bool> {
        let mut found = false;
        if !wanted.is_null() {
            self.each(list, &mut |element| {
                found = self.equal(wanted, &Found::Json(element.clone()))?;
                Ok(!found)
            })?;
        }
        Ok(found)
    }

    /// A list has an element, a map a key, a text a part.
    fn contains(&self, container: &Found<'a>, wanted: &Found<'a>) -> Result<bool> {
        match (container, wanted) {
            (Found::Json(Value::Object(_)), _) => Ok(contains_key(container, wanted)),
            (Found::Json(Value::String(text)), Found::Json(Value::String(part))) => {
                Ok(text.contains(part.as_str()))
            }
            _ => self.has(container, wanted),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the language computes with 64-bit floats")]
    fn elapsed(&self, time: &Found<'a>, hours: f64) -> Found<'a> {
        let at = match time {
            Found::Json(Value::String(text)) => library::milliseconds(text),
            time => whole(time),
        };
        match at.and_then(|at: i64| self.world.now_ms.checked_sub(at)) {
            Some(age) => Found::Float(age as f64 / (hours * 3600.0 * 1000.0)),
            None => Found::Missing,
        }
    }
}

/// The variables within a lambda.
fn with<'a>(each: &Each<'a>, element: &Value) -> Variables<'a> {
    let mut variables = each.variables.clone();
    variables.push((each.variable, element.clone()));
    variables
}

/// A number that is written as a whole one.
pub(crate) fn whole(found: &Found<'_>) -> Option<i64> {
    let Found::Json(Value::Number(number)) = found else { return None };
    let text = number.to_string();
    let plain = text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

pub(crate) fn float(found: &Found<'_>) -> Option<f64> {
    match found {
        Found::Float(float) => Some(*float),
        Found::Json(Value::Number(number)) => number.to_string().parse().ok(),
        _ => None,
    }
}

fn contains_key(map: &Found<'_>, key: &Found<'_>) -> bool {
    match (map, key) {
        (Found::Json(Value::Object(map)), Found::Json(Value::String(key))) => map.contains_key(key),
        _ => false,
    }
}

fn matches_pattern(value: &Found<'_>, pattern: &Found<'_>) -> bool {
    match (value, pattern) {
        (Found::Json(Value::String(value)), Found::Json(Value::String(pattern))) => {
            Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(value))
        }
        _ => false,
    }
}

/// The order of two numbers.
pub(crate) fn order(a: &Found<'_>, b: &Found<'_>) -> Option<Ordering> {
    match (a, b) {
        (Found::Json(Value::Number(a)), Found::Json(Value::Number(b))) => {
            Some(number::compare(&a.to_string(), &b.to_string()))
        }
        _ => float(a)?.partial_cmp(&float(b)?),
    }
}

/// Equality inside lists and objects, where null equals null.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            number::compare(&a.to_string(), &b.to_string()) == Ordering::Equal
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}
