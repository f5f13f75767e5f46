//! Filling columns from the resources of a chunk.

use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;

use super::codec::{self, ELSEWHERE};
use super::set::{ColumnSet, Form, Spec, column_id};
use super::{ELEMENT_BYTES, MEMBERS, SLOT_BYTES, WORD_BYTES};
use crate::engine::Mixer;
use crate::json::{Elements, Entries, NotJson, PathSet, PathSetBuilder, RawString, RawValue, Seen};

/// Fills columns, slot by slot.
#[derive(Debug)]
pub struct ColumnBuilder<'s> {
    specs: Vec<(&'s Spec, usize)>,
    paths: PathSet,
    columns: Vec<Growing>,
    members: Vec<Members<'s>>,
    seen: Seen,
    word: Vec<u8>,
    slots: usize,
}

/// The columns of the members of one path.
#[derive(Debug)]
struct Members<'s> {
    /// The column that says whether all members are there.
    container: usize,
    path: &'s [String],
    by_key: HashMap<String, Growing>,
    too_many: bool,
}

/// A column that grows. The first word stands for slots without a resource, and for values that are
/// missing.
#[derive(Debug)]
struct Growing {
    words: Vec<u8>,
    /// Where each word ends.
    ends: Vec<usize>,
    codes: Vec<u16>,
    by_word: HashMap<Box<[u8]>, u16, BuildHasherDefault<Mixer>>,
    /// Slots with a resource.
    filled: usize,
    /// Of these, slots with the first word.
    missing: usize,
}

const MISSING: u8 = 0;

impl Growing {
    fn new() -> Self {
        Self {
            words: vec![MISSING],
            ends: vec![1],
            codes: Vec::new(),
            by_word: HashMap::default(),
            filled: 0,
            missing: 0,
        }
    }

    fn push(&mut self, slot: usize, word: &[u8]) {
        self.codes.resize(slot, 0);
        self.filled += 1;
        if word == [MISSING] {
            self.missing += 1;
            self.codes.push(0);
            return;
        }
        if let Some(code) = self.by_word.get(word) {
            self.codes.push(*code);
            return;
        }
        // A chunk has fewer slots than codes.
        let code = u16::try_from(self.ends.len()).unwrap_or(u16::MAX);
        self.words.extend_from_slice(word);
        self.ends.push(self.words.len());
        self.by_word.insert(word.into(), code);
        self.codes.push(code);
    }

    fn word(&self, code: usize) -> &[u8] {
        let start = code.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(code).copied().unwrap_or(0);
        self.words.get(start.unwrap_or(0)..end).unwrap_or(&[])
    }

    /// The stored form. `filled` of `slots` slots have a resource; those that this column does not
    /// know of have no value.
    fn finish(mut self, slots: usize, filled: usize) -> Vec<u8> {
        self.codes.resize(slots, 0);
        self.missing += filled - self.filled;
        let count = self.ends.len();
        if count == 1 {
            return codec::same(slots, &[MISSING]);
        }
        if count == 2 && self.missing == 0 {
            return codec::same(slots, self.word(1));
        }
        let own: usize = self.codes.iter().map(|code| self.word((*code).into()).len()).sum();
        let code_bytes = slots * usize::from(codec::code_bits(count)) / 8;
        let (least, is_plain) = if own <= self.words.len() + code_bytes {
            (own, true)
        } else {
            (self.words.len() + code_bytes, false)
        };
        if least > slots * SLOT_BYTES {
            return codec::nothing_kept(slots);
        }
        if is_plain {
            let words = self.codes.iter().map(|code| self.word((*code).into()));
            return codec::plain(slots, words);
        }
        codec::coded(&self.words, count, &self.codes)
    }
}

impl<'s> ColumnBuilder<'s> {
    /// Begins the columns of a set; only those for which `wanted` is true of their id.
    pub fn new(set: &'s ColumnSet, wanted: impl Fn(u64) -> bool) -> Self {
        let mut paths = PathSetBuilder::default();
        let specs: Vec<(&Spec, usize)> = set
            .specs()
            .iter()
            .filter(|spec| wanted(spec.id))
            .map(|spec| (spec, paths.slot(&spec.path)))
            .collect();
        let members = specs
            .iter()
            .enumerate()
            .filter(|(_, (spec, _))| spec.form == Form::Members)
            .map(|(container, (spec, _))| Members {
                container,
                path: &spec.path,
                by_key: HashMap::new(),
                too_many: false,
            })
            .collect();
        Self {
            columns: specs.iter().map(|_| Growing::new()).collect(),
            paths: paths.build(),
            members,
            specs,
            seen: Seen::default(),
            word: Vec::new(),
            slots: 0,
        }
    }

    /// Adds the resource of a slot. Slots come in ascending order.
    pub fn add(&mut self, slot: usize, resource: &[u8]) {
        let mut values = Vec::with_capacity(self.paths.slots());
        let read = self.paths.extract(resource, &mut self.seen, &mut values);
        self.slots = slot + 1;
        for ((spec, place), column) in self.specs.iter().zip(&mut self.columns) {
            self.word.clear();
            let value = values.get(*place).copied().flatten();
            if read.is_err() || put(&spec.form, value, &mut self.word).is_err() {
                self.word.clear();
                self.word.push(ELSEWHERE);
            }
            column.push(slot, &self.word);
        }
        for members in &mut self.members {
            let place = self.specs.get(members.container).map(|(_, place)| *place);
            let value = place.and_then(|place| values.get(place).copied().flatten());
            if let Some(RawValue::Object(object)) = value
                && members.add(slot, object, &mut self.word).is_err()
            {
                members.too_many = true;
            }
        }
    }

    /// The columns by their ids, over the slots up to `slots`.
    pub fn finish(self, slots: usize) -> Vec<(u64, Vec<u8>)> {
        let slots = slots.max(self.slots);
        let overflown: Vec<usize> =
            self.members.iter().filter(|of| of.too_many).map(|of| of.container).collect();
        let mut all = Vec::with_capacity(self.columns.len());
        let mut filled = 0;
        for (place, ((spec, _), column)) in self.specs.iter().zip(self.columns).enumerate() {
            filled = column.filled;
            let bytes = if overflown.contains(&place) {
                codec::nothing_kept(slots)
            } else {
                column.finish(slots, filled)
            };
            all.push((spec.id, bytes));
        }
        for members in self.members.into_iter().filter(|of| !of.too_many) {
            let mut by_key: Vec<(String, Growing)> = members.by_key.into_iter().collect();
            by_key.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, column) in by_key {
                let mut path = members.path.to_vec();
                path.push(key);
                let id = column_id(&path, &Form::Whole);
                // A policy may read the member by its name: then its column is there already.
                if all.iter().all(|(known, _)| *known != id) {
                    all.push((id, column.finish(slots, filled)));
                }
            }
        }
        all
    }
}

impl Members<'_> {
    fn add(&mut self, slot: usize, object: &[u8], word: &mut Vec<u8>) -> Result<(), NotJson> {
        if self.too_many {
            return Ok(());
        }
        let mut entries = Entries::new(object);
        while let Some((key, value)) = entries.try_next()? {
            word.clear();
            if put(&Form::Whole, Some(value), word).is_err() {
                word.clear();
                word.push(ELSEWHERE);
            }
            let column = match key.as_plain().and_then(|key| std::str::from_utf8(key).ok()) {
                Some(plain) if self.by_key.contains_key(plain) => self.by_key.get_mut(plain),
                _ if self.by_key.len() >= MEMBERS => return Err(NotJson),
                _ => Some(self.by_key.entry(key.to_text()).or_insert_with(Growing::new)),
            };
            // Of equal keys the first counts.
            if let Some(column) = column
                && column.codes.len() <= slot
            {
                column.push(slot, word);
            }
        }
        Ok(())
    }
}

/// A value that is not kept.
struct TooLong;

impl From<NotJson> for TooLong {
    fn from(_: NotJson) -> Self {
        Self
    }
}

/// Appends the word of a value.
fn put(form: &Form, value: Option<RawValue<'_>>, into: &mut Vec<u8>) -> Result<(), TooLong> {
    match (form, value) {
        (Form::Shape | Form::Members, Some(RawValue::Object(_))) => {
            codec::put_word(Some(RawValue::Object(b"{}")), into);
        }
        (Form::Elements(keys), Some(RawValue::Array(array))) => {
            let mut text = Vec::new();
            put_elements(keys, array, &mut text)?;
            codec::put_word(Some(RawValue::Array(&text)), into);
        }
        (_, value) => {
            let length = match value {
                Some(RawValue::Number(text) | RawValue::Array(text) | RawValue::Object(text)) => {
                    text.len()
                }
                Some(RawValue::String(text)) => text.raw_len(),
                _ => 0,
            };
            if length > WORD_BYTES {
                return Err(TooLong);
            }
            codec::put_word(value, into);
        }
    }
    Ok(())
}

/// A list with fewer members in its elements.
fn put_elements(keys: &BTreeSet<String>, array: &[u8], into: &mut Vec<u8>) -> Result<(), TooLong> {
    into.push(b'[');
    let mut elements = Elements::new(array);
    while let Some(element) = elements.try_next()? {
        if into.len() > 1 {
            into.push(b',');
        }
        let RawValue::Object(object) = element else {
            put_value(element, into);
            continue;
        };
        if object.len() > ELEMENT_BYTES {
            return Err(TooLong);
        }
        into.push(b'{');
        let begun = into.len();
        let mut entries = Entries::new(object);
        while let Some((key, value)) = entries.try_next()? {
            if !keys.iter().any(|wanted| key.equals(wanted.as_bytes())) {
                continue;
            }
            if into.len() > begun {
                into.push(b',');
            }
            put_value(RawValue::String(key), into);
            into.push(b':');
            put_value(value, into);
        }
        into.push(b'}');
        if into.len() > WORD_BYTES {
            return Err(TooLong);
        }
    }
    into.push(b']');
    if into.len() > WORD_BYTES { Err(TooLong) } else { Ok(()) }
}

/// A value as it stands in the input.
fn put_value(value: RawValue<'_>, into: &mut Vec<u8>) {
    match value {
        RawValue::Null => into.extend_from_slice(b"null"),
        RawValue::Bool(true) => into.extend_from_slice(b"true"),
        RawValue::Bool(false) => into.extend_from_slice(b"false"),
        RawValue::Number(text) | RawValue::Array(text) | RawValue::Object(text) => {
            into.extend_from_slice(text);
        }
        RawValue::String(text) => put_string(text, into),
    }
}

fn put_string(text: RawString<'_>, into: &mut Vec<u8>) {
    into.push(b'"');
    into.extend_from_slice(text.raw());
    into.push(b'"');
}
