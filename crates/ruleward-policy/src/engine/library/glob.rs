//! Patterns of ordinary characters, a sign for any run and a sign for any one.

use super::truth;
use crate::engine::Reason;
use crate::engine::evaluate::Evaluator;
use crate::engine::value::Val;

impl<'a> Evaluator<'a, '_> {
    /// Does the whole text fit the pattern?
    pub(super) fn fits(
        &mut self,
        text: Val<'a>,
        pattern: Val<'a>,
        run: u8,
        one: u8,
    ) -> Result<Val<'a>, Reason> {
        let (Some(text), Some(pattern)) = (self.text(text)?, self.text(pattern)?) else {
            return Ok(Val::Missing);
        };
        self.charge(text.len().saturating_mul(pattern.len()) / 64)?;
        Ok(Val::Bool(fits(text.as_bytes(), pattern.as_bytes(), run, one)))
    }

    /// Is there a text that fits both patterns?
    pub(super) fn overlap(&mut self, a: Val<'a>, b: Val<'a>) -> Result<Val<'a>, Reason> {
        let (Some(a), Some(b)) = (self.text(a)?, self.text(b)?) else { return Ok(truth(None)) };
        self.charge(a.len().saturating_mul(b.len()) / 8)?;
        Ok(Val::Bool(overlap(&letters(a), &letters(b))))
    }
}

fn letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// How many bytes the code point has that starts with this one.
fn code_point(first: u8) -> usize {
    match first {
        0..0xC0 => 1,
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}

/// Both are UTF-8, and the signs are ASCII, so bytes that are equal are letters that are.
fn fits(text: &[u8], pattern: &[u8], run: u8, one: u8) -> bool {
    let (mut at, mut place) = (0, 0);
    // Where the last run began in the pattern, and how far it reaches in the text.
    let mut last: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(at) {
        match pattern.get(place) {
            Some(sign) if *sign == run => {
                last = Some((place, at));
                place += 1;
            }
            Some(sign) if *sign == one => {
                at += code_point(*letter);
                place += 1;
            }
            Some(sign) if sign == letter => {
                at += 1;
                place += 1;
            }
            _ => match &mut last {
                Some((begun, reach)) => {
                    *reach += text.get(*reach).map_or(1, |first| code_point(*first));
                    (at, place) = (*reach, *begun + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(place).all(|sign| *sign == run)
}

/// With `*` and `?`, from the ends of both to their beginnings.
fn overlap(a: &[char], b: &[char]) -> bool {
    // below[j]: is there a text for what follows in `a` and for `b` from `j` on?
    let mut below = vec![false; b.len() + 1];
    for place in (0..=a.len()).rev() {
        let sign = a.get(place);
        let mut row = vec![false; b.len() + 1];
        for other in (0..=b.len()).rev() {
            let at = |cells: &[bool], place: usize| cells.get(place).copied().unwrap_or(false);
            let shared = match (sign, b.get(other)) {
                (None, None) => true,
                (Some('*'), None) => at(&below, other),
                (None, Some('*')) => at(&row, other + 1),
                (None, _) | (_, None) => false,
                (Some('*'), _) | (_, Some('*')) => at(&below, other) || at(&row, other + 1),
                (Some(x), Some(y)) => (x == y || *x == '?' || *y == '?') && at(&below, other + 1),
            };
            if let Some(cell) = row.get_mut(other) {
                *cell = shared;
            }
        }
        below = row;
    }
    below.first().copied().unwrap_or(false)
}
