//! Versions, compared number by number.

use std::cmp::Ordering;

use crate::engine::Reason;
use crate::engine::evaluate::Evaluator;
use crate::engine::value::Val;

/// The numbers of a version: `v1.29.4-r2` has 1, 29 and 4. What follows the numbers does not count.
fn numbers(text: &str) -> Option<Vec<u64>> {
    let rest = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let end = rest.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(rest.len());
    let parts = rest.get(..end)?.trim_end_matches('.').split('.');
    parts.map(|part| part.parse().ok()).collect()
}

fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let number = |of: &[u64], place| of.get(place).copied().unwrap_or(0);
    (0..a.len().max(b.len()))
        .map(|place| number(a, place).cmp(&number(b, place)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

impl<'a> Evaluator<'a, '_> {
    /// -1, 0 or 1 as the first version is lower, the same or higher.
    pub(super) fn compare_versions(&mut self, a: Val<'a>, b: Val<'a>) -> Result<Val<'a>, Reason> {
        let (a, b) = (self.text(a)?.and_then(numbers), self.text(b)?.and_then(numbers));
        Ok(match a.zip(b) {
            Some((a, b)) => Val::Integer(compare(&a, &b) as i64),
            None => Val::Missing,
        })
    }
}
