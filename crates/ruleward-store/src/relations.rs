//! Which resources name which: the way back from what a body names to that body.

use ruleward_types::{AccountNo, ResourceKey, Result};

/// What bodies name: a keyed hash of account, type and a name in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationTarget(pub i64);

/// By what a body names a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NamedBy {
    /// Its id.
    Id,
    /// Another name, which that resource's own body gives it; an address.
    Name,
    /// Such a name, in the body that gives it to its own resource.
    Itself,
}

/// A resource that names a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namer {
    /// Where it lives or lived.
    pub key: ResourceKey,
    /// Its id, where it does not name the target any more.
    pub past_id: Option<String>,
}

/// Reading them.
pub trait ReadRelations {
    /// The target of that name. Types compare by their folded names.
    fn relation_target(
        &self,
        account: AccountNo,
        folded_type: &str,
        by: NamedBy,
        name: &str,
    ) -> RelationTarget;
    /// The resources that name a target, or named it at a moment, in order, after `after`.
    fn namers(
        &self,
        target: RelationTarget,
        at: Option<i64>,
        after: Option<ResourceKey>,
        limit: usize,
    ) -> Result<Vec<Namer>>;
    /// The versions, from `from` to `to` inclusive, with which a resource began or ceased to name
    /// the target: the first ones, or the last ones with the newest first.
    fn naming_changes(
        &self,
        target: RelationTarget,
        from: i64,
        to: i64,
        newest_first: bool,
        limit: usize,
    ) -> Result<Vec<i64>>;
}

/// Changing them.
pub trait WriteRelations {
    /// The resource names the target from a version on; changes nothing if it does already.
    fn begin_naming(&self, target: RelationTarget, key: ResourceKey, since: i64) -> Result<()>;
    /// The resource, of that id, does not name the target any more from a version on.
    fn end_naming(
        &self,
        account: AccountNo,
        target: RelationTarget,
        key: ResourceKey,
        until: i64,
        id: &str,
    ) -> Result<()>;
    /// Forgets who names what now, for it to be derived anew.
    fn clear_naming(&self) -> Result<()>;
    /// Forgets what ended in an account before a version, at most `limit`; how many these were.
    fn prune_relations(&self, account: AccountNo, before: i64, limit: usize) -> Result<usize>;
}
