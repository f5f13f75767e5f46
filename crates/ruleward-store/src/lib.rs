//! The store: one trait, the embedded SQLite store behind it, one conformance suite for both
//! it and what comes later.
//!
//! A store hands out consistent snapshots to readers and runs write jobs one at a time in the
//! order of their arrival. Several jobs may share a commit; none is answered before the commit
//! that holds it is synced. A job that fails leaves nothing behind and does not disturb others.
//!
//! INVARIANT: who judges by an account's rules reads [`ReadAccounts::account`]'s
//! `rules_version` in the same transaction; who changes rules or recorder moves it. So between
//! a rule's commit and its run every resource is seen, also one in a chunk that did not exist.

mod accounts;
mod chunks;
mod columns;
mod facets;
mod functions;
mod history;
mod imports;
mod notifications;
mod organization_policy_assignments;
mod organizations;
mod policy_assignments;
mod relations;
mod resources;
mod runs;
pub mod sqlite;
mod statistics;
mod tracker_config;

pub use accounts::{ReadAccounts, WriteAccounts};
pub use chunks::{Chunk, MarkedChunk, ReadChunks, Ticket, TypeRow, WholeChunk, WriteChunks};
pub use columns::{ReadColumns, WriteColumns};
pub use facets::{FacetRow, ReadFacets, WriteFacets};
pub use functions::{FunctionExpansion, ReadFunctions, WriteFunctions};
pub use history::{PastResource, PastVersion, ReadHistory, Span, VisitTransition, WriteHistory};
pub use imports::{ReadImports, WriteImports};
pub use notifications::{Flip, ReadNotifications, WriteNotifications};
pub use organization_policy_assignments::{
    ReadOrganizationAssignments, WriteOrganizationAssignments,
};
pub use organizations::{ReadOrganizations, WriteOrganizations};
pub use policy_assignments::{ReadAssignments, ReportedResult, WriteAssignments};
pub use relations::{NamedBy, Namer, ReadRelations, RelationTarget, WriteRelations};
pub use resources::{NameChange, ReadResources, StoredResource, WriteResources};
use std::sync::mpsc::sync_channel;

use ruleward_types::{Error, Result};
pub use runs::{ReadRuns, WriteRuns};
pub use statistics::{ReadStatistics, WriteStatistics};
pub use tracker_config::{ReadTrackerConfigs, WriteTrackerConfigs};

/// What a reader sees: one snapshot.
pub trait ReadTx:
    ReadAccounts
    + ReadAssignments
    + ReadChunks
    + ReadColumns
    + ReadFacets
    + ReadFunctions
    + ReadHistory
    + ReadImports
    + ReadNotifications
    + ReadOrganizationAssignments
    + ReadOrganizations
    + ReadRelations
    + ReadResources
    + ReadRuns
    + ReadStatistics
    + ReadTrackerConfigs
{
}

/// What a write job can do.
pub trait WriteTx:
    ReadTx
    + WriteAccounts
    + WriteAssignments
    + WriteChunks
    + WriteColumns
    + WriteFacets
    + WriteFunctions
    + WriteHistory
    + WriteImports
    + WriteNotifications
    + WriteOrganizationAssignments
    + WriteOrganizations
    + WriteRelations
    + WriteResources
    + WriteRuns
    + WriteStatistics
    + WriteTrackerConfigs
{
}

/// A write job.
pub type WriteJob = Box<dyn FnOnce(&dyn WriteTx) -> Result<()> + Send>;

/// Who is told what became of a job. Called on a thread of the store's, so it may not wait.
pub type Told<R> = Box<dyn FnOnce(Result<R>) + Send>;

/// A store.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Runs a job on one snapshot, on the caller's thread.
    fn read_job(&self, job: &mut dyn FnMut(&dyn ReadTx) -> Result<()>) -> Result<()>;

    /// Whether a read would begin at once, and not wait for others to end.
    fn reads_at_once(&self) -> bool;

    /// Runs a job in a transaction, later, and tells when it is synced, or undone.
    fn submit_job(&self, job: WriteJob, told: Told<()>);
}

impl dyn Store {
    /// Runs a job on one snapshot and returns what it finds.
    pub fn read<R>(&self, job: impl FnOnce(&dyn ReadTx) -> Result<R>) -> Result<R> {
        let mut job = Some(job);
        let mut found = None;
        self.read_job(&mut |tx| {
            if let Some(job) = job.take() {
                found = Some(job(tx)?);
            }
            Ok(())
        })?;
        found.ok_or_else(|| Error::internal("store", "a read job did not run"))
    }

    /// Runs a job in a transaction, later, and tells what it found, once that is durable.
    pub fn submit<R: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn WriteTx) -> Result<R> + Send + 'static,
        told: impl FnOnce(Result<R>) + Send + 'static,
    ) {
        let (sender, receiver) = sync_channel(1);
        let job = move |tx: &dyn WriteTx| {
            // The receiver waits until the job is durable, so it is there.
            let _ = sender.send(job(tx)?);
            Ok(())
        };
        let found = move || receiver.try_recv().map_err(|e| Error::internal("store", e));
        self.submit_job(Box::new(job), Box::new(move |done| told(done.and_then(|()| found()))));
    }

    /// Runs a job in a transaction and returns what it finds, once that is durable.
    pub fn write<R: Send + 'static>(
        &self,
        job: impl FnOnce(&dyn WriteTx) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        wait_for(|told| self.submit(job, told))
    }
}

/// Waits for what is told later.
pub fn wait_for<R: Send + 'static>(submit: impl FnOnce(Told<R>)) -> Result<R> {
    let (sender, receiver) = sync_channel(1);
    // Whoever waits is there until it was told.
    submit(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().map_err(|_| Error::internal("store", "the writer has stopped"))?
}
