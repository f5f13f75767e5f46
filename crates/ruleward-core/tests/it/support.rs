//! A service over a store of its own, with a clock that is set by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ruleward_core::{Access, NewPolicyAssignment, Options, Page, SealingKey, Service};
use ruleward_policy::catalogue;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{
    Account, AssignmentKind, Clock, CustomPolicy, ErrorCode, PolicyAssignment, PolicyFilter,
    Recorder, StateQuery, Timestamp,
};
use serde_json::{Map, Value, json};

#[derive(Debug)]
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

#[derive(Debug)]
pub(crate) struct House {
    pub(crate) service: Arc<Service>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) account: Account,
    pub(crate) access: Access,
    directory: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with_quota(500)
    }

    pub(crate) fn with_quota(policy_assignment_quota: usize) -> Self {
        Self::with_options(Options { policy_assignment_quota, ..Options::default() })
    }

    pub(crate) fn with_options(options: Options) -> Self {
        // In memory where that is possible: what a sync costs is not tested here.
        let memory = std::path::Path::new("/dev/shm");
        let directory =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let directory = directory.unwrap();
        let store = SqliteStore::open(&directory.path().join("ruleward.sqlite")).unwrap();
        let clock = Arc::new(ManualClock(AtomicI64::new(1_772_359_200_000_000)));
        let key = SealingKey::new([1; 32]);
        let service = Service::open(store, Arc::clone(&clock) as _, &key, options).unwrap();
        let account = service.create_account("acme", None, Recorder::ON).unwrap();
        let access = Access::operator(&account);
        Self { service, clock, account, access, directory }
    }

    /// Ends the service, lets `meanwhile` see to the file of its store, and opens it again.
    pub(crate) fn reopen_after(self, meanwhile: impl FnOnce(&std::path::Path)) -> Self {
        let path = self.directory.path().join("ruleward.sqlite");
        let Self { service, clock, account, access, directory } = self;
        drop(service);
        meanwhile(&path);
        let store = SqliteStore::open(&path).unwrap();
        let key = SealingKey::new([1; 32]);
        let service =
            Service::open(store, Arc::clone(&clock) as _, &key, Options::default()).unwrap();
        Self { service, clock, account, access, directory }
    }

    /// The service as it is after the process was killed and started again.
    pub(crate) fn after_a_crash(self, options: Options) -> Self {
        let Self { service, clock, account, access, directory } = self;
        drop(service);
        let store = SqliteStore::open(&directory.path().join("ruleward.sqlite")).unwrap();
        let key = SealingKey::new([1; 32]);
        let service = Service::open(store, Arc::clone(&clock) as _, &key, options).unwrap();
        Self { service, clock, account, access, directory }
    }

    pub(crate) fn put(&self, entity: &Value) {
        let id = entity["id"].as_str().unwrap();
        self.service.put_resource(&self.access, id, None, entity.to_string().as_bytes()).unwrap();
    }

    pub(crate) fn create(&self, new: NewPolicyAssignment) -> PolicyAssignment {
        let made = self.service.create_policy_assignment(&self.access, new).unwrap();
        self.service.work_off().unwrap();
        self.rule(&made)
    }

    pub(crate) fn rule(&self, rule: &PolicyAssignment) -> PolicyAssignment {
        self.service.policy_assignment(&self.access, &rule.id).unwrap()
    }

    pub(crate) fn recorder(&self, enabled: bool) {
        self.service.set_recorder(&self.account.domain_id, Recorder::switched(enabled)).unwrap();
    }

    /// The states of the account: rule's name, resource's id, state.
    pub(crate) fn states(&self) -> Vec<(String, String, &'static str)> {
        let query = StateQuery::default();
        let paged = self.service.policy_states_by_domain(&self.access, &query, first_page());
        let mut states: Vec<_> = paged
            .unwrap()
            .items
            .into_iter()
            .map(|of| (of.policy_assignment_name, of.resource_id, of.compliance_state.wire()))
            .collect();
        states.sort();
        states
    }
}

pub(crate) fn first_page() -> Page {
    Page { limit: 200, after: None }
}

pub(crate) fn code<T: std::fmt::Debug>(outcome: ruleward_types::Result<T>) -> ErrorCode {
    outcome.unwrap_err().code()
}

pub(crate) fn volume(id: &str, status: &str) -> Value {
    json!({
        "id": id, "name": format!("name of {id}"), "provider": "evs", "type": "volumes",
        "properties": {"status": status},
    })
}

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
        parameters: Map::new(),
        tags: Vec::new(),
    }
}

pub(crate) fn custom(name: &str) -> NewPolicyAssignment {
    NewPolicyAssignment {
        kind: AssignmentKind::Custom,
        policy_definition_id: None,
        custom_policy: Some(CustomPolicy {
            function_urn: "urn:fss:r1:1:function:default:check".to_owned(),
            auth_type: "agency".to_owned(),
            auth_value: Map::new(),
        }),
        ..builtin(name, "volume-unused-check")
    }
}
