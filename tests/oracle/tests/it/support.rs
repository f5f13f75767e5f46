//! Shared by the properties: choices off a tape, so that failures shrink.

use proptest::prelude::*;
use serde_json::Value;

/// A tape of random bytes. Past its end every choice is the first one, so a shorter tape makes
/// a simpler thing.
#[derive(Clone)]
pub(crate) struct Tape {
    bytes: Vec<u8>,
    at: usize,
}

impl std::fmt::Debug for Tape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x?}", self.bytes)
    }
}

impl Tape {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let mut number = self.byte();
        if bound > 256 {
            number = number * 256 + self.byte();
        }
        number % bound
    }

    fn byte(&mut self) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte)
    }

    /// What is left, as a name.
    pub(crate) fn left(&self) -> String {
        self.bytes.iter().skip(self.at).map(|byte| format!("{byte:02x}")).take(40).collect()
    }

    /// One of some things.
    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    /// Yes, once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }
}

pub(crate) fn tape(length: usize) -> impl Strategy<Value = Tape> {
    prop::collection::vec(any::<u8>(), 0..length).prop_map(Tape::new)
}

/// Cases of a property: as many as `PROPTEST_CASES` says, else `default`.
pub(crate) fn config(default: u32) -> ProptestConfig {
    // A tape means another thing as soon as a generator changes, so none is kept.
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = default;
    }
    config
}

/// The same value in another spelling: white space, escapes.
pub(crate) fn spelled(value: &Value, tape: &mut Tape) -> String {
    let blank = tape.pick(&["", "", "", " ", "\n\t"]);
    let inner = match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| spelled(item, tape)).collect();
            format!("[{}{blank}]", items.join(","))
        }
        Value::Object(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, value)| format!("{blank}{}:{}", text(key, tape), spelled(value, tape)))
                .collect();
            format!("{{{}{blank}}}", entries.join(","))
        }
        Value::String(string) => text(string, tape),
        other => other.to_string(),
    };
    format!("{blank}{inner}{blank}")
}

fn text(text: &str, tape: &mut Tape) -> String {
    use std::fmt::Write;
    let mut out = String::from("\"");
    for character in text.chars() {
        if tape.once_in(6) || u32::from(character) < 0x20 || matches!(character, '"' | '\\') {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").unwrap();
            }
        } else {
            out.push(character);
        }
    }
    out + "\""
}
