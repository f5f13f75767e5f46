//! How messages and archives are doing.

use ruleward_types::{Archive, ArchiveDone, ArchiveTask, DeliveryLane, LaneCounts, Timestamp};
use serde::Serialize;

/// A snapshot that was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct SnapshotAnswer {
    pub(crate) snapshot_id: String,
}

/// The channels of an account.
#[derive(Debug, Serialize)]
pub(crate) struct ChannelsAnswer<'a> {
    topics: Vec<TopicAnswer<'a>>,
    snapshot: TaskAnswer<'a>,
    changes: TaskAnswer<'a>,
}

#[derive(Debug, Serialize)]
struct TopicAnswer<'a> {
    topic_urn: &'a str,
    waiting: i64,
    oldest_waiting: Option<String>,
    dead: i64,
    delivered: i64,
    last_delivered: Option<String>,
    failed_attempts: u32,
    next_attempt: Option<String>,
    last_failed: Option<String>,
    last_error: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct TaskAnswer<'a> {
    next: Option<String>,
    running: Option<&'a str>,
    failed_attempts: u32,
    last_error: Option<&'a str>,
    last: Option<DoneAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct DoneAnswer<'a> {
    id: &'a str,
    time: String,
    files: usize,
    items: usize,
}

fn wire(at: Option<Timestamp>) -> Option<String> {
    at.map(Timestamp::to_wire)
}

impl<'a> ChannelsAnswer<'a> {
    pub(crate) fn new(lanes: &'a [(DeliveryLane, LaneCounts)], archive: &'a Archive) -> Self {
        Self {
            topics: lanes.iter().map(|(lane, counts)| topic(lane, *counts)).collect(),
            snapshot: task(&archive.snapshot),
            changes: task(&archive.changes),
        }
    }
}

fn topic(lane: &DeliveryLane, counts: LaneCounts) -> TopicAnswer<'_> {
    TopicAnswer {
        topic_urn: &lane.topic,
        waiting: counts.waiting,
        oldest_waiting: wire(counts.oldest),
        dead: counts.dead,
        delivered: lane.delivered,
        last_delivered: wire(lane.last_delivered),
        failed_attempts: lane.attempts,
        next_attempt: wire((lane.attempts > 0).then_some(lane.due)),
        last_failed: wire(lane.last_failed),
        last_error: lane.last_error.as_deref(),
    }
}

fn task(of: &ArchiveTask) -> TaskAnswer<'_> {
    TaskAnswer {
        next: wire(of.due),
        running: of.begun.as_ref().map(|begun| begun.id.as_str()),
        failed_attempts: of.attempts,
        last_error: of.error.as_deref(),
        last: of.last.as_ref().map(done),
    }
}

fn done(of: &ArchiveDone) -> DoneAnswer<'_> {
    DoneAnswer { id: &of.id, time: of.at.to_wire(), files: of.files, items: of.items }
}
