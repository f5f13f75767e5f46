//! Filling columns from the resources of a chunk.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use super::codec::{self, ELSEWHERE, Texts};
use super::reads::Members as Kept;
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

/// Words, each once.
#[derive(Debug, Default)]
struct Dictionary {
    words: Vec<u8>,
    /// Where each word ends.
    ends: Vec<usize>,
    by_word: HashMap<Box<[u8]>, u16, BuildHasherDefault<Mixer>>,
}

impl Dictionary {
    /// With a word for what is missing.
    fn beginning() -> Self {
        let mut dictionary = Self::default();
        dictionary.code(&[MISSING]);
        dictionary
    }

    /// The number of a word; `None` if there are too many.
    fn code(&mut self, word: &[u8]) -> Option<u16> {
        if let Some(code) = self.by_word.get(word) {
            return Some(*code);
        }
        let code = u16::try_from(self.ends.len()).ok()?;
        self.words.extend_from_slice(word);
        self.ends.push(self.words.len());
        self.by_word.insert(word.into(), code);
        Some(code)
    }

    fn word(&self, code: usize) -> &[u8] {
        let start = code.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(code).copied().unwrap_or(0);
        self.words.get(start.unwrap_or(0)..end).unwrap_or(&[])
    }

    fn words(&self) -> Texts<'_> {
        Texts { bytes: &self.words, count: self.ends.len() }
    }
}

/// Elements of lists, each once, by their members.
#[derive(Debug, Default)]
struct ElementDictionary {
    /// One for each key, and one for elements that are no objects. The first word of each stands for
    /// what is missing.
    members: Vec<Dictionary>,
    rows: Vec<Box<[u16]>>,
    by_row: HashMap<Box<[u16]>, u16>,
}

impl ElementDictionary {
    /// The number of an element; `None` if there are too many.
    fn code(
        &mut self,
        keys: &Kept,
        element: RawValue<'_>,
        word: &mut Vec<u8>,
    ) -> Result<u16, TooLong> {
        if self.members.is_empty() {
            self.members = (0..=keys.len()).map(|_| Dictionary::beginning()).collect();
        }
        let (mut row, mut surrogate) = (vec![0; keys.len() + 1], Vec::new());
        let mut set = |place: usize, value: RawValue<'_>| {
            word.clear();
            put(&Form::Whole, Some(value), word)?;
            let code = self.members.get_mut(place).and_then(|known| known.code(word));
            if let Some(open @ 0) = row.get_mut(place) {
                *open = code.ok_or(TooLong)?;
            }
            Ok::<_, TooLong>(())
        };
        match element {
            RawValue::Object(object) if object.len() > ELEMENT_BYTES => return Err(TooLong),
            RawValue::Object(object) => {
                let mut entries = Entries::new(object);
                while let Some((key, value)) = entries.try_next()? {
                    let known = |(known, _): (&String, &bool)| key.equals(known.as_bytes());
                    if let Some(place) = keys.iter().position(known) {
                        let length_only = keys.values().nth(place).copied().unwrap_or(false);
                        let kept = if length_only { measure(value, &mut surrogate) } else { value };
                        set(place, kept)?;
                    }
                }
            }
            other => set(keys.len(), other)?,
        }
        if let Some(known) = self.by_row.get(row.as_slice()) {
            return Ok(*known);
        }
        let code = u16::try_from(self.rows.len()).map_err(|_| TooLong)?;
        self.rows.push(row.as_slice().into());
        self.by_row.insert(row.into(), code);
        Ok(code)
    }

    fn stored(&self, keys: &Kept) -> Vec<u8> {
        if self.rows.is_empty() {
            return codec::NO_ELEMENTS.to_vec();
        }
        let members = self.members.iter().enumerate().map(|(place, known)| {
            let codes = self.rows.iter().map(|row| row.get(place).copied().unwrap_or(0)).collect();
            (known.words(), codes)
        });
        codec::elements(self.rows.len(), keys.keys().map(String::as_str), members)
    }
}

/// A column that grows. The first word stands for slots without a resource, and for values that are
/// missing.
#[derive(Debug)]
struct Growing {
    dictionary: Dictionary,
    /// Of lists that are kept by their elements.
    elements: ElementDictionary,
    codes: Vec<u16>,
    /// Slots with a resource.
    filled: usize,
    /// Of these, slots with the first word.
    missing: usize,
}

const MISSING: u8 = 0;

impl Growing {
    fn new() -> Self {
        Self {
            dictionary: Dictionary::beginning(),
            elements: ElementDictionary::default(),
            codes: Vec::new(),
            filled: 0,
            missing: 0,
        }
    }

    fn push(&mut self, slot: usize, word: &[u8]) {
        self.codes.resize(slot, 0);
        self.filled += 1;
        self.missing += usize::from(word == [MISSING]);
        // A chunk has fewer slots than there are codes.
        self.codes.push(self.dictionary.code(word).unwrap_or(u16::MAX));
    }

    /// Puts the word of a value into a buffer, and the elements of a list into the dictionary.
    fn put(&mut self, form: &Form, value: Option<RawValue<'_>>, word: &mut Vec<u8>) {
        word.clear();
        let is_kept = match (form, value) {
            (Form::Elements(keys), Some(RawValue::Array(array))) => {
                put_list(keys, array, &mut self.elements, word)
            }
            (form, value) => put(form, value, word),
        };
        if is_kept.is_err() {
            word.clear();
            word.push(ELSEWHERE);
        }
    }

    /// The stored form. `filled` of `slots` slots have a resource; those that this column does not
    /// know of have no value.
    fn finish(mut self, form: &Form, slots: usize, filled: usize) -> Vec<u8> {
        self.codes.resize(slots, 0);
        self.missing += filled - self.filled;
        let words = self.dictionary.words();
        let elements = match form {
            Form::Elements(keys) => self.elements.stored(keys),
            _ => codec::NO_ELEMENTS.to_vec(),
        };
        if words.count == 1 {
            return codec::same(slots, &elements, &[MISSING]);
        }
        if words.count == 2 && self.missing == 0 {
            return codec::same(slots, &elements, self.dictionary.word(1));
        }
        let own: usize =
            self.codes.iter().map(|code| self.dictionary.word((*code).into()).len()).sum();
        let coded = words.bytes.len() + slots * usize::from(codec::code_bits(words.count)) / 8;
        if elements.len() + own.min(coded) > slots * SLOT_BYTES {
            return codec::nothing_kept(slots);
        }
        if own <= coded {
            let words = self.codes.iter().map(|code| self.dictionary.word((*code).into()));
            return codec::plain(slots, &elements, words);
        }
        codec::coded(&elements, words, &self.codes)
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
            let value = values.get(*place).copied().flatten();
            if read.is_ok() {
                column.put(&spec.form, value, &mut self.word);
                column.push(slot, &self.word);
            } else {
                column.push(slot, &[ELSEWHERE]);
            }
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
                column.finish(&spec.form, slots, filled)
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
                    all.push((id, column.finish(&Form::Whole, slots, filled)));
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
            let column = match key.as_plain().and_then(|key| std::str::from_utf8(key).ok()) {
                Some(plain) if self.by_key.contains_key(plain) => self.by_key.get_mut(plain),
                _ if self.by_key.len() >= MEMBERS => return Err(NotJson),
                _ => Some(self.by_key.entry(key.to_text()).or_insert_with(Growing::new)),
            };
            // Of equal keys the first counts.
            if let Some(column) = column
                && column.codes.len() <= slot
            {
                column.put(&Form::Whole, Some(value), word);
                column.push(slot, word);
            }
        }
        Ok(())
    }
}

/// In place of a text another one of the same length, so that texts of one length are one word.
fn measure<'v>(value: RawValue<'v>, buffer: &'v mut Vec<u8>) -> RawValue<'v> {
    let RawValue::String(text) = value else { return value };
    buffer.clear();
    buffer.resize(text.code_points(), b'x');
    RawValue::String(RawString::plain(buffer))
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
    if let (Form::Shape | Form::Members, Some(RawValue::Object(_))) = (form, value) {
        codec::put_word(Some(RawValue::Object(b"{}")), into);
        return Ok(());
    }
    if let (Form::Keys, Some(RawValue::Object(object))) = (form, value) {
        let mut text = Vec::new();
        put_keys(object, &mut text)?;
        codec::put_word(Some(RawValue::Object(&text)), into);
        return Ok(());
    }
    let length = match value {
        Some(RawValue::Number(text) | RawValue::Array(text) | RawValue::Object(text)) => text.len(),
        Some(RawValue::String(text)) => text.raw_len(),
        _ => 0,
    };
    if length > WORD_BYTES {
        return Err(TooLong);
    }
    codec::put_word(value, into);
    Ok(())
}

/// Appends an object of these keys, all null.
fn put_keys(object: &[u8], into: &mut Vec<u8>) -> Result<(), TooLong> {
    into.push(b'{');
    let mut entries = Entries::new(object);
    while let Some((key, _)) = entries.try_next()? {
        if into.len() > 1 {
            into.push(b',');
        }
        RawValue::String(key).write(into);
        into.extend_from_slice(b":null");
        if into.len() > WORD_BYTES {
            return Err(TooLong);
        }
    }
    into.push(b'}');
    Ok(())
}

/// Appends the word of a list by its elements, of which objects keep some members.
fn put_list(
    keys: &Kept,
    array: &[u8],
    known: &mut ElementDictionary,
    into: &mut Vec<u8>,
) -> Result<(), TooLong> {
    let (mut codes, mut word) = (Vec::new(), Vec::new());
    let mut elements = Elements::new(array);
    while let Some(element) = elements.try_next()? {
        codes.push(known.code(keys, element, &mut word)?);
        if codes.len() * 2 > WORD_BYTES {
            return Err(TooLong);
        }
    }
    codec::put_list(&codes, into);
    Ok(())
}
