//! The product under test: a service over a store in a directory of its own, with a clock that
//! is set by hand; and what it says, read through its lists page by page.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ruleward_core::{
    Access, Cursor, NewPolicyAssignment, Options, Page, Paged, PolicyAssignmentQuery, SealingKey,
    Service, TagSelector,
};
use ruleward_oracle::model::ACCOUNT;
use ruleward_oracle::{Key, Model, Verdict};
use ruleward_policy::catalogue;
use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{
    Account, AssignmentKind, AssignmentState, Clock, ComplianceCounts, ComplianceState,
    PolicyAssignment, PolicyAssignmentId, PolicyFilter, PolicyState, Recorder, StateQuery,
    Timestamp,
};
use serde_json::Value;

/// 2026-03-01T10:00:00Z.
pub(crate) const START_S: i64 = 1_772_359_200;

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::AcqRel);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Acquire))
    }
}

/// The service and all that is needed to open it again.
#[derive(Debug)]
pub(crate) struct Product {
    directory: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) service: Arc<Service>,
    pub(crate) account: Account,
    pub(crate) access: Access,
}

/// In memory where that is possible: what a sync costs is not tested here.
fn directory() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn open(directory: &tempfile::TempDir, clock: &Arc<ManualClock>) -> (Arc<dyn Store>, Arc<Service>) {
    let store: Arc<dyn Store> =
        SqliteStore::open(&directory.path().join("ruleward.sqlite")).unwrap();
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    // Small inventories meet both ways of judging.
    let options = Options { evaluation_threads: 2, columns_from: 4, ..Options::default() };
    let service =
        Service::open(Arc::clone(&store), clock, &SealingKey::new([7; 32]), options).unwrap();
    (store, service)
}

impl Product {
    pub(crate) fn new() -> Self {
        let directory = directory();
        let clock = Arc::new(ManualClock(AtomicI64::new(START_S * 1_000_000)));
        let (store, service) = open(&directory, &clock);
        let account = service.create_account("acme", None, Recorder::ON).unwrap();
        let access = Access::operator(&account);
        Self { directory, clock, store, service, account, access }
    }

    /// Ends the service and opens it again on the same files.
    pub(crate) fn reopen(self) -> Self {
        let Self { directory, clock, store, service, account, access } = self;
        drop((store, service));
        let (store, service) = open(&directory, &clock);
        Self { directory, clock, store, service, account, access }
    }

    pub(crate) fn put(&self, entity: &Value) {
        let id = entity["id"].as_str().unwrap();
        self.service.put_resource(&self.access, id, None, entity.to_string().as_bytes()).unwrap();
    }

    pub(crate) fn create(&self, new: NewPolicyAssignment) -> PolicyAssignment {
        self.service.create_policy_assignment(&self.access, new).unwrap()
    }

    pub(crate) fn rule(&self, id: &PolicyAssignmentId) -> PolicyAssignment {
        self.service.policy_assignment(&self.access, id).unwrap()
    }

    pub(crate) fn rules(&self) -> Vec<PolicyAssignment> {
        let rules = pages(7, |page| {
            self.service
                .policy_assignments(&self.access, &PolicyAssignmentQuery::default(), page)
                .unwrap()
        });
        rules.into_iter().map(Arc::unwrap_or_clone).collect()
    }

    /// All states of the account.
    pub(crate) fn states(&self, limit: usize) -> BTreeSet<(String, Key, Verdict)> {
        let query = StateQuery::default();
        distinct(pages(limit, |page| {
            self.service.policy_states_by_domain(&self.access, &query, page).unwrap()
        }))
    }

    /// Everything that it says has to be what the model says.
    pub(crate) fn agrees_with(&self, model: &Model, limit: usize) {
        let (service, access) = (&self.service, &self.access);
        let expected = model.states();
        same("states of the account", &self.states(limit), &expected);
        for state in [ComplianceState::Compliant, ComplianceState::NonCompliant] {
            let query = StateQuery { compliance_state: Some(state), ..StateQuery::default() };
            let found = distinct(pages(limit, |page| {
                service.policy_states_by_domain(access, &query, page).unwrap()
            }));
            let wanted = verdict(state);
            let expected = expected.iter().filter(|(_, _, of)| *of == wanted).cloned().collect();
            same("states by verdict", &found, &expected);
        }
        let rules = self.rules();
        assert_eq!(rules.len(), model.rules.len());
        for rule in &model.rules {
            let id: PolicyAssignmentId = rule.id.parse().unwrap();
            let query = StateQuery::default();
            let found = distinct(pages(limit, |page| {
                service.policy_states_by_assignment(access, &id, &query, page).unwrap()
            }));
            let expected = expected.iter().filter(|(of, ..)| *of == rule.id).cloned().collect();
            same("states of a rule", &found, &expected);
            let summary = service.summary_by_assignment(access, &id, None).unwrap();
            assert_eq!(summary.resources, rule.counts(), "counts of a rule: {rule:?}");
            let state = match (rule.enabled, rule.running) {
                (false, _) => AssignmentState::Disabled,
                (true, true) => AssignmentState::Evaluating,
                (true, false) => AssignmentState::Enabled,
            };
            assert_eq!(self.rule(&id).state, state, "{rule:?}");
        }
        for key in model.recorded_keys() {
            let last = model.changed_last(&key.id).unwrap();
            let found = distinct(pages(limit, |page| {
                service.policy_states_by_resource(access, &key.id, None, page).unwrap()
            }));
            let expected = expected.iter().filter(|(_, of, _)| *of == last).cloned().collect();
            same("states of a resource", &found, &expected);
        }
        self.summaries_agree_with(model, limit);
    }

    pub(crate) fn summaries_agree_with(&self, model: &Model, limit: usize) {
        let (service, access) = (&self.service, &self.access);
        let selections: [&[(&str, Option<&str>)]; 4] = [
            &[],
            &[("team", Some("red"))],
            &[("team", Some("blue")), ("stage", None)],
            &[("nobody", None)],
        ];
        for tags in selections {
            let selectors: Vec<_> = tags
                .iter()
                .map(|(key, value)| TagSelector {
                    key: (*key).to_owned(),
                    value: value.map(str::to_owned),
                })
                .collect();
            let summary = service.summary_by_domain(access, &selectors).unwrap();
            let (resources, assignments, rules) = model.summary(tags);
            assert_eq!(summary.resources, resources, "resources of the account, by {tags:?}");
            assert_eq!(summary.assignments, assignments, "rules of the account, by {tags:?}");
            let found: Vec<_> = summary
                .policy_assignments
                .iter()
                .map(|of| of.policy_assignment.id.to_string())
                .collect();
            assert_eq!(found, rules, "{tags:?}");
        }
        let mut found = BTreeMap::new();
        let summaries =
            pages(limit, |page| service.summary_by_resource(access, None, None, page).unwrap());
        for of in summaries {
            let key =
                key(of.resource_provider.as_ref(), of.resource_type.as_ref(), &of.resource_id);
            assert!(found.insert(key, of.assignments).is_none(), "a resource is summed up twice");
        }
        assert_eq!(found, model.resource_summaries());
    }

    /// The kept numbers against a recount of the rows and of all that is listed.
    pub(crate) fn recount(&self) {
        let account = self.account.no;
        let (chunks, scanned, account_counts, rule_counts) = self
            .store
            .as_ref()
            .read(|tx| {
                let chunks = tx.chunks(account, None, None, usize::MAX)?;
                let mut scanned = Vec::new();
                for chunk in &chunks {
                    let (mut rows, mut highest) = (0, 0);
                    tx.scan_chunk(chunk.no, 0, -1, &mut |slot, version, _| {
                        assert!(slot < chunk.used && version <= chunk.version);
                        (rows, highest) = (rows + 1, version.max(highest));
                        Ok(())
                    })?;
                    let of_account =
                        tx.resource_type(chunk.type_no)?.is_some_and(|of| of.is_account());
                    scanned.push(if of_account { 1 } else { rows });
                }
                Ok((chunks, scanned, tx.account_counts(account)?, tx.rule_counts(account)?))
            })
            .unwrap();
        let live: Vec<usize> = chunks.iter().map(|chunk| chunk.live).collect();
        assert_eq!(live, scanned, "kept numbers of resources");
        let rules: BTreeMap<String, PolicyAssignment> =
            self.rules().into_iter().map(|rule| (rule.id.to_string(), rule)).collect();
        let mut by_rule: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        let mut by_resource: BTreeMap<&Key, (i64, i64)> = BTreeMap::new();
        let states = self.states(200);
        for (rule, key, verdict) in &states {
            let violates = *verdict == Verdict::NonCompliant;
            let add = |(compliant, non_compliant): &mut (i64, i64)| {
                *(if violates { non_compliant } else { compliant }) += 1;
            };
            add(by_rule.entry(rule).or_default());
            if rules[rule].judges() {
                add(by_resource.entry(key).or_default());
            }
        }
        assert_eq!(rule_counts.len(), rules.len());
        for (no, counts) in rule_counts {
            let rule = rules.values().find(|rule| rule.no == no).unwrap();
            let listed = by_rule.get(rule.id.as_str()).copied().unwrap_or_default();
            assert_eq!((counts.compliant, counts.non_compliant), listed, "{}", rule.name);
        }
        let mut all = ComplianceCounts::default();
        let summaries = pages(200, |page| {
            self.service.summary_by_resource(&self.access, None, None, page).unwrap()
        });
        assert_eq!(summaries.len(), by_resource.len());
        for of in summaries {
            let key =
                key(of.resource_provider.as_ref(), of.resource_type.as_ref(), &of.resource_id);
            let counted = (of.assignments.compliant, of.assignments.non_compliant);
            assert_eq!(counted, by_resource[&key], "{key:?}");
            if of.assignments.non_compliant > 0 {
                all.non_compliant += 1;
            } else if of.assignments.undetermined > 0 {
                all.undetermined += 1;
            } else {
                all.compliant += 1;
            }
        }
        assert_eq!(
            (account_counts.compliant, account_counts.non_compliant),
            (all.compliant, all.non_compliant),
            "kept numbers of the account"
        );
        // What no rule could determine stands in no list.
        assert!(account_counts.undetermined >= all.undetermined, "{account_counts:?} {all:?}");
    }
}

/// All items of a list, page by page.
pub(crate) fn pages<T>(limit: usize, mut page: impl FnMut(Page) -> Paged<T>) -> Vec<T> {
    let mut items = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let found = page(Page { limit, after });
        assert!(found.items.len() <= limit);
        assert!(found.next.is_none() || found.items.len() == limit, "a page in between is full");
        assert!(found.next.is_none_or(|next| after.is_none_or(|after| next > after)));
        items.extend(found.items);
        match found.next {
            Some(next) => after = Some(next),
            None => return items,
        }
    }
}

pub(crate) fn key(provider: Option<&String>, name: Option<&String>, id: &str) -> Key {
    let kind = match (provider, name) {
        (Some(provider), Some(name)) => format!("{provider}.{name}").to_lowercase(),
        _ => ACCOUNT.to_owned(),
    };
    Key { kind, id: id.to_owned() }
}

pub(crate) fn verdict(state: ComplianceState) -> Verdict {
    match state {
        ComplianceState::Compliant => Verdict::Compliant,
        ComplianceState::NonCompliant => Verdict::NonCompliant,
    }
}

fn distinct(states: Vec<PolicyState>) -> BTreeSet<(String, Key, Verdict)> {
    let mut found = BTreeSet::new();
    for of in states {
        let key = key(of.resource_provider.as_ref(), of.resource_type.as_ref(), &of.resource_id);
        let id = of.policy_assignment_id.to_string();
        assert!(found.insert((id, key, verdict(of.compliance_state))), "a state is listed twice");
    }
    found
}

pub(crate) fn same(
    what: &str,
    found: &BTreeSet<(String, Key, Verdict)>,
    expected: &BTreeSet<(String, Key, Verdict)>,
) {
    let surplus: Vec<_> = found.difference(expected).collect();
    let lacking: Vec<_> = expected.difference(found).collect();
    assert!(
        surplus.is_empty() && lacking.is_empty(),
        "{what}: too many {surplus:#?}, too few {lacking:#?}"
    );
}

/// A builtin rule by its policy's name.
pub(crate) fn builtin(name: &str, policy: &str) -> NewPolicyAssignment {
    NewPolicyAssignment {
        kind: AssignmentKind::Builtin,
        name: name.to_owned(),
        description: None,
        filter: PolicyFilter::default(),
        filter_v2: None,
        period: None,
        policy_definition_id: Some(catalogue().by_name(policy).unwrap().id.clone()),
        custom_policy: None,
        parameters: serde_json::Map::new(),
        tags: Vec::new(),
    }
}
