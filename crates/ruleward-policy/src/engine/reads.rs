//! Which paths of the resource a part of a program reads.

use super::program::{Comparison, Expr, Node, Test};

/// Called with the number of a path, and whether it is read as the list of an
/// [`super::program::Each`] whose answers are remembered, or for its length.
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
    /// Adds the numbers of the paths that it reads.
    pub(crate) fn paths(&self, used: &mut Vec<usize>) {
        self.visit(&mut |path, _| add(path, used));
    }

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
            Self::Length(inner) => match inner.list_path() {
                Some(path) => visit(path, true),
                None => inner.visit(visit),
            },
            Self::Member(inner, _)
            | Self::Not(inner)
            | Self::Needed(inner)
            | Self::Fits(inner, _) => inner.visit(visit),
            Self::Each(each) => {
                each.list.visit(&mut |path, _| visit(path, each.memo.is_some()));
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

    /// Calls for each part, and how many lambdas further in it stands.
    fn parts<'e>(&'e self, visit: &mut dyn FnMut(&'e Self, usize)) {
        match self {
            Self::Path(_)
            | Self::HasKey { .. }
            | Self::Recorder
            | Self::Account
            | Self::Resources(_)
            | Self::Constant(_)
            | Self::Variable(..) => {}
            Self::Member(inner, _)
            | Self::Length(inner)
            | Self::Not(inner)
            | Self::Needed(inner)
            | Self::Fits(inner, _) => visit(inner, 0),
            Self::Each(each) => {
                visit(&each.list, 0);
                visit(&each.body, 1);
            }
            Self::Compare(of) => {
                visit(&of.value, 0);
                if let Test::General(_, pattern) = &of.test {
                    visit(pattern, 0);
                }
            }
            Self::GetValue(map, key) => {
                visit(map, 0);
                visit(key, 0);
            }
            Self::And(parts)
            | Self::Or(parts)
            | Self::Coalesce(parts)
            | Self::List(parts)
            | Self::If(parts)
            | Self::Call(_, parts) => parts.iter().for_each(|part| visit(part, 0)),
        }
    }

    /// Depends on nothing but the clock and the variable of the lambda that it stands in, so many
    /// further lambdas in?
    pub(crate) fn is_of_element(&self, depth: usize) -> bool {
        let mut is = match self {
            Self::Path(_)
            | Self::HasKey { .. }
            | Self::Recorder
            | Self::Account
            | Self::Resources(_) => false,
            Self::Variable(levels, _) => *levels <= depth,
            _ => true,
        };
        self.parts(&mut |part, deeper| is = is && part.is_of_element(depth + deeper));
        is
    }

    /// Adds the members of that variable that are read.
    pub(crate) fn element_keys(&self, depth: usize, keys: &mut Vec<Box<[u8]>>) {
        if let Self::Variable(levels, way) = self
            && *levels == depth
            && let Some(key) = way.first()
            && !keys.contains(key)
        {
            keys.push(key.clone());
        }
        self.parts(&mut |part, deeper| part.element_keys(depth + deeper, keys));
    }
}
