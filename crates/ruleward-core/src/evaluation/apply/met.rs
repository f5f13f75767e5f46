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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ruleward_store::sqlite::SqliteStore;
    use ruleward_types::{Facet, FacetKind, Recorder, Resource, SystemClock, WriteOutcome};
    use serde_json::json;

    use super::super::Judge;
    use super::*;
    use crate::access::Access;
    use crate::{Options, SealingKey, Service};

    fn body(name: &str, vpc: &str) -> Vec<u8> {
        json!({
            "id": "s", "name": name, "provider": "ecs", "type": "cloudservers", "region_id": name,
            "properties": {"metadata": {"vpcId": vpc}},
        })
        .to_string()
        .into_bytes()
    }

    /// Meets a resource, lets something happen to it, and then writes it.
    fn written_after(meanwhile: impl FnOnce(&Arc<Service>, &Access)) -> WriteOutcome {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&directory.path().join("store.sqlite")).unwrap();
        let key = SealingKey::new([1; 32]);
        let service =
            Service::open(store, Arc::new(SystemClock), &key, Options::default()).unwrap();
        let account = service.create_account("acme", None, Recorder::switched(true)).unwrap();
        let (access, account) = (Access::operator(&account), account.no);
        service.put_resource(&access, "s", None, &body("first", "v1")).unwrap();
        let of = ResourceType::new("ecs", "cloudservers");
        let (judged, judged_by) = service
            .read(|tx| {
                let set = service.rule_set(tx, account)?;
                let judged_by = set.version;
                let resource = Resource::parse(&body("last", "v9"), |_| of.clone())?;
                let mut judged = Judge::new(set, service.tick()).judge(resource);
                judged.meet(tx, account, tx.newest_type(account)?)?;
                Ok((judged, judged_by))
            })
            .unwrap();
        meanwhile(&service, &access);
        let outcome = service
            .write(move |writing| {
                let mut changes = Changes::begin(writing, account)?;
                let version = writing.service.tick().0;
                let (outcome, _) = changes.put(judged, judged_by, version)?;
                changes.finish()?;
                Ok(outcome)
            })
            .unwrap();
        let named = |tx: &dyn ReadTx, vpc: &str| {
            let target = tx.relation_target(account, "vpc.vpcs", ruleward_store::NamedBy::Id, vpc);
            tx.namers(target, None, None, 9)
        };
        service
            .read(|tx| {
                let keys = tx.resources_by_id(account, "s")?;
                assert_eq!(keys.len(), 1);
                let listed =
                    tx.resources_by_name(account, "last", ruleward_types::ResourceKey(0), 9)?;
                assert_eq!(listed, keys);
                for gone in ["first", "second"] {
                    let listed =
                        tx.resources_by_name(account, gone, ruleward_types::ResourceKey(0), 9)?;
                    assert_eq!(listed, [], "{gone}");
                }
                let regions = tx.facets(account, FacetKind::Region, None, None)?;
                let regions: Vec<_> =
                    regions.into_iter().map(|of| (of.facet, of.counts.told)).collect();
                assert_eq!(regions, [(Facet::named(FacetKind::Region, "last"), 1)]);
                assert_eq!(named(tx, "v9")?.len(), 1);
                for gone in ["v1", "v2"] {
                    assert_eq!(named(tx, gone)?.len(), 0, "{gone}");
                }
                Ok(())
            })
            .unwrap();
        outcome
    }

    #[test]
    fn what_happened_meanwhile_is_looked_at_again() {
        let change = |service: &Arc<Service>, access: &Access| {
            service.put_resource(access, "s", None, &body("second", "v2")).map(drop).unwrap();
        };
        let delete = |service: &Arc<Service>, access: &Access| {
            service.delete_resource(access, "s", None).unwrap();
        };
        assert_eq!(written_after(|_, _| {}), WriteOutcome::Changed);
        assert_eq!(written_after(change), WriteOutcome::Changed);
        assert_eq!(written_after(delete), WriteOutcome::Created);
        let again = |service: &Arc<Service>, access: &Access| {
            delete(service, access);
            change(service, access);
        };
        assert_eq!(written_after(again), WriteOutcome::Changed);
        let same = |service: &Arc<Service>, access: &Access| {
            service.put_resource(access, "s", None, &body("last", "v9")).map(drop).unwrap();
        };
        assert_eq!(written_after(same), WriteOutcome::Unchanged);
    }
}
