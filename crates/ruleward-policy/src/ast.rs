//! The syntax tree of a rule.
//!
//! ```text
//! Rule ── AllOf | AnyOf | Not | Condition { value, comparator, pattern }
//! Operand ── Literal | Expression
//! Expr ── literal | resource() | parameters('x') | variable | recorder() | account()
//!         | resources('p.t') | [a, b, …] | member access | call | any(list, lambda x: …)
//! ```

mod function;

use serde_json::Value;

pub use function::Function;

/// A place in the text of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The line, from 1.
    pub line: u32,
    /// The column in code points, from 1.
    pub column: u32,
}

/// A node of a rule. It holds when the resource violates the policy.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Every part holds.
    AllOf(Vec<Rule>, Span),
    /// At least one part holds.
    AnyOf(Vec<Rule>, Span),
    /// The part does not hold.
    Not(Box<Rule>, Span),
    /// A comparison of two operands.
    Condition(Condition),
}

/// `{"value": …, "comparator": …, "pattern": …}`
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The left side.
    pub value: Operand,
    /// How the sides are compared.
    pub comparator: Comparator,
    /// The right side.
    pub pattern: Operand,
    /// Where the condition starts.
    pub span: Span,
}

/// One side of a condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A JSON value as it stands.
    Literal(Value, Span),
    /// `"${…}"`
    Expression {
        /// What stands between the braces.
        expr: Expr,
        /// Its text.
        text: String,
    },
}

impl Operand {
    /// Where the operand starts.
    pub fn span(&self) -> Span {
        match self {
            Self::Literal(_, span) => *span,
            Self::Expression { expr, .. } => expr.span,
        }
    }
}

/// An expression and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it starts.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A quoted string, a number, `true`, `false`, `null`.
    Literal(Value),
    /// `resource()`
    Resource,
    /// `parameters('name')`
    Parameter(String),
    /// The variable of an enclosing lambda.
    Variable(String),
    /// `recorder()`
    Recorder,
    /// `account()`
    Account,
    /// `resources('provider.type')`
    Resources(String),
    /// `object.key` or `object['key']`
    Member(Box<Expr>, String),
    /// A function over values.
    Call(Function, Vec<Expr>),
    /// `[a, b, …]`
    List(Vec<Expr>),
    /// `filter(list, lambda variable: body)` and its like.
    Each {
        /// What is asked of the elements.
        quantifier: Quantifier,
        /// What is gone through.
        list: Box<Expr>,
        /// The name of the variable.
        variable: String,
        /// What is asked of each element.
        body: Box<Expr>,
    },
}

/// The functions that take a list and a lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// `filter`: the elements for which the body is `true`.
    Filter,
    /// `map`: the values of the body.
    Map,
    /// `any`: is the body `true` for at least one element?
    Any,
    /// `all`: is the body `true` for every element?
    All,
}

impl Quantifier {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Filter, Self::Map, Self::Any, Self::All];

    /// The name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Map => "map",
            Self::Any => "any",
            Self::All => "all",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quantifier| quantifier.name() == name)
    }
}

/// The comparators, each under its name in the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Comparator {
    /// `equals`
    Equals,
    /// `notEquals`
    NotEquals,
    /// `in`
    In,
    /// `notIn`
    NotIn,
    /// `containsKey`
    ContainsKey,
    /// `notContainsKey`
    NotContainsKey,
    /// `contains`
    Contains,
    /// `notContains`
    NotContains,
    /// `greater`
    Greater,
    /// `greaterOrEquals`
    GreaterOrEquals,
    /// `less`
    Less,
    /// `lessOrEquals`
    LessOrEquals,
    /// `match`
    Match,
    /// `notMatch`
    NotMatch,
}

impl Comparator {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Equals,
        Self::NotEquals,
        Self::In,
        Self::NotIn,
        Self::ContainsKey,
        Self::NotContainsKey,
        Self::Contains,
        Self::NotContains,
        Self::Greater,
        Self::GreaterOrEquals,
        Self::Less,
        Self::LessOrEquals,
        Self::Match,
        Self::NotMatch,
    ];

    /// The name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::NotEquals => "notEquals",
            Self::In => "in",
            Self::NotIn => "notIn",
            Self::ContainsKey => "containsKey",
            Self::NotContainsKey => "notContainsKey",
            Self::Contains => "contains",
            Self::NotContains => "notContains",
            Self::Greater => "greater",
            Self::GreaterOrEquals => "greaterOrEquals",
            Self::Less => "less",
            Self::LessOrEquals => "lessOrEquals",
            Self::Match => "match",
            Self::NotMatch => "notMatch",
        }
    }

    /// The comparator of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|comparator| comparator.name() == name)
    }

    /// The comparator without its `not`, and whether it had one.
    pub fn positive(self) -> (Self, bool) {
        match self {
            Self::NotEquals => (Self::Equals, true),
            Self::NotIn => (Self::In, true),
            Self::NotContainsKey => (Self::ContainsKey, true),
            Self::NotContains => (Self::Contains, true),
            Self::NotMatch => (Self::Match, true),
            other => (other, false),
        }
    }
}
