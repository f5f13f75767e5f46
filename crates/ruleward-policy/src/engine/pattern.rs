//! Regular expressions of a program.

use std::fmt;
use std::sync::OnceLock;

use regex::bytes::Regex;
use regex_automata::Input;
use regex_automata::dfa::{Automaton, dense};

/// How much memory the table of a pattern may take.
const TABLE_BYTES: usize = 256 * 1024;

/// A compiled pattern.
pub(crate) struct Pattern {
    regex: Regex,
    /// Every state laid out: for many short texts that is quickest. Made when it is first asked for,
    /// `None` where it would be too large.
    table: OnceLock<Option<dense::DFA<Vec<u32>>>>,
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

    /// As [`Pattern::is_match`], for one of many texts.
    pub(crate) fn is_match_of_many(&self, text: &[u8]) -> bool {
        let table = self.table.get_or_init(|| {
            let config = dense::Config::new()
                .dfa_size_limit(Some(TABLE_BYTES))
                .determinize_size_limit(Some(4 * TABLE_BYTES));
            let syntax = regex_automata::util::syntax::Config::new().utf8(false);
            let thompson = regex_automata::nfa::thompson::Config::new().utf8(false);
            let mut builder = dense::Builder::new();
            builder.configure(config).syntax(syntax).thompson(thompson);
            builder.build(self.regex.as_str()).ok()
        });
        let found = table
            .as_ref()
            .and_then(|table| table.try_search_fwd(&Input::new(text).earliest(true)).ok());
        match found {
            Some(found) => found.is_some(),
            None => self.regex.is_match(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_finds_what_the_expression_finds() {
        let patterns = [
            "",
            "^$",
            "^(a|b)+-[a-z]{2,4}$",
            "b",
            "(?i)AbC",
            "a.c",
            r"\bcat\b",
            r"\d+",
            "é|ü",
            "[^a]",
            "(?s)a.b",
            "(?m)^b$",
            r"\p{Greek}",
            "a{0}",
            "^a|b$",
            r"\w{3}",
            "(?-u)\\xFF",
        ];
        let texts = [
            "",
            "a",
            "b",
            "a-xy",
            "ab-xyz",
            "ab-xyzzz",
            "xABCx",
            "abc",
            "a\nc",
            "a cat.",
            "concat",
            "7",
            "é",
            "naïve ü",
            "αβγ",
            "a\nb",
            "x\nb\ny",
            "bb",
            "ÿ",
        ];
        let (mut tables, mut asked) = (0, 0);
        for text in patterns {
            let pattern = Pattern::new(Regex::new(text).unwrap());
            for text in texts {
                let expected = pattern.is_match(text.as_bytes());
                assert_eq!(
                    pattern.is_match_of_many(text.as_bytes()),
                    expected,
                    "{pattern:?} {text}"
                );
                asked += 1;
            }
            tables += usize::from(pattern.table.get().is_some_and(Option::is_some));
        }
        assert!(tables >= 12 && asked > 300, "{tables} {asked}");
    }
}
