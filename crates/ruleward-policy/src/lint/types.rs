//! Which types a value can have.

use serde_json::Value;

use crate::ast::{Comparator, Expr, ExprKind, Function, Quantifier};

/// A set of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    /// Null or missing.
    pub(crate) const NULL: Self = Self(1);
    pub(crate) const BOOL: Self = Self(2);
    pub(crate) const NUMBER: Self = Self(4);
    pub(crate) const TEXT: Self = Self(8);
    pub(crate) const LIST: Self = Self(16);
    pub(crate) const MAP: Self = Self(32);
    pub(crate) const ANY: Self = Self(63);

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOL,
            Value::Number(_) => Self::NUMBER,
            Value::String(_) => Self::TEXT,
            Value::Array(_) => Self::LIST,
            Value::Object(_) => Self::MAP,
        }
    }

    /// For a message: `a number or null`.
    pub(crate) fn describe(self) -> String {
        let names = [
            (Self::BOOL, "a boolean"),
            (Self::NUMBER, "a number"),
            (Self::TEXT, "a text"),
            (Self::LIST, "a list"),
            (Self::MAP, "a map"),
            (Self::NULL, "null"),
        ];
        if self == Self::ANY {
            return "any value".to_owned();
        }
        let known: Vec<_> = names
            .into_iter()
            .filter(|(one, _)| self.intersects(*one))
            .map(|(_, name)| name)
            .collect();
        known.join(" or ")
    }
}

/// The types that an expression can have.
pub(crate) fn types_of(expr: &Expr, parameter: &dyn Fn(&str) -> Types) -> Types {
    let of = |expr: &Expr| types_of(expr, parameter);
    match &expr.kind {
        ExprKind::Literal(value) => Types::of_value(value),
        ExprKind::Resource | ExprKind::Recorder | ExprKind::Account => Types::MAP,
        ExprKind::Parameter(name) => parameter(name),
        ExprKind::Variable(_) | ExprKind::Member(..) => Types::ANY,
        ExprKind::Resources(_) | ExprKind::List(_) => Types::LIST,
        ExprKind::Each { quantifier, .. } => match quantifier {
            Quantifier::Filter | Quantifier::Map => Types::LIST,
            Quantifier::Any | Quantifier::All => Types::BOOL,
        },
        ExprKind::Call(function, arguments) => match function {
            Function::If => arguments.iter().skip(1).map(of).fold(Types(0), Types::or),
            // Only the last can be the answer when it is null.
            Function::Coalesce => arguments.iter().map(of).fold(Types(0), Types::or),
            Function::Needed => arguments.first().map_or(Types::ANY, of),
            function => of_function(*function),
        },
    }
}

fn of_function(function: Function) -> Types {
    let bool_or_null = Types::BOOL.or(Types::NULL);
    let number_or_null = Types::NUMBER.or(Types::NULL);
    let text_or_null = Types::TEXT.or(Types::NULL);
    let list_or_null = Types::LIST.or(Types::NULL);
    match function {
        Function::Compare(_)
        | Function::And
        | Function::Or
        | Function::Not
        | Function::IsNull
        | Function::Intersects
        | Function::ContainsAll => Types::BOOL,
        Function::Length => Types::NUMBER,
        Function::List => Types::LIST,
        Function::Keys
        | Function::Values
        | Function::Flatten
        | Function::Distinct
        | Function::Split => list_or_null,
        Function::String
        | Function::Lower
        | Function::Upper
        | Function::Trim
        | Function::Join
        | Function::Concat
        | Function::PortRange => text_or_null,
        Function::Number
        | Function::CompareVersions
        | Function::Add
        | Function::Subtract
        | Function::Multiply
        | Function::Min
        | Function::Max
        | Function::Sum
        | Function::DaysSince
        | Function::DaysUntil
        | Function::HoursSince => number_or_null,
        Function::Bool
        | Function::StartsWith
        | Function::EndsWith
        | Function::Like
        | Function::Wildcard
        | Function::WildcardsOverlap
        | Function::CidrContains
        | Function::IsAnyAddress
        | Function::IsPublicAddress
        | Function::PortsInclude
        | Function::PortsIntersect => bool_or_null,
        Function::GetValue
        | Function::At
        | Function::Json
        | Function::If
        | Function::Coalesce
        | Function::Needed => Types::ANY,
    }
}

/// Can a positive comparator hold for values of these types?
pub(crate) fn can_hold(comparator: Comparator, value: Types, pattern: Types) -> bool {
    let both = |types: Types| value.intersects(types) && pattern.intersects(types);
    let something = Types(Types::ANY.0 ^ Types::NULL.0);
    match comparator {
        Comparator::Equals => value.common(pattern).intersects(something),
        Comparator::In => value.intersects(something) && pattern.intersects(Types::LIST),
        Comparator::Contains => {
            (value.intersects(Types::LIST) && pattern.intersects(something))
                || (value.intersects(Types::MAP.or(Types::TEXT)) && pattern.intersects(Types::TEXT))
        }
        Comparator::ContainsKey => value.intersects(Types::MAP) && pattern.intersects(Types::TEXT),
        Comparator::Greater
        | Comparator::GreaterOrEquals
        | Comparator::Less
        | Comparator::LessOrEquals => both(Types::NUMBER) || both(Types::TEXT),
        Comparator::Match => both(Types::TEXT),
        _ => true,
    }
}
