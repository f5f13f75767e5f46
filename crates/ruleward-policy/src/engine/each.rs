//! Going through lists.

use super::Reason;
use super::evaluate::{Evaluator, Flow, InScope, Scope};
use super::program::Each;
use super::value::Val;
use crate::ast::Quantifier;
use crate::json::{self, Elements, Entries};

impl<'a> Evaluator<'a, '_> {
    pub(super) fn length(
        &mut self,
        value: Val<'a>,
        scope: InScope<'_, 'a>,
    ) -> Result<usize, Reason> {
        let mut count = 0;
        match value {
            Val::Text(text) => {
                self.charge_bytes(text.raw_len())?;
                count = text.code_points();
            }
            Val::Object(object) => {
                self.charge_bytes(object.len())?;
                let mut entries = Entries::new(object);
                while entries.try_next()?.is_some() {
                    count += 1;
                }
            }
            list => self.each(list, scope, &mut |_, _| {
                count += 1;
                Ok(true)
            })?,
        }
        Ok(count)
    }

    /// Calls back with each element of a list; other values have none.
    pub(super) fn each(
        &mut self,
        list: Val<'a>,
        scope: InScope<'_, 'a>,
        callback: &mut dyn FnMut(&mut Self, Val<'a>) -> Flow,
    ) -> Result<(), Reason> {
        match list {
            Val::Array(text) => {
                self.charge_bytes(text.len())?;
                let mut elements = Elements::new(text);
                while let Some(element) = elements.try_next()? {
                    self.charge(1)?;
                    if !callback(self, element.into())? {
                        break;
                    }
                }
                Ok(())
            }
            Val::Each(each) => self.each_element(each, scope, callback),
            Val::Keys(object) => self.each_entry(object, true, callback),
            Val::Values(object) => self.each_entry(object, false, callback),
            Val::Resources(number) => {
                for body in self.lookups.get(number, self.env)?.iter() {
                    self.charge(1)?;
                    if !callback(self, json::parse(body)?.into())? {
                        break;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The elements of a `filter` or `map`.
    fn each_element(
        &mut self,
        each: &'a Each,
        scope: InScope<'_, 'a>,
        callback: &mut dyn FnMut(&mut Self, Val<'a>) -> Flow,
    ) -> Result<(), Reason> {
        if each.quantifier == Quantifier::Filter {
            return self.each_kept(each, scope, callback);
        }
        let list = self.expr(&each.list, scope)?;
        self.each(list, scope, &mut |evaluator, element| {
            let inner = Scope { value: element, outer: scope };
            let value = evaluator.expr(&each.body, Some(&inner))?;
            // It outlives the variable.
            let value = match evaluator.settled(value, Some(&inner))? {
                // A list has no gaps.
                Val::Missing => Val::Null,
                value => value,
            };
            callback(evaluator, value)
        })
    }

    /// The elements for which the body is true.
    fn each_kept(
        &mut self,
        each: &'a Each,
        scope: InScope<'_, 'a>,
        callback: &mut dyn FnMut(&mut Self, Val<'a>) -> Flow,
    ) -> Result<(), Reason> {
        let mut keep = |evaluator: &mut Self, element| {
            let inner = Scope { value: element, outer: scope };
            if evaluator.truth(&each.body, Some(&inner))? {
                callback(evaluator, element)
            } else {
                Ok(true)
            }
        };
        if let Some(join) = &each.join
            && let Some(candidates) = self.candidates(join, scope)?
        {
            let bodies = self.lookups.get(join.lookup, self.env)?;
            for (_, place) in candidates {
                self.charge(1)?;
                let Some(body) = bodies.get(*place as usize) else { continue };
                if !keep(self, json::parse(body)?.into())? {
                    break;
                }
            }
            return Ok(());
        }
        if let Some(list) = self.element_list(each) {
            return self.each_answer(each, list, &mut |evaluator, element, answer| {
                if answer { callback(evaluator, element) } else { Ok(true) }
            });
        }
        let list = self.expr(&each.list, scope)?;
        self.each(list, scope, &mut keep)
    }

    pub(super) fn any(&mut self, each: &'a Each, scope: InScope<'_, 'a>) -> Result<bool, Reason> {
        let mut found = false;
        self.each_kept(each, scope, &mut |_, _| {
            found = true;
            Ok(false)
        })?;
        Ok(found)
    }

    pub(super) fn all_elements(
        &mut self,
        each: &'a Each,
        scope: InScope<'_, 'a>,
    ) -> Result<bool, Reason> {
        if let Some(list) = self.element_list(each) {
            let mut all = true;
            self.each_answer(each, list, &mut |_, _, answer| {
                all = answer;
                Ok(all)
            })?;
            return Ok(all);
        }
        let mut all = true;
        let list = self.expr(&each.list, scope)?;
        self.each(list, scope, &mut |evaluator, element| {
            let inner = Scope { value: element, outer: scope };
            all = evaluator.truth(&each.body, Some(&inner))?;
            Ok(all)
        })?;
        Ok(all)
    }
}
