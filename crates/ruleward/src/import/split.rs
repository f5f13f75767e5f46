//! Splits an input into resources without understanding them: the service judges each by
//! itself, so that one broken resource costs only itself. Knows four forms: one object per
//! line, an array, an object whose `resources` is an array, and several of the latter two after
//! each other (pages of a list in one file).

use std::io::{self, BufRead, Chain, Cursor, Read};

use super::input::Bad;

/// What is longer is cut: the service refuses every resource of more than twice its limit by its
/// length, so that nothing is gained by sending it whole.
pub const LONGEST_BYTES: usize = 2 * ruleward_types::limits::RESOURCE_SIZE_BYTES + 1;
/// How far the form is looked for.
const PREFIX_BYTES: u64 = 4096;
const LONGEST_KEY: usize = 256;
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Lines.
    Lines,
    /// Before an array or an object of the input.
    Top,
    /// In an array, before an element; `first` right after the bracket.
    Array { in_object: bool, first: bool },
    /// In an object, before a key; `first` right after the brace.
    Object { first: bool },
    /// After the last.
    End,
}

/// Gives one resource after the other.
#[derive(Debug)]
pub struct Splitter<R> {
    reader: Chain<Cursor<Vec<u8>>, R>,
    place: Place,
    /// Lines read, or elements.
    ordinal: u64,
    /// Ends of lines read.
    ends: u64,
    /// Where the last resource began.
    began: u64,
    /// The key of an object whose array holds the resources.
    list: &'static [u8],
}

impl<R: BufRead> Splitter<R> {
    /// Finds out which form the input has.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let mut prefix = Vec::new();
        reader.by_ref().take(PREFIX_BYTES).read_to_end(&mut prefix)?;
        if prefix.starts_with(&BYTE_ORDER_MARK) {
            prefix.drain(..BYTE_ORDER_MARK.len());
        }
        let place = if is_document(&prefix) { Place::Top } else { Place::Lines };
        Ok(Self::at(prefix, reader, place, b"resources"))
    }

    /// Lines, whatever they look like.
    pub fn of_lines(reader: R) -> Self {
        Self::at(Vec::new(), reader, Place::Lines, b"")
    }

    /// Objects whose array of that key holds what is wanted.
    pub fn of_list(reader: R, list: &'static [u8]) -> Self {
        Self::at(Vec::new(), reader, Place::Top, list)
    }

    fn at(prefix: Vec<u8>, reader: R, place: Place, list: &'static [u8]) -> Self {
        let reader = Cursor::new(prefix).chain(reader);
        Self { reader, place, ordinal: 0, ends: 0, began: 0, list }
    }

    /// Reads the next resource into `into`: one line without its end, blank ones left out.
    /// Answers its line (or its place among the elements), from one; none at the end.
    pub fn next(&mut self, into: &mut Vec<u8>) -> anyhow::Result<Option<u64>> {
        loop {
            into.clear();
            match self.place {
                Place::Lines => return self.line(into),
                Place::End => return Ok(None),
                Place::Top => self.document()?,
                Place::Object { first } => self.member(first)?,
                Place::Array { in_object, first } => {
                    if self.element(in_object, first, into)? {
                        return Ok(Some(self.ordinal));
                    }
                }
            }
        }
    }

    /// The line of the input on which the last resource began, whatever the form.
    pub fn began(&self) -> u64 {
        if self.place == Place::Lines { self.ordinal } else { self.began }
    }

    fn line(&mut self, into: &mut Vec<u8>) -> anyhow::Result<Option<u64>> {
        loop {
            into.clear();
            if !self.read_line(into)? {
                return Ok(None);
            }
            self.ordinal += 1;
            let kept = into.trim_ascii_end().len();
            into.truncate(kept);
            if !into.trim_ascii_start().is_empty() {
                return Ok(Some(self.ordinal));
            }
        }
    }

    /// Reads to the end of a line; false at the end of the input.
    fn read_line(&mut self, into: &mut Vec<u8>) -> io::Result<bool> {
        let mut read_any = false;
        loop {
            let buffer = fill(&mut self.reader)?;
            if buffer.is_empty() {
                return Ok(read_any);
            }
            read_any = true;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let piece = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            // A carriage return inside of a line would end it for some readers.
            append(into, piece);
            let used = piece.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn document(&mut self) -> anyhow::Result<()> {
        self.place = match self.next_byte()? {
            None => Place::End,
            Some(b'[') => Place::Array { in_object: false, first: true },
            Some(b'{') => Place::Object { first: true },
            Some(_) => return Err(self.bad("an array or an object of resources is wanted")),
        };
        Ok(())
    }

    /// Goes over one member of an object; its resources come next, if it has that name.
    fn member(&mut self, first: bool) -> anyhow::Result<()> {
        let mut byte = self.next_byte()?;
        if byte == Some(b'}') {
            self.place = Place::Top;
            return Ok(());
        }
        if !first {
            if byte != Some(b',') {
                return Err(self.bad("a comma or the end of the object is wanted"));
            }
            byte = self.next_byte()?;
        }
        if byte != Some(b'"') {
            return Err(self.bad("a key of the object is wanted"));
        }
        let key = self.key()?;
        if self.next_byte()? != Some(b':') {
            return Err(self.bad("a colon is wanted after a key"));
        }
        if key == self.list {
            if self.next_byte()? != Some(b'[') {
                return Err(self.bad("the list of resources is not an array"));
            }
            self.place = Place::Array { in_object: true, first: true };
        } else {
            let mut skipped = Vec::new();
            self.value(&mut skipped, false)?;
            self.place = Place::Object { first: false };
        }
        Ok(())
    }

    fn key(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut key = Vec::new();
        loop {
            match self.byte()? {
                Some(b'"') => return Ok(key),
                Some(byte) if key.len() < LONGEST_KEY && byte != b'\\' => key.push(byte),
                Some(_) => return Err(self.bad("a key of the object is too long or escaped")),
                None => return Err(self.bad("it ends inside of a key")),
            }
        }
    }

    /// Reads one element; false at the end of the array.
    fn element(
        &mut self,
        in_object: bool,
        first: bool,
        into: &mut Vec<u8>,
    ) -> anyhow::Result<bool> {
        let byte = self.peek()?;
        if byte == Some(b']') {
            self.byte()?;
            self.place = if in_object { Place::Object { first: false } } else { Place::Top };
            return Ok(false);
        }
        if !first {
            if byte != Some(b',') {
                return Err(self.bad("a comma or the end of the array is wanted"));
            }
            self.byte()?;
        }
        self.place = Place::Array { in_object, first: false };
        self.ordinal += 1;
        self.peek()?;
        self.began = self.ends + 1;
        self.value(into, true)?;
        Ok(true)
    }

    /// Reads a value up to what ends it. Only brackets and strings are understood.
    fn value(&mut self, into: &mut Vec<u8>, keep: bool) -> anyhow::Result<()> {
        let mut nesting = Nesting::default();
        if matches!(self.peek()?, None | Some(b',' | b']' | b'}' | b':')) {
            return Err(self.bad("a value is wanted"));
        }
        loop {
            let buffer = fill(&mut self.reader)?;
            if buffer.is_empty() {
                return Err(self.bad("it ends inside of a value"));
            }
            let end = buffer.iter().position(|byte| nesting.ends_before(*byte));
            let piece = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            if keep {
                append(into, piece);
            }
            self.ends += ends(piece);
            let used = piece.len();
            self.reader.consume(used);
            if end.is_some() {
                let kept = into.trim_ascii_end().len();
                into.truncate(kept);
                return Ok(());
            }
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let byte = fill(&mut self.reader)?.first().copied();
        self.ends += u64::from(byte == Some(b'\n'));
        self.reader.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    /// The next byte that is not white space, which stays.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match fill(&mut self.reader)?.first() {
                Some(byte) if byte.is_ascii_whitespace() => {
                    self.ends += u64::from(*byte == b'\n');
                    self.reader.consume(1);
                }
                other => return Ok(other.copied()),
            }
        }
    }

    /// The next byte that is not white space.
    fn next_byte(&mut self) -> io::Result<Option<u8>> {
        self.peek()?;
        self.byte()
    }

    fn bad(&self, words: &str) -> anyhow::Error {
        Bad(format!("the input is not JSON: {words} after element {}", self.ordinal)).into()
    }
}

/// Ends of lines in a piece of the input.
fn ends(piece: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', piece).count() as u64
}

/// `fill_buf` that goes on after an interruption.
fn fill(reader: &mut impl BufRead) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    reader.fill_buf()
}

/// Appends up to the longest that is kept. Ends of lines become tabs: white space outside of
/// strings, and inside of them as wrong as they were.
fn append(into: &mut Vec<u8>, piece: &[u8]) {
    let room = LONGEST_BYTES.saturating_sub(into.len());
    let piece = piece.get(..room).unwrap_or(piece);
    let start = into.len();
    into.extend_from_slice(piece);
    for byte in into.iter_mut().skip(start) {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b'\t';
        }
    }
}

/// How deep a place lies in brackets, and whether in a string.
#[derive(Debug, Default)]
struct Nesting {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    /// Takes a byte; true if the value ended before it.
    fn ends_before(&mut self, byte: u8) -> bool {
        if self.in_string {
            if self.escaped {
                self.escaped = false;
            } else if byte == b'\\' {
                self.escaped = true;
            } else if byte == b'"' {
                self.in_string = false;
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth == 0 => return true,
            b'}' | b']' => self.depth -= 1,
            b',' => return self.depth == 0,
            _ => {}
        }
        false
    }
}

/// Whether the input is an array or an object of resources, by its first bytes. A resource by
/// itself has neither of the two keys.
fn is_document(prefix: &[u8]) -> bool {
    let text = prefix.trim_ascii_start();
    if text.first() == Some(&b'[') {
        return true;
    }
    let Some(text) = text.strip_prefix(b"{") else { return false };
    let text = text.trim_ascii_start();
    text.starts_with(b"\"resources\"") || text.starts_with(b"\"page_info\"")
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Splits with a small buffer, so that every seam is met.
    fn split(text: &[u8]) -> Result<Vec<(u64, String)>, String> {
        let mut splitter =
            Splitter::new(BufReader::with_capacity(3, text)).map_err(|e| e.to_string())?;
        let (mut found, mut line) = (Vec::new(), Vec::new());
        while let Some(at) = splitter.next(&mut line).map_err(|e| e.to_string())? {
            found.push((at, String::from_utf8(line.clone()).unwrap()));
        }
        Ok(found)
    }

    fn texts(text: &str) -> Vec<String> {
        split(text.as_bytes()).unwrap().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn lines_with_blanks_and_any_end() {
        let found = split(b"\xef\xbb\xbf{\"a\":1}\r\n\n  \n{broken\n{\"b\":2}").unwrap();
        let wanted = [(1, "{\"a\":1}"), (4, "{broken"), (5, "{\"b\":2}")];
        assert_eq!(found, wanted.map(|(at, text)| (at, text.to_owned())));
        assert!(texts("").is_empty() && texts("\n\n").is_empty());
    }

    #[test]
    fn arrays_in_every_shape() {
        assert_eq!(texts("[]"), Vec::<String>::new());
        assert_eq!(
            texts(" [ {\"a\": \"]},\\\"\"} ,\n [1,[2]], null,\"x\" ]\n"),
            ["{\"a\": \"]},\\\"\"}", "[1,[2]]", "null", "\"x\""]
        );
        assert_eq!(texts("[{\n  \"a\": 1\n}]"), ["{\t  \"a\": 1\t}"]);
        assert_eq!(texts("[1][2]\n[3]"), ["1", "2", "3"]);
    }

    #[test]
    fn answers_of_the_list() {
        let page = "{\"resources\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"page_info\":{\"x\":[1]}}";
        assert_eq!(texts(page), ["{\"id\":\"a\"}", "{\"id\":\"b\"}"]);
        let turned = "{\n \"page_info\": {\"next_marker\": \"}\"},\n \"resources\": [ 1 ]\n}";
        assert_eq!(texts(&format!("{turned}\n{page}")).len(), 3);
    }

    #[test]
    fn a_resource_by_itself_is_a_line() {
        assert_eq!(texts("{\"id\":\"a\",\"resources\":[1]}"), ["{\"id\":\"a\",\"resources\":[1]}"]);
    }

    #[test]
    fn lines_where_resources_begin() {
        let began = |text: &str| {
            let mut splitter = Splitter::new(BufReader::with_capacity(3, text.as_bytes())).unwrap();
            let (mut lines, mut into) = (Vec::new(), Vec::new());
            while splitter.next(&mut into).unwrap().is_some() {
                lines.push(splitter.began());
            }
            lines
        };
        assert_eq!(began("{}\n\n{}\n"), [1, 3]);
        assert_eq!(began("[{},{\n},\n\n {}]\n[\n1]"), [1, 1, 4, 6]);
        assert_eq!(began("{\"page_info\":\n{},\"resources\":[\n{}]}"), [3]);
    }

    #[test]
    fn what_ends_early_is_told() {
        for text in ["[1", "[1,", "[1,]", "[", "[1 2", "[\"a", "[1]x", "{\"resources\":1}", "[}"] {
            let told = split(text.as_bytes());
            assert!(
                told.as_ref().is_err_and(|told: &String| told.contains("not JSON")),
                "{text}: {told:?}"
            );
        }
    }

    #[test]
    fn long_ones_are_cut() {
        let long = format!("[\"{}\",2]", "x".repeat(3 * 1024 * 1024));
        let mut splitter = Splitter::new(long.as_bytes()).unwrap();
        let mut line = Vec::new();
        assert_eq!(splitter.next(&mut line).unwrap(), Some(1));
        assert_eq!(line.len(), LONGEST_BYTES);
        assert_eq!(splitter.next(&mut line).unwrap(), Some(2));
        assert_eq!(line, b"2");
        assert_eq!(splitter.next(&mut line).unwrap(), None);
    }
}
