//! Judging without a server: the same rules, scopes and engine over resources from a file.
//!
//! Several may judge parts of an input at the same time ([`Offline::another`]); what they found is
//! brought together at the end ([`Offline::join`]). As on a server, of two resources of one type and
//! id the later one counts.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use ruleward_policy::{Catalogue, Environment, Explanation, Outcome, ProgramSet, Scratch, explain};
use ruleward_types::{
    Account, AccountNo, ComplianceCounts, Error, PolicyAssignment, Recorder, Resource,
    ResourceType, Result, RuleNo, Selection, Timestamp, limits,
};

use crate::account_resource;
use crate::drafts::{NewPolicyAssignment, checked};
use crate::evaluation::planes::Verdict;
use crate::evaluation::rule_set::CompiledRule;
use crate::evaluation::view;

/// A verdict that is not "compliant".
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which of the rules, by its place.
    pub rule: usize,
    /// The resource's place in the input as it was told; none for the account.
    pub line: Option<u64>,
    /// The resource, shared by its findings.
    pub resource: Arc<FoundResource>,
    /// Whether it could not be determined; else it is non-compliant.
    pub undetermined: bool,
    /// Why, in the words asked for.
    pub reason: String,
}

/// What findings tell of their resource.
#[derive(Debug, Clone, Default)]
pub struct FoundResource {
    /// Its id; the account's for rules about the account.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its type, `provider.type`; `account` for the account.
    pub resource_type: String,
    /// Its region.
    pub region_id: String,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// The rules' numbers, in the order of the rules.
    pub counts: Vec<ComplianceCounts>,
    /// What is not compliant, in the order of the input and then of the rules.
    pub findings: Vec<Finding>,
    /// Different resources.
    pub resources: u64,
}

/// What is given besides rules and resources.
#[derive(Debug, Clone)]
pub struct OfflineOptions {
    /// The time of the evaluation.
    pub now: Timestamp,
    /// The account's id; what depends on it is undetermined without.
    pub domain_id: Option<String>,
    /// How many findings of each rule are named, the first ones of the input. It may be more.
    pub named: usize,
    /// Puts an explanation in words.
    pub words: fn(&Explanation) -> String,
}

/// Judges resources one after the other.
#[derive(Debug)]
pub struct Offline {
    shared: Arc<Shared>,
    by_type: HashMap<ResourceType, Arc<OfType>>,
    /// What the resource before needed.
    latest: Option<(ResourceType, Arc<OfType>)>,
    world: World,
    /// Kept until the end where a rule looks at other resources.
    kept: Option<Vec<(u64, Resource)>>,
    scratch: Scratch,
    outcomes: Vec<Outcome>,
    /// How many findings of a rule are named.
    named: Vec<usize>,
    judged: Judged,
    findings: Vec<Finding>,
    /// How many were at work, this one included.
    parts: usize,
}

#[derive(Debug)]
struct Shared {
    account: Account,
    rules: Vec<CompiledRule>,
    spelling: HashMap<String, ResourceType>,
    options: OfflineOptions,
}

#[derive(Debug)]
struct OfType {
    /// The same for every spelling.
    key: String,
    rules: Vec<usize>,
    programs: ProgramSet,
    needs_view: bool,
}

#[derive(Debug, Clone)]
struct World {
    now: Timestamp,
    account: Option<Arc<[u8]>>,
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

    fn account(&self) -> Option<Arc<[u8]>> {
        self.account.clone()
    }

    fn resources(&self, provider_type: &str) -> Result<Arc<[Arc<[u8]>]>, String> {
        let key = provider_type.to_ascii_lowercase();
        let found = self.inventory.get(&key).map_or_else(|| Arc::from([]), Arc::clone);
        if found.len() > limits::LOOKUP_RESOURCES {
            let most = limits::LOOKUP_RESOURCES;
            return Err(format!("more than {most} resources of type {provider_type}"));
        }
        Ok(found)
    }
}

/// Verdicts of one resource, by the places of the rules.
type Pattern = Box<[(usize, Verdict)]>;

/// Who was judged how. Few patterns of verdicts differ, so each is kept once.
#[derive(Debug, Default)]
struct Judged {
    numbers: HashMap<Pattern, usize>,
    patterns: Vec<Pattern>,
    records: Vec<Record>,
    /// Of the resource in hand.
    verdicts: Vec<(usize, Verdict)>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    /// Stands for type and id.
    key: u128,
    line: Option<u64>,
    pattern: usize,
}

impl Judged {
    fn number(&mut self, pattern: &[(usize, Verdict)]) -> usize {
        if let Some(known) = self.numbers.get(pattern) {
            return *known;
        }
        let number = self.patterns.len();
        self.patterns.push(pattern.into());
        self.numbers.insert(pattern.into(), number);
        number
    }

    /// Ends the resource in hand.
    fn close(&mut self, key: u128, line: Option<u64>) {
        let verdicts = std::mem::take(&mut self.verdicts);
        let pattern = self.number(&verdicts);
        self.verdicts = verdicts;
        self.verdicts.clear();
        self.records.push(Record { key, line, pattern });
    }

    fn join(&mut self, other: Self) {
        let numbers: Vec<usize> =
            other.patterns.iter().map(|pattern| self.number(pattern)).collect();
        self.records.extend(other.records.into_iter().filter_map(|record| {
            Some(Record { pattern: *numbers.get(record.pattern)?, ..record })
        }));
    }

    /// The rules' numbers over the last record of each key, how many of these are resources, and
    /// the lines that later ones replace.
    fn count(mut self, rules: usize) -> (Vec<ComplianceCounts>, u64, HashSet<u64>) {
        self.records.sort_unstable_by_key(|record| record.line);
        let mut counts = vec![ComplianceCounts::default(); rules];
        let (mut known, mut replaced) = (HashSet::new(), HashSet::new());
        let mut resources = 0;
        for record in self.records.iter().rev() {
            if !known.insert(record.key) {
                replaced.extend(record.line);
                continue;
            }
            resources += u64::from(record.line.is_some());
            for (rule, verdict) in self.patterns.get(record.pattern).into_iter().flatten() {
                let Some(counts) = counts.get_mut(*rule) else { continue };
                match verdict {
                    Verdict::Compliant => counts.compliant += 1,
                    Verdict::NonCompliant => counts.non_compliant += 1,
                    Verdict::Undetermined => counts.undetermined += 1,
                    Verdict::OutOfScope => {}
                }
            }
        }
        (counts, resources, replaced)
    }
}

/// Type and id as a number. That two of a file's have the same by chance will not happen.
fn key_of(type_key: &str, id: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write(type_key.as_bytes());
        hasher.write_u8(salt);
        hasher.write(id.as_bytes());
        u128::from(hasher.finish())
    };
    (half(0) << 64) | half(1)
}

fn told(resource_type: &ResourceType, body: &[u8]) -> FoundResource {
    let head = view::read_head(body);
    FoundResource {
        id: head.id.into_owned(),
        name: head.name.into_owned(),
        resource_type: if resource_type.is_account() {
            "account".to_owned()
        } else {
            resource_type.to_string()
        },
        region_id: head.region_id.into_owned(),
    }
}

impl Offline {
    /// Judges by these rules.
    pub fn new(
        catalogue: &Catalogue,
        rules: Vec<NewPolicyAssignment>,
        options: OfflineOptions,
    ) -> Result<Self> {
        let mut compiled = Vec::with_capacity(rules.len());
        for (n, new) in rules.into_iter().enumerate() {
            let name = new.name.clone();
            let mut rule: PolicyAssignment =
                checked(new, catalogue, options.now).map_err(|error| {
                    let words = format!("Rule `{name}`: {}", error.message());
                    Error::with(error.code(), words)
                })?;
            rule.no = RuleNo(i64::try_from(n + 1).unwrap_or(i64::MAX));
            let rule = CompiledRule::new(Arc::new(rule), catalogue, &Selection::All)?;
            if rule.program.is_none() {
                let words =
                    format!("`{}` is a custom rule; its function judges it", rule.rule.name);
                return Err(Error::invalid(words));
            }
            compiled.push(rule);
        }
        let id = options.domain_id.clone().unwrap_or_else(|| "account".to_owned());
        let spelling = catalogue
            .list()
            .iter()
            .flat_map(|definition| &definition.default_resource_types)
            .map(|of| ResourceType::new(&of.provider, &of.kind))
            .map(|of| (of.key(), of))
            .collect();
        Ok(Self::over(Arc::new(Shared {
            account: Account {
                no: AccountNo(0),
                domain_id: id.clone(),
                name: id,
                created: options.now,
                recorder: Recorder::ON,
                rules_version: 0,
            },
            rules: compiled,
            spelling,
            options,
        })))
    }

    fn over(shared: Arc<Shared>) -> Self {
        let looks_up = shared.rules.iter().any(|rule| {
            rule.program.as_ref().is_some_and(|program| !program.looks_up().is_empty())
        });
        let account = shared.options.domain_id.is_some();
        Self {
            by_type: HashMap::new(),
            latest: None,
            world: World {
                now: shared.options.now,
                account: account.then(|| account_resource::as_read(&shared.account)),
                inventory: HashMap::new(),
            },
            kept: looks_up.then(Vec::new),
            scratch: Scratch::default(),
            outcomes: Vec::new(),
            named: vec![0; shared.rules.len()],
            judged: Judged::default(),
            findings: Vec::new(),
            parts: 1,
            shared,
        }
    }

    /// Another one by the same rules, for another part of the input.
    #[must_use]
    pub fn another(&self) -> Self {
        Self::over(Arc::clone(&self.shared))
    }

    /// Takes over what another one was given and found.
    pub fn join(&mut self, other: Self) {
        self.judged.join(other.judged);
        self.findings.extend(other.findings);
        if let (Some(kept), Some(more)) = (&mut self.kept, other.kept) {
            kept.extend(more);
        }
        self.parts += other.parts;
    }

    /// The rules, as they would be stored.
    pub fn rules(&self) -> impl Iterator<Item = &PolicyAssignment> {
        self.shared.rules.iter().map(|rule| &*rule.rule)
    }

    /// A type as the catalogue spells it: a policy's guards compare byte by byte.
    pub fn spell(&self, given: ResourceType) -> ResourceType {
        if let Some((latest, _)) = &self.latest
            && latest.provider == given.provider
            && latest.name == given.name
        {
            return given;
        }
        self.shared.spelling.get(&given.key()).cloned().unwrap_or(given)
    }

    /// Judges a resource, at once or at the end. `line` is told back in findings; of two resources
    /// of one type and id, the one of the higher line counts.
    pub fn add(&mut self, line: u64, resource: Resource) {
        match &mut self.kept {
            Some(kept) => kept.push((line, resource)),
            None => self.judge(line, &resource),
        }
    }

    /// What was found.
    pub fn finish(mut self) -> Findings {
        if let Some(kept) = self.kept.take() {
            self.judge_kept(kept);
        }
        let body = account_resource::body(&self.shared.account);
        let of_account = self.of_type(&ResourceType::account());
        self.judge_body(&of_account, None, &ResourceType::account(), &body);
        self.judged.close(0, None);
        let (counts, resources, replaced) = self.judged.count(self.shared.rules.len());
        let mut findings = self.findings;
        findings.retain(|finding| finding.line.is_none_or(|line| !replaced.contains(&line)));
        findings.sort_by_key(|finding| (finding.line.is_none(), finding.line, finding.rule));
        Findings { counts, findings, resources }
    }

    /// Judges what had to wait until all resources were known.
    fn judge_kept(&mut self, mut kept: Vec<(u64, Resource)>) {
        kept.sort_by_key(|(line, _)| std::cmp::Reverse(*line));
        let mut known = HashSet::new();
        kept.retain(|(_, of)| known.insert(key_of(&of.resource_type.key(), &of.id)));
        kept.reverse();
        let looked_up: HashSet<String> = self
            .shared
            .rules
            .iter()
            .filter_map(|rule| rule.program.as_ref())
            .flat_map(|program| program.looks_up())
            .map(|of| of.to_ascii_lowercase())
            .collect();
        let mut inventory: HashMap<String, Vec<Arc<[u8]>>> = HashMap::new();
        for (_, resource) in &kept {
            let key = resource.resource_type.key();
            if looked_up.contains(&key) {
                let bodies = inventory.entry(key).or_default();
                bodies.push(Arc::from(resource.body.as_slice()));
            }
        }
        self.world.inventory =
            inventory.into_iter().map(|(key, bodies)| (key, Arc::from(bodies))).collect();
        let share = kept.len().div_ceil(self.parts).max(1);
        let others: Vec<Self> = std::thread::scope(|scope| {
            let works: Vec<_> = kept
                .chunks(share)
                .map(|share| {
                    let mut other = self.another();
                    other.world = self.world.clone();
                    scope.spawn(move || {
                        for (line, resource) in share {
                            other.judge(*line, resource);
                        }
                        other
                    })
                })
                .collect();
            works
                .into_iter()
                .map(|work| work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        for mut other in others {
            other.kept = None;
            self.join(other);
        }
    }

    fn judge(&mut self, line: u64, resource: &Resource) {
        let of = match &self.latest {
            Some((latest, of)) if *latest == resource.resource_type => Arc::clone(of),
            _ => {
                let of = self.of_type(&resource.resource_type);
                self.latest = Some((resource.resource_type.clone(), Arc::clone(&of)));
                of
            }
        };
        self.judge_body(&of, Some(line), &resource.resource_type, &resource.body);
        self.judged.close(key_of(&of.key, &resource.id), Some(line));
    }

    fn of_type(&mut self, resource_type: &ResourceType) -> Arc<OfType> {
        if let Some(known) = self.by_type.get(resource_type) {
            return Arc::clone(known);
        }
        let covering: Vec<(usize, &CompiledRule)> = self
            .shared
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.scope.covers_type(resource_type))
            .collect();
        let programs: Vec<_> =
            covering.iter().filter_map(|(_, rule)| rule.program.clone()).collect();
        let made = Arc::new(OfType {
            key: resource_type.key(),
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
        let mut found: Option<Arc<FoundResource>> = None;
        for (n, outcome) in of.rules.iter().zip(&self.outcomes) {
            let Some(rule) = self.shared.rules.get(*n) else { continue };
            if view.as_ref().is_some_and(|view| !rule.scope.matches(view)) {
                continue;
            }
            let verdict = crate::evaluation::apply::verdict_of(*outcome);
            self.judged.verdicts.push((*n, verdict));
            if !matches!(verdict, Verdict::NonCompliant | Verdict::Undetermined) {
                continue;
            }
            let (Some(program), Some(named)) = (&rule.program, self.named.get_mut(*n)) else {
                continue;
            };
            if *named >= self.shared.options.named {
                continue;
            }
            *named += 1;
            let explanation = explain(program, body, &self.world);
            let resource = found.get_or_insert_with(|| Arc::new(told(resource_type, body)));
            self.findings.push(Finding {
                rule: *n,
                line,
                resource: Arc::clone(resource),
                undetermined: verdict == Verdict::Undetermined,
                reason: (self.shared.options.words)(&explanation),
            });
        }
    }
}
