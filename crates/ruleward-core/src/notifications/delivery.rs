//! Delivery: messages wait in lanes, one for each topic of an account.
//!
//! At least once: a message goes when the receiver has it and that is stored. In order for each
//! resource: of the messages about one only the oldest is under way. A receiver that fails makes its
//! lane wait, ever longer; a message that it refuses for good is given up, and so is one that got too
//! old.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use ruleward_types::{DeliveryLane, LaneCounts, Notification, Result, Timestamp};

use crate::Service;
use crate::access::Access;
use crate::channels::{Delivery, Topic, Undelivered};

/// Lanes that are looked at together.
const LANES: usize = 16;
/// Messages that are looked at for one commit.
const BATCH: usize = 256;
/// Messages under way to one topic at a time.
const TOGETHER: usize = 8;
const FIRST_RETRY_S: i64 = 1;
const LAST_RETRY_S: i64 = 600;
/// Messages given up, or forgotten, by one commit.
const AT_ONCE: usize = 1000;
/// How long messages that were given up are kept, in seconds.
pub(crate) const DEAD_KEPT_S: i64 = 30 * 86_400;

/// What became of a message.
enum Outcome {
    Delivered(i64),
    Refused(i64, String),
    Failed(String),
}

/// What became of a batch.
#[derive(Default)]
struct Outcomes {
    delivered: Vec<i64>,
    refused: Vec<i64>,
    /// Words of the last refusal or failure.
    error: Option<String>,
    failed: bool,
}

impl Service {
    /// How the topics of an account are doing.
    pub fn delivery_lanes(&self, access: &Access) -> Result<Vec<(DeliveryLane, LaneCounts)>> {
        self.read(|tx| tx.lanes(access.account()))
    }

    /// Delivers what waits and may be sent now, for one commit of each lane; whether there was any.
    pub fn deliver_due(self: &Arc<Self>) -> Result<bool> {
        let expanded = self.expand_flips()?;
        let now = self.clock().now();
        let mut delivered = false;
        for lane in self.read(|tx| tx.due_lanes(now, LANES))? {
            let key = (lane.account, lane.topic.clone());
            if !self.lanes.lock().insert(key.clone()) {
                continue;
            }
            let done = self.deliver_lane(lane, now);
            self.lanes.lock().remove(&key);
            done?;
            delivered = true;
        }
        Ok(expanded || delivered)
    }

    fn deliver_lane(self: &Arc<Self>, lane: DeliveryLane, now: Timestamp) -> Result<()> {
        let (account, waiting) = self.read(|tx| {
            let waiting = tx.waiting_notifications(lane.account, &lane.topic, BATCH)?;
            Ok((tx.account(lane.account)?, waiting))
        })?;
        let channels = self.options.channels;
        let topic = account.and_then(|account| channels.topic(&account, &lane.topic));
        let outcomes = match topic {
            Some(topic) => send(&*topic, &first_of_subjects(waiting), now),
            None => Outcomes {
                error: Some("the configuration knows no such topic".to_owned()),
                failed: true,
                ..Outcomes::default()
            },
        };
        let give_up = Timestamp(now.0 - channels.give_up_after_s() * 1_000_000);
        self.write(move |writing| {
            let tx = writing.tx;
            let mut lane = lane;
            for no in &outcomes.delivered {
                tx.finish_notification(*no)?;
                lane.delivered += 1;
                lane.last_delivered = Some(now);
            }
            for no in &outcomes.refused {
                tx.give_up_notification(*no)?;
            }
            if outcomes.error.is_some() {
                lane.last_failed = Some(now);
                lane.last_error = outcomes.error;
            }
            if outcomes.failed {
                lane.due = now.plus_seconds(retry_s(lane.attempts));
                lane.attempts = lane.attempts.saturating_add(1);
                tx.give_up_older(lane.account, &lane.topic, give_up, AT_ONCE)?;
            } else {
                lane.due = Timestamp(0);
                lane.attempts = 0;
            }
            tx.update_lane(&lane)
        })
    }

    /// Forgets messages of an account that are done; whether there may be more.
    pub(crate) fn prune_notifications(
        self: &Arc<Self>,
        account: ruleward_types::AccountNo,
    ) -> Result<bool> {
        let dead = Timestamp(self.clock().now().0 - DEAD_KEPT_S * 1_000_000);
        self.write(move |writing| {
            // Without archives of changes nothing waits for one.
            let through = match writing.tx.archive(account)? {
                Some(archive) if archive.changes.due.is_some() => archive.archived_through,
                _ => i64::MAX,
            };
            let gone = writing.tx.prune_notifications(account, through, dead, AT_ONCE)?;
            Ok(gone >= AT_ONCE)
        })
    }
}

fn retry_s(attempts: u32) -> i64 {
    FIRST_RETRY_S.checked_shl(attempts.min(16)).unwrap_or(LAST_RETRY_S).min(LAST_RETRY_S)
}

/// Of messages about the same thing only the oldest.
fn first_of_subjects(waiting: Vec<Notification>) -> Vec<Notification> {
    let mut known: HashSet<String> = HashSet::with_capacity(waiting.len());
    waiting
        .into_iter()
        .filter(|message| message.subject.is_empty() || known.insert(message.subject.clone()))
        .collect()
}

/// Sends messages, some at a time, until all are there or the receiver fails.
fn send(topic: &dyn Topic, messages: &[Notification], now: Timestamp) -> Outcomes {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcomes = Mutex::new(Vec::with_capacity(messages.len()));
    let work = || {
        while !stop.load(Ordering::Acquire)
            && let Some(message) = messages.get(next.fetch_add(1, Ordering::AcqRel))
        {
            let outcome = send_one(topic, message, now);
            if matches!(outcome, Outcome::Failed(_)) {
                stop.store(true, Ordering::Release);
            }
            outcomes.lock().push(outcome);
        }
    };
    if messages.len() == 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..TOGETHER.min(messages.len()) {
                scope.spawn(work);
            }
        });
    }
    let mut sum = Outcomes::default();
    for outcome in outcomes.into_inner() {
        match outcome {
            Outcome::Delivered(no) => sum.delivered.push(no),
            Outcome::Refused(no, words) => {
                sum.refused.push(no);
                sum.error.get_or_insert(words);
            }
            Outcome::Failed(words) => {
                sum.failed = true;
                sum.error = Some(words);
            }
        }
    }
    sum
}

fn send_one(topic: &dyn Topic, message: &Notification, now: Timestamp) -> Outcome {
    let id = format!("{}-{}", message.account.0, message.no);
    let delivery = Delivery { id: &id, topic: &message.topic, at: now, body: &message.body };
    match topic.deliver(&delivery) {
        Ok(()) => Outcome::Delivered(message.no),
        Err(Undelivered::Refused(words)) => Outcome::Refused(message.no, words),
        Err(Undelivered::Failed(words)) => Outcome::Failed(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_ever_more_rarely() {
        let waits: Vec<i64> = (0..12).map(retry_s).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(retry_s(u32::MAX), 600);
    }
}
