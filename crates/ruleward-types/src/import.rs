//! Imports: many resources in batches, acknowledged by offset.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What became of one resource of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteOutcome {
    /// It is new.
    Created,
    /// It differs from what was stored.
    Changed,
    /// It is what was stored.
    Unchanged,
    /// It is gone.
    Deleted,
}

/// A resource that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Line (or element) of the input, from one.
    pub line: u64,
    /// Why, in words.
    pub reason: String,
}

/// What became of the resources of a write.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// New ones.
    pub created: u64,
    /// Changed ones.
    pub changed: u64,
    /// Ones that were stored just so.
    pub unchanged: u64,
    /// Deleted ones.
    pub deleted: u64,
    /// How many were refused.
    pub refused: u64,
    /// The first of them (at most 1,000).
    pub refusals: Vec<Refusal>,
}

impl ImportReport {
    /// Refusals that are kept with their reasons.
    pub const REFUSALS: usize = 1000;

    /// Counts an outcome.
    pub fn count(&mut self, outcome: WriteOutcome) {
        match outcome {
            WriteOutcome::Created => self.created += 1,
            WriteOutcome::Changed => self.changed += 1,
            WriteOutcome::Unchanged => self.unchanged += 1,
            WriteOutcome::Deleted => self.deleted += 1,
        }
    }

    /// Notes a refusal.
    pub fn refuse(&mut self, line: u64, reason: String) {
        self.refused += 1;
        if self.refusals.len() < Self::REFUSALS {
            self.refusals.push(Refusal { line, reason });
        }
    }

    /// Adds another report.
    pub fn add(&mut self, other: Self) {
        self.created += other.created;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.deleted += other.deleted;
        self.refused += other.refused;
        self.refusals.extend(other.refusals);
        self.refusals.truncate(Self::REFUSALS);
    }
}

/// An import that goes on over several requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSession {
    /// Its public id.
    pub id: String,
    /// What it reads, as the client names it: the same source finds the open session again.
    pub source: String,
    /// Types (`provider.type`) for which the import is the whole truth.
    pub replace: Vec<String>,
    /// Lines taken so far; the next batch starts here.
    pub next_offset: u64,
    /// What became of them.
    pub report: ImportReport,
    /// When it was opened. Resources written by others after this moment are never deleted.
    pub opened: Timestamp,
    /// Whether it has ended.
    pub closed: bool,
}
