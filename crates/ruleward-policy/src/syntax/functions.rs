//! The table of functions: name, meaning, how many arguments.

use crate::ast::{Comparator, Function};

/// A function and the least and the greatest number of its arguments.
pub(super) struct Signature {
    pub(super) function: Function,
    pub(super) least: usize,
    pub(super) most: usize,
}

/// The function of this name.
pub(super) fn function(name: &str) -> Option<Signature> {
    let (function, least, most) = match name {
        "length" => (Function::Length, 1, 1),
        "getValue" => (Function::GetValue, 2, 2),
        "and" => (Function::And, 1, usize::MAX),
        "or" => (Function::Or, 1, usize::MAX),
        "not" => (Function::Not, 1, 1),
        "coalesce" => (Function::Coalesce, 1, usize::MAX),
        "daysSince" => (Function::DaysSince, 1, 1),
        "needed" => (Function::Needed, 1, 1),
        other => (Function::Compare(Comparator::from_name(other)?), 2, 2),
    };
    Some(Signature { function, least, most })
}
