//! Claims of several conditions on one value.

use serde_json::Value;

use crate::ast::{Comparator, Condition, Operand, Rule, Span};
use crate::json::compare_numbers;

/// A condition that compares an expression with a literal.
pub(crate) struct Claim<'a> {
    condition: &'a Condition,
    /// The expression as written, without blanks.
    subject: String,
    literal: &'a Value,
}

fn written(operand: &Operand) -> String {
    match operand {
        Operand::Literal(value, _) => value.to_string(),
        Operand::Expression { text, .. } => {
            let mut quoted = false;
            let keep = |c: &char| {
                quoted ^= *c == '\'';
                quoted || !c.is_whitespace()
            };
            text.chars().filter(keep).collect()
        }
    }
}

/// The same text, wherever it stands?
pub(crate) fn same_rule(a: &Rule, b: &Rule) -> bool {
    let same = |a: &[Rule], b: &[Rule]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_rule(a, b))
    };
    match (a, b) {
        (Rule::AllOf(a, _), Rule::AllOf(b, _)) | (Rule::AnyOf(a, _), Rule::AnyOf(b, _)) => {
            same(a, b)
        }
        (Rule::Not(a, _), Rule::Not(b, _)) => same_rule(a, b),
        (Rule::Condition(a), Rule::Condition(b)) => {
            a.comparator == b.comparator
                && written(&a.value) == written(&b.value)
                && written(&a.pattern) == written(&b.pattern)
                && matches!(a.pattern, Operand::Literal(..))
                    == matches!(b.pattern, Operand::Literal(..))
        }
        _ => false,
    }
}

impl<'a> Claim<'a> {
    pub(crate) fn of(rule: &'a Rule) -> Option<Self> {
        let Rule::Condition(condition) = rule else { return None };
        let Operand::Expression { .. } = &condition.value else { return None };
        let Operand::Literal(literal, _) = &condition.pattern else { return None };
        Some(Self { condition, subject: written(&condition.value), literal })
    }

    pub(crate) fn span(&self) -> Span {
        self.condition.span
    }

    pub(crate) fn written(&self) -> String {
        let text = match &self.condition.value {
            Operand::Expression { text, .. } => text.as_str(),
            Operand::Literal(..) => "",
        };
        format!("{text} {} {}", self.condition.comparator.name(), self.literal)
    }

    /// Can the two never hold together?
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        self.subject == other.subject && (one_way(self, other) || one_way(other, self))
    }

    /// Does the other hold wherever this one does?
    pub(crate) fn entails(&self, other: &Self) -> bool {
        if self.subject != other.subject {
            return false;
        }
        let holds_for = |value: &Value| holds(value, other.condition.comparator, other.literal);
        match (self.condition.comparator, self.literal) {
            (Comparator::Equals, literal) => holds_for(literal),
            (Comparator::In, Value::Array(elements)) => {
                !elements.is_empty() && elements.iter().all(holds_for)
            }
            (Comparator::Greater | Comparator::GreaterOrEquals, Value::Number(_)) => {
                // A bound entails a weaker one of the same direction.
                other.condition.comparator == self.condition.comparator
                    && weaker_or_same(other.literal, self.literal)
            }
            (Comparator::Less | Comparator::LessOrEquals, Value::Number(_)) => {
                other.condition.comparator == self.condition.comparator
                    && weaker_or_same(self.literal, other.literal)
            }
            _ => false,
        }
    }

    /// Does one of the two hold for every value?
    pub(crate) fn covers_all_with(&self, other: &Self) -> bool {
        self.subject == other.subject && (opposite(self, other) || opposite(other, self))
    }
}

/// The first pins the value down, or bounds it, so that the second fails.
fn one_way(a: &Claim<'_>, b: &Claim<'_>) -> bool {
    let values: Vec<&Value> = match (a.condition.comparator, a.literal) {
        (Comparator::Equals, literal) => vec![literal],
        (Comparator::In, Value::Array(elements)) => elements.iter().collect(),
        (Comparator::Greater | Comparator::GreaterOrEquals, Value::Number(_)) => {
            return bounds_exclude(a, b);
        }
        _ => return false,
    };
    !values.iter().any(|value| holds(value, b.condition.comparator, b.literal))
}

/// Is the first number not greater than the second?
fn weaker_or_same(low: &Value, high: &Value) -> bool {
    let (Value::Number(low), Value::Number(high)) = (low, high) else { return false };
    compare_numbers(low.to_string().as_bytes(), high.to_string().as_bytes())
        .is_some_and(std::cmp::Ordering::is_le)
}

/// A lower bound at or above an upper one.
fn bounds_exclude(lower: &Claim<'_>, upper: &Claim<'_>) -> bool {
    let Value::Number(from) = lower.literal else { return false };
    let Value::Number(to) = upper.literal else { return false };
    let Some(order) = compare_numbers(from.to_string().as_bytes(), to.to_string().as_bytes())
    else {
        return false;
    };
    let touching = lower.condition.comparator == Comparator::GreaterOrEquals;
    match upper.condition.comparator {
        Comparator::Less => order.is_ge(),
        Comparator::LessOrEquals => order.is_gt() || (order.is_eq() && !touching),
        _ => false,
    }
}

/// Does a value fulfil a claim? `true` where that is not decided here.
fn holds(value: &Value, comparator: Comparator, literal: &Value) -> bool {
    let (positive, negated) = comparator.positive();
    let holds = match (positive, literal) {
        (Comparator::Equals, literal) => same(value, literal),
        (Comparator::In, Value::Array(elements)) => elements.iter().any(|one| same(value, one)),
        (
            Comparator::Greater
            | Comparator::GreaterOrEquals
            | Comparator::Less
            | Comparator::LessOrEquals,
            Value::Number(limit),
        ) => match value {
            Value::Number(number) => {
                let order =
                    compare_numbers(number.to_string().as_bytes(), limit.to_string().as_bytes());
                order.is_some_and(|order| crate::engine::accepts(positive, order))
            }
            _ => false,
        },
        _ => return true,
    };
    holds != negated
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            compare_numbers(a.to_string().as_bytes(), b.to_string().as_bytes())
                .is_some_and(std::cmp::Ordering::is_eq)
        }
        (a, b) => a == b,
    }
}

/// A claim and its exact opposite, or two different values to differ from.
fn opposite(a: &Claim<'_>, b: &Claim<'_>) -> bool {
    let ((positive_a, negated_a), (positive_b, negated_b)) =
        (a.condition.comparator.positive(), b.condition.comparator.positive());
    let equal = same(a.literal, b.literal);
    let not_equals = a.condition.comparator == Comparator::NotEquals
        && b.condition.comparator == Comparator::NotEquals;
    (positive_a == positive_b && negated_a != negated_b && equal) || (not_equals && !equal)
}
