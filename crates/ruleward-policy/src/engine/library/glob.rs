//! Patterns of ordinary characters, a sign for any run and a sign for any one.

use std::sync::OnceLock;

use super::truth;
use crate::ast::Function;
use crate::engine::Reason;
use crate::engine::evaluate::{Evaluator, InScope};
use crate::engine::program::Expr;
use crate::engine::table::Table;
use crate::engine::value::Val;

/// The signs of `like`: any run, any one.
pub(super) const LIKE: (u8, u8) = (b'%', b'_');
/// The signs of `wildcard`.
pub(super) const WILDCARD: (u8, u8) = (b'*', b'?');

/// A pattern that is known when the program is compiled.
#[derive(Debug)]
pub(crate) struct Glob {
    pattern: Box<str>,
    signs: (u8, u8),
    /// For many texts. Made when it is first asked for, `None` where it would be too large.
    table: OnceLock<Option<Table>>,
}

impl Glob {
    /// The pattern of a call of `like` or `wildcard`.
    pub(crate) fn new(function: Function, pattern: &str) -> Option<Self> {
        let signs = match function {
            Function::Like => LIKE,
            Function::Wildcard => WILDCARD,
            _ => return None,
        };
        Some(Self { pattern: pattern.into(), signs, table: OnceLock::new() })
    }

    /// The steps that a text of so many bytes takes.
    pub(crate) fn steps(&self, length: usize) -> usize {
        length.saturating_mul(self.pattern.len()) / 64
    }

    /// Does the whole text fit?
    pub(crate) fn fits(&self, text: &[u8]) -> bool {
        fits(text, self.pattern.as_bytes(), self.signs.0, self.signs.1)
    }

    /// The same for many texts of ASCII.
    pub(crate) fn table(&self) -> Option<&Table> {
        self.table.get_or_init(|| Table::of_ascii(&self.expression())).as_ref()
    }

    fn expression(&self) -> String {
        let (run, one) = (char::from(self.signs.0), char::from(self.signs.1));
        let mut expression = String::from(r"(?s)\A");
        for letter in self.pattern.chars() {
            if letter == run {
                expression.push_str(".*");
            } else if letter == one {
                expression.push('.');
            } else {
                expression.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4])));
            }
        }
        expression.push_str(r"\z");
        expression
    }
}

impl<'a> Evaluator<'a, '_> {
    /// Does the whole text fit the pattern?
    pub(super) fn fits(
        &mut self,
        text: Val<'a>,
        pattern: Val<'a>,
        (run, one): (u8, u8),
    ) -> Result<Val<'a>, Reason> {
        let (Some(text), Some(pattern)) = (self.text(text)?, self.text(pattern)?) else {
            return Ok(Val::Missing);
        };
        self.charge(text.len().saturating_mul(pattern.len()) / 64)?;
        Ok(Val::Bool(fits(text.as_bytes(), pattern.as_bytes(), run, one)))
    }

    /// As [`Evaluator::fits`], of a pattern that is known.
    pub(in crate::engine) fn fits_glob(
        &mut self,
        text: &'a Expr,
        glob: &Glob,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let text = self.expr(text, scope)?;
        let Some(text) = self.text(text)? else { return Ok(Val::Missing) };
        self.charge_bytes(glob.pattern.len())?;
        self.charge(glob.steps(text.len()))?;
        Ok(Val::Bool(glob.fits(text.as_bytes())))
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

/// Does the whole text fit the pattern? Both are UTF-8, and the signs for any run and for any one
/// are ASCII, so bytes that are equal are letters that are.
fn fits(text: &[u8], pattern: &[u8], run: u8, one: u8) -> bool {
    if !pattern.contains(&one) {
        return fits_parts(text, pattern, run);
    }
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

/// As [`fits`], where runs are the only signs: the parts between them follow each other, the first from
/// the beginning on, the last to the end.
fn fits_parts(mut text: &[u8], pattern: &[u8], run: u8) -> bool {
    let mut parts = pattern.split(|sign| *sign == run);
    let first = parts.next().unwrap_or(&[]);
    let Some(rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    text = rest;
    for part in parts {
        let found = match part {
            [] => continue,
            [only] => memchr::memchr(*only, text),
            part => memchr::memmem::find(text, part),
        };
        match found.and_then(|at| text.get(at + part.len()..)) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    text.ends_with(last)
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
