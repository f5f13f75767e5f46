//! From one type to another, where a policy asks for it.

use std::cmp::Ordering;

use serde::de::IgnoredAny;

use crate::engine::Reason;
use crate::engine::evaluate::Evaluator;
use crate::engine::value::{Val, number_order};
use crate::json::{self, RawString, small_integer};

/// What stands for true and for false in data that has no booleans, in small letters.
const YES: [&str; 5] = ["true", "1", "on", "yes", "enabled"];
const NO: [&str; 5] = ["false", "0", "off", "no", "disabled"];

impl<'a> Evaluator<'a, '_> {
    /// Plain values as text.
    pub(super) fn string(&mut self, value: Val<'a>) -> Result<Val<'a>, Reason> {
        Ok(match value {
            Val::Text(_) => value,
            Val::Bool(true) => Val::Text(RawString::plain(b"true")),
            Val::Bool(false) => Val::Text(RawString::plain(b"false")),
            Val::Number(text) => Val::Text(RawString::plain(text)),
            Val::Integer(number) => self.keep_text(number.to_string().into())?,
            Val::Float(number) => self.keep_text(number.to_string().into())?,
            _ => Val::Missing,
        })
    }

    /// A number, or a text that is one.
    pub(super) fn number(&mut self, value: Val<'a>) -> Result<Val<'a>, Reason> {
        if value.is_number() {
            return Ok(value);
        }
        let Some(text) = self.text(value)? else { return Ok(Val::Missing) };
        if let Some(integer) = small_integer(text.as_bytes()) {
            return Ok(Val::Integer(integer));
        }
        let edges = text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            && text.ends_with(|c: char| c.is_ascii_digit());
        let valid = edges && serde_json::from_str::<serde_json::Number>(text).is_ok();
        Ok(if valid { Val::Number(text.as_bytes()) } else { Val::Missing })
    }

    /// A boolean, or what stands for one.
    pub(super) fn bool(&mut self, value: Val<'a>) -> Result<Val<'a>, Reason> {
        if let Val::Bool(_) = value {
            return Ok(value);
        }
        if value.is_number() {
            let is =
                |number| number_order(value, Val::Integer(number)).is_some_and(Ordering::is_eq);
            let known = is(1) || is(0);
            return Ok(if known { Val::Bool(is(1)) } else { Val::Missing });
        }
        let Some(text) = self.text(value)? else { return Ok(Val::Missing) };
        let among = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
        Ok(match (among(&YES), among(&NO)) {
            (true, _) => Val::Bool(true),
            (_, true) => Val::Bool(false),
            _ => Val::Missing,
        })
    }

    /// The JSON document in a text; other values stay as they are.
    pub(super) fn json(&mut self, value: Val<'a>) -> Result<Val<'a>, Reason> {
        let Some(text) = self.text(value)? else {
            return Ok(if let Val::Text(_) = value { Val::Missing } else { value });
        };
        self.charge_bytes(4 * text.len())?;
        if serde_json::from_str::<IgnoredAny>(text).is_err() {
            return Ok(Val::Missing);
        }
        Ok(json::parse(text.as_bytes()).map_or(Val::Missing, Val::from))
    }
}
