//! A model of one account: what its states, summaries and rules have to be after any sequence
//! of operations.
//!
//! It says *when* something is judged, too: a rule that resources trigger judges a resource
//! with its change, unless it looks at more than the resource: then it judges soon after, also
//! after a change of what it looks up; a run judges what is there when its work is done; a periodic
//! rule judges on runs only; with the recorder off nothing is judged and the last states stay; a
//! disabled rule keeps its last states, which do not count.

use std::collections::{BTreeMap, BTreeSet};

use ruleward_policy::{PolicyDefinition, Subject};
use ruleward_types::{Account, ComplianceCounts, Period, PolicyFilter, PolicyFilterV2, Tag};
use serde_json::{Map, Value, json};

use crate::counts::{count, worst};
use crate::entity::{account_resource, normal_form};
use crate::filter;
use crate::policy::{Verdict, World, evaluate};

/// The reserved type of the account pseudo-resource.
pub const ACCOUNT: &str = "@account";

/// A resource: its type in lower case, its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// `provider.type`, or [`ACCOUNT`].
    pub kind: String,
    /// The id; the account's own for the account.
    pub id: String,
}

/// What became of a resource that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it all")]
pub enum Put {
    Created,
    Changed,
    Unchanged,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct ModelRule {
    /// Its public id.
    pub id: String,
    /// Its policy; none for a custom rule.
    pub definition: Option<&'static PolicyDefinition>,
    /// The filter of the first form.
    pub filter: PolicyFilter,
    /// The filter of the second form.
    pub filter_v2: Option<PolicyFilterV2>,
    /// Values by parameter name.
    pub parameters: Map<String, Value>,
    /// Its own tags.
    pub tags: Vec<Tag>,
    /// How often it runs; periodic rules only.
    pub period: Option<Period>,
    /// Whether it judges.
    pub enabled: bool,
    /// Whether a run is going on.
    pub running: bool,
    /// The types that its next work judges.
    pub stale: BTreeSet<String>,
    /// When the clock starts it next, in seconds.
    pub next_run: Option<i64>,
    /// Its states, and what it could not determine.
    pub states: BTreeMap<Key, Verdict>,
}

impl ModelRule {
    /// A new rule.
    pub fn new(id: &str, definition: Option<&'static PolicyDefinition>) -> Self {
        Self {
            id: id.to_owned(),
            definition,
            filter: PolicyFilter::default(),
            filter_v2: None,
            parameters: Map::new(),
            tags: Vec::new(),
            period: None,
            enabled: true,
            running: false,
            stale: BTreeSet::new(),
            next_run: None,
            states: BTreeMap::new(),
        }
    }

    /// Whether the clock starts it.
    pub fn is_periodic(&self) -> bool {
        self.definition.is_some_and(|definition| {
            definition.trigger_type == ruleward_policy::TriggerType::Period
        })
    }

    fn judges_the_account(&self) -> bool {
        self.definition.is_some_and(|definition| definition.subject == Subject::Account)
    }

    fn reads_recorder(&self) -> bool {
        self.definition.is_some_and(|definition| definition.policy.reads_recorder())
    }

    /// Whether the same resource can get another verdict later.
    fn is_volatile(&self) -> bool {
        self.definition.is_some_and(|definition| {
            let policy = &definition.policy;
            policy.reads_clock() || policy.reads_recorder() || !policy.looks_up().is_empty()
        })
    }

    /// Whether it judges soon after changes of resources of a type that it looks up.
    fn follows(&self, kind: &str) -> bool {
        !self.is_periodic()
            && self.definition.is_some_and(|definition| {
                definition.policy.looks_up().iter().any(|of| of.eq_ignore_ascii_case(kind))
            })
    }

    /// Whether it judges changes soon after, not at once.
    fn judges_later(&self) -> bool {
        self.reads_recorder()
            || self.definition.is_some_and(|definition| !definition.policy.looks_up().is_empty())
    }

    fn covers(&self, kind: &str) -> bool {
        if kind == ACCOUNT || self.judges_the_account() {
            return kind == ACCOUNT && self.judges_the_account();
        }
        let (provider, name) = kind.split_once('.').unwrap_or((kind, ""));
        let second = self.filter_v2.as_ref();
        filter::covers_type(&self.filter, second, self.definition, provider, name)
    }

    fn has_in_scope(&self, resource: &Value) -> bool {
        filter::in_scope(&self.filter, self.filter_v2.as_ref(), self.definition, resource)
    }

    /// The values of all declared parameters.
    fn bound(&self) -> Map<String, Value> {
        let declared = self.definition.map_or(&[][..], |definition| &definition.parameters);
        declared
            .iter()
            .map(|declaration| {
                let given = self.parameters.get(&declaration.name).filter(|of| !of.is_null());
                let value = given.cloned().or_else(|| declaration.default.clone());
                (declaration.name.clone(), value.unwrap_or_default())
            })
            .collect()
    }

    /// Its states by verdict.
    pub fn counts(&self) -> ComplianceCounts {
        count(self.states.values().copied())
    }

    fn carries(&self, tags: &[(&str, Option<&str>)]) -> bool {
        tags.is_empty()
            || tags.iter().any(|(key, value)| {
                self.tags
                    .iter()
                    .any(|tag| tag.key == *key && value.is_none_or(|value| tag.value == value))
            })
    }
}

#[derive(Debug, Clone)]
struct Stored {
    resource: Value,
    created: u64,
    changed: u64,
}

/// One account.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its id.
    pub domain_id: String,
    /// Its name.
    pub name: String,
    /// Whether its recorder is on.
    pub recorder: bool,
    /// The time in seconds.
    pub now_s: i64,
    /// What is recorded: everything else is about this.
    resources: BTreeMap<Key, Stored>,
    /// What was told while the recorder was off, and when it was first: `None` for a resource that is
    /// gone. It is recorded soon after the recorder is on again.
    pending: BTreeMap<Key, (u64, Option<Value>)>,
    /// Types of which something was told while the recorder was off, in their order.
    told_kinds: Vec<String>,
    changes: u64,
    /// Types as they were spelled first.
    spellings: BTreeMap<String, (String, String)>,
    /// Types that ever had a resource: these have chunks that a run looks at.
    kinds: BTreeSet<String>,
    /// Its rules, oldest first.
    pub rules: Vec<ModelRule>,
}

impl Model {
    /// An account with nothing in it.
    pub fn new(account: &Account, now_s: i64) -> Self {
        Self {
            domain_id: account.domain_id.clone(),
            name: account.name.clone(),
            recorder: true,
            now_s,
            resources: BTreeMap::new(),
            pending: BTreeMap::new(),
            told_kinds: Vec::new(),
            changes: 0,
            spellings: BTreeMap::new(),
            kinds: BTreeSet::new(),
            rules: Vec::new(),
        }
    }

    /// The keys of all resources, as they were last told.
    pub fn keys(&self) -> Vec<Key> {
        let keys: BTreeSet<&Key> = self.resources.keys().chain(self.pending.keys()).collect();
        keys.into_iter().filter(|key| self.resource(key).is_some()).cloned().collect()
    }

    /// The keys of all resources that are recorded.
    pub fn recorded_keys(&self) -> Vec<Key> {
        self.resources.keys().cloned().collect()
    }

    /// A resource as it was last told.
    pub fn resource(&self, key: &Key) -> Option<&Value> {
        match self.pending.get(key) {
            Some((_, told)) => told.as_ref(),
            None => self.resources.get(key).map(|stored| &stored.resource),
        }
    }

    /// The key of an entity as it is written by clients.
    pub fn key_of(entity: &Value) -> Key {
        let text = |field: &str| entity.get(field).and_then(Value::as_str).unwrap_or_default();
        let kind = format!("{}.{}", text("provider"), text("type")).to_lowercase();
        Key { kind, id: text("id").to_owned() }
    }

    /// How the type of a resource is spelled: as it was first.
    pub fn spell(&mut self, entity: &Value) -> (String, String) {
        let text = |field: &str| entity.get(field).and_then(Value::as_str).unwrap_or_default();
        let as_given = (text("provider").to_owned(), text("type").to_owned());
        self.spellings.entry(Self::key_of(entity).kind).or_insert(as_given).clone()
    }

    /// Stores a resource; it is judged at once by whoever judges changes.
    pub fn put(&mut self, entity: &Value) -> Put {
        let key = Self::key_of(entity);
        let (provider, name) = self.spell(entity);
        let resource = normal_form(entity, &provider, &name);
        let put = match self.resource(&key) {
            Some(told) if *told == resource => Put::Unchanged,
            Some(_) => Put::Changed,
            None => Put::Created,
        };
        self.changes += 1;
        if self.recorder {
            self.pending.remove(&key);
            self.record(&key, &resource);
        } else if put != Put::Unchanged {
            let known = self.pending.get(&key).filter(|(_, told)| told.is_some());
            let first = known.map_or(self.changes, |(first, _)| *first);
            if !self.told_kinds.contains(&key.kind) {
                self.told_kinds.push(key.kind.clone());
            }
            self.pending.insert(key, (first, Some(resource)));
        }
        put
    }

    fn record(&mut self, key: &Key, resource: &Value) {
        let created = match self.resources.get(key) {
            Some(stored) if stored.resource == *resource => return,
            Some(stored) => stored.created,
            None => self.changes,
        };
        self.kinds.insert(key.kind.clone());
        let stored = Stored { resource: resource.clone(), created, changed: self.changes };
        self.resources.insert(key.clone(), stored);
        // Whoever judges changes at once reads the resource, the clock and the account.
        let world = World { recorder: None, inventory: BTreeMap::new(), ..self.world(&[]) };
        for rule in self.rules.iter_mut().filter(|rule| rule.enabled) {
            if !rule.has_in_scope(resource) {
                rule.states.remove(key);
            } else if !rule.is_periodic()
                && !rule.judges_later()
                && let Some(definition) = rule.definition
            {
                let verdict = evaluate(&definition.policy, &rule.bound(), resource, &world);
                rule.states.insert(key.clone(), verdict);
            }
            if !rule.is_periodic() && rule.judges_later() && rule.covers(&key.kind) {
                rule.stale.insert(key.kind.clone());
            }
        }
        self.moved(&key.kind);
    }

    /// A resource of a type changed: who looks it up has to judge anew.
    fn moved(&mut self, kind: &str) {
        for rule in self.rules.iter_mut().filter(|rule| rule.enabled && rule.follows(kind)) {
            let covered = self.kinds.iter().filter(|kind| rule.covers(kind)).cloned();
            let covered: Vec<String> = covered.collect();
            rule.stale.extend(covered);
        }
    }

    /// Removes a resource, where the recorder is on with all states on it; whether there was one.
    pub fn delete(&mut self, key: &Key) -> bool {
        if self.resource(key).is_none() {
            return false;
        }
        self.pending.remove(key);
        if self.recorder {
            self.forget(key);
        } else if self.resources.contains_key(key) {
            self.changes += 1;
            self.pending.insert(key.clone(), (self.changes, None));
        }
        true
    }

    fn forget(&mut self, key: &Key) {
        for rule in &mut self.rules {
            rule.states.remove(key);
        }
        if self.resources.remove(key).is_some() {
            self.moved(&key.kind);
        }
    }

    /// What policies that look up these types can see.
    fn world(&self, looked_up: &[String]) -> World {
        let mut inventory = BTreeMap::new();
        for wanted in looked_up {
            let of_kind =
                self.resources.iter().filter(|(key, _)| key.kind.eq_ignore_ascii_case(wanted));
            let mut found: Vec<&Stored> = of_kind.map(|(_, stored)| stored).collect();
            // In the order in which they came: a list is gone through only as far as needed.
            found.sort_by_key(|stored| stored.created);
            let found = found.into_iter().map(|stored| stored.resource.clone()).collect();
            inventory.insert(wanted.clone(), found);
        }
        World {
            now_ms: self.now_s * 1000,
            recorder: Some(json!({ "enabled": self.recorder })),
            account: Some(json!({ "id": self.domain_id, "name": self.name })),
            inventory,
        }
    }

    /// The place of a rule.
    pub fn place(&self, id: &str) -> Option<usize> {
        self.rules.iter().position(|rule| rule.id == id)
    }

    /// Adds a rule and starts its first run.
    pub fn create(&mut self, rule: ModelRule) {
        self.rules.push(rule);
        let place = self.rules.len() - 1;
        self.plan(place);
        self.start(place, true);
    }

    /// A rule was changed by the caller in place; `changed`: in what decides verdicts.
    pub fn updated(&mut self, place: usize, changed: bool) {
        self.plan(place);
        let Some(rule) = self.rules.get_mut(place).filter(|rule| rule.enabled) else { return };
        let custom = rule.definition.is_none();
        let left: Vec<Key> = rule
            .states
            .keys()
            .filter(|key| {
                let resource = self.resources.get(*key).map(|stored| &stored.resource);
                // No run follows that would drop what a function said of it.
                let narrowed = custom && !resource.is_some_and(|of| rule.has_in_scope(of));
                narrowed || !rule.covers(&key.kind)
            })
            .cloned()
            .collect();
        for key in left {
            rule.states.remove(&key);
        }
        let anew = changed || rule.is_volatile();
        self.start(place, anew);
    }

    /// Switches a rule on.
    pub fn enable(&mut self, place: usize) {
        let Some(rule) = self.rules.get_mut(place).filter(|rule| !rule.enabled) else { return };
        rule.enabled = true;
        self.updated(place, true);
    }

    /// Switches a rule off.
    pub fn disable(&mut self, place: usize) {
        if let Some(rule) = self.rules.get_mut(place) {
            rule.enabled = false;
            rule.running = false;
            rule.next_run = None;
        }
    }

    /// Starts a run that somebody asks for; joins one that is going on.
    pub fn run(&mut self, place: usize) {
        let Some(rule) = self.rules.get(place).filter(|rule| !rule.running) else { return };
        self.start(place, rule.is_volatile());
    }

    /// Plans when the clock starts a rule next.
    fn plan(&mut self, place: usize) {
        let now = self.now_s;
        if let Some(rule) = self.rules.get_mut(place) {
            let periodic = rule.enabled && rule.is_periodic();
            rule.next_run =
                periodic.then(|| now + rule.period.unwrap_or(Period::TwentyFourHours).seconds());
        }
    }

    fn start(&mut self, place: usize, anew: bool) {
        let Some(rule) = self.rules.get_mut(place) else { return };
        if rule.judges_the_account() {
            self.kinds.insert(ACCOUNT.to_owned());
        }
        if anew {
            rule.stale = self.kinds.iter().filter(|kind| rule.covers(kind)).cloned().collect();
        }
        rule.running = rule.definition.is_some() && !rule.stale.is_empty();
    }

    /// Turns the recorder on or off.
    pub fn set_recorder(&mut self, on: bool) {
        if self.recorder == on {
            return;
        }
        self.recorder = on;
        for place in 0..self.rules.len() {
            if on && self.rules.get(place).is_some_and(|rule| rule.enabled) {
                self.start(place, true);
            } else if let Some(rule) = self.rules.get_mut(place) {
                rule.running = false;
            }
        }
    }

    /// Starts the periodic rules whose time has come.
    pub fn run_due(&mut self) {
        for place in 0..self.rules.len() {
            let Some(rule) = self.rules.get_mut(place) else { continue };
            let Some(due) = rule.next_run.filter(|due| *due <= self.now_s) else { continue };
            let period = rule.period.unwrap_or(Period::TwentyFourHours).seconds();
            let mut next = due;
            while next <= self.now_s {
                next += period;
            }
            rule.next_run = Some(next);
            if self.recorder || rule.reads_recorder() {
                self.start(place, true);
            }
        }
    }

    /// Does all work that waits.
    pub fn work_off(&mut self) {
        if self.recorder {
            let mut pending: Vec<_> = std::mem::take(&mut self.pending).into_iter().collect();
            // Type by type; what was not told again is gone and has no place among them.
            let place = |kind: &String| self.told_kinds.iter().position(|of| of == kind);
            pending.sort_by_key(|(key, (first, _))| (place(&key.kind), *first));
            for (key, (_, told)) in pending {
                self.changes += 1;
                match told {
                    Some(resource) => self.record(&key, &resource),
                    None => self.forget(&key),
                }
            }
        }
        for place in 0..self.rules.len() {
            self.work_off_rule(place);
        }
    }

    fn work_off_rule(&mut self, place: usize) {
        let Some(definition) = self.rules.get(place).and_then(|rule| rule.definition) else {
            return;
        };
        let world = self.world(definition.policy.looks_up());
        let Some(rule) = self.rules.get_mut(place).filter(|rule| rule.enabled) else { return };
        if !self.recorder && !rule.reads_recorder() {
            return;
        }
        let bound = rule.bound();
        for kind in std::mem::take(&mut rule.stale) {
            rule.states.retain(|key, _| key.kind != kind);
            if kind == ACCOUNT {
                let account = account_resource(&self.domain_id);
                let key = Key { kind, id: self.domain_id.clone() };
                let verdict = evaluate(&definition.policy, &bound, &account, &world);
                rule.states.insert(key, verdict);
                continue;
            }
            for (key, stored) in self.resources.iter().filter(|(key, _)| key.kind == kind) {
                if rule.has_in_scope(&stored.resource) {
                    let verdict = evaluate(&definition.policy, &bound, &stored.resource, &world);
                    rule.states.insert(key.clone(), verdict);
                }
            }
        }
        rule.running = false;
    }

    /// A function's result on a custom rule was accepted.
    pub fn reported(&mut self, place: usize, key: &Key, verdict: Verdict) {
        if let Some(rule) = self.rules.get_mut(place) {
            rule.states.insert(key.clone(), verdict);
        }
    }

    /// Whether a custom rule asks about a resource.
    pub fn asks_about(&self, place: usize, key: &Key) -> bool {
        let rule = self.rules.get(place);
        let resource = self.resources.get(key).map(|stored| &stored.resource);
        rule.zip(resource).is_some_and(|(rule, resource)| rule.has_in_scope(resource))
    }

    /// The same account with everything judged anew that has to be current: enabled rules that
    /// changes of resources trigger. What the others say is left as it is.
    #[must_use]
    pub fn fresh_where_current(&self) -> Self {
        let mut fresh = self.clone();
        let current = |rule: &ModelRule| rule.enabled && !rule.is_periodic();
        for rule in fresh.rules.iter_mut().filter(|rule| current(rule) && rule.definition.is_some())
        {
            rule.states.clear();
            rule.stale = self.kinds.iter().filter(|kind| rule.covers(kind)).cloned().collect();
        }
        fresh.work_off();
        fresh
    }

    /// The states that lists show: rule, resource, verdict.
    pub fn states(&self) -> BTreeSet<(String, Key, Verdict)> {
        let mut states = BTreeSet::new();
        for rule in &self.rules {
            for (key, verdict) in &rule.states {
                if *verdict != Verdict::Undetermined {
                    states.insert((rule.id.clone(), key.clone(), *verdict));
                }
            }
        }
        states
    }

    /// The resource of an id that changed last; the account too has an id.
    pub fn changed_last(&self, id: &str) -> Option<Key> {
        let of_id = self.resources.iter().filter(|(key, _)| key.id == id);
        of_id.max_by_key(|(_, stored)| stored.changed).map(|(key, _)| key.clone())
    }

    /// Resources by verdict of the enabled rules with any of the tags, each counted once; and
    /// these rules by verdict.
    pub fn summary(
        &self,
        tags: &[(&str, Option<&str>)],
    ) -> (ComplianceCounts, ComplianceCounts, Vec<String>) {
        let chosen = self.rules.iter().filter(|rule| rule.enabled && rule.carries(tags));
        let (mut by_resource, mut by_rule) = (BTreeMap::<&Key, Vec<Verdict>>::new(), Vec::new());
        let mut names = Vec::new();
        for rule in chosen {
            names.push(rule.id.clone());
            by_rule.extend(worst(rule.states.values().copied()));
            for (key, verdict) in &rule.states {
                by_resource.entry(key).or_default().push(*verdict);
            }
        }
        let resources =
            by_resource.into_values().filter_map(|verdicts| worst(verdicts.into_iter()));
        (count(resources), count(by_rule.into_iter()), names)
    }

    /// The resources with a state of an enabled rule: their rules by verdict.
    pub fn resource_summaries(&self) -> BTreeMap<Key, ComplianceCounts> {
        let mut all: BTreeMap<Key, Vec<Verdict>> = BTreeMap::new();
        for rule in self.rules.iter().filter(|rule| rule.enabled) {
            for (key, verdict) in &rule.states {
                all.entry(key.clone()).or_default().push(*verdict);
            }
        }
        all.into_iter()
            .map(|(key, verdicts)| (key, count(verdicts.into_iter())))
            .filter(|(_, counts)| counts.compliant + counts.non_compliant > 0)
            .collect()
    }
}
