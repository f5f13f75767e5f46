//! Sums and the like. Integers stay exact as long as they fit 64 bits.

use std::cmp::Ordering;

use super::InScope;
use crate::engine::Reason;
use crate::engine::evaluate::Evaluator;
use crate::engine::value::{Val, number_order};

/// One operation on two numbers; missing where there is no number or the result is none.
pub(super) fn arithmetic<'a>(
    a: Val<'_>,
    b: Val<'_>,
    exact: fn(i64, i64) -> Option<i64>,
    near: fn(f64, f64) -> f64,
) -> Val<'a> {
    if let (Some(a), Some(b)) = (a.as_integer(), b.as_integer())
        && let Some(result) = exact(a, b)
    {
        return Val::Integer(result);
    }
    match a.as_float().zip(b.as_float()).map(|(a, b)| near(a, b)) {
        Some(result) if result.is_finite() => Val::Float(result),
        _ => Val::Missing,
    }
}

impl<'a> Evaluator<'a, '_> {
    /// The least or the greatest number of a list.
    pub(super) fn extreme(
        &mut self,
        list: Val<'a>,
        wanted: Ordering,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let mut best = Val::Missing;
        self.each(list, scope, &mut |_, element| {
            if element.is_number()
                && (best.is_null() || number_order(element, best) == Some(wanted))
            {
                best = element;
            }
            Ok(true)
        })?;
        Ok(best)
    }

    /// The sum of the numbers of a list; what is none counts as zero.
    pub(super) fn sum(&mut self, list: Val<'a>, scope: InScope<'_, 'a>) -> Result<Val<'a>, Reason> {
        let mut sum = Val::Integer(0);
        self.each(list, scope, &mut |_, element| {
            if element.is_number() {
                sum = arithmetic(sum, element, i64::checked_add, |a, b| a + b);
            }
            Ok(true)
        })?;
        Ok(sum)
    }
}
