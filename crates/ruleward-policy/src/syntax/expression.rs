//! Tokens to expression tree.

use serde_json::Value;

use super::MAX_DEPTH;
use super::document::Text;
use super::lexer::{Token, tokens};
use crate::ast::{Expr, ExprKind, Function, Quantifier, Span};
use crate::error::PolicyError;

/// Parses the characters `from..to` of a string as one expression.
pub(super) fn parse(text: &Text, from: usize, to: usize) -> Result<Expr, PolicyError> {
    let tokens = tokens(text, from, to)?;
    let mut parser = Parser { tokens: &tokens, at: 0, variables: Vec::new(), fallback: text.span };
    let expr = parser.expr(0)?;
    match parser.peek() {
        Token::End => Ok(expr),
        other => Err(parser.error(format!("unexpected {} after the expression", other.describe()))),
    }
}

struct Parser<'a> {
    tokens: &'a [(Token, Span)],
    at: usize,
    /// The variables of the enclosing lambdas, innermost last.
    variables: Vec<String>,
    fallback: Span,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.at).map_or(self.fallback, |(_, span)| *span)
    }

    fn error(&self, message: impl Into<String>) -> PolicyError {
        PolicyError::at(self.span(), message)
    }

    fn accept(&mut self, sign: char) -> bool {
        let fits = *self.peek() == Token::Sign(sign);
        self.at += usize::from(fits);
        fits
    }

    fn expect(&mut self, sign: char) -> Result<(), PolicyError> {
        if self.accept(sign) {
            return Ok(());
        }
        Err(self.error(format!("expected `{sign}`, found {}", self.peek().describe())))
    }

    fn word(&mut self, what: &str) -> Result<String, PolicyError> {
        let Token::Word(word) = self.peek() else {
            return Err(self.error(format!("expected {what}, found {}", self.peek().describe())));
        };
        self.at += 1;
        Ok(word.clone())
    }

    fn text(&mut self, what: &str) -> Result<String, PolicyError> {
        let Token::Literal(Value::String(text)) = self.peek() else {
            let found = self.peek().describe();
            return Err(self.error(format!("expected {what} in single quotes, found {found}")));
        };
        self.at += 1;
        Ok(text.clone())
    }

    fn expr(&mut self, depth: usize) -> Result<Expr, PolicyError> {
        if depth >= MAX_DEPTH {
            return Err(self.error(format!("an expression nests deeper than {MAX_DEPTH}")));
        }
        let mut expr = self.primary(depth)?;
        let mut members = 0;
        loop {
            let span = self.span();
            let key = if self.accept('.') {
                self.word("a name after `.`")?
            } else if self.accept('[') {
                let key = self.text("a key")?;
                self.expect(']')?;
                key
            } else {
                return Ok(expr);
            };
            members += 1;
            if depth + members >= MAX_DEPTH {
                return Err(PolicyError::at(span, format!("a path is longer than {MAX_DEPTH}")));
            }
            if matches!(expr.kind, ExprKind::Literal(_) | ExprKind::List(_)) {
                return Err(PolicyError::at(span, "a literal has no members"));
            }
            let start = expr.span;
            expr = Expr { kind: ExprKind::Member(Box::new(expr), key), span: start };
        }
    }

    fn primary(&mut self, depth: usize) -> Result<Expr, PolicyError> {
        let span = self.span();
        let kind = match self.peek() {
            Token::Literal(value) => {
                self.at += 1;
                ExprKind::Literal(value.clone())
            }
            Token::Sign('[') => {
                self.at += 1;
                ExprKind::List(self.several(']', depth)?)
            }
            Token::Word(word) => {
                self.at += 1;
                if self.accept('(') {
                    self.call(word, span, depth)?
                } else {
                    self.name(word, span)?
                }
            }
            other => {
                let found = other.describe();
                return Err(self.error(format!("expected an expression, found {found}")));
            }
        };
        Ok(Expr { kind, span })
    }

    fn name(&self, word: &str, span: Span) -> Result<ExprKind, PolicyError> {
        match word {
            "true" => Ok(ExprKind::Literal(Value::Bool(true))),
            "false" => Ok(ExprKind::Literal(Value::Bool(false))),
            "null" => Ok(ExprKind::Literal(Value::Null)),
            "lambda" => {
                let message = "a lambda stands only in filter, map, any and all";
                Err(PolicyError::at(span, message))
            }
            _ if self.variables.iter().any(|known| known == word) => {
                Ok(ExprKind::Variable(word.to_owned()))
            }
            _ => Err(PolicyError::at(span, format!("unknown name `{word}`"))),
        }
    }

    /// A call, from behind its opening parenthesis.
    fn call(&mut self, name: &str, span: Span, depth: usize) -> Result<ExprKind, PolicyError> {
        let kind = match name {
            "resource" => ExprKind::Resource,
            "recorder" => ExprKind::Recorder,
            "account" => ExprKind::Account,
            "parameters" => ExprKind::Parameter(self.text("the name of a parameter")?),
            "resources" => {
                let place = self.span();
                let wanted = self.text("a resource type")?;
                if wanted.split('.').filter(|part| !part.is_empty()).count() != 2 {
                    let message = format!("`{wanted}` is not of the form `provider.type`");
                    return Err(PolicyError::at(place, message));
                }
                ExprKind::Resources(wanted)
            }
            _ => {
                if let Some(quantifier) = Quantifier::from_name(name) {
                    self.each(quantifier, depth)?
                } else {
                    let function = Function::from_name(name).ok_or_else(|| {
                        PolicyError::at(span, format!("unknown function `{name}`"))
                    })?;
                    return self.arguments(function, span, depth);
                }
            }
        };
        self.expect(')')?;
        Ok(kind)
    }

    fn each(&mut self, quantifier: Quantifier, depth: usize) -> Result<ExprKind, PolicyError> {
        let list = Box::new(self.expr(depth + 1)?);
        self.expect(',')?;
        if *self.peek() != Token::Word("lambda".to_owned()) {
            return Err(self.error(format!("expected a lambda, found {}", self.peek().describe())));
        }
        self.at += 1;
        let place = self.span();
        let variable = self.word("the name of the variable")?;
        if matches!(variable.as_str(), "true" | "false" | "null" | "lambda") {
            return Err(PolicyError::at(place, format!("`{variable}` cannot name a variable")));
        }
        self.expect(':')?;
        self.variables.push(variable.clone());
        let body = self.expr(depth + 1);
        self.variables.pop();
        Ok(ExprKind::Each { quantifier, list, variable, body: Box::new(body?) })
    }

    /// Expressions with commas between, up to the closing sign.
    fn several(&mut self, closing: char, depth: usize) -> Result<Vec<Expr>, PolicyError> {
        let mut parts = Vec::new();
        if self.accept(closing) {
            return Ok(parts);
        }
        loop {
            parts.push(self.expr(depth + 1)?);
            if self.accept(closing) {
                return Ok(parts);
            }
            if !self.accept(',') {
                let found = self.peek().describe();
                return Err(self.error(format!("expected `,` or `{closing}`, found {found}")));
            }
        }
    }

    fn arguments(
        &mut self,
        function: Function,
        span: Span,
        depth: usize,
    ) -> Result<ExprKind, PolicyError> {
        let arguments = self.several(')', depth)?;
        let (least, most) = function.arguments();
        if (least..=most).contains(&arguments.len()) {
            return Ok(ExprKind::Call(function, arguments));
        }
        let wanted = match (least, most) {
            (1, 1) => "one argument".to_owned(),
            (least, most) if least == most => format!("{least} arguments"),
            (least, _) => format!("at least {least} argument"),
        };
        let message = format!("`{}` takes {wanted}, not {}", function.name(), arguments.len());
        Err(PolicyError::at(span, message))
    }
}
