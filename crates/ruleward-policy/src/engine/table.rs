//! Automata with every step laid out: for many short texts that is quickest.

use std::collections::HashMap;
use std::fmt;

use regex_automata::dfa::{Automaton, StartError, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, nfa::thompson};

/// How much memory may be taken while one is made.
const BUILD_BYTES: usize = 256 * 1024;

/// So many texts are looked at side by side: a step waits for the one before, but not for those of
/// other texts.
pub(crate) const LANES: usize = 4;

/// A number of a state. The first ones are final.
type State = u8;

const NO: State = 0;
const YES: State = 1;
/// The table does not tell.
const UNKNOWN: State = 2;
const FIRST: State = 3;

/// An automaton of few states.
pub(crate) struct Table {
    /// The next state, by state and byte.
    next: Box<[[State; 256]; 256]>,
    /// The final state where the text ends in a state.
    at_end: [State; 256],
}

impl fmt::Debug for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Table")
    }
}

impl Table {
    /// The table of a regular expression; `None` where it would be large. It may tell of texts of ASCII
    /// only.
    pub(crate) fn new(expression: &str) -> Option<Self> {
        [false, true].into_iter().find_map(|ascii_only| Self::build(expression, ascii_only))
    }

    /// One that tells of texts of ASCII only.
    pub(crate) fn of_ascii(expression: &str) -> Option<Self> {
        Self::build(expression, true)
    }

    fn build(expression: &str, ascii_only: bool) -> Option<Self> {
        let mut config = dense::Config::new()
            .start_kind(StartKind::Unanchored)
            .dfa_size_limit(Some(BUILD_BYTES))
            .determinize_size_limit(Some(4 * BUILD_BYTES))
            .unicode_word_boundary(ascii_only);
        if ascii_only {
            for byte in 0x80..=u8::MAX {
                config = config.quit(byte, true);
            }
        }
        let dfa = dense::Builder::new()
            .configure(config)
            .syntax(syntax::Config::new().utf8(false))
            .thompson(thompson::Config::new().utf8(false))
            .build(expression)
            .ok()?;
        Self::lay_out(&dfa).ok()?
    }

    /// `None` where there are too many states.
    fn lay_out(dfa: &dense::DFA<Vec<u32>>) -> Result<Option<Self>, StartError> {
        let kind = |state: StateID| {
            if dfa.is_match_state(state) {
                Some(YES)
            } else if dfa.is_dead_state(state) {
                Some(NO)
            } else if dfa.is_quit_state(state) {
                Some(UNKNOWN)
            } else {
                None
            }
        };
        let begin = dfa.start_state(&start::Config::new().anchored(Anchored::No))?;
        let Ok(mut next) = <Box<[_; 256]>>::try_from(vec![[NO; 256]; 256]) else { return Ok(None) };
        for last in [YES, UNKNOWN] {
            if let Some(row) = next.get_mut(usize::from(last)) {
                *row = [last; 256];
            }
        }
        let mut at_end = [UNKNOWN; 256];
        let mut met = vec![begin];
        let mut numbers = HashMap::from([(begin, FIRST)]);
        let mut place = 0;
        for (number, end) in (0..=State::MAX).zip(&mut at_end) {
            if number < FIRST {
                *end = number;
                continue;
            }
            let Some(state) = met.get(place).copied() else { break };
            place += 1;
            *end = kind(dfa.next_eoi_state(state)).unwrap_or(NO);
            let Some(row) = next.get_mut(usize::from(number)) else { break };
            for (byte, to) in (0..=u8::MAX).zip(row) {
                let after = dfa.next_state(state, byte);
                let known = kind(after).or_else(|| numbers.get(&after).copied());
                *to = if let Some(known) = known {
                    known
                } else {
                    let Ok(fresh) = State::try_from(met.len() + usize::from(FIRST)) else {
                        return Ok(None);
                    };
                    met.push(after);
                    numbers.insert(after, fresh);
                    fresh
                };
            }
        }
        Ok(Some(Self { next, at_end }))
    }

    #[inline]
    fn step(&self, state: State, byte: u8) -> State {
        let row = self.next.get(usize::from(state));
        row.and_then(|row| row.get(usize::from(byte))).copied().unwrap_or(UNKNOWN)
    }

    fn answer(&self, state: State) -> Option<bool> {
        match self.at_end.get(usize::from(state)) {
            Some(&NO) => Some(false),
            Some(&YES) => Some(true),
            _ => None,
        }
    }

    /// Is the expression found in a text? `None` where the table does not tell.
    pub(crate) fn find_one(&self, text: &[u8]) -> Option<bool> {
        self.answer(text.iter().fold(FIRST, |state, byte| self.step(state, *byte)))
    }

    /// Is the expression found in these texts? `None` where the table does not tell.
    pub(crate) fn find(&self, texts: [&[u8]; LANES]) -> [Option<bool>; LANES] {
        let [mut a, mut b, mut c, mut d] = [FIRST; LANES];
        let [one, two, three, four] = texts;
        for (((one, two), three), four) in one.iter().zip(two).zip(three).zip(four) {
            a = self.step(a, *one);
            b = self.step(b, *two);
            c = self.step(c, *three);
            d = self.step(d, *four);
        }
        let shortest = texts.iter().map(|text| text.len()).min().unwrap_or(0);
        let mut states = [a, b, c, d];
        for (state, text) in states.iter_mut().zip(&texts) {
            for byte in text.get(shortest..).unwrap_or(&[]) {
                *state = self.step(*state, *byte);
            }
        }
        states.map(|state| self.answer(state))
    }
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::*;

    const EXPRESSIONS: [&str; 18] = [
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
        "^[a-z]{300}$",
    ];

    const TEXTS: [&str; 20] = [
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
        "\u{ff}aa",
    ];

    #[test]
    fn the_table_finds_what_the_expression_finds() {
        let (mut tables, mut told) = (0, 0);
        for expression in EXPRESSIONS {
            let regex = Regex::new(expression).unwrap();
            for table in [Table::new(expression), Table::of_ascii(expression)] {
                let Some(table) = table else { continue };
                tables += 1;
                for texts in TEXTS.windows(LANES) {
                    let texts: [&str; LANES] = texts.try_into().unwrap();
                    let answers = table.find(texts.map(str::as_bytes));
                    assert_eq!(answers, texts.map(|text| table.find_one(text.as_bytes())));
                    for (text, answer) in texts.into_iter().zip(answers) {
                        let Some(found) = answer else { continue };
                        assert_eq!(found, regex.is_match(text.as_bytes()), "{expression} {text}");
                        told += 1;
                    }
                }
            }
        }
        assert!(tables >= 30 && told > 1500, "{tables} {told}");
    }
}
