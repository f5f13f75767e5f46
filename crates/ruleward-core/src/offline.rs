//! Judging without a server: the same rules, scopes and engine over resources from a file.

use std::collections::HashMap;
use std::sync::Arc;

use ruleward_policy::{Catalogue, Environment, Explanation, Outcome, ProgramSet, Scratch, explain};
use ruleward_types::{
    Account, AccountNo, ComplianceCounts, Error, PolicyAssignment, Recorder, Resource,
    ResourceType, Result, RuleNo, Timestamp,
};

use crate::account_resource;
use crate::evaluation::planes::Verdict;
use crate::evaluation::rule_set::CompiledRule;
use crate::evaluation::scope::Subject;
use crate::evaluation::view;
use crate::policy_assignments::{NewPolicyAssignment, checked};

/// A verdict that is not "compliant".
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which of the rules, by its place.
    pub rule: usize,
    /// The resource's place in the input as it was told; none for the account.
    pub line: Option<u64>,
    /// Its id; the account's for rules about the account.
    pub resource_id: String,
    /// Its name.
    pub resource_name: String,
    /// Its type, `provider.type`; `account` for the account.
    pub resource_type: String,
    /// Its region.
    pub region_id: String,
    /// Whether it could not be determined; else it is non-compliant.
    pub undetermined: bool,
    /// Why.
    pub explanation: Explanation,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// The rules' numbers, in the order of the rules.
    pub counts: Vec<ComplianceCounts>,
    /// All that is not compliant, in the order of the input.
    pub findings: Vec<Finding>,
}

/// Judges resources one after the other.
#[derive(Debug)]
pub struct Offline {
    account: Account,
    rules: Vec<CompiledRule>,
    by_type: HashMap<ResourceType, Arc<OfType>>,
    world: World,
    /// Kept until the end where a rule looks at other resources.
    kept: Option<Vec<(u64, Resource)>>,
    scratch: Scratch,
    outcomes: Vec<Outcome>,
    found: Findings,
}

#[derive(Debug)]
struct OfType {
    rules: Vec<usize>,
    programs: ProgramSet,
    needs_view: bool,
}

#[derive(Debug)]
struct World {
    now: Timestamp,
    inventory: HashMap<String, Arc<[Arc<[u8]>]>>,
}

impl Environment for World {
    fn now_ms(&self) -> i64 {
        self.now.ms()
    }

    fn recorder_enabled(&self) -> Option<bool> {
        // There is no recorder where there is no server.
        None
    }

    fn resources(&self, provider_type: &str) -> Result<Arc<[Arc<[u8]>]>, String> {
        let key = provider_type.to_ascii_lowercase();
        Ok(self.inventory.get(&key).map_or_else(|| Arc::from([]), Arc::clone))
    }
}

impl Offline {
    /// Judges by these rules, at this moment.
    pub fn new(
        catalogue: &Catalogue,
        rules: Vec<NewPolicyAssignment>,
        now: Timestamp,
    ) -> Result<Self> {
        let mut compiled = Vec::with_capacity(rules.len());
        for (n, new) in rules.into_iter().enumerate() {
            let mut rule: PolicyAssignment = checked(new, catalogue, now)?;
            rule.no = RuleNo(i64::try_from(n + 1).unwrap_or(i64::MAX));
            let rule = CompiledRule::new(rule, catalogue)?;
            if rule.program.is_none() {
                let words =
                    format!("`{}` is a custom rule; its function judges it", rule.rule.name);
                return Err(Error::invalid(words));
            }
            compiled.push(rule);
        }
        let looks_up = compiled.iter().any(|rule| {
            rule.program.as_ref().is_some_and(|program| !program.looks_up().is_empty())
        });
        Ok(Self {
            account: Account {
                no: AccountNo(0),
                domain_id: "account".to_owned(),
                name: "account".to_owned(),
                created: now,
                recorder: Recorder { enabled: true },
                rules_version: 0,
            },
            found: Findings {
                counts: vec![ComplianceCounts::default(); compiled.len()],
                findings: Vec::new(),
            },
            rules: compiled,
            by_type: HashMap::new(),
            world: World { now, inventory: HashMap::new() },
            kept: looks_up.then(Vec::new),
            scratch: Scratch::default(),
            outcomes: Vec::new(),
        })
    }

    /// Judges a resource, at once or at the end. `line` is told back in findings.
    pub fn add(&mut self, line: u64, resource: Resource) {
        match &mut self.kept {
            Some(kept) => kept.push((line, resource)),
            None => self.judge(line, &resource),
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Findings {
        if let Some(kept) = self.kept.take() {
            let mut inventory: HashMap<String, Vec<Arc<[u8]>>> = HashMap::new();
            for (_, resource) in &kept {
                let bodies = inventory.entry(resource.resource_type.key()).or_default();
                bodies.push(Arc::from(resource.body.as_slice()));
            }
            self.world.inventory =
                inventory.into_iter().map(|(key, bodies)| (key, Arc::from(bodies))).collect();
            for (line, resource) in &kept {
                self.judge(*line, resource);
            }
        }
        let body = account_resource::body(&self.account);
        let of_account = self.of_type(&ResourceType::account());
        self.judge_body(&of_account, None, &ResourceType::account(), &body);
        self.found
    }

    fn judge(&mut self, line: u64, resource: &Resource) {
        let of = self.of_type(&resource.resource_type);
        self.judge_body(&of, Some(line), &resource.resource_type, &resource.body);
    }

    fn of_type(&mut self, resource_type: &ResourceType) -> Arc<OfType> {
        if let Some(known) = self.by_type.get(resource_type) {
            return Arc::clone(known);
        }
        let covering: Vec<(usize, &CompiledRule)> = self
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.scope.covers_type(resource_type))
            .collect();
        let programs: Vec<_> =
            covering.iter().filter_map(|(_, rule)| rule.program.clone()).collect();
        let made = Arc::new(OfType {
            needs_view: covering.iter().any(|(_, rule)| rule.scope.narrows_inside_type()),
            rules: covering.into_iter().map(|(n, _)| n).collect(),
            programs: ProgramSet::new(&programs),
        });
        self.by_type.insert(resource_type.clone(), Arc::clone(&made));
        made
    }

    fn judge_body(
        &mut self,
        of: &OfType,
        line: Option<u64>,
        resource_type: &ResourceType,
        body: &[u8],
    ) {
        of.programs.evaluate(&mut self.scratch, body, &self.world, &mut self.outcomes);
        let view = of.needs_view.then(|| view::read(body));
        for (n, outcome) in of.rules.iter().zip(&self.outcomes) {
            let (Some(rule), Some(counts)) = (self.rules.get(*n), self.found.counts.get_mut(*n))
            else {
                continue;
            };
            if view.as_ref().is_some_and(|view| !rule.scope.matches(view)) {
                continue;
            }
            let undetermined = match crate::evaluation::apply::verdict_of(*outcome) {
                Verdict::NonCompliant => {
                    counts.non_compliant += 1;
                    false
                }
                Verdict::Undetermined => {
                    counts.undetermined += 1;
                    true
                }
                Verdict::Compliant | Verdict::OutOfScope => {
                    counts.compliant += 1;
                    continue;
                }
            };
            let Some(program) = &rule.program else { continue };
            let head = view::read_head(body);
            self.found.findings.push(Finding {
                rule: *n,
                line,
                resource_id: head.id.into_owned(),
                resource_name: head.name.into_owned(),
                resource_type: if rule.scope.subject() == Subject::Account {
                    "account".to_owned()
                } else {
                    resource_type.to_string()
                },
                region_id: head.region_id.into_owned(),
                undetermined,
                explanation: explain(program, body, &self.world),
            });
        }
    }
}
