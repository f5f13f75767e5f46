//! Texts.

use super::{InScope, truth};
use crate::engine::Reason;
use crate::engine::evaluate::Evaluator;
use crate::engine::program::Expr;
use crate::engine::value::Val;
use crate::json::RawString;

fn part(text: &str) -> Val<'_> {
    Val::Text(RawString::plain(text.as_bytes()))
}

impl<'a> Evaluator<'a, '_> {
    /// All letters capital or all small.
    pub(super) fn letters(&mut self, value: Val<'a>, capital: bool) -> Result<Val<'a>, Reason> {
        let Some(text) = self.text(value)? else { return Ok(Val::Missing) };
        let other =
            |byte: &u8| if capital { byte.is_ascii_lowercase() } else { byte.is_ascii_uppercase() };
        if text.is_ascii() && !text.as_bytes().iter().any(other) {
            return Ok(part(text));
        }
        let changed = if capital { text.to_uppercase() } else { text.to_lowercase() };
        self.keep_text(changed.into())
    }

    pub(super) fn trim(&mut self, value: Val<'a>) -> Result<Val<'a>, Reason> {
        Ok(self.text(value)?.map_or(Val::Missing, |text| part(text.trim())))
    }

    /// Does the text start, or end, with the part?
    pub(super) fn has_edge(
        &mut self,
        text: Val<'a>,
        part: Val<'a>,
        fits: fn(&[u8], &[u8]) -> bool,
    ) -> Result<Val<'a>, Reason> {
        let (text, part) = (self.text(text)?, self.text(part)?);
        Ok(truth(text.zip(part).map(|(text, part)| fits(text.as_bytes(), part.as_bytes()))))
    }

    pub(super) fn split(&mut self, value: Val<'a>, separator: Val<'a>) -> Result<Val<'a>, Reason> {
        let (text, separator) = (self.text(value)?, self.text(separator)?);
        match (text, separator) {
            (Some(text), Some(separator)) if !separator.is_empty() => {
                self.write_list(text.split(separator).map(part))
            }
            _ => Ok(Val::Missing),
        }
    }

    /// The texts of a list with a separator between them.
    pub(super) fn join_texts(
        &mut self,
        list: Val<'a>,
        separator: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let Some(separator) = self.text(separator)? else { return Ok(Val::Missing) };
        if !list.is_list() {
            return Ok(Val::Missing);
        }
        let (mut joined, mut all, mut first) = (Vec::new(), true, true);
        self.each(list, scope, &mut |evaluator, element| {
            let Some(text) = evaluator.text(element)? else {
                all = false;
                return Ok(false);
            };
            if !std::mem::take(&mut first) {
                joined.extend_from_slice(separator.as_bytes());
            }
            evaluator.room(&joined, text.len() + separator.len())?;
            joined.extend_from_slice(text.as_bytes());
            Ok(true)
        })?;
        if all { self.keep_text(joined) } else { Ok(Val::Missing) }
    }

    /// Texts one after the other.
    pub(super) fn concat(
        &mut self,
        arguments: &'a [Expr],
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let mut joined = Vec::new();
        for argument in arguments {
            let value = self.expr(argument, scope)?;
            let Some(text) = self.text(value)? else { return Ok(Val::Missing) };
            self.room(&joined, text.len())?;
            joined.extend_from_slice(text.as_bytes());
        }
        self.keep_text(joined)
    }
}
