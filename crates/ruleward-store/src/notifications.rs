//! Messages on their way, the lanes they go by, and archives.

use ruleward_types::{
    AccountNo, Archive, ChunkNo, DeliveryLane, LaneCounts, Notification, Result, RuleNo, Timestamp,
};

/// Verdicts of a rule in a chunk that flipped and of which no message is written yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flip {
    /// Its row.
    pub no: i64,
    /// Whose.
    pub account: AccountNo,
    /// Where.
    pub chunk: ChunkNo,
    /// Whose verdicts.
    pub rule: RuleNo,
    /// When.
    pub at: Timestamp,
    /// Which slots, and the verdicts before and after.
    pub bytes: Vec<u8>,
}

/// Reading them.
pub trait ReadNotifications {
    /// Lanes that have messages and whose time has come, the longest waiting first.
    fn due_lanes(&self, now: Timestamp, limit: usize) -> Result<Vec<DeliveryLane>>;
    /// The lanes of an account by topic, with how many messages they have.
    fn lanes(&self, account: AccountNo) -> Result<Vec<(DeliveryLane, LaneCounts)>>;
    /// The messages of a lane that wait, oldest first.
    fn waiting_notifications(
        &self,
        account: AccountNo,
        topic: &str,
        limit: usize,
    ) -> Result<Vec<Notification>>;
    /// The message written last of all; zero before the first.
    fn last_notification(&self) -> Result<i64>;
    /// The types of messages that are to be archived, after one up to another.
    fn archived_types(&self, account: AccountNo, after: i64, through: i64) -> Result<Vec<String>>;
    /// Messages of a type that are to be archived, in order, after one up to another.
    fn notifications_to_archive(
        &self,
        account: AccountNo,
        archive: &str,
        after: i64,
        through: i64,
        limit: usize,
    ) -> Result<Vec<Notification>>;
    /// Flipped verdicts, oldest first.
    fn flips(&self, limit: usize) -> Result<Vec<Flip>>;
    /// The archives of an account.
    fn archive(&self, account: AccountNo) -> Result<Option<Archive>>;
    /// Accounts with an archive that is due.
    fn due_archives(&self, now: Timestamp, limit: usize) -> Result<Vec<AccountNo>>;
}

/// Changing them.
pub trait WriteNotifications {
    /// Adds a message; its `no` is chosen here.
    fn insert_notification(&self, notification: &Notification) -> Result<i64>;
    /// A message was delivered: it goes, unless it is still to be archived.
    fn finish_notification(&self, no: i64) -> Result<()>;
    /// A message is given up.
    fn give_up_notification(&self, no: i64) -> Result<()>;
    /// Gives up messages of a lane that were written before a time, at most `limit`; how many.
    fn give_up_older(
        &self,
        account: AccountNo,
        topic: &str,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize>;
    /// Makes a lane, unless it is there.
    fn ensure_lane(&self, account: AccountNo, topic: &str) -> Result<()>;
    /// Replaces a lane.
    fn update_lane(&self, lane: &DeliveryLane) -> Result<()>;
    /// Removes messages that are delivered, or dead and older than `before`, and that are archived
    /// (up to `through`) or need not be, at most `limit`; how many.
    fn prune_notifications(
        &self,
        account: AccountNo,
        through: i64,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize>;
    /// Adds flipped verdicts; their `no` is chosen here.
    fn insert_flip(&self, flip: &Flip) -> Result<()>;
    /// Leaves these of flipped verdicts.
    fn shorten_flip(&self, no: i64, bytes: &[u8]) -> Result<()>;
    /// Removes flipped verdicts.
    fn delete_flip(&self, no: i64) -> Result<()>;
    /// Replaces the archives of an account.
    fn put_archive(&self, account: AccountNo, archive: &Archive) -> Result<()>;
}
