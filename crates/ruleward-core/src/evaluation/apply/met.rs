//! What stands in the store of a resource that is told, and what of it a change touches. Read and
//! derived before the writer is entered, on the caller's thread; the write job looks again only
//! where somebody else changed the resource meanwhile.

use ruleward_store::{ReadTx, RelationTarget, StoredResource};
use ruleward_types::{AccountNo, ResourceType, Result, TypeNo};

use super::{Changes, Judged};
use crate::evaluation::facets::Listed;
use crate::relations::targets;

/// What a snapshot says of a resource that is told.
#[derive(Debug)]
pub(crate) struct Met {
    /// What it names as it is told.
    pub(super) targets: Vec<RelationTarget>,
    /// What is recorded of it.
    pub(super) before: Option<Before>,
}

/// What is recorded of a resource.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) type_no: TypeNo,
    pub(super) stored: StoredResource,
    pub(super) listed: Listed,
    pub(super) targets: Vec<RelationTarget>,
}

impl Judged {
    /// Looks up what is recorded of it. `type_no` is its type's row, if the account has it.
    pub(crate) fn meet(
        &mut self,
        tx: &dyn ReadTx,
        account: AccountNo,
        type_no: Option<TypeNo>,
    ) -> Result<()> {
        let of = &self.resource.resource_type;
        let before = match type_no {
            Some(no) => Before::find(tx, account, (no, of), &self.resource.id)?,
            None => None,
        };
        let targets = targets(tx, account, of, &self.resource.body)?;
        self.met = Some(Met { targets, before });
        Ok(())
    }
}

impl Before {
    pub(super) fn find(
        tx: &dyn ReadTx,
        account: AccountNo,
        (type_no, resource_type): (TypeNo, &ResourceType),
        id: &str,
    ) -> Result<Option<Self>> {
        let Some(stored) = tx.resource_of_type(account, type_no, id, true)? else {
            return Ok(None);
        };
        let listed = Listed::of(&stored.body);
        let targets = targets(tx, account, resource_type, &stored.body)?;
        Ok(Some(Self { type_no, stored, listed, targets }))
    }
}

impl Changes<'_> {
    /// What is recorded now of a resource. A place is never given to another resource, and a version
    /// to another body: where both are as they were met, all of it is.
    pub(super) fn before(
        &self,
        met: Option<Before>,
        of_type: (TypeNo, &ResourceType),
        id: &str,
    ) -> Result<Option<Before>> {
        if let Some(before) = met
            && self.tx.resource_version(before.stored.key)? == Some(before.stored.version)
        {
            return Ok(Some(before));
        }
        Before::find(self.tx, self.account, of_type, id)
    }
}
