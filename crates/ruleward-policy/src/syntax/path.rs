//! Paths of the judged resource that stand alone, as `properties.flavor` or `tags['a b']`.

use super::document::Text;
use super::expression;
use crate::ast::{Expr, ExprKind, Span};
use crate::error::PolicyError;

const ROOT: &str = "resource()";

/// The keys of a path. Positions of faults are columns of `text`.
pub(crate) fn parse_path(text: &str) -> Result<Vec<String>, PolicyError> {
    let start = Span { line: 1, column: 1 };
    let joint = if text.starts_with('[') { "" } else { "." };
    let content = format!("{ROOT}{joint}{text}");
    let before = ROOT.len() + joint.len();
    let column = |place: usize| u32::try_from(place.saturating_sub(before)).unwrap_or(u32::MAX);
    let length = content.chars().count();
    let places =
        (0..=length).map(|place| Span { line: 1, column: column(place).saturating_add(1) });
    let text = Text { content, span: start, places: places.collect() };
    let mut expr = &expression::parse(&text, 0, length)?;
    let mut keys = Vec::new();
    while let Expr { kind: ExprKind::Member(object, key), .. } = expr {
        keys.push(key.clone());
        expr = object;
    }
    keys.reverse();
    match expr.kind {
        ExprKind::Resource if !keys.is_empty() => Ok(keys),
        _ => Err(PolicyError::at(start, "expected a path such as `properties.flavor`")),
    }
}
