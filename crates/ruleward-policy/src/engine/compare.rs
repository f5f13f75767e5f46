//! The comparators. See the table in the crate's documentation.

use memchr::memmem;

use super::Reason;
use super::compile::accepts;
use super::evaluate::{Evaluator, InScope};
use super::value::{Val, number_order};
use crate::ast::Comparator;
use crate::json::{Elements, Entries, RawString, RawValue, compare_numbers, member, unescape};

/// How deep nested values are compared.
const MAX_NESTING: usize = 64;

impl<'a> Evaluator<'a, '_> {
    /// A positive comparator on two values.
    pub(super) fn compare(
        &mut self,
        comparator: Comparator,
        value: Val<'a>,
        pattern: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<bool, Reason> {
        match comparator {
            Comparator::Equals => self.equal(value, pattern, scope),
            Comparator::In => self.has_element(pattern, value, scope),
            Comparator::Contains => self.contains(value, pattern, scope),
            Comparator::ContainsKey => match value {
                Val::Object(_) => self.contains(value, pattern, scope),
                _ => Ok(false),
            },
            Comparator::Greater
            | Comparator::GreaterOrEquals
            | Comparator::Less
            | Comparator::LessOrEquals => {
                let order = match (value, pattern) {
                    (Val::Text(a), Val::Text(b)) => Some(a.order(b)),
                    _ => number_order(value, pattern),
                };
                Ok(order.is_some_and(|order| accepts(comparator, order)))
            }
            // Patterns are compiled beforehand, the others are told as negated ones.
            Comparator::Match
            | Comparator::NotEquals
            | Comparator::NotIn
            | Comparator::NotContainsKey
            | Comparator::NotContains
            | Comparator::NotMatch => Ok(false),
        }
    }

    pub(super) fn equal(
        &mut self,
        left: Val<'a>,
        right: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<bool, Reason> {
        match (left, right) {
            (Val::Text(a), Val::Text(b)) => Ok(a.same(b)),
            (Val::Bool(a), Val::Bool(b)) => Ok(a == b),
            (Val::Array(a), Val::Array(b)) => {
                self.same(RawValue::Array(a), RawValue::Array(b), MAX_NESTING)
            }
            (Val::Object(a), Val::Object(b)) => {
                self.same(RawValue::Object(a), RawValue::Object(b), MAX_NESTING)
            }
            _ if left.is_list() && right.is_list() => self.same_lists(left, right, scope),
            _ => Ok(number_order(left, right).is_some_and(std::cmp::Ordering::is_eq)),
        }
    }

    fn same_lists(
        &mut self,
        left: Val<'a>,
        right: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<bool, Reason> {
        let (left, right) = (self.collect(left, scope)?, self.collect(right, scope)?);
        if left.len() != right.len() {
            return Ok(false);
        }
        for (a, b) in left.into_iter().zip(right) {
            if !self.equal_within(a, b, scope)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// As elements of a list: there, null equals null.
    pub(super) fn equal_within(
        &mut self,
        left: Val<'a>,
        right: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<bool, Reason> {
        if left.is_null() && right.is_null() {
            return Ok(true);
        }
        self.equal(left, right, scope)
    }

    pub(crate) fn collect(
        &mut self,
        list: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<Vec<Val<'a>>, Reason> {
        let mut elements = Vec::new();
        self.each(list, scope, &mut |_, element| {
            elements.push(element);
            Ok(true)
        })?;
        Ok(elements)
    }

    /// Equality of JSON texts: objects without regard to the order of keys, null equal to null.
    fn same(
        &mut self,
        left: RawValue<'a>,
        right: RawValue<'a>,
        nesting: usize,
    ) -> Result<bool, Reason> {
        self.charge(1)?;
        match (left, right) {
            (RawValue::Null, RawValue::Null) => Ok(true),
            (RawValue::Bool(a), RawValue::Bool(b)) => Ok(a == b),
            (RawValue::Number(a), RawValue::Number(b)) => {
                Ok(compare_numbers(a, b).is_some_and(std::cmp::Ordering::is_eq))
            }
            (RawValue::String(a), RawValue::String(b)) => Ok(a.same(b)),
            (RawValue::Array(a), RawValue::Array(b)) => self.same_arrays(a, b, nesting),
            (RawValue::Object(a), RawValue::Object(b)) => self.same_objects(a, b, nesting),
            _ => Ok(false),
        }
    }

    fn same_arrays(&mut self, a: &'a [u8], b: &'a [u8], nesting: usize) -> Result<bool, Reason> {
        let nesting = nesting.checked_sub(1).ok_or(Reason::BudgetExceeded)?;
        self.charge_bytes(a.len() + b.len())?;
        let (mut left, mut right) = (Elements::new(a), Elements::new(b));
        loop {
            match (left.try_next()?, right.try_next()?) {
                (None, None) => return Ok(true),
                (Some(a), Some(b)) => {
                    if !self.same(a, b, nesting)? {
                        return Ok(false);
                    }
                }
                _ => return Ok(false),
            }
        }
    }

    fn same_objects(&mut self, a: &'a [u8], b: &'a [u8], nesting: usize) -> Result<bool, Reason> {
        let nesting = nesting.checked_sub(1).ok_or(Reason::BudgetExceeded)?;
        self.charge_bytes(a.len() + b.len())?;
        let mut surplus = 0_usize;
        let mut entries = Entries::new(b);
        while entries.try_next()?.is_some() {
            surplus += 1;
        }
        let mut entries = Entries::new(a);
        while let Some((key, value)) = entries.try_next()? {
            self.charge_bytes(b.len())?;
            let Some(other) = member(b, key)? else { return Ok(false) };
            if surplus == 0 || !self.same(value, other, nesting)? {
                return Ok(false);
            }
            surplus -= 1;
        }
        Ok(surplus == 0)
    }

    pub(super) fn has_element(
        &mut self,
        list: Val<'a>,
        wanted: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<bool, Reason> {
        if wanted.is_null() {
            return Ok(false);
        }
        let mut found = false;
        self.each(list, scope, &mut |evaluator, element| {
            found = evaluator.equal(wanted, element, scope)?;
            Ok(!found)
        })?;
        Ok(found)
    }

    /// A list has an element, a map a key, a text a part.
    pub(super) fn contains(
        &mut self,
        container: Val<'a>,
        wanted: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<bool, Reason> {
        match (container, wanted) {
            (Val::Object(object), Val::Text(key)) => {
                self.charge_bytes(object.len())?;
                Ok(member(object, key)?.is_some())
            }
            (Val::Text(text), Val::Text(part)) => {
                self.charge_bytes(text.raw_len())?;
                Ok(part_of(part, text))
            }
            _ => self.has_element(container, wanted, scope),
        }
    }
}

fn part_of(part: RawString<'_>, text: RawString<'_>) -> bool {
    if let (Some(part), Some(text)) = (part.as_plain(), text.as_plain()) {
        return memmem::find(text, part).is_some();
    }
    let (mut decoded_part, mut decoded_text) = (Vec::new(), Vec::new());
    unescape(part, &mut decoded_part);
    unescape(text, &mut decoded_text);
    memmem::find(&decoded_text, &decoded_part).is_some()
}
