//! Resource bodies.

use ruleward_types::{AccountNo, ChunkNo, ResourceKey, Result, TypeNo};

/// A stored resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResource {
    /// Where it lives.
    pub key: ResourceKey,
    /// When it was last changed: microseconds since the epoch, growing by every change.
    pub version: i64,
    /// Compact JSON of the wire's resource entity.
    pub body: Vec<u8>,
}

/// A resource has a name from now on, or no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameChange {
    /// Where the resource lives.
    pub key: ResourceKey,
    /// The name.
    pub name: String,
    /// Whether it has it from now on.
    pub has: bool,
}

/// What a scan is called with: slot, version, body.
pub type Visit<'a> = &'a mut dyn FnMut(usize, i64, &[u8]) -> Result<()>;

/// Reading them.
pub trait ReadResources {
    /// The recorded resources of that id, of whatever type.
    fn resources_by_id(&self, account: AccountNo, id: &str) -> Result<Vec<ResourceKey>>;
    /// What was told of resources of that id, of whatever type, that the recorder did not cover.
    fn told_resources_by_id(&self, account: AccountNo, id: &str) -> Result<Vec<ResourceKey>>;
    /// The resource of a type and id: what is recorded of it, or else what was told of it while the
    /// recorder did not cover it.
    fn resource_of_type(
        &self,
        account: AccountNo,
        type_no: TypeNo,
        id: &str,
        recorded: bool,
    ) -> Result<Option<StoredResource>>;
    /// Where resources of that name may live, recorded or not, in order, from after a key. Who
    /// reads them compares the name.
    fn resources_by_name(
        &self,
        account: AccountNo,
        name: &str,
        after: ResourceKey,
        limit: usize,
    ) -> Result<Vec<ResourceKey>>;
    /// Resources of a chunk from a slot on, in order, at most `limit`.
    fn resources_from(
        &self,
        chunk: ChunkNo,
        from_slot: usize,
        limit: usize,
    ) -> Result<Vec<StoredResource>>;
    /// The resource that lives there.
    fn resource(&self, key: ResourceKey) -> Result<Option<StoredResource>>;
    /// The version of the resource that lives there.
    fn resource_version(&self, key: ResourceKey) -> Result<Option<i64>>;
    /// The resources that live there, in the order of the keys.
    fn resources(&self, keys: &[ResourceKey]) -> Result<Vec<StoredResource>>;
    /// All resources of a chunk from a slot on, in order, changed after `after_version`.
    fn scan_chunk(
        &self,
        chunk: ChunkNo,
        from_slot: usize,
        after_version: i64,
        visit: Visit<'_>,
    ) -> Result<()>;
    /// The highest version that any chunk holds.
    fn highest_version(&self) -> Result<i64>;
}

/// Changing them.
pub trait WriteResources {
    /// Adds a resource.
    fn insert_resource(
        &self,
        account: AccountNo,
        key: ResourceKey,
        version: i64,
        id: &str,
        body: &[u8],
    ) -> Result<()>;
    /// Replaces a body.
    fn update_resource(&self, key: ResourceKey, version: i64, body: &[u8]) -> Result<()>;
    /// Moves names, one change after the other; an empty name is none.
    fn change_resource_names(&self, account: AccountNo, changes: &[NameChange]) -> Result<()>;
    /// Removes a resource, but for its name.
    fn delete_resource(&self, account: AccountNo, key: ResourceKey, id: &str) -> Result<()>;
}
