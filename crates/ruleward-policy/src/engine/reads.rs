//! Which paths of the resource a part of a program reads.

use super::program::{Comparison, Expr, Node, Test};

impl Node {
    /// Adds the numbers of the paths that the node reads.
    pub(crate) fn paths(&self, used: &mut Vec<usize>) {
        match self {
            Self::AllOf(parts) | Self::AnyOf(parts) => {
                parts.iter().for_each(|part| part.paths(used));
            }
            Self::Not(part) => part.paths(used),
            Self::Fixed(_) => {}
            Self::Condition(comparison) => comparison.paths(used),
        }
    }
}

impl Comparison {
    fn paths(&self, used: &mut Vec<usize>) {
        self.value.paths(used);
        if let Test::General(_, pattern) = &self.test {
            pattern.paths(used);
        }
    }
}

impl Expr {
    /// Adds the numbers of the paths that the expression reads.
    pub(crate) fn paths(&self, used: &mut Vec<usize>) {
        let mut add = |path: usize| {
            if !used.contains(&path) {
                used.push(path);
            }
        };
        match self {
            Self::Path(path) => add(*path),
            Self::HasKey { container, child, .. } => {
                add(*container);
                add(*child);
            }
            Self::Constant(_)
            | Self::Variable(..)
            | Self::Recorder
            | Self::Account
            | Self::Resources(_) => {}
            Self::Member(inner, _)
            | Self::Length(inner)
            | Self::Not(inner)
            | Self::Needed(inner) => inner.paths(used),
            Self::Each(each) => {
                each.list.paths(used);
                each.body.paths(used);
            }
            Self::Compare(comparison) => comparison.paths(used),
            Self::GetValue(map, key) => {
                map.paths(used);
                key.paths(used);
            }
            Self::And(parts)
            | Self::Or(parts)
            | Self::Coalesce(parts)
            | Self::List(parts)
            | Self::If(parts)
            | Self::Call(_, parts) => parts.iter().for_each(|part| part.paths(used)),
        }
    }
}
