//! Regular expressions of a program.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use regex::bytes::Regex;

use super::table::Table;

/// After so many single texts a table is worth its making.
const MANY: u32 = 256;

/// A compiled pattern.
pub(crate) struct Pattern {
    regex: Regex,
    /// For many texts. Made when it is first asked for, `None` where it would be too large.
    table: OnceLock<Option<Table>>,
    /// Roughly how many single texts it was asked about.
    asked: AtomicU32,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Pattern").field(&self.regex.as_str()).finish()
    }
}

impl Pattern {
    pub(crate) fn new(regex: Regex) -> Self {
        Self { regex, table: OnceLock::new(), asked: AtomicU32::new(0) }
    }

    /// Is it found in the text?
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        let table = self.table.get().map_or_else(|| self.table_after_many(), Option::as_ref);
        table.and_then(|table| table.find_one(text)).unwrap_or_else(|| self.regex.is_match(text))
    }

    fn table_after_many(&self) -> Option<&Table> {
        // Threads may forget each other's.
        let asked = self.asked.load(Ordering::Relaxed) + 1;
        self.asked.store(asked, Ordering::Relaxed);
        if asked < MANY { None } else { self.table() }
    }

    /// The same for many texts.
    pub(crate) fn table(&self) -> Option<&Table> {
        self.table.get_or_init(|| Table::new(self.regex.as_str())).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_stay_the_same_when_there_is_a_table() {
        // The last two have none, or one that tells of ASCII only.
        for expression in ["^[a-z]+-[0-9]{2}$", "b", r"\bcat\b", "^[a-z]{300}$"] {
            let regex = Regex::new(expression).unwrap();
            let pattern = Pattern::new(regex.clone());
            for n in 0..2 * MANY {
                for text in ["ab-12", "abc", "a cat", "é cat", "", &format!("x-{n}")] {
                    let expected = regex.is_match(text.as_bytes());
                    assert_eq!(pattern.is_match(text.as_bytes()), expected, "{expression} {text}");
                }
                // Nobody waits for a table for a few texts.
                assert_eq!(pattern.table.get().is_some(), 6 * (n + 1) >= MANY, "{expression} {n}");
            }
        }
    }
}
