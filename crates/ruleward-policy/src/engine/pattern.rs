//! Regular expressions of a program.

use std::fmt;
use std::sync::OnceLock;

use regex::bytes::Regex;

use super::table::Table;

/// A compiled pattern.
pub(crate) struct Pattern {
    regex: Regex,
    /// For many texts. Made when it is first asked for, `None` where it would be too large.
    table: OnceLock<Option<Table>>,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Pattern").field(&self.regex.as_str()).finish()
    }
}

impl Pattern {
    pub(crate) fn new(regex: Regex) -> Self {
        Self { regex, table: OnceLock::new() }
    }

    /// Is it found in the text?
    pub(crate) fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(text)
    }

    /// The same for many texts.
    pub(crate) fn table(&self) -> Option<&Table> {
        self.table.get_or_init(|| Table::new(self.regex.as_str())).as_ref()
    }
}
