//! The guards at the start of a rule: to which resource types it is restricted.

use super::program::{Expr, Node, Test};

/// What the guards say.
#[derive(Debug, Default)]
pub(crate) struct Guards {
    pub(crate) pairs: Option<Box<[(String, String)]>>,
    /// How many parts at the start of the top `allOf` hold for certain once the pair fits.
    pub(crate) settled: usize,
    /// The paths that only those parts read.
    pub(crate) settled_paths: Box<[usize]>,
}

/// Reads the guards off a compiled rule.
pub(crate) fn guards(root: &Node, paths: &[Vec<String>], needs: &[usize]) -> Guards {
    let Some(pairs) = pairs(root, paths) else { return Guards::default() };
    let settled = match root {
        Node::AllOf(parts) if pairs.len() == 1 => settled(parts, paths),
        _ => 0,
    };
    let mut used = needs.to_vec();
    match root {
        Node::AllOf(parts) => parts.iter().skip(settled).for_each(|part| part.paths(&mut used)),
        other => other.paths(&mut used),
    }
    let settled_paths = (0..paths.len()).filter(|path| !used.contains(path)).collect();
    Guards { pairs: Some(pairs.into()), settled, settled_paths }
}

/// Two conditions at the very start, one on the provider and one on the type.
fn settled(parts: &[Node], paths: &[Vec<String>]) -> usize {
    let [first, second, ..] = parts else { return 0 };
    let keys = (guard(first, paths), guard(second, paths));
    match keys {
        (Some(("provider", _)), Some(("type", _))) | (Some(("type", _)), Some(("provider", _))) => {
            2
        }
        _ => 0,
    }
}

fn pairs(node: &Node, paths: &[Vec<String>]) -> Option<Vec<(String, String)>> {
    match node {
        Node::AllOf(parts) => {
            let (mut provider, mut kind) = (None, None);
            for part in parts {
                // Only what comes first restricts for certain: later parts run after others that
                // may leave the verdict open.
                if let Some(inner) = pairs(part, paths) {
                    return Some(inner);
                }
                match guard(part, paths)? {
                    ("provider", text) => provider = provider.or(Some(text)),
                    (_, text) => kind = kind.or(Some(text)),
                }
                if let (Some(provider), Some(kind)) = (&provider, &kind) {
                    return Some(vec![(provider.clone(), kind.clone())]);
                }
            }
            None
        }
        Node::AnyOf(parts) => {
            let mut all = Vec::new();
            for part in parts {
                for pair in pairs(part, paths)? {
                    if !all.contains(&pair) {
                        all.push(pair);
                    }
                }
            }
            Some(all)
        }
        Node::Not(_) | Node::Fixed(_) | Node::Condition(_) => None,
    }
}

/// `equals` of the provider or the type with a constant.
fn guard<'p>(node: &Node, paths: &'p [Vec<String>]) -> Option<(&'p str, String)> {
    let Node::Condition(comparison) = node else { return None };
    let (Expr::Path(path), Test::EqualsText(text), false) =
        (&comparison.value, &comparison.test, comparison.negate)
    else {
        return None;
    };
    let [key] = paths.get(*path)?.as_slice() else { return None };
    let fits = key == "provider" || key == "type";
    fits.then_some((key.as_str(), String::from_utf8(text.to_vec()).ok()?))
}
