//! Text to checked syntax tree.

mod check;
mod document;
mod embedded;
mod expression;
mod lexer;
mod path;
mod rule;

pub(crate) use check::{Facts, check, is_constant};
pub(crate) use embedded::parse_yaml_rule;
pub(crate) use path::parse_path;
pub(crate) use rule::parse_rule;

/// How deep rule nodes and expressions may nest, each.
pub const MAX_DEPTH: usize = 32;
/// How many nodes a rule may have, rule nodes and expression nodes together.
pub const MAX_NODES: usize = 2_000;
/// How long the text of a rule may be.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;
