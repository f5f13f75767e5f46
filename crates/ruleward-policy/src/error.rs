//! What is wrong with the text of a policy, and where.

use crate::ast::Span;

/// A policy that cannot be used. The position is that of the text it was read from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct PolicyError {
    /// The line, from 1.
    pub line: u32,
    /// The column in Unicode code points, from 1.
    pub column: u32,
    /// What is wrong, lower case, without a full stop.
    pub message: String,
}

impl PolicyError {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self { line: span.line, column: span.column, message: message.into() }
    }
}
