//! Ports as security groups and instances name them: `22`, `"22"`, `"20-30"`, `"22,80,100-200"`, a
//! list of these, or nothing for all ports.

use super::{InScope, truth};
use crate::engine::Reason;
use crate::engine::evaluate::Evaluator;
use crate::engine::value::Val;

const ALL: (u16, u16) = (1, u16::MAX);

/// Ranges of ports, both ends included. Sorted, with gaps between them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ports(Vec<(u16, u16)>);

impl Ports {
    fn new(mut ranges: Vec<(u16, u16)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    fn include(&self, wanted: &Self) -> bool {
        let covered = |(first, last): &(u16, u16)| {
            self.0.iter().any(|(from, to)| from <= first && last <= to)
        };
        wanted.0.iter().all(covered)
    }

    fn intersect(&self, other: &Self) -> bool {
        let meet = |(first, last): &(u16, u16)| {
            self.0.iter().any(|(from, to)| from <= last && first <= to)
        };
        other.0.iter().any(meet)
    }
}

/// A range; port 0 cannot be used, so a range begins at 1.
fn range(first: u16, last: u16) -> Option<(u16, u16)> {
    (first <= last && last > 0).then_some((first.max(1), last))
}

fn port(text: &str) -> Option<u16> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

fn parse(text: &str, into: &mut Vec<(u16, u16)>) -> Option<()> {
    for part in text.split(',') {
        into.push(match part.split_once('-') {
            Some((first, last)) => range(port(first)?, port(last)?)?,
            None => port(part).and_then(|port| range(port, port))?,
        });
    }
    Some(())
}

impl<'a> Evaluator<'a, '_> {
    /// One number or text; `None` where it names no ports.
    fn add_ports(
        &mut self,
        value: Val<'a>,
        into: &mut Vec<(u16, u16)>,
    ) -> Result<Option<()>, Reason> {
        if let Some(port) = value.as_integer() {
            let port = u16::try_from(port).ok().and_then(|port| range(port, port));
            return Ok(port.map(|port| into.push(port)));
        }
        Ok(self.text(value)?.and_then(|text| parse(text, into)))
    }

    fn ports(&mut self, value: Val<'a>, scope: InScope<'_, 'a>) -> Result<Option<Ports>, Reason> {
        let mut ranges = Vec::new();
        if value.is_list() {
            let mut readable = true;
            self.each(value, scope, &mut |evaluator, element| {
                readable = evaluator.add_ports(element, &mut ranges)?.is_some();
                Ok(readable)
            })?;
            return Ok(readable.then(|| Ports::new(ranges)));
        }
        let all = match value {
            Val::Text(_) => self.text(value)?.is_some_and(|text| text.trim().is_empty()),
            value => value.is_null(),
        };
        if all {
            return Ok(Some(Ports(vec![ALL])));
        }
        let readable = self.add_ports(value, &mut ranges)?;
        self.charge(ranges.len())?;
        Ok(readable.map(|()| Ports::new(ranges)))
    }

    /// Does the first cover every port of the second?
    pub(super) fn ports_include(
        &mut self,
        ports: Val<'a>,
        wanted: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let (ports, wanted) = (self.ports(ports, scope)?, self.ports(wanted, scope)?);
        Ok(truth(ports.zip(wanted).map(|(ports, wanted)| ports.include(&wanted))))
    }

    /// Have the two a port in common?
    pub(super) fn ports_intersect(
        &mut self,
        a: Val<'a>,
        b: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let (a, b) = (self.ports(a, scope)?, self.ports(b, scope)?);
        Ok(truth(a.zip(b).map(|(a, b)| a.intersect(&b))))
    }

    /// The ports from the first to the last as text; null if neither is given, which is all ports.
    pub(super) fn port_range(&mut self, first: Val<'a>, last: Val<'a>) -> Result<Val<'a>, Reason> {
        if first.is_null() && last.is_null() {
            return Ok(Val::Null);
        }
        let mut ends = [0, 0];
        for (end, value) in ends.iter_mut().zip([first, last]) {
            let value =
                if value.is_null() { if first.is_null() { last } else { first } } else { value };
            let number = match value.as_integer() {
                Some(number) => u16::try_from(number).ok(),
                None => self.text(value)?.and_then(port),
            };
            let Some(number) = number else { return Ok(Val::Missing) };
            *end = number;
        }
        let [first, last] = ends;
        match range(first, last) {
            Some((first, last)) => self.keep_text(format!("{first}-{last}").into()),
            None => Ok(Val::Missing),
        }
    }
}
