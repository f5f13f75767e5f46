//! The functions over values. What cannot be computed is missing.

mod convert;
mod glob;
mod list;
mod network;
mod number;
mod ports;
mod text;
mod time;
mod version;

pub(crate) use glob::Glob;
pub(crate) use time::timestamp_ms;

use super::Reason;
use super::evaluate::{Evaluator, InScope};
use super::program::Expr;
use super::value::Val;
use crate::ast::Function;

fn truth<'a>(answer: Option<bool>) -> Val<'a> {
    answer.map_or(Val::Missing, Val::Bool)
}

impl<'a> Evaluator<'a, '_> {
    /// Calls a function whose arguments are all evaluated.
    pub(super) fn call(
        &mut self,
        function: Function,
        arguments: &'a [Expr],
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        if function == Function::Concat {
            return self.concat(arguments, scope);
        }
        let mut argument = |number: usize| match arguments.get(number) {
            Some(expr) => self.expr(expr, scope),
            None => Ok(Val::Missing),
        };
        let (one, two) = (argument(0)?, argument(1)?);
        match function {
            Function::At => self.at(one, two, scope),
            Function::Keys => Ok(entries(one, Val::Keys)),
            Function::Values => Ok(entries(one, Val::Values)),
            Function::List => self.as_list(one),
            Function::Flatten => self.flatten(one, scope),
            Function::Distinct => self.distinct(one, scope),
            Function::Intersects => self.intersects(one, two, scope),
            Function::ContainsAll => self.contains_all(one, two, scope),
            Function::IsNull => Ok(Val::Bool(one.is_null())),
            Function::String => self.string(one),
            Function::Number => self.number(one),
            Function::Bool => self.bool(one),
            Function::Json => self.json(one),
            Function::Lower => self.letters(one, false),
            Function::Upper => self.letters(one, true),
            Function::Trim => self.trim(one),
            Function::StartsWith => self.has_edge(one, two, <[u8]>::starts_with),
            Function::EndsWith => self.has_edge(one, two, <[u8]>::ends_with),
            Function::Split => self.split(one, two),
            Function::Join => self.join_texts(one, two, scope),
            Function::Like => self.fits(one, two, glob::LIKE),
            Function::Wildcard => self.fits(one, two, glob::WILDCARD),
            Function::WildcardsOverlap => self.overlap(one, two),
            Function::CompareVersions => self.compare_versions(one, two),
            Function::Add => Ok(number::arithmetic(one, two, i64::checked_add, |a, b| a + b)),
            Function::Subtract => Ok(number::arithmetic(one, two, i64::checked_sub, |a, b| a - b)),
            Function::Multiply => Ok(number::arithmetic(one, two, i64::checked_mul, |a, b| a * b)),
            Function::Min => self.extreme(one, std::cmp::Ordering::Less, scope),
            Function::Max => self.extreme(one, std::cmp::Ordering::Greater, scope),
            Function::Sum => self.sum(one, scope),
            Function::DaysSince => Ok(self.elapsed(one, time::DAY_MS)),
            Function::DaysUntil => Ok(self.elapsed(one, -time::DAY_MS)),
            Function::HoursSince => Ok(self.elapsed(one, time::HOUR_MS)),
            Function::CidrContains => self.cidr_contains(one, two),
            Function::IsAnyAddress => self.is_any_address(one),
            Function::IsPublicAddress => self.is_public_address(one),
            Function::PortRange => self.port_range(one, two),
            Function::PortsInclude => self.ports_include(one, two, scope),
            Function::PortsIntersect => self.ports_intersect(one, two, scope),
            // These are compiled to something of their own.
            Function::Compare(_)
            | Function::Length
            | Function::GetValue
            | Function::And
            | Function::Or
            | Function::Not
            | Function::If
            | Function::Coalesce
            | Function::Needed
            | Function::Concat => Ok(Val::Missing),
        }
    }

    /// A text as it reads; `None` for anything else.
    fn text(&mut self, value: Val<'a>) -> Result<Option<&'a str>, Reason> {
        let Val::Text(text) = value else { return Ok(None) };
        self.charge_bytes(text.raw_len())?;
        Ok(std::str::from_utf8(self.plain(text)?).ok())
    }
}

fn entries<'a>(value: Val<'a>, list: fn(&'a [u8]) -> Val<'a>) -> Val<'a> {
    match value {
        Val::Object(object) => list(object),
        _ => Val::Missing,
    }
}
