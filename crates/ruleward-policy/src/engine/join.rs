//! Looking resources up by a key: an index instead of a walk over all of them.
//!
//! A body such as `equals(v.properties.server, resource().id)` can hold only for resources whose value
//! at a path equals a value from outside of the lambda. The values at the path are put into an index,
//! once for all resources judged with the same buffers, and the body runs on what the index gives.
//! It decides as before, so the index may give too much, but never too little.

use std::cell::OnceCell;
use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;

use super::Reason;
use super::evaluate::{Body, Evaluator, Scope};
use super::program::Expr;
use super::value::Val;
use crate::ast::{self, Comparator, ExprKind, Function, Quantifier};
use crate::json::{self, Decimal, Elements, NotJson, RawString, RawValue, member};

/// How many indexes are kept.
const KEPT: usize = 64;

/// A way down from a looked-up resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(Box<[u8]>),
    /// To each element of a list.
    Each,
}

/// Where the keys of looked-up resources stand and what they must equal.
#[derive(Debug)]
pub(crate) struct Join {
    /// Its place among the keys of the program.
    pub(crate) number: usize,
    /// The type's place among the look-ups of the program.
    pub(crate) lookup: usize,
    pub(crate) steps: Box<[Step]>,
    /// What the key must equal, as it stands inside so many lambdas.
    pub(crate) outer: Expr,
    pub(crate) depth: usize,
}

/// By what a rule looks resources up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupKey {
    /// The `provider.type` looked up.
    pub provider_type: String,
    /// The path of the key in the resource looked up; a part `[]` stands for each element of a list.
    pub path: Vec<String>,
    /// The path of the judged resource that the key must equal, where it is one.
    pub of_resource: Option<Vec<String>>,
}

impl LookupKey {
    pub(crate) fn new(wanted: &str, steps: &[Step], of_resource: Option<Vec<String>>) -> Self {
        let name = |step: &Step| match step {
            Step::Key(key) => String::from_utf8_lossy(key).into_owned(),
            Step::Each => "[]".to_owned(),
        };
        let path = steps.iter().map(name).collect();
        Self { provider_type: wanted.to_owned(), path, of_resource }
    }
}

/// What the body of a lambda over looked-up resources says about a key.
pub(crate) struct FoundKey<'a> {
    pub(crate) steps: Vec<Step>,
    pub(crate) outer: &'a ast::Expr,
    /// The variables in sight where `outer` stands, outermost first.
    pub(crate) variables: Vec<&'a str>,
}

/// Finds an equality between a path of the variable and something from outside, without which the
/// body cannot hold, and before which nothing can leave the verdict open.
pub(crate) fn found_by_key<'a>(variable: &'a str, body: &'a ast::Expr) -> Option<FoundKey<'a>> {
    let mut variables = vec![variable];
    let (steps, outer) = key_of(&mut variables, body)?;
    Some(FoundKey { steps, outer, variables })
}

fn key_of<'a>(
    variables: &mut Vec<&'a str>,
    body: &'a ast::Expr,
) -> Option<(Vec<Step>, &'a ast::Expr)> {
    let parts = match &body.kind {
        ExprKind::Call(Function::And, parts) => parts.as_slice(),
        _ => std::slice::from_ref(body),
    };
    for part in parts {
        if let Some(found) = equality(variables, part) {
            return Some(found);
        }
        if !is_settled(part) {
            return None;
        }
    }
    None
}

fn equality<'a>(
    variables: &mut Vec<&'a str>,
    part: &'a ast::Expr,
) -> Option<(Vec<Step>, &'a ast::Expr)> {
    let variable = *variables.last()?;
    let outside = |expr: &'a ast::Expr| {
        let free = !variables.iter().any(|name| mentions(expr, name));
        (free && is_settled(expr) && reads_outside(expr)).then_some(expr)
    };
    match &part.kind {
        ExprKind::Call(Function::Compare(comparator), arguments) => {
            let [left, right] = arguments.as_slice() else { return None };
            let element = |list: &ast::Expr| {
                let mut steps = path_of(list, variable)?;
                steps.push(Step::Each);
                Some(steps)
            };
            match comparator {
                Comparator::Equals => {
                    if let (Some(steps), Some(outer)) = (path_of(left, variable), outside(right)) {
                        return Some((steps, outer));
                    }
                    Some((path_of(right, variable)?, outside(left)?))
                }
                Comparator::Contains => Some((element(left)?, outside(right)?)),
                Comparator::In => Some((element(right)?, outside(left)?)),
                _ => None,
            }
        }
        ExprKind::Each { quantifier: Quantifier::Any, list, variable: inner, body } => {
            let mut steps = path_of(list, variable)?;
            steps.push(Step::Each);
            variables.push(inner);
            let Some((rest, outer)) = key_of(variables, body) else {
                variables.pop();
                return None;
            };
            steps.extend(rest);
            Some((steps, outer))
        }
        _ => None,
    }
}

/// The keys of `variable.a.b`.
fn path_of(mut expr: &ast::Expr, variable: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    while let ExprKind::Member(object, key) = &expr.kind {
        steps.push(Step::Key(key.as_bytes().into()));
        expr = object;
    }
    steps.reverse();
    matches!(&expr.kind, ExprKind::Variable(name) if name == variable).then_some(steps)
}

/// Does any part of the expression fit?
fn any_part(expr: &ast::Expr, fits: &dyn Fn(&ast::Expr) -> bool) -> bool {
    if fits(expr) {
        return true;
    }
    match &expr.kind {
        ExprKind::Member(object, _) => any_part(object, fits),
        ExprKind::Call(_, parts) | ExprKind::List(parts) => {
            parts.iter().any(|part| any_part(part, fits))
        }
        ExprKind::Each { list, body, .. } => any_part(list, fits) || any_part(body, fits),
        _ => false,
    }
}

fn mentions(expr: &ast::Expr, variable: &str) -> bool {
    any_part(expr, &|part| matches!(&part.kind, ExprKind::Variable(name) if name == variable))
}

fn reads_outside(expr: &ast::Expr) -> bool {
    any_part(expr, &|part| matches!(part.kind, ExprKind::Variable(_) | ExprKind::Resource))
}

/// Can it not leave the verdict open?
fn is_settled(expr: &ast::Expr) -> bool {
    !any_part(expr, &|part| {
        matches!(
            part.kind,
            ExprKind::Recorder
                | ExprKind::Account
                | ExprKind::Resources(_)
                | ExprKind::Call(Function::Needed, _)
        )
    })
}

/// The places of resources by the hash of a key, sorted.
#[derive(Debug)]
pub(crate) struct Index {
    places: Vec<(u64, u32)>,
}

impl Index {
    /// `None` where an index could miss something.
    fn build(bodies: &[Body], steps: &[Step]) -> Option<Self> {
        let mut places = Vec::new();
        for (number, body) in (0_u32..).zip(bodies) {
            let found = &mut |value: RawValue<'_>| {
                // Anything but a plain value equals no plain value.
                places.extend(hash(value.into()).map(|hash| (hash, number)));
            };
            walk(json::parse(body).ok()?, steps, found).ok()??;
        }
        places.sort_unstable();
        places.dedup();
        Some(Self { places })
    }

    fn of(&self, hash: u64) -> &[(u64, u32)] {
        let from = self.places.partition_point(|(known, _)| *known < hash);
        let rest = self.places.get(from..).unwrap_or(&[]);
        let length = rest.partition_point(|(known, _)| *known == hash);
        rest.get(..length).unwrap_or(&[])
    }
}

/// Calls back with each value at the end of the way. `None` where a list is asked for and something
/// else that can contain a text is found.
fn walk(
    value: RawValue<'_>,
    steps: &[Step],
    found: &mut dyn FnMut(RawValue<'_>),
) -> Result<Option<()>, NotJson> {
    let Some((step, rest)) = steps.split_first() else {
        found(value);
        return Ok(Some(()));
    };
    match (step, value) {
        (Step::Key(key), RawValue::Object(object)) => {
            match member(object, RawString::plain(key))? {
                Some(value) => walk(value, rest, found),
                None => Ok(Some(())),
            }
        }
        (Step::Each, RawValue::Array(array)) => {
            let mut elements = Elements::new(array);
            while let Some(element) = elements.try_next()? {
                if walk(element, rest, found)?.is_none() {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        }
        (Step::Each, RawValue::Object(_) | RawValue::String(_)) if rest.is_empty() => Ok(None),
        _ => Ok(Some(())),
    }
}

/// A hash by which equal plain values are equal; `None` for other values.
fn hash(value: Val<'_>) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    let number = |text: &[u8], hasher: &mut DefaultHasher| {
        let mut spelling = Vec::new();
        Decimal::parse(text)?.canonical(&mut spelling);
        hasher.write_u8(2);
        hasher.write(&spelling);
        Some(())
    };
    match value {
        Val::Bool(truth) => hasher.write(&[1, u8::from(truth)]),
        Val::Integer(value) => number(value.to_string().as_bytes(), &mut hasher)?,
        Val::Number(text) => number(text, &mut hasher)?,
        Val::Text(text) => {
            hasher.write_u8(3);
            match text.as_plain() {
                Some(bytes) => hasher.write(bytes),
                None => text.decoded().for_each(|byte| hasher.write_u8(byte)),
            }
        }
        _ => return None,
    }
    Some(hasher.finish())
}

/// The indexes of the inventories seen last.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    known: Vec<Known>,
}

#[derive(Debug)]
struct Known {
    steps: Box<[Step]>,
    /// What was indexed. While it is kept here, no other list can stand in its place.
    bodies: Arc<[Body]>,
    index: Option<Arc<Index>>,
}

impl Indexes {
    fn get(&mut self, bodies: &Arc<[Body]>, steps: &[Step]) -> Option<Arc<Index>> {
        let fits = |known: &&Known| Arc::ptr_eq(&known.bodies, bodies) && *known.steps == *steps;
        if let Some(known) = self.known.iter().find(fits) {
            return known.index.clone();
        }
        let index = Index::build(bodies, steps).map(Arc::new);
        if self.known.len() >= KEPT {
            self.known.remove(0);
        }
        let (steps, bodies) = (steps.into(), Arc::clone(bodies));
        self.known.push(Known { steps, bodies, index: index.clone() });
        index
    }

    pub(crate) fn clear(&mut self) {
        self.known.clear();
    }
}

/// The index of a key in one run, once it is asked for.
pub(crate) type Asked = OnceCell<Option<Arc<Index>>>;

impl<'a> Evaluator<'a, '_> {
    /// The places of the resources that can fit; `None` if all must be looked at.
    pub(super) fn candidates(
        &mut self,
        join: &'a Join,
        scope: Option<&Scope<'_, 'a>>,
    ) -> Result<Option<&'a [(u64, u32)]>, Reason> {
        let lookups = self.lookups;
        let bodies = lookups.get(join.lookup, self.env)?;
        if bodies.is_empty() {
            return Ok(Some(&[]));
        }
        let one = Scope { value: Val::Missing, outer: scope };
        let mut innermost = &one;
        let two = Scope { value: Val::Missing, outer: Some(&one) };
        let three = Scope { value: Val::Missing, outer: Some(&two) };
        match join.depth {
            1 => {}
            2 => innermost = &two,
            3 => innermost = &three,
            _ => return Ok(None),
        }
        let wanted = self.expr(&join.outer, Some(innermost))?;
        if wanted.is_null() {
            return Ok(Some(&[]));
        }
        let Some(hash) = hash(wanted) else { return Ok(None) };
        let Some(asked) = lookups.asked.get(join.number) else { return Ok(None) };
        if asked.get().is_none() {
            // Another run of this evaluator cannot have set it meanwhile.
            let _ = asked.set(self.indexes.get(bodies, &join.steps));
        }
        Ok(asked.get().and_then(Option::as_ref).map(|index| index.of(hash)))
    }
}
