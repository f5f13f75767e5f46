//! Expression text to tokens with places.

use serde_json::Value;

use super::document::Text;
use crate::ast::Span;
use crate::error::PolicyError;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(String),
    /// A quoted string or a number.
    Literal(Value),
    /// One of `( ) [ ] , . :`
    Sign(char),
    End,
}

impl Token {
    /// How a message names the token.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Literal(Value::String(text)) => format!("`'{text}'`"),
            Self::Literal(value) => format!("`{value}`"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end of the expression".to_owned(),
        }
    }
}

/// Cuts the characters `from..to` of a string into tokens; the last one is [`Token::End`].
pub(super) fn tokens(
    text: &Text,
    from: usize,
    to: usize,
) -> Result<Vec<(Token, Span)>, PolicyError> {
    let characters: Vec<(char, Span)> = text
        .content
        .chars()
        .zip(text.places.iter().copied())
        .skip(from)
        .take(to.saturating_sub(from))
        .collect();
    let end = text.places.get(to).copied().unwrap_or(text.span);
    let mut lexer = Lexer { characters: &characters, at: 0, end };
    let mut tokens = Vec::new();
    while let Some((character, span)) = lexer.peek() {
        if character.is_ascii_whitespace() {
            lexer.at += 1;
            continue;
        }
        tokens.push((lexer.token(character, span)?, span));
    }
    tokens.push((Token::End, end));
    Ok(tokens)
}

struct Lexer<'a> {
    characters: &'a [(char, Span)],
    at: usize,
    end: Span,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<(char, Span)> {
        self.characters.get(self.at).copied()
    }

    fn take(&mut self, fits: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some((character, _)) = self.peek().filter(|(character, _)| fits(*character)) {
            taken.push(character);
            self.at += 1;
        }
        taken
    }

    fn token(&mut self, first: char, span: Span) -> Result<Token, PolicyError> {
        match first {
            '(' | ')' | '[' | ']' | ',' | '.' | ':' => {
                self.at += 1;
                Ok(Token::Sign(first))
            }
            '\'' => self.quoted(span),
            '-' | '0'..='9' => {
                let text = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'));
                serde_json::from_str(&text)
                    .map(Token::Literal)
                    .map_err(|_| PolicyError::at(span, format!("`{text}` is not a number")))
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                Ok(Token::Word(self.take(|c| c.is_ascii_alphanumeric() || c == '_')))
            }
            other => {
                Err(PolicyError::at(span, format!("unexpected character `{other}` in expression")))
            }
        }
    }

    /// `'…'`, with `\'` and `\\` for a quote and a backslash.
    fn quoted(&mut self, span: Span) -> Result<Token, PolicyError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some((character, place)) = self.peek() else {
                return Err(PolicyError::at(span, "the quoted string does not end"));
            };
            self.at += 1;
            match character {
                '\'' => return Ok(Token::Literal(Value::String(text))),
                '\\' => match self.peek() {
                    Some((c @ ('\'' | '\\'), _)) => {
                        self.at += 1;
                        text.push(c);
                    }
                    other => {
                        let place = other.map_or(self.end, |_| place);
                        return Err(PolicyError::at(place, "only \\' and \\\\ can be escaped"));
                    }
                },
                other => text.push(other),
            }
        }
    }
}
