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
    /// How many single texts it was asked about, about.
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
