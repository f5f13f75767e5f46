//! Where the values of a program's paths are found in columns.

use super::codec::{Codes, Column, Word};
use crate::engine::ElementList;
use crate::json::{RawString, RawValue, member};

/// Where the values of one path are found.
#[derive(Clone, Copy)]
pub(super) enum Source<'c, 'a> {
    Missing,
    /// The same for all slots.
    Fixed(&'c Column<'a>, &'c [Vec<u8>]),
    /// In a column that tells slots apart, or inside of its values.
    Varying(&'c Column<'a>, &'c [Vec<u8>]),
}

impl<'c, 'a> Source<'c, 'a> {
    /// `None` where the column keeps nothing.
    pub(super) fn of(column: &'c Column<'a>, keys: &'c [Vec<u8>]) -> Option<Self> {
        if matches!(column.codes, Codes::Same) {
            return (!column.keeps_nothing()).then_some(Self::Fixed(column, keys));
        }
        Some(Self::Varying(column, keys))
    }
}

/// The sources of all paths of a program.
pub(super) struct Sources<'c, 'a>(pub(super) Vec<Source<'c, 'a>>);

/// The columns that tell slots apart for some of the paths.
#[derive(Default)]
pub(super) struct Varying<'c, 'a> {
    pub(super) columns: Vec<&'c Column<'a>>,
    /// The paths, each with the place of its column.
    paths: Vec<(usize, usize, &'c [Vec<u8>])>,
}

impl<'c, 'a> Sources<'c, 'a> {
    /// Do the columns know all these slots?
    pub(super) fn know(&self, within: &[u64]) -> bool {
        let last = within.iter().enumerate().rfind(|(_, block)| **block != 0);
        last.is_none_or(|(number, block)| {
            let last = number * 64 + 63 - (block.leading_zeros() as usize);
            self.0.iter().all(|source| match source {
                Source::Missing => true,
                Source::Fixed(column, _) | Source::Varying(column, _) => last < column.slots,
            })
        })
    }

    /// The values of all paths, those that vary left open. Of the paths that are only `lists` the
    /// elements are found.
    pub(super) fn values(&self, lists: &[bool]) -> Values<'c> {
        let of = self.0.len();
        let is_list = |place: usize| lists.get(place).copied().unwrap_or(false);
        let is_list = (0..of).map(is_list).collect();
        let mut found = Values { plain: vec![None; of], lists: vec![None; of], is_list };
        for (place, source) in self.0.iter().enumerate() {
            if let Source::Fixed(column, keys) = source {
                found.set(place, column, 0, keys);
            }
        }
        found
    }

    /// What tells slots apart for some paths.
    pub(super) fn varying(&self, paths: impl IntoIterator<Item = usize>) -> Varying<'c, 'a> {
        let mut varying = Varying { columns: Vec::new(), paths: Vec::new() };
        for path in paths {
            let Some(Source::Varying(column, keys)) = self.0.get(path) else { continue };
            let known = varying.columns.iter().position(|known| std::ptr::eq(*known, *column));
            let place = known.unwrap_or_else(|| {
                varying.columns.push(column);
                varying.columns.len() - 1
            });
            varying.paths.push((path, place, keys));
        }
        varying
    }

    /// What tells slots apart for any path.
    pub(super) fn all_varying(&self) -> Varying<'c, 'a> {
        self.varying(0..self.0.len())
    }
}

impl<'c, 'a> Varying<'c, 'a> {
    /// The column of the one path of them whose values are whole words.
    pub(super) fn only(&self, path: usize) -> Option<&'c Column<'a>> {
        match (self.columns.as_slice(), self.paths.as_slice()) {
            ([column], [(of, _, [])]) if *of == path => Some(column),
            _ => None,
        }
    }

    /// Fills in the values of these words; false if one is not kept.
    pub(super) fn fill(&self, codes: &[usize], found: &mut Values<'c>) -> bool {
        self.paths.iter().all(|(path, place, keys)| {
            let column = self.columns.get(*place).zip(codes.get(*place));
            column.is_some_and(|(column, code)| found.set(*path, column, *code, keys))
        })
    }
}

/// The values of some paths.
pub(super) struct Values<'c> {
    pub(super) plain: Vec<Option<RawValue<'c>>>,
    /// In the places that are only lists.
    pub(super) lists: Vec<Option<ElementList<'c>>>,
    is_list: Vec<bool>,
}

impl<'c> Values<'c> {
    /// Sets a value to a word; false if that is not kept.
    fn set(&mut self, place: usize, column: &'c Column<'_>, word: usize, keys: &[Vec<u8>]) -> bool {
        let is_list = self.is_list.get(place).copied().unwrap_or(false);
        let mut list = None;
        let value = match column.words.get(word) {
            Some(Word::Kept(value)) => below(value, keys),
            Some(Word::List(codes)) if is_list => {
                list = Some(ElementList { table: &column.elements, codes });
                Some(RawValue::Array(b"[]"))
            }
            Some(Word::List(codes)) => match column.text(word, codes) {
                Some(text) => Some(RawValue::Array(text)),
                None => return false,
            },
            Some(Word::Elsewhere) | None => return false,
        };
        if let (Some(of), Some(lists)) = (self.plain.get_mut(place), self.lists.get_mut(place)) {
            (*of, *lists) = (value, list);
        }
        true
    }
}

/// The value inside an object.
fn below<'a>(mut value: Option<RawValue<'a>>, keys: &[Vec<u8>]) -> Option<RawValue<'a>> {
    for key in keys {
        value = match value {
            Some(RawValue::Object(object)) => member(object, RawString::plain(key)).ok().flatten(),
            _ => return None,
        };
    }
    value
}
