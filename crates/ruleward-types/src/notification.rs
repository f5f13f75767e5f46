//! Messages to a topic, and archives in a bucket.

use serde::{Deserialize, Serialize};

use crate::{AccountNo, Timestamp};

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its row; later messages have higher ones.
    pub no: i64,
    /// Whose.
    pub account: AccountNo,
    /// The topic that it goes to.
    pub topic: String,
    /// Messages about the same thing are delivered one after the other.
    pub subject: String,
    /// `provider.type` by which it is archived, where it is to be.
    pub archive: Option<String>,
    /// When it was written.
    pub created: Timestamp,
    /// The message: JSON.
    pub body: Vec<u8>,
}

/// A topic that an account sends to, and how that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryLane {
    /// Whose.
    pub account: AccountNo,
    /// The topic.
    pub topic: String,
    /// Nothing is sent before.
    pub due: Timestamp,
    /// Failures since the last success.
    pub attempts: u32,
    /// Messages delivered.
    pub delivered: i64,
    /// When the last one was.
    pub last_delivered: Option<Timestamp>,
    /// When it last failed.
    pub last_failed: Option<Timestamp>,
    /// Why.
    pub last_error: Option<String>,
}

/// How many messages a lane has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneCounts {
    /// Not delivered yet.
    pub waiting: i64,
    /// When the oldest of these was written.
    pub oldest: Option<Timestamp>,
    /// Given up.
    pub dead: i64,
}

/// The archives of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Snapshots of all resources.
    pub snapshot: ArchiveTask,
    /// Archives of changes.
    pub changes: ArchiveTask,
    /// Changes up to this message are archived.
    pub archived_through: i64,
}

/// One kind of archive: when it is due, what is at hand, how the last one went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveTask {
    /// When the next one begins; none where the channel for it is missing.
    pub due: Option<Timestamp>,
    /// Not before, after a failure.
    pub retry: Option<Timestamp>,
    /// Failures since the last success.
    pub attempts: u32,
    /// One that has begun. After a crash it is written again, under the same names.
    pub begun: Option<ArchiveBegun>,
    /// The last one that is complete.
    pub last: Option<ArchiveDone>,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
}

/// An archive that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveBegun {
    /// Its id.
    pub id: String,
    /// The time in its names.
    pub at: Timestamp,
    /// Changes: where the window begins.
    pub since: Timestamp,
    /// Changes: the last message in it.
    pub through: i64,
}

/// An archive that is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveDone {
    /// Its id.
    pub id: String,
    /// When it began.
    pub at: Timestamp,
    /// Files written.
    pub files: usize,
    /// Resources, or changes, in them.
    pub items: usize,
}

impl ArchiveTask {
    /// When there is something to do, if ever.
    pub fn next(&self) -> Option<Timestamp> {
        let wanted = if self.begun.is_some() { Some(Timestamp(0)) } else { self.due };
        wanted.map(|at| at.max(self.retry.unwrap_or_default()))
    }
}

impl Archive {
    /// When there is something to do, if ever.
    pub fn next(&self) -> Option<Timestamp> {
        [self.snapshot.next(), self.changes.next()].into_iter().flatten().min()
    }
}
