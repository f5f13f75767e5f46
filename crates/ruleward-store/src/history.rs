//! What was when: changes with their causes, verdicts that flipped, bodies and rules as they were.

use ruleward_types::{
    AccountNo, ChunkNo, PolicyAssignment, ResourceKey, Result, RuleNo, Timestamp,
};

use crate::StoredResource;

/// A body that was replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastVersion {
    /// The version it was: microseconds since the epoch.
    pub version: i64,
    /// The version that replaced it.
    pub until: i64,
    /// Compact JSON of the wire's resource entity.
    pub body: Vec<u8>,
}

/// A resource that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastResource {
    /// Where it lived, and what it was last.
    pub last: StoredResource,
    /// Its first version.
    pub created: i64,
    /// When it was deleted: later than its last version.
    pub deleted: i64,
}

/// A span of time in microseconds since the epoch, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first moment.
    pub from: i64,
    /// Its last moment.
    pub to: i64,
}

/// What a walk over transitions is called with: when it was, and the encoded difference.
pub type VisitTransition<'a> = &'a mut dyn FnMut(Timestamp, &[u8]) -> Result<()>;

/// Reading it.
pub trait ReadHistory {
    /// Since when the past of an account is whole: what was before is pruned, or was never kept.
    fn past_begins(&self, account: AccountNo) -> Result<Timestamp>;
    /// The change of an account to which that moment belongs: the last one not after it.
    fn change(&self, account: AccountNo, at: Timestamp) -> Result<Option<(Timestamp, String)>>;
    /// The transitions of a chunk in a span, newest first.
    fn transitions(&self, chunk: ChunkNo, span: Span, visit: VisitTransition<'_>) -> Result<()>;
    /// The first checkpoint of a chunk's planes after a moment: how they stood before what happened
    /// at its own.
    fn planes_checkpoint(
        &self,
        chunk: ChunkNo,
        after: Timestamp,
    ) -> Result<Option<(Timestamp, Vec<u8>)>>;
    /// The first version of a resource that lives.
    fn resource_created(&self, key: ResourceKey) -> Result<Option<i64>>;
    /// Replaced bodies of a place whose version lies in the span, at most `limit`; `last` is what it
    /// holds, or held last.
    fn past_versions(
        &self,
        last: &StoredResource,
        span: Span,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<PastVersion>>;
    /// The replaced body that a place held at a moment; `last` is what it holds, or held last.
    fn past_version_at(&self, last: &StoredResource, at: Timestamp) -> Result<Option<PastVersion>>;
    /// The resource that was deleted from a place.
    fn past_resource(&self, key: ResourceKey) -> Result<Option<PastResource>>;
    /// The places of deleted resources of that id, of whatever type, oldest first.
    fn past_resources_by_id(&self, account: AccountNo, id: &str) -> Result<Vec<ResourceKey>>;
    /// The deleted resources of a chunk from a slot on, in order, at most `limit`.
    fn past_resources(
        &self,
        chunk: ChunkNo,
        from_slot: usize,
        limit: usize,
    ) -> Result<Vec<PastResource>>;
    /// The rules of an account as they stood at a moment, oldest first.
    fn rules_at(&self, account: AccountNo, at: Timestamp) -> Result<Vec<PolicyAssignment>>;
    /// How a rule stood at a moment; `None` where there was none.
    fn rule_at(
        &self,
        account: AccountNo,
        rule: RuleNo,
        at: Timestamp,
    ) -> Result<Option<PolicyAssignment>>;
    /// When a rule was made, changed or deleted last, not after a moment.
    fn rule_changed(
        &self,
        account: AccountNo,
        rule: RuleNo,
        at: Timestamp,
    ) -> Result<Option<Timestamp>>;
}

/// Writing it.
pub trait WriteHistory {
    /// Notes a change; of one moment only the first is kept.
    fn insert_change(&self, account: AccountNo, at: Timestamp, cause: &str) -> Result<()>;
    /// Notes verdicts that flipped.
    fn insert_transition(&self, chunk: ChunkNo, at: Timestamp, bytes: &[u8]) -> Result<()>;
    /// Keeps a chunk's planes as they stand before what happens at that moment.
    fn insert_planes_checkpoint(&self, chunk: ChunkNo, at: Timestamp, bytes: &[u8]) -> Result<()>;
    /// Keeps a body that is replaced by the version `until`, which no other resource has.
    fn insert_past_version(
        &self,
        account: AccountNo,
        replaced: &StoredResource,
        until: i64,
    ) -> Result<()>;
    /// Keeps a resource that is deleted.
    fn insert_past_resource(&self, account: AccountNo, id: &str, past: &PastResource)
    -> Result<()>;
    /// Notes how a rule stands from a moment on.
    fn insert_rule_version(
        &self,
        account: AccountNo,
        rule: &PolicyAssignment,
        at: Timestamp,
    ) -> Result<()>;
    /// Notes that a rule is deleted.
    fn insert_rule_end(&self, account: AccountNo, rule: RuleNo, at: Timestamp) -> Result<()>;
    /// Forgets what of an account's past ended before a moment: about `limit` rows of each kind at
    /// most. Returns how many rows went; where any did, the past begins at that moment at the earliest.
    /// How rules stood at that moment stays.
    fn prune_history(&self, account: AccountNo, before: Timestamp, limit: usize) -> Result<usize>;
}
