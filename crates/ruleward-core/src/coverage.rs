//! Which policies can never give a verdict on this inventory: those that need a path that no
//! resource of their types has.

use std::collections::HashMap;

use ruleward_policy::PolicyDefinition;
use ruleward_policy::json::{PathSet, PathSetBuilder, Seen};
use ruleward_store::{ReadTx, TypeRow};
use ruleward_types::{AccountNo, ResourceType, Result};

use crate::Service;
use crate::access::Access;

/// A policy that this inventory leaves without a verdict.
#[derive(Debug, Clone)]
pub struct UncoveredPolicy {
    /// The policy.
    pub definition: &'static PolicyDefinition,
    /// How many resources of its types there are.
    pub resources: u64,
    /// The paths that none of them has.
    pub missing: Vec<String>,
}

/// A policy and what was found of the paths that it needs.
struct Wanted {
    definition: &'static PolicyDefinition,
    types: Vec<ResourceType>,
    resources: u64,
    /// Needed paths that no resource had so far, by their place in the definition.
    missing: Vec<usize>,
}

impl Wanted {
    fn new(definition: &'static PolicyDefinition) -> Option<Self> {
        let missing: Vec<usize> = (0..definition.policy.needs().len()).collect();
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

impl Service {
    /// The policies that need what no resource of the account has, in the order of the
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
    let path = |place: &usize| of.definition.needs.get(*place).cloned();
    UncoveredPolicy {
        definition: of.definition,
        resources: of.resources,
        missing: of.missing.iter().filter_map(path).collect(),
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
    fn new(wanted: &[&mut Wanted]) -> (Self, HashMap<Vec<String>, usize>) {
        let mut builder = PathSetBuilder::default();
        let mut slots = HashMap::new();
        for of in wanted {
            let needs = of.definition.policy.needs();
            for path in of.missing.iter().filter_map(|place| needs.get(*place)) {
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
    let mut after = None;
    loop {
        let chunks = tx.chunks(account, Some(row.no), after, 256)?;
        let Some(last) = chunks.last() else { break };
        after = Some(last.no);
        for chunk in chunks {
            resources += chunk.live as u64;
            if search.open > 0 {
                tx.scan_chunk(chunk.no, 0, -1, &mut |_, _, body| {
                    if search.open > 0 {
                        search.look(&mut seen, body);
                    }
                    Ok(())
                })?;
            }
        }
    }
    for of in wanted {
        of.resources += resources;
        let needs = of.definition.policy.needs();
        of.missing.retain(|place| {
            let slot = needs.get(*place).and_then(|path| slots.get(path));
            slot.and_then(|slot| search.found.get(*slot)).is_none_or(|found| !*found)
        });
    }
    Ok(())
}
