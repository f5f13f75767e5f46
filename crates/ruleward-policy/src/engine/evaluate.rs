//! Running a program over the values of one resource.

use std::cell::OnceCell;
use std::sync::Arc;

use super::constant::Constant;
use super::elements::{ElementList, Listed};
use super::environment::Environment;
use super::join::{Asked, Indexes};
use super::made::{Made, Tail};
use super::program::{Comparison, Each, Expr, Node, Test};
use super::value::Val;
use super::{Outcome, Program, Reason, STEP_BUDGET};
use crate::ast::Quantifier;
use crate::json::{self, RawString, RawValue, unescape};

pub(super) type Body = Arc<[u8]>;
type Found = Result<Arc<[Body]>, Reason>;

/// The look-ups of one run, fetched when first asked for.
pub(crate) struct Lookups<'a> {
    types: &'a [String],
    found: Vec<OnceCell<Found>>,
    /// The indexes of the program's keys.
    pub(super) asked: Vec<Asked>,
    recorder: OnceCell<Option<Body>>,
    account: OnceCell<Option<Body>>,
}

impl<'a> Lookups<'a> {
    /// For a program that looks up these types, by so many keys.
    pub(crate) fn new(types: &'a [String], keys: usize) -> Self {
        Self {
            types,
            found: types.iter().map(|_| OnceCell::new()).collect(),
            asked: (0..keys).map(|_| OnceCell::new()).collect(),
            recorder: OnceCell::new(),
            account: OnceCell::new(),
        }
    }

    pub(super) fn get(&self, number: usize, env: &dyn Environment) -> Result<&Arc<[Body]>, Reason> {
        let (Some(wanted), Some(cell)) = (self.types.get(number), self.found.get(number)) else {
            return Err(Reason::LookupUnavailable);
        };
        let fetch = || env.resources(wanted).map_err(|_| Reason::LookupUnavailable);
        match cell.get_or_init(fetch) {
            Ok(bodies) => Ok(bodies),
            Err(reason) => Err(*reason),
        }
    }
}

/// The variables in sight, innermost first.
pub(crate) struct Scope<'s, 'a> {
    pub(super) value: Val<'a>,
    pub(super) outer: Option<&'s Scope<'s, 'a>>,
}

pub(super) type InScope<'s, 'a> = Option<&'s Scope<'s, 'a>>;

/// One run of one program.
pub(crate) struct Evaluator<'a, 'b> {
    /// From the program's path numbers to places in `values`.
    pub(crate) places: &'a [usize],
    pub(crate) values: &'a [Option<RawValue<'a>>],
    pub(crate) env: &'a dyn Environment,
    pub(crate) lookups: &'a Lookups<'a>,
    pub(crate) indexes: &'b mut Indexes,
    pub(crate) steps: u32,
    pub(crate) buffer: &'b mut Vec<u8>,
    /// Where the next value that is made is kept.
    pub(crate) made: &'a Tail,
    pub(crate) made_bytes: usize,
    pub(crate) nesting: usize,
    /// Lists that are given by numbers of elements.
    pub(crate) listed: Option<Listed<'a, 'b>>,
}

/// What a callback of [`Evaluator::each`] answers: go on or stop.
pub(super) type Flow = Result<bool, Reason>;

impl<'a> Evaluator<'a, '_> {
    pub(super) fn charge(&mut self, steps: usize) -> Result<(), Reason> {
        self.charge_steps(u32::try_from(steps).unwrap_or(u32::MAX))
    }

    pub(super) fn charge_steps(&mut self, steps: u32) -> Result<(), Reason> {
        self.steps = self.steps.checked_sub(steps).ok_or(Reason::BudgetExceeded)?;
        Ok(())
    }

    pub(super) fn charge_bytes(&mut self, bytes: usize) -> Result<(), Reason> {
        self.charge(bytes / 64)
    }

    /// Does the rule hold, that is, is it violated?
    pub(crate) fn node(&mut self, node: &'a Node) -> Result<bool, Reason> {
        match node {
            Node::Condition(comparison) => self.comparison(comparison, None),
            Node::AllOf(parts) => self.all(parts),
            Node::AnyOf(parts) => {
                for part in parts {
                    if self.node(part)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Node::Not(part) => self.node(part).map(|holds| !holds),
            Node::Fixed(truth) => Ok(*truth),
        }
    }

    fn all(&mut self, parts: &'a [Node]) -> Result<bool, Reason> {
        for part in parts {
            if !self.node(part)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn comparison(
        &mut self,
        comparison: &'a Comparison,
        scope: InScope<'_, 'a>,
    ) -> Result<bool, Reason> {
        if let Some(holds) = self.plain_comparison(comparison) {
            self.charge(1)?;
            return Ok(holds != comparison.negate);
        }
        let value = self.expr(&comparison.value, scope)?;
        let holds = match &comparison.test {
            Test::EqualsText(expected) => match value {
                Val::Text(text) => text.equals(expected),
                _ => false,
            },
            Test::Equals(expected) => self.equal(value, expected.val(), scope)?,
            Test::In(set) => {
                set.has_scalar(value, self.buffer)
                    || match value {
                        Val::Object(_) => self.any_equal(value, &set.nested, scope)?,
                        list if list.is_list() => self.any_equal(value, &set.nested, scope)?,
                        _ => false,
                    }
            }
            Test::Matches(pattern) => match value {
                Val::Text(text) => {
                    // A search may look at every state of the pattern for every byte.
                    self.charge(text.raw_len() / 2)?;
                    if let Some(bytes) = text.as_plain() {
                        pattern.is_match(bytes)
                    } else {
                        self.buffer.clear();
                        unescape(text, self.buffer);
                        pattern.is_match(self.buffer)
                    }
                }
                _ => false,
            },
            Test::Never => false,
            Test::General(comparator, pattern) => {
                let pattern = self.expr(pattern, scope)?;
                self.compare(*comparator, value, pattern, scope)?
            }
        };
        Ok(holds != comparison.negate)
    }

    /// The comparisons that most rules consist of, without a detour over general values.
    #[inline]
    fn plain_comparison(&mut self, comparison: &'a Comparison) -> Option<bool> {
        match (&comparison.value, &comparison.test) {
            (Expr::Path(path), Test::EqualsText(expected)) => {
                Some(self.path(*path)?.as_string()?.equals(expected))
            }
            (Expr::Path(path), Test::In(set)) => {
                Some(set.has_text(self.path(*path)?.as_string()?, self.buffer))
            }
            (Expr::HasKey { container, child, .. }, Test::Equals(Constant::Bool(expected))) => {
                match self.path(*container)? {
                    RawValue::Object(_) => Some(self.path(*child).is_some() == *expected),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn any_equal(
        &mut self,
        value: Val<'a>,
        constants: &'a [Constant],
        scope: InScope<'_, 'a>,
    ) -> Result<bool, Reason> {
        for constant in constants {
            if self.equal(value, constant.val(), scope)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn path(&self, number: usize) -> Option<RawValue<'a>> {
        *self.values.get(*self.places.get(number)?)?
    }

    /// Only the boolean true is true.
    pub(super) fn truth(&mut self, expr: &'a Expr, scope: InScope<'_, 'a>) -> Result<bool, Reason> {
        if let Expr::Compare(comparison) = expr {
            self.charge(1)?;
            return self.comparison(comparison, scope);
        }
        Ok(matches!(self.expr(expr, scope)?, Val::Bool(true)))
    }

    pub(crate) fn expr(
        &mut self,
        expr: &'a Expr,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        self.charge(1)?;
        Ok(match expr {
            Expr::Path(number) => Val::from(self.path(*number)),
            Expr::Constant(constant) => constant.val(),
            Expr::Variable(levels, keys) => {
                let mut at = scope;
                for _ in 0..*levels {
                    at = at.and_then(|scope| scope.outer);
                }
                self.members(at.map_or(Val::Missing, |scope| scope.value), keys)?
            }
            Expr::Member(object, keys) => {
                let object = self.expr(object, scope)?;
                self.members(object, keys)?
            }
            Expr::HasKey { container, child, key, keys_only } => match self.path(*container) {
                Some(RawValue::Object(_)) => Val::Bool(self.path(*child).is_some()),
                Some(other) if !keys_only => {
                    let key = Val::Text(RawString::plain(key));
                    Val::Bool(self.contains(other.into(), key, scope)?)
                }
                _ => Val::Bool(false),
            },
            Expr::Compare(comparison) => Val::Bool(self.comparison(comparison, scope)?),
            Expr::Length(list) => {
                let length = if let Some(list) = self.listed(list) {
                    self.charge(list.codes.len())?;
                    list.codes.len()
                } else {
                    let list = self.expr(list, scope)?;
                    self.length(list, scope)?
                };
                Val::Integer(i64::try_from(length).unwrap_or(i64::MAX))
            }
            Expr::Each(each) => match each.quantifier {
                Quantifier::Filter | Quantifier::Map => Val::Each(each),
                Quantifier::Any => Val::Bool(self.any(each, scope)?),
                Quantifier::All => Val::Bool(self.all_elements(each, scope)?),
            },
            Expr::GetValue(map, key) => {
                let map = self.expr(map, scope)?;
                match (map, self.expr(key, scope)?) {
                    (Val::Object(object), Val::Text(key)) => self.member(object, key)?,
                    _ => Val::Missing,
                }
            }
            Expr::And(parts) => {
                for part in parts {
                    if !self.truth(part, scope)? {
                        return Ok(Val::Bool(false));
                    }
                }
                Val::Bool(true)
            }
            Expr::Or(parts) => {
                for part in parts {
                    if self.truth(part, scope)? {
                        return Ok(Val::Bool(true));
                    }
                }
                Val::Bool(false)
            }
            Expr::Not(part) => Val::Bool(!self.truth(part, scope)?),
            Expr::Coalesce(parts) => {
                let mut value = Val::Null;
                for part in parts {
                    value = self.expr(part, scope)?;
                    if !value.is_null() {
                        break;
                    }
                }
                value
            }
            Expr::Needed(value) => match self.expr(value, scope)? {
                Val::Missing => return Err(Reason::NeededValueMissing),
                value => value,
            },
            Expr::Resources(number) => {
                self.lookups.get(*number, self.env)?;
                Val::Resources(*number)
            }
            Expr::Recorder => match self.lookups.recorder.get_or_init(|| self.env.recorder()) {
                Some(text) => Val::from(json::parse(text)?),
                None => return Err(Reason::RecorderUnknown),
            },
            Expr::Account => match self.lookups.account.get_or_init(|| self.env.account()) {
                Some(text) => Val::from(json::parse(text)?),
                None => return Err(Reason::LookupUnavailable),
            },
            Expr::List(elements) => self.list(elements, scope)?,
            Expr::If(parts) => match &**parts {
                [condition, yes, no] => {
                    let chosen = if self.truth(condition, scope)? { yes } else { no };
                    self.expr(chosen, scope)?
                }
                _ => Val::Missing,
            },
            Expr::Fits(text, glob) => self.fits_glob(text, glob, scope)?,
            Expr::Call(function, arguments) => self.call(*function, arguments, scope)?,
        })
    }

    pub(super) fn member(
        &mut self,
        object: &'a [u8],
        key: RawString<'_>,
    ) -> Result<Val<'a>, Reason> {
        self.charge_bytes(object.len())?;
        Ok(Val::from(json::member(object, key)?))
    }

    fn members(&mut self, mut value: Val<'a>, keys: &'a [Box<[u8]>]) -> Result<Val<'a>, Reason> {
        for key in keys {
            value = match value {
                Val::Object(object) => self.member(object, RawString::plain(key))?,
                Val::Row(table, element) => Val::from(table.member(element, key)),
                _ => return Ok(Val::Missing),
            };
        }
        Ok(value)
    }
}

/// What runs of programs share, kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) bytes: Vec<u8>,
    pub(crate) indexes: Indexes,
}

/// What a program is asked about.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) program: &'a Program,
    /// From the program's path numbers to places in `values`.
    pub(crate) places: &'a [usize],
    pub(crate) values: &'a [Option<RawValue<'a>>],
    pub(crate) env: &'a dyn Environment,
}

/// What of a program is asked.
#[derive(Clone, Copy)]
pub(crate) enum Ask<'a> {
    /// All of it, but for so many parts of a top `allOf` that are known to hold.
    Rule(usize),
    Condition(&'a Comparison),
    /// The lambda about one element of a list.
    Element(&'a Each, ElementList<'a>, usize),
}

/// Runs one program over extracted values. `settled` parts of a top `allOf` are known to hold.
pub(crate) fn run(subject: Subject<'_>, settled: usize, buffers: &mut Buffers) -> Outcome {
    match ask(subject, Ask::Rule(settled), None, buffers).0 {
        Ok(true) => Outcome::NonCompliant,
        Ok(false) => Outcome::Compliant,
        Err(reason) => Outcome::Undetermined(reason),
    }
}

/// Whether it holds, and the steps that it took. A path in `listed` has its list there and anything
/// for a value.
pub(crate) fn ask<'a>(
    subject: Subject<'a>,
    asked: Ask<'a>,
    listed: Option<Listed<'a, '_>>,
    buffers: &mut Buffers,
) -> (Result<bool, Reason>, u32) {
    let Subject { program, places, values, env } = subject;
    let lookups = Lookups::new(program.looks_up(), program.keys.len());
    let made = Made::default();
    let mut evaluator = Evaluator {
        places,
        values,
        env,
        lookups: &lookups,
        indexes: &mut buffers.indexes,
        steps: STEP_BUDGET,
        buffer: &mut buffers.bytes,
        made: &made.first,
        made_bytes: 0,
        nesting: 0,
        listed,
    };
    let holds = match asked {
        Ask::Rule(_) if program.needs.iter().any(|path| evaluator.path(*path).is_none()) => {
            Err(Reason::NeededValueMissing)
        }
        Ask::Rule(settled) => match &program.root {
            Node::AllOf(parts) => evaluator.all(parts.get(settled..).unwrap_or(&[])),
            root => evaluator.node(root),
        },
        Ask::Condition(comparison) => evaluator.comparison(comparison, None),
        Ask::Element(each, list, element) => return evaluator.answer(each, list, element),
    };
    (holds, STEP_BUDGET - evaluator.steps)
}

/// An environment for what depends on none.
struct Nowhere;

impl Environment for Nowhere {
    fn now_ms(&self) -> i64 {
        0
    }

    fn recorder_enabled(&self) -> Option<bool> {
        None
    }

    fn resources(&self, _: &str) -> Result<Arc<[Body]>, String> {
        Err("no resources while compiling".to_owned())
    }
}

/// The value of an expression over constants.
pub(crate) fn fold(expr: &Expr) -> Option<Constant> {
    let lookups = Lookups::new(&[], 0);
    let made = Made::default();
    let mut evaluator = Evaluator {
        places: &[],
        values: &[],
        env: &Nowhere,
        lookups: &lookups,
        indexes: &mut Indexes::default(),
        steps: STEP_BUDGET,
        buffer: &mut Vec::new(),
        made: &made.first,
        made_bytes: 0,
        nesting: 0,
        listed: None,
    };
    let value = evaluator.expr(expr, None).ok()?;
    Constant::from_val(evaluator.settled(value, None).ok()?)
}
