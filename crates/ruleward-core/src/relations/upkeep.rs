//! What stands in the store about relations moves with the bodies it is derived from.

use std::sync::Arc;

use ruleward_store::{RelationTarget, WriteTx};
use ruleward_types::{AccountNo, ChunkNo, ResourceKey, ResourceType, Result};

use super::edges::targets;
use super::table::{TEXT, table};
use crate::Service;
use crate::evaluation::each_chunk::every_chunk;
use crate::hashing::sha256;

/// The changes of one write job; nothing is complete without [`Relinks::write`].
#[derive(Debug, Default)]
pub(crate) struct Relinks(Vec<Relink>);

#[derive(Debug)]
struct Relink {
    account: AccountNo,
    target: RelationTarget,
    key: ResourceKey,
    version: i64,
    /// The id of the resource, where it names the target no more.
    ended: Option<Arc<str>>,
}

/// A resource whose body changes, comes or goes.
pub(crate) struct Relinked<'a> {
    pub(crate) account: AccountNo,
    pub(crate) resource_type: &'a ResourceType,
    pub(crate) key: ResourceKey,
    pub(crate) id: &'a str,
    /// The version that changes it.
    pub(crate) version: i64,
}

impl Relinks {
    /// Notes how what a resource names differs before and after, each in order.
    pub(crate) fn note(
        &mut self,
        of: &Relinked<'_>,
        before: &[RelationTarget],
        after: &[RelationTarget],
    ) {
        if before == after {
            return;
        }
        let absent =
            |target: &RelationTarget, list: &[RelationTarget]| list.binary_search(target).is_err();
        let id: Arc<str> = of.id.into();
        let relink = |target, ended| Relink {
            account: of.account,
            target,
            key: of.key,
            version: of.version,
            ended,
        };
        let gone = before.iter().filter(|target| absent(target, after));
        self.0.extend(gone.map(|target| relink(*target, Some(Arc::clone(&id)))));
        let come = after.iter().filter(|target| absent(target, before));
        self.0.extend(come.map(|target| relink(*target, None)));
    }

    /// Writes them in the order of the targets, so that the store's pages are met once; several
    /// of one target and resource stay in the order in which they were noted.
    pub(crate) fn write(mut self, tx: &dyn WriteTx) -> Result<()> {
        self.0.sort_by_key(|of| (of.target, of.key));
        for Relink { account, target, key, version, ended } in self.0 {
            match ended {
                Some(id) => tx.end_naming(account, target, key, version, &id)?,
                None => tx.begin_naming(target, key, version)?,
            }
        }
        Ok(())
    }
}

impl Service {
    /// Derives anew who names whom where the table changed with the program, or where the store
    /// is older than relations.
    pub(crate) fn upgrade_relations(self: &Arc<Self>) -> Result<()> {
        const META: &str = "relation_table";
        let current = sha256(TEXT.as_bytes());
        if self.read(|tx| tx.meta(META))?.as_deref() == Some(&current) {
            return Ok(());
        }
        self.write(|writing| writing.tx.clear_naming())?;
        for account in self.read(|tx| tx.accounts())? {
            for (chunk, resource_type) in self.related_chunks(account.no)? {
                self.derive_relations(account.no, chunk, resource_type)?;
            }
        }
        self.write(move |writing| writing.tx.set_meta(META, &current))
    }

    fn related_chunks(&self, account: AccountNo) -> Result<Vec<(ChunkNo, ResourceType)>> {
        let mut chunks = Vec::new();
        self.read(|tx| {
            for row in tx.types(account)? {
                if table()?.of(&row.resource_type.key()).is_some() {
                    every_chunk(tx, account, Some(row.no), |chunk| {
                        chunks.push((chunk.no, row.resource_type.clone()));
                        Ok(())
                    })?;
                }
            }
            Ok(())
        })?;
        Ok(chunks)
    }

    fn derive_relations(
        self: &Arc<Self>,
        account: AccountNo,
        chunk: ChunkNo,
        resource_type: ResourceType,
    ) -> Result<()> {
        self.write(move |writing| {
            let tx = writing.tx;
            let mut links = Relinks::default();
            tx.scan_chunk(chunk, 0, -1, &mut |slot, version, body| {
                let key = ResourceKey::new(chunk, slot);
                let of = Relinked { account, resource_type: &resource_type, key, id: "", version };
                links.note(&of, &[], &targets(tx, account, &resource_type, body)?);
                Ok(())
            })?;
            links.write(tx)
        })
    }
}
