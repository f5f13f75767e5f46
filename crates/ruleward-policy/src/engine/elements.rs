//! Lists given as numbers of elements: what is asked of equal elements is answered once.

use super::Reason;
use super::evaluate::{Evaluator, Scope};
use super::program::{Each, Expr};
use crate::json::RawValue;

/// A list of which the elements stand elsewhere, each once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ElementList<'a> {
    pub(crate) elements: &'a [RawValue<'a>],
    /// Numbers of elements, little-endian.
    pub(crate) codes: &'a [[u8; 2]],
}

/// Answers about elements, for runs of one program with the same environment over lists of the same
/// elements.
#[derive(Debug)]
pub(crate) struct Memo {
    tables: Vec<Vec<Option<Answer>>>,
}

/// An answer, and the steps that it took.
type Answer = (Result<bool, Reason>, usize);

impl Memo {
    /// For a program with so many tables.
    pub(crate) fn new(tables: usize) -> Self {
        Self { tables: vec![Vec::new(); tables] }
    }
}

/// The lists of a run, by the numbers of their paths, and what is known of their elements.
pub(crate) struct Listed<'a, 'b> {
    pub(crate) lists: &'a [Option<ElementList<'a>>],
    pub(crate) memo: &'b mut Memo,
}

impl<'a> Evaluator<'a, '_> {
    /// Answers an `any` or `all` whose list is given by numbers. `until` ends it.
    pub(super) fn of_elements(
        &mut self,
        each: &'a Each,
        until: bool,
    ) -> Option<Result<bool, Reason>> {
        let (Some(table), Expr::Path(path)) = (each.memo, &each.list) else { return None };
        let list = (*self.listed.as_ref()?.lists.get(*path)?)?;
        Some(self.ask(each, table, list, until))
    }

    fn ask(
        &mut self,
        each: &'a Each,
        table: usize,
        list: ElementList<'a>,
        until: bool,
    ) -> Result<bool, Reason> {
        self.charge(1)?;
        for code in list.codes {
            let code = usize::from(u16::from_le_bytes(*code));
            let (answer, steps) = match self.known(table, code) {
                Some(known) => known,
                None => self.find_out(each, table, list, code),
            };
            self.charge(steps + 1)?;
            if answer? == until {
                return Ok(until);
            }
        }
        Ok(!until)
    }

    fn known(&self, table: usize, code: usize) -> Option<Answer> {
        *self.listed.as_ref()?.memo.tables.get(table)?.get(code)?
    }

    fn find_out(
        &mut self,
        each: &'a Each,
        table: usize,
        list: ElementList<'a>,
        code: usize,
    ) -> Answer {
        let before = self.steps;
        let value = list.elements.get(code).copied().into();
        let answer = self.truth(&each.body, Some(&Scope { value, outer: None }));
        let steps = usize::try_from(before - self.steps).unwrap_or(usize::MAX);
        self.steps = before;
        let answer = (answer, steps);
        if let Some(listed) = &mut self.listed
            && let Some(table) = listed.memo.tables.get_mut(table)
        {
            table.resize(list.elements.len().max(table.len()), None);
            if let Some(open) = table.get_mut(code) {
                *open = Some(answer);
            }
        }
        answer
    }
}
