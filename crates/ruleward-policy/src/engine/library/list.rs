//! Lists.

use super::InScope;
use crate::engine::Reason;
use crate::engine::evaluate::Evaluator;
use crate::engine::program::Expr;
use crate::engine::value::Val;

impl<'a> Evaluator<'a, '_> {
    /// `[a, b, …]`
    pub(in crate::engine) fn list(
        &mut self,
        elements: &'a [Expr],
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let mut values = Vec::with_capacity(elements.len());
        for element in elements {
            let value = self.expr(element, scope)?;
            values.push(self.settled(value, scope)?);
        }
        self.write_list(values)
    }

    /// The element at a place, from 0; negative places count from the end.
    pub(super) fn at(
        &mut self,
        list: Val<'a>,
        place: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let Some(place) = place.as_integer() else { return Ok(Val::Missing) };
        if place < 0 {
            let elements = self.collect(list, scope)?;
            let from_end = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
            let place = elements.len().checked_sub(from_end);
            return Ok(place
                .and_then(|place| elements.get(place).copied())
                .unwrap_or(Val::Missing));
        }
        let (mut left, mut found) = (place, Val::Missing);
        self.each(list, scope, &mut |_, element| {
            if left == 0 {
                found = element;
            }
            left -= 1;
            Ok(left >= 0)
        })?;
        Ok(found)
    }

    /// A list as it is, nothing as an empty one, any other value as a list of one.
    pub(super) fn as_list(&mut self, value: Val<'a>) -> Result<Val<'a>, Reason> {
        if value.is_list() {
            return Ok(value);
        }
        if value.is_null() {
            return Ok(Val::Array(b"[]"));
        }
        self.write_list([value])
    }

    /// Lists within the list give way to their elements.
    pub(super) fn flatten(
        &mut self,
        list: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        if !list.is_list() {
            return Ok(Val::Missing);
        }
        let mut flat = Vec::new();
        self.each(list, scope, &mut |evaluator, element| {
            if element.is_list() {
                flat.extend(evaluator.collect(element, None)?);
            } else {
                flat.push(element);
            }
            Ok(true)
        })?;
        self.write_list(flat)
    }

    /// Each element once, in the order of their first places. There null equals null.
    pub(super) fn distinct(
        &mut self,
        list: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        if !list.is_list() {
            return Ok(Val::Missing);
        }
        let mut kept: Vec<Val<'a>> = Vec::new();
        self.each(list, scope, &mut |evaluator, element| {
            evaluator.charge(kept.len())?;
            for known in &kept {
                if evaluator.equal_within(*known, element, None)? {
                    return Ok(true);
                }
            }
            kept.push(element);
            Ok(true)
        })?;
        self.write_list(kept)
    }

    /// Have two lists an element in common?
    pub(super) fn intersects(
        &mut self,
        a: Val<'a>,
        b: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let b = self.settled(b, scope)?;
        let mut common = false;
        self.each(a, scope, &mut |evaluator, element| {
            common = evaluator.has_element(b, element, None)?;
            Ok(!common)
        })?;
        Ok(Val::Bool(common))
    }

    /// Are all elements of the second list in the first?
    pub(super) fn contains_all(
        &mut self,
        a: Val<'a>,
        b: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<Val<'a>, Reason> {
        let a = self.settled(a, scope)?;
        let mut all = true;
        self.each(b, scope, &mut |evaluator, element| {
            all = evaluator.has_element(a, element, None)?;
            Ok(all)
        })?;
        Ok(Val::Bool(all))
    }
}
