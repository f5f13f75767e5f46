//! Which paths of the resource a part of a program reads.

use super::program::{Comparison, Expr, Node, Test};

/// Called with the number of a path, and whether it is the list of an [`super::program::Each`] whose
/// answers are remembered.
type Visit<'v> = &'v mut dyn FnMut(usize, bool);

impl Node {
    /// Adds the numbers of the paths that the node reads.
    pub(crate) fn paths(&self, used: &mut Vec<usize>) {
        self.visit(&mut |path, _| add(path, used));
    }

    /// Calls for each place where a path is read.
    pub(crate) fn visit(&self, visit: Visit<'_>) {
        match self {
            Self::AllOf(parts) | Self::AnyOf(parts) => {
                for part in parts {
                    part.visit(visit);
                }
            }
            Self::Not(part) => part.visit(visit),
            Self::Fixed(_) => {}
            Self::Condition(comparison) => comparison.visit(visit),
        }
    }
}

impl Comparison {
    fn visit(&self, visit: Visit<'_>) {
        self.value.visit(visit);
        if let Test::General(_, pattern) = &self.test {
            pattern.visit(visit);
        }
    }
}

fn add(path: usize, used: &mut Vec<usize>) {
    if !used.contains(&path) {
        used.push(path);
    }
}

impl Expr {
    /// Adds the numbers of the paths that the expression reads.
    pub(crate) fn paths(&self, used: &mut Vec<usize>) {
        self.visit(&mut |path, _| add(path, used));
    }

    fn visit(&self, visit: Visit<'_>) {
        match self {
            Self::Path(path) => visit(*path, false),
            Self::HasKey { container, child, .. } => {
                visit(*container, false);
                visit(*child, false);
            }
            Self::Constant(_)
            | Self::Variable(..)
            | Self::Recorder
            | Self::Account
            | Self::Resources(_) => {}
            Self::Member(inner, _)
            | Self::Length(inner)
            | Self::Not(inner)
            | Self::Needed(inner) => inner.visit(visit),
            Self::Each(each) => {
                match &each.list {
                    Self::Path(path) => visit(*path, each.memo.is_some()),
                    list => list.visit(visit),
                }
                each.body.visit(visit);
            }
            Self::Compare(comparison) => comparison.visit(visit),
            Self::GetValue(map, key) => {
                map.visit(visit);
                key.visit(visit);
            }
            Self::And(parts)
            | Self::Or(parts)
            | Self::Coalesce(parts)
            | Self::List(parts)
            | Self::If(parts)
            | Self::Call(_, parts) => parts.iter().for_each(|part| part.visit(visit)),
        }
    }

    /// Depends on nothing but the clock and the variable of the lambda that it is the body of,
    /// so many further lambdas in?
    pub(crate) fn is_of_element(&self, depth: usize) -> bool {
        let all = |parts: &[Self]| parts.iter().all(|part| part.is_of_element(depth));
        let comparison = |of: &Comparison| {
            of.value.is_of_element(depth)
                && !matches!(&of.test, Test::General(_, pattern) if !pattern.is_of_element(depth))
        };
        match self {
            Self::Path(_)
            | Self::HasKey { .. }
            | Self::Recorder
            | Self::Account
            | Self::Resources(_) => false,
            Self::Constant(_) => true,
            Self::Variable(levels, _) => *levels <= depth,
            Self::Member(inner, _)
            | Self::Length(inner)
            | Self::Not(inner)
            | Self::Needed(inner) => inner.is_of_element(depth),
            Self::Each(each) => {
                each.list.is_of_element(depth) && each.body.is_of_element(depth + 1)
            }
            Self::Compare(of) => comparison(of),
            Self::GetValue(map, key) => map.is_of_element(depth) && key.is_of_element(depth),
            Self::And(parts)
            | Self::Or(parts)
            | Self::Coalesce(parts)
            | Self::List(parts)
            | Self::If(parts)
            | Self::Call(_, parts) => all(parts),
        }
    }
}
