//! Lists given as numbers of elements: what is asked of equal elements is answered once.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::Reason;
use super::constant::Mixer;
use super::evaluate::{Evaluator, Flow, Scope};
use super::made::quote;
use super::program::{Each, Expr};
use super::value::Val;
use crate::json::{RawString, RawValue};

/// The elements of lists, each once, as a table: a column for each member that is kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct ElementTable<'a> {
    /// The members that are kept of elements that are objects.
    pub(crate) keys: Vec<&'a [u8]>,
    /// Their values, in the order of the keys; after them the values of elements that are no objects.
    pub(crate) members: Vec<Member<'a>>,
}

/// One column of the table.
#[derive(Debug, Clone)]
pub(crate) struct Member<'a> {
    pub(crate) words: Vec<Option<RawValue<'a>>>,
    /// For each element the number of its word, little-endian.
    pub(crate) codes: &'a [[u8; 2]],
}

impl<'a> Member<'a> {
    fn code(&self, element: usize) -> u16 {
        u16::from_le_bytes(self.codes.get(element).copied().unwrap_or_default())
    }

    pub(crate) fn value(&self, element: usize) -> Option<RawValue<'a>> {
        *self.words.get(usize::from(self.code(element)))?
    }
}

impl<'a> ElementTable<'a> {
    /// How many elements there are.
    pub(crate) fn len(&self) -> usize {
        self.members.last().map_or(0, |member| member.codes.len())
    }

    /// A member of an element that is an object.
    pub(crate) fn member(&self, element: usize, key: &[u8]) -> Option<RawValue<'a>> {
        let place = self.keys.iter().position(|known| *known == key)?;
        self.members.get(place)?.value(element)
    }

    /// An element that is no object.
    pub(crate) fn scalar(&self, element: usize) -> Option<RawValue<'a>> {
        self.members.last()?.value(element)
    }

    /// Appends an element as JSON.
    pub(crate) fn write(&self, element: usize, into: &mut Vec<u8>) {
        if let Some(scalar) = self.scalar(element) {
            return scalar.write(into);
        }
        into.push(b'{');
        let begun = into.len();
        for (key, member) in self.keys.iter().zip(&self.members) {
            let Some(value) = member.value(element) else { continue };
            if into.len() > begun {
                into.push(b',');
            }
            quote(RawString::plain(key), into);
            into.push(b':');
            value.write(into);
        }
        into.push(b'}');
    }
}

/// A list of which the elements stand elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ElementList<'a> {
    pub(crate) table: &'a ElementTable<'a>,
    /// Numbers of elements, little-endian.
    pub(crate) codes: &'a [[u8; 2]],
}

impl<'a> ElementList<'a> {
    fn element(&self, number: usize) -> Val<'a> {
        match self.table.scalar(number) {
            Some(scalar) => scalar.into(),
            None => Val::Row(self.table, number),
        }
    }
}

/// Fewer members than this make one key.
const KEY: usize = 8;

/// Answers about elements, for runs of one program with the same environment over lists of the same
/// elements.
#[derive(Debug)]
pub(crate) struct Memo {
    questions: Vec<Question>,
}

/// What is known of one lambda.
#[derive(Debug, Default)]
struct Question {
    /// By element.
    known: Vec<Option<Answer>>,
    /// By the members that the lambda reads, where these are not all.
    alike: HashMap<u128, Answer, BuildHasherDefault<Mixer>>,
    /// The places of these; `None` until the table is met.
    reads: Option<Vec<usize>>,
}

/// An answer, and the steps that it took.
pub(crate) type Answer = (Result<bool, Reason>, u32);

impl Memo {
    /// For a program with so many lambdas whose answers are remembered.
    pub(crate) fn new(questions: usize) -> Self {
        Self { questions: (0..questions).map(|_| Question::default()).collect() }
    }

    /// The answer of a lambda about an element, if one like it was asked about.
    pub(crate) fn known(
        &mut self,
        each: &Each,
        table: &ElementTable<'_>,
        element: usize,
    ) -> Option<Answer> {
        let of = self.questions.get_mut(each.memo?)?;
        if let Some(Some(known)) = of.known.get(element) {
            return Some(*known);
        }
        let alike = of.key(each, table, element)?;
        let known = *of.alike.get(&alike)?;
        of.note(element, known);
        Some(known)
    }

    fn learn(&mut self, each: &Each, table: &ElementTable<'_>, element: usize, answer: Answer) {
        let question = each.memo.and_then(|number| self.questions.get_mut(number));
        if let Some(of) = question {
            if let Some(alike) = of.key(each, table, element) {
                of.alike.insert(alike, answer);
            }
            of.note(element, answer);
        }
    }
}

impl Question {
    fn note(&mut self, element: usize, answer: Answer) {
        self.known.resize(self.known.len().max(element + 1), None);
        if let Some(open) = self.known.get_mut(element) {
            *open = Some(answer);
        }
    }

    /// What makes elements alike for the lambda; `None` if only the element itself does.
    fn key(&mut self, each: &Each, table: &ElementTable<'_>, element: usize) -> Option<u128> {
        let reads = self.reads.get_or_insert_with(|| {
            let place = |key: &[u8]| table.keys.iter().position(|known| *known == key);
            each.reads.iter().filter_map(|key| place(key)).collect()
        });
        if reads.len() >= table.keys.len().min(KEY) {
            return None;
        }
        // Elements that are no objects differ from these, and from each other.
        let other = table.members.get(table.keys.len())?;
        let mut key = u128::from(other.code(element));
        for place in reads.iter() {
            key = key << 16 | u128::from(table.members.get(*place)?.code(element));
        }
        Some(key)
    }
}

/// The lists of a run, by the numbers of their paths, and what is known of their elements.
pub(crate) struct Listed<'a, 'b> {
    pub(crate) lists: &'a [Option<ElementList<'a>>],
    pub(crate) memo: &'b mut Memo,
}

impl<'a> Evaluator<'a, '_> {
    /// The list of a lambda that asks only for elements, where it is given by numbers.
    pub(super) fn element_list(&self, each: &Each) -> Option<ElementList<'a>> {
        each.memo.and_then(|_| self.listed(&each.list))
    }

    /// The list, where it is given by numbers.
    pub(super) fn listed(&self, list: &Expr) -> Option<ElementList<'a>> {
        *self.listed.as_ref()?.lists.get(list.list_path()?)?
    }

    /// Calls back with each element and the answer of the lambda.
    pub(super) fn each_answer(
        &mut self,
        each: &'a Each,
        list: ElementList<'a>,
        callback: &mut dyn FnMut(&mut Self, Val<'a>, bool) -> Flow,
    ) -> Result<(), Reason> {
        self.charge(1)?;
        for code in list.codes {
            let element = usize::from(u16::from_le_bytes(*code));
            let (answer, steps) = self.answer(each, list, element);
            self.charge_steps(steps)?;
            self.charge(1)?;
            if !callback(self, list.element(element), answer?)? {
                break;
            }
        }
        Ok(())
    }

    /// The answer of a lambda about an element.
    pub(super) fn answer(
        &mut self,
        each: &'a Each,
        list: ElementList<'a>,
        element: usize,
    ) -> Answer {
        let memo = self.listed.as_mut();
        if let Some(known) = memo.and_then(|of| of.memo.known(each, list.table, element)) {
            return known;
        }
        let before = self.steps;
        let scope = Scope { value: list.element(element), outer: None };
        let answer = (self.truth(&each.body, Some(&scope)), before - self.steps);
        self.steps = before;
        if let Some(of) = &mut self.listed {
            of.memo.learn(each, list.table, element, answer);
        }
        answer
    }
}
