//! Archives in an account's bucket: a snapshot of all resources every 24 hours, the changes every 6.
//!
//! When they are due is stored, so a restart forgets none. One that has begun has its id and its time
//! stored as well: after a crash it is written again, over the files that are there. It is complete when
//! every file is durable; that, and the message of it, is one transaction.

mod changes;
mod file;
mod snapshot;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ruleward_store::WriteTx;
use ruleward_types::ids::random_hex;
use ruleward_types::{
    Account, AccountNo, Archive, ArchiveBegun, ArchiveDone, ArchiveTask, Error, ErrorCode,
    ObsChannel, Result, Timestamp, TrackerConfig,
};

use self::file::Written;
use crate::Service;
use crate::access::Access;
use crate::causes::CauseKind;
use crate::channels::Bucket;
use crate::notifications::Addressee;
use crate::service::Writing;

const SNAPSHOT_PERIOD_S: i64 = 24 * 3600;
const CHANGES_PERIOD_S: i64 = 6 * 3600;
const FIRST_RETRY_S: i64 = 60;
const LAST_RETRY_S: i64 = 3600;

/// Which kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Snapshot,
    Changes,
}

impl Kind {
    fn of(self, archive: &mut Archive) -> &mut ArchiveTask {
        match self {
            Self::Snapshot => &mut archive.snapshot,
            Self::Changes => &mut archive.changes,
        }
    }

    fn period_s(self) -> i64 {
        match self {
            Self::Snapshot => SNAPSHOT_PERIOD_S,
            Self::Changes => CHANGES_PERIOD_S,
        }
    }
}

/// Where an archive is written, and of what.
struct Job {
    account: Account,
    config: TrackerConfig,
    obs: ObsChannel,
    bucket: Arc<dyn Bucket>,
    begun: ArchiveBegun,
    /// Changes after this message.
    after: i64,
}

/// The empty file that proves that a bucket can be written.
pub(crate) fn probe_key(obs: &ObsChannel) -> String {
    file::key(obs, "ConfigWritabilityCheckFile")
}

/// Plans an account's archives after its recorder was set: those that are planned already stay so.
pub(crate) fn plan(
    writing: &Writing<'_>,
    account: AccountNo,
    config: Option<&TrackerConfig>,
) -> Result<()> {
    let tx = writing.tx;
    let channel = config.map(|config| &config.channel);
    if let Some(smn) = channel.and_then(|channel| channel.smn.as_ref()) {
        tx.ensure_lane(account, &smn.topic_urn)?;
    }
    let has_bucket = channel.is_some_and(|channel| channel.obs.is_some());
    let has_both = has_bucket && channel.is_some_and(|channel| channel.smn.is_some());
    let stored = tx.archive(account)?;
    if stored.is_none() && !has_bucket {
        return Ok(());
    }
    let mut archive = stored.unwrap_or_default();
    if has_both && archive.changes.due.is_none() {
        // What was written before nobody wanted archived.
        archive.archived_through = tx.last_notification()?;
    }
    for (kind, wanted) in [(Kind::Snapshot, has_bucket), (Kind::Changes, has_both)] {
        let task = kind.of(&mut archive);
        if wanted {
            let first = writing.service.clock().now().plus_seconds(kind.period_s());
            task.due.get_or_insert(first);
        } else {
            *task = ArchiveTask { last: task.last.take(), ..ArchiveTask::default() };
        }
    }
    tx.put_archive(account, &archive)
}

/// The first moment of a rhythm after `now`.
fn following(due: Timestamp, period_s: i64, now: Timestamp) -> Timestamp {
    let missed = (now.0 - due.0).div_euclid(period_s * 1_000_000).max(0);
    due.plus_seconds((missed + 1) * period_s)
}

fn retry_s(attempts: u32) -> i64 {
    FIRST_RETRY_S.checked_shl(attempts.min(16)).unwrap_or(LAST_RETRY_S).min(LAST_RETRY_S)
}

/// A random id in the form of the documented ones.
fn snapshot_id() -> Result<String> {
    let hex = random_hex(16)?;
    let parts = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let parts: Vec<&str> = parts.iter().filter_map(|(from, to)| hex.get(*from..*to)).collect();
    Ok(parts.join("-"))
}

fn begun(writing: &Writing<'_>, archive: &Archive) -> Result<ArchiveBegun> {
    let since = archive.changes.last.as_ref().map(|last| last.at);
    Ok(ArchiveBegun {
        id: snapshot_id()?,
        at: writing.service.clock().now(),
        since: since
            .unwrap_or_else(|| writing.service.clock().now().plus_seconds(-CHANGES_PERIOD_S)),
        through: writing.tx.last_notification()?,
    })
}

impl Service {
    /// How the archives of an account are doing.
    pub fn archives(&self, access: &Access) -> Result<Archive> {
        Ok(self.read(|tx| tx.archive(access.account()))?.unwrap_or_default())
    }

    /// Begins a snapshot now, with the changes up to now where these are archived; its id. One that is
    /// being written is the one.
    pub fn create_snapshot(self: &Arc<Self>, access: &Access) -> Result<String> {
        let account = access.account();
        let id = self.write_by(access, CauseKind::Recorder, move |writing| {
            let mut archive = writing.tx.archive(account)?.unwrap_or_default();
            if archive.snapshot.due.is_none() {
                return Err(Error::with(
                    ErrorCode::InvalidParameter,
                    "The resource recorder names no bucket for snapshots.",
                ));
            }
            let new = begun(writing, &archive)?;
            if archive.changes.due.is_some() {
                archive.changes.begun.get_or_insert_with(|| new.clone());
                archive.changes.retry = None;
            }
            archive.snapshot.retry = None;
            archive.snapshot.error = None;
            let id = archive.snapshot.begun.get_or_insert(new).id.clone();
            writing.tx.put_archive(account, &archive)?;
            Ok(id)
        })?;
        self.signal.wake();
        Ok(id)
    }

    /// Writes the archives of one account that are due; whether there were any.
    pub fn archive_due(self: &Arc<Self>) -> Result<bool> {
        let Some(_guard) = self.archiving.try_lock() else { return Ok(false) };
        let now = self.clock().now();
        self.forget_done(now)?;
        let due = self.read(|tx| tx.due_archives(now, 1))?;
        let Some(account) = due.first().copied() else { return Ok(false) };
        for kind in [Kind::Snapshot, Kind::Changes] {
            if let Some(job) = self.begin(account, kind, now)? {
                self.run(kind, &job)?;
            }
        }
        while self.prune_notifications(account)? {}
        Ok(true)
    }

    /// Once an hour, messages of all accounts that are done are forgotten.
    fn forget_done(self: &Arc<Self>, now: Timestamp) -> Result<()> {
        let hour = now.seconds().div_euclid(3600);
        if self.pruned_hour.swap(hour, Ordering::AcqRel) == hour {
            return Ok(());
        }
        for account in self.read(|tx| tx.accounts())? {
            if !self.read(|tx| tx.lanes(account.no))?.is_empty() {
                while self.prune_notifications(account.no)? {}
            }
        }
        Ok(())
    }

    /// Takes up an archive that is due.
    fn begin(
        self: &Arc<Self>,
        account: AccountNo,
        kind: Kind,
        now: Timestamp,
    ) -> Result<Option<Job>> {
        let channels = self.options.channels;
        let begun = self.write(move |writing| {
            let Some(mut archive) = writing.tx.archive(account)? else { return Ok(None) };
            if kind.of(&mut archive).next().is_none_or(|at| at > now) {
                return Ok(None);
            }
            let new = begun(writing, &archive)?;
            let task = kind.of(&mut archive);
            if task.begun.is_none() {
                task.due = task.due.map(|due| following(due, kind.period_s(), now));
            }
            let begun = task.begun.get_or_insert(new).clone();
            writing.tx.put_archive(account, &archive)?;
            let known = (writing.tx.account(account)?, writing.tx.tracker_config(account)?);
            Ok(Some((begun, archive.archived_through, known)))
        })?;
        let Some((begun, after, (Some(account), Some(config)))) = begun else { return Ok(None) };
        let Some(obs) = config.channel.obs.clone() else { return Ok(None) };
        if let Some(bucket) = channels.bucket(&account, &obs.bucket_name) {
            return Ok(Some(Job { account, config, obs, bucket, begun, after }));
        }
        let words = format!("the configuration knows no bucket `{}`", obs.bucket_name);
        self.failed(account.no, kind, words)?;
        Ok(None)
    }

    fn run(self: &Arc<Self>, kind: Kind, job: &Job) -> Result<()> {
        let written = match kind {
            Kind::Snapshot => self.write_snapshot(job),
            Kind::Changes => self.write_changes(job),
        };
        match written {
            Ok(Some(written)) => self.complete(kind, job, written),
            // The server stops; it is taken up at the next start.
            Ok(None) => Ok(()),
            Err(error) => {
                tracing::warn!(
                    error.cause = error.cause(),
                    "an archive failed: {}",
                    error.message()
                );
                self.failed(job.account.no, kind, error.message().to_owned())
            }
        }
    }

    fn failed(self: &Arc<Self>, account: AccountNo, kind: Kind, words: String) -> Result<()> {
        self.write(move |writing| {
            let Some(mut archive) = writing.tx.archive(account)? else { return Ok(()) };
            let task = kind.of(&mut archive);
            task.retry = Some(writing.service.clock().now().plus_seconds(retry_s(task.attempts)));
            task.attempts = task.attempts.saturating_add(1);
            task.error = Some(words);
            writing.tx.put_archive(account, &archive)
        })
    }

    /// Everything is written: that, and the message of it, in one transaction.
    fn complete(self: &Arc<Self>, kind: Kind, job: &Job, written: Written) -> Result<()> {
        let (account, begun, obs) = (job.account.no, job.begun.clone(), job.obs.clone());
        self.write(move |writing| {
            note_done(writing.tx, account, kind, &begun, &written)?;
            let Some(to) = writing.addressee(account)? else { return Ok(()) };
            tell(writing, &to, kind, &begun, &obs, &written.keys)
        })
    }
}

fn note_done(
    tx: &dyn WriteTx,
    account: AccountNo,
    kind: Kind,
    begun: &ArchiveBegun,
    written: &Written,
) -> Result<()> {
    let Some(mut archive) = tx.archive(account)? else { return Ok(()) };
    let task = kind.of(&mut archive);
    // The channel may have been taken away meanwhile: then nothing is planned any more.
    let done = ArchiveDone {
        id: begun.id.clone(),
        at: begun.at,
        files: written.keys.len(),
        items: written.items,
    };
    *task = ArchiveTask { due: task.due, last: Some(done), ..ArchiveTask::default() };
    if kind == Kind::Changes {
        archive.archived_through = archive.archived_through.max(begun.through);
    }
    tx.put_archive(account, &archive)
}

fn tell(
    writing: &Writing<'_>,
    to: &Addressee,
    kind: Kind,
    begun: &ArchiveBegun,
    obs: &ObsChannel,
    keys: &[String],
) -> Result<()> {
    use crate::notifications::messages::{changes_archived, snapshot_archived};

    let place = (obs.region_id.as_str(), obs.bucket_name.as_str());
    match kind {
        Kind::Snapshot => {
            let of = (to.domain_id.as_str(), begun.id.as_str());
            let message = snapshot_archived(of.0, writing.now, of.1, place, keys);
            to.tell(writing, String::new(), None, message)
        }
        Kind::Changes => keys.iter().try_for_each(|key| {
            let message = changes_archived(&to.domain_id, writing.now, place, key);
            to.tell(writing, String::new(), None, message)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_documented_form() {
        let id = snapshot_id().unwrap();
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{id}");
    }
}
