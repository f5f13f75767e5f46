//! Resource bodies.

use ruleward_types::{AccountNo, ChunkNo, ResourceKey, Result};

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

/// What a scan is called with: slot, version, body.
pub type Visit<'a> = &'a mut dyn FnMut(usize, i64, &[u8]) -> Result<()>;

/// Reading them.
pub trait ReadResources {
    /// The resources of that id, of whatever type.
    fn resources_by_id(&self, account: AccountNo, id: &str) -> Result<Vec<ResourceKey>>;
    /// The resource that lives there.
    fn resource(&self, key: ResourceKey) -> Result<Option<StoredResource>>;
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
    /// Removes a resource.
    fn delete_resource(&self, account: AccountNo, key: ResourceKey, id: &str) -> Result<()>;
}
