//! What is told of resources that the recorder does not cover.

use std::collections::hash_map::Entry;

use ruleward_store::StoredResource;
use ruleward_types::WriteOutcome::{self, Changed, Created, Unchanged};
use ruleward_types::{FacetCounts, ResourceKey, Result, TypeNo};

use super::met::Before;
use super::{Changes, Judged};
use crate::evaluation::facets::{Listed, TOLD};

impl Changes<'_> {
    /// What was told of a resource while the recorder did not cover it.
    pub(super) fn find_told(
        &mut self,
        type_no: TypeNo,
        id: &str,
    ) -> Result<Option<StoredResource>> {
        // Mostly there is no such chunk.
        if let Entry::Vacant(place) = self.open_chunks.entry((type_no, false)) {
            let Some(chunk) = self.tx.last_chunk(self.account, type_no, false)? else {
                return Ok(None);
            };
            place.insert(chunk.no);
        }
        self.tx.resource_of_type(self.account, type_no, id, false)
    }

    /// Notes what is told of a resource that the recorder does not cover. What was recorded of it
    /// stays as it is, and is shadowed by this.
    pub(super) fn tell(
        &mut self,
        judged: Judged,
        type_no: TypeNo,
        version: i64,
    ) -> Result<(WriteOutcome, ResourceKey)> {
        let Judged { resource, listed, met, .. } = judged;
        if let Some(StoredResource { key, body: stored, .. }) =
            self.find_told(type_no, &resource.id)?
        {
            if stored == resource.body {
                return Ok((Unchanged, key));
            }
            self.tx.update_resource(key, version, &resource.body)?;
            self.facets.change((type_no, key), (&Listed::of(&stored), &listed), TOLD);
            return Ok((Changed, key));
        }
        let mut outcome = Created;
        let met = met.and_then(|met| met.before);
        if let Some(Before { stored, listed: before, .. }) =
            self.before(met, (type_no, &resource.resource_type), &resource.id)?
        {
            let key = stored.key;
            let is_shadowed = self.edit(key.chunk())?.is_shadowed(key.slot());
            if !is_shadowed && stored.body == resource.body {
                return Ok((Unchanged, key));
            }
            if !is_shadowed {
                outcome = Changed;
                self.shadow(key, &before)?;
            }
        }
        let key = self.allot(type_no, false)?;
        self.tx.insert_resource(self.account, key, version, &resource.id, &resource.body)?;
        self.facets.enter((type_no, key), &listed, TOLD);
        let chunk = &mut self.edit(key.chunk())?.chunk;
        chunk.version = chunk.version.max(version);
        Ok((outcome, key))
    }

    /// Removes what was told of a resource while the recorder did not cover it, and returns it.
    pub(super) fn forget_told(
        &mut self,
        type_no: TypeNo,
        id: &str,
        version: i64,
    ) -> Result<Option<Vec<u8>>> {
        let Some(StoredResource { key, body: stored, .. }) = self.find_told(type_no, id)? else {
            return Ok(None);
        };
        self.facets.leave((type_no, key), &Listed::of(&stored), TOLD);
        self.tx.delete_resource(self.account, key, id)?;
        self.vacate(key, version)?;
        Ok(Some(stored))
    }

    /// Something newer than what is recorded was told.
    pub(super) fn shadow(&mut self, key: ResourceKey, listed: &Listed) -> Result<()> {
        let edit = self.edit(key.chunk())?;
        if edit.set_shadowed(key.slot(), true) {
            let type_no = edit.chunk.type_no;
            let delta = FacetCounts { tracked: 0, told: -1 };
            self.facets.count(type_no, listed, delta);
        }
        Ok(())
    }

    /// What is recorded is what was told last; whether it was not.
    pub(super) fn unshadow(&mut self, key: ResourceKey, listed: &Listed) -> Result<bool> {
        let edit = self.edit(key.chunk())?;
        let was_shadowed = edit.set_shadowed(key.slot(), false);
        if was_shadowed {
            let type_no = edit.chunk.type_no;
            self.facets.count(type_no, listed, FacetCounts { tracked: 0, told: 1 });
        }
        Ok(was_shadowed)
    }

    /// Removes what is recorded of a resource of which nothing is told any more.
    pub(crate) fn delete_if_shadowed(
        &mut self,
        key: ResourceKey,
        id: &str,
        version: i64,
    ) -> Result<()> {
        let edit = self.edit(key.chunk())?;
        let (type_no, is_shadowed) = (edit.chunk.type_no, edit.is_shadowed(key.slot()));
        if is_shadowed && self.find_told(type_no, id)?.is_none() {
            self.delete(key, id, version)?;
        }
        Ok(())
    }
}
