//! Which policies lack what they need on this inventory: their `needs`, or what stands in a
//! `needed(…)` of their rule, is a path that no resource of their types has.

use std::collections::HashMap;

use ruleward_policy::PolicyDefinition;
use ruleward_policy::ast::{Expr, ExprKind, Function, Operand, Rule};
use ruleward_policy::json::{PathSet, PathSetBuilder, Seen};
use ruleward_store::{ReadTx, TypeRow};
use ruleward_types::{AccountNo, ResourceType, Result};

use crate::Service;
use crate::access::Access;
use crate::evaluation::each_chunk::every_chunk;

/// A policy that lacks what it needs.
#[derive(Debug, Clone)]
pub struct UncoveredPolicy {
    /// The policy.
    pub definition: &'static PolicyDefinition,
    /// How many resources of its types there are.
    pub resources: u64,
    /// The paths that none of them has; `a or b` where one of several would do.
    pub missing: Vec<String>,
}

/// The keys that lead to a value.
type Path = Vec<String>;

/// A policy and what was found of the paths that it needs.
struct Wanted {
    definition: &'static PolicyDefinition,
    types: Vec<ResourceType>,
    resources: u64,
    /// Paths of which no resource had one so far.
    missing: Vec<Vec<Path>>,
}

impl Wanted {
    fn new(definition: &'static PolicyDefinition) -> Option<Self> {
        let policy = &definition.policy;
        let mut missing: Vec<Vec<Path>> =
            policy.needs().iter().map(|path| vec![path.clone()]).collect();
        needed_in_rule(policy.ast(), &mut missing);
        (!missing.is_empty()).then(|| Self {
            definition,
            types: definition
                .default_resource_types
                .iter()
                .map(|of| ResourceType::new(&of.provider, &of.kind))
                .collect(),
            resources: 0,
            missing,
        })
    }

    fn covers(&self, resource_type: &ResourceType) -> bool {
        self.types.is_empty() || self.types.contains(resource_type)
    }
}

/// What stands in the `needed(…)` of a rule.
fn needed_in_rule(rule: &Rule, into: &mut Vec<Vec<Path>>) {
    match rule {
        Rule::AllOf(parts, _) | Rule::AnyOf(parts, _) => {
            for part in parts {
                needed_in_rule(part, into);
            }
        }
        Rule::Not(part, _) => needed_in_rule(part, into),
        Rule::Condition(condition) => {
            for side in [&condition.value, &condition.pattern] {
                if let Operand::Expression { expr, .. } = side {
                    needed_in(expr, into);
                }
            }
        }
    }
}

fn needed_in(expr: &Expr, into: &mut Vec<Vec<Path>>) {
    if let ExprKind::Call(Function::Needed, arguments) = &expr.kind {
        let mut paths = Vec::new();
        let known = arguments.iter().all(|argument| paths_of(argument, &mut paths));
        if known && !paths.is_empty() && !into.contains(&paths) {
            into.push(paths);
        }
    }
    for part in parts(expr) {
        needed_in(part, into);
    }
}

fn parts(expr: &Expr) -> impl Iterator<Item = &Expr> {
    let parts: Vec<&Expr> = match &expr.kind {
        ExprKind::Member(object, _) => vec![object],
        ExprKind::Call(_, arguments) | ExprKind::List(arguments) => arguments.iter().collect(),
        ExprKind::Each { list, body, .. } => vec![list, body],
        _ => Vec::new(),
    };
    parts.into_iter()
}

/// The paths of the resource that an expression reads; false where its value can come from
/// something else.
fn paths_of(expr: &Expr, into: &mut Vec<Path>) -> bool {
    if let Some(path) = path_of(expr) {
        into.push(path);
        return true;
    }
    match &expr.kind {
        // What else stands in a call is there to be compared with, or to convert.
        ExprKind::Literal(_) | ExprKind::Parameter(_) => true,
        ExprKind::Call(Function::Coalesce, choices) => choices.iter().all(|choice| {
            !matches!(choice.kind, ExprKind::Literal(_) | ExprKind::Parameter(_))
                && paths_of(choice, into)
        }),
        ExprKind::Call(_, arguments) => arguments.iter().all(|part| paths_of(part, into)),
        ExprKind::Each { list, .. } => paths_of(list, into),
        _ => false,
    }
}

/// `resource().a.b` is a and b.
fn path_of(expr: &Expr) -> Option<Path> {
    let (mut path, mut expr) = (Vec::new(), expr);
    while let ExprKind::Member(object, key) = &expr.kind {
        path.push(key.clone());
        expr = object;
    }
    path.reverse();
    (expr.kind == ExprKind::Resource && !path.is_empty()).then_some(path)
}

impl Service {
    /// The policies that need what no resource of their types has, in the order of the
    /// catalogue. A policy for whose types there are no resources is not among them.
    pub fn policy_coverage(&self, access: &Access) -> Result<Vec<UncoveredPolicy>> {
        let mut all: Vec<Wanted> = self.catalogue.list().iter().filter_map(Wanted::new).collect();
        self.read(|tx| {
            for row in tx.types(access.account())? {
                if row.resource_type.is_account() {
                    continue;
                }
                let mut covering: Vec<&mut Wanted> =
                    all.iter_mut().filter(|of| of.covers(&row.resource_type)).collect();
                if !covering.is_empty() {
                    scan(tx, access.account(), &row, &mut covering)?;
                }
            }
            Ok(())
        })?;
        let uncovered = all.iter().filter(|of| of.resources > 0 && !of.missing.is_empty());
        Ok(uncovered.map(told).collect())
    }
}

fn told(of: &Wanted) -> UncoveredPolicy {
    let shown = |paths: &Vec<Path>| {
        let paths: Vec<String> = paths.iter().map(|path| path.join(".")).collect();
        paths.join(" or ")
    };
    UncoveredPolicy {
        definition: of.definition,
        resources: of.resources,
        missing: of.missing.iter().map(shown).collect(),
    }
}

/// The paths that are still looked for in a type, each once.
struct Search {
    paths: PathSet,
    /// Slots of the paths that were found.
    found: Vec<bool>,
    open: usize,
}

impl Search {
    fn new(wanted: &[&mut Wanted]) -> (Self, HashMap<Path, usize>) {
        let mut builder = PathSetBuilder::default();
        let mut slots = HashMap::new();
        for of in wanted {
            for path in of.missing.iter().flatten() {
                slots.insert(path.clone(), builder.slot(path));
            }
        }
        let paths = builder.build();
        let found = vec![false; paths.slots()];
        (Self { paths, found, open: slots.len() }, slots)
    }

    fn look(&mut self, seen: &mut Seen, body: &[u8]) {
        let mut values = Vec::new();
        // What is no JSON has no paths.
        if self.paths.extract(body, seen, &mut values).is_err() {
            return;
        }
        for (found, value) in self.found.iter_mut().zip(&values) {
            if value.is_some() && !*found {
                *found = true;
                self.open = self.open.saturating_sub(1);
            }
        }
    }
}

/// Looks through the resources of a type, until every path was seen.
fn scan(
    tx: &dyn ReadTx,
    account: AccountNo,
    row: &TypeRow,
    wanted: &mut [&mut Wanted],
) -> Result<()> {
    let (mut search, slots) = Search::new(wanted);
    let mut seen = Seen::default();
    let mut resources = 0;
    every_chunk(tx, account, Some(row.no), |chunk| {
        resources += chunk.live as u64;
        if search.open == 0 {
            return Ok(());
        }
        tx.scan_chunk(chunk.no, 0, -1, &mut |_, _, body| {
            if search.open > 0 {
                search.look(&mut seen, body);
            }
            Ok(())
        })
    })?;
    for of in wanted {
        of.resources += resources;
        let found = |path: &Path| {
            slots.get(path).and_then(|slot| search.found.get(*slot)).is_some_and(|found| *found)
        };
        of.missing.retain(|paths| !paths.iter().any(found));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(value: &str) -> Vec<String> {
        let rule = serde_json::json!({"value": value, "comparator": "equals", "pattern": 1});
        let policy = ruleward_policy::Policy::parse(&rule.to_string()).unwrap();
        let mut found = Vec::new();
        needed_in_rule(policy.ast(), &mut found);
        let shown = |paths: &Vec<Path>| {
            paths.iter().map(|path| path.join(".")).collect::<Vec<_>>().join("|")
        };
        found.iter().map(shown).collect()
    }

    #[test]
    fn what_a_rule_needs() {
        assert_eq!(needed("${resource().a}"), Vec::<String>::new());
        assert_eq!(needed("${length(needed(resource().a.b))}"), ["a.b"]);
        let both = "${needed(number(coalesce(resource().a, resource().b['c d'])))}";
        assert_eq!(needed(both), ["a|b.c d"]);
        for open in ["coalesce(resource().a, 'x')", "account().id", "resources('a.b')"] {
            assert_eq!(needed(&format!("${{needed({open})}}")), Vec::<String>::new(), "{open}");
        }
        let inner = "${any(resource().a, lambda x: equals(needed(x.b), needed(resource().c)))}";
        assert_eq!(needed(inner), ["c"]);
    }
}
