//! Reads resources and judges them, on all cores: one thread splits the input, the others parse
//! and judge.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use anyhow::{Context as _, bail};
use ruleward_core::{Findings, Offline};
use ruleward_types::Resource;

use crate::import::Input;

/// Text that goes to a thread at once.
const BATCH_BYTES: usize = 256 * 1024;
/// Batches that wait for a thread.
const WAITING: usize = 4;
/// More threads than this only wait for the one that reads.
const MOST_THREADS: usize = 8;
/// Refused resources that are told one by one.
const TOLD: usize = 100;

/// What was found in an input.
#[derive(Debug)]
pub struct Judged {
    /// The verdicts; their lines are places in the input.
    pub findings: Findings,
    /// The first of what is no resource, by place.
    pub refusals: Vec<(u64, String)>,
    /// How much is no resource.
    pub refused: u64,
    /// From places to lines.
    pub lines: Lines,
}

/// From the places of resources in the input to lines of it.
#[derive(Debug, Default)]
pub struct Lines {
    /// Where a line is not simply as many places after the last one.
    steps: Vec<(u64, u64)>,
    drift: i128,
}

impl Lines {
    fn add(&mut self, place: u64, line: u64) {
        let drift = i128::from(line) - i128::from(place);
        if drift != self.drift {
            self.drift = drift;
            self.steps.push((place, line));
        }
    }

    /// The line on which the resource at this place begins.
    pub fn line(&self, place: u64) -> u64 {
        let before = self.steps.partition_point(|(known, _)| *known <= place);
        match before.checked_sub(1).and_then(|index| self.steps.get(index)) {
            Some((known, line)) => line + (place - known),
            None => place,
        }
    }
}

/// Texts of resources, each with its place in the input.
#[derive(Debug, Default)]
struct Batch {
    text: Vec<u8>,
    parts: Vec<(u64, std::ops::Range<usize>)>,
}

/// What one thread does.
struct Worker {
    offline: Offline,
    refusals: Vec<(u64, String)>,
    refused: u64,
}

impl Worker {
    fn work(mut self, batches: &Receiver<Batch>) -> Self {
        while let Ok(batch) = batches.recv() {
            for (place, range) in batch.parts {
                self.take(place, batch.text.get(range).unwrap_or_default());
            }
        }
        self
    }

    fn take(&mut self, place: u64, text: &[u8]) {
        match Resource::parse(text, |given| self.offline.spell(given)) {
            Ok(resource) => self.offline.add(place, resource),
            Err(error) => {
                self.refused += 1;
                if self.refusals.len() < TOLD {
                    self.refusals.push((place, error.message().to_owned()));
                }
            }
        }
    }

    fn finish(mut self, lines: Lines) -> Judged {
        self.refusals.sort_unstable();
        self.refusals.truncate(TOLD);
        Judged {
            findings: self.offline.finish(),
            refusals: self.refusals,
            refused: self.refused,
            lines,
        }
    }
}

/// Judges resources that are at hand.
pub fn resources<'a>(offline: Offline, texts: impl Iterator<Item = &'a [u8]>) -> Judged {
    let mut worker = Worker { offline, refusals: Vec::new(), refused: 0 };
    for (place, text) in (1..).zip(texts) {
        worker.take(place, text);
    }
    worker.finish(Lines::default())
}

/// Judges the resources of an input while it is read.
pub fn input(offline: &Offline, input: Input) -> anyhow::Result<Judged> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
    let mut lines = Lines::default();
    let worked = thread::scope(|scope| {
        let (mut senders, mut works) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (sender, receiver) = sync_channel::<Batch>(WAITING);
            let offline = offline.another();
            let worker = Worker { offline, refusals: Vec::new(), refused: 0 };
            senders.push(sender);
            works.push(scope.spawn(move || worker.work(&receiver)));
        }
        let mut turn = senders.iter().cycle();
        let read = read(input, &mut lines, |batch| {
            // A thread that is gone has panicked, which its join tells.
            turn.next().is_some_and(|sender| sender.send(batch).is_ok())
        });
        drop(senders);
        let mut whole: Option<Worker> = None;
        for work in works {
            let Ok(part) = work.join() else { bail!("judging ended unexpectedly") };
            match &mut whole {
                None => whole = Some(part),
                Some(whole) => {
                    whole.offline.join(part.offline);
                    whole.refusals.extend(part.refusals);
                    whole.refused += part.refused;
                }
            }
        }
        read?;
        whole.context("no thread judged")
    })?;
    Ok(worked.finish(lines))
}

/// Reads an input to its end, or until `send` wants no more.
fn read(
    input: Input,
    lines: &mut Lines,
    mut send: impl FnMut(Batch) -> bool,
) -> anyhow::Result<()> {
    let mut splitter = input.into_lines().context("reading the input failed")?;
    let mut batch = Batch::default();
    let mut text = Vec::new();
    while let Some(place) = splitter.next(&mut text).context("reading the input failed")? {
        lines.add(place, splitter.began());
        let start = batch.text.len();
        batch.text.extend_from_slice(&text);
        batch.parts.push((place, start..batch.text.len()));
        if batch.text.len() >= BATCH_BYTES && !send(std::mem::take(&mut batch)) {
            return Ok(());
        }
    }
    send(batch);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_lines() {
        let mut lines = Lines::default();
        for (place, line) in [(1, 1), (2, 2), (3, 7), (4, 8), (5, 8), (6, 8), (7, 20)] {
            lines.add(place, line);
        }
        assert_eq!([1, 2, 3, 4, 5, 6, 7].map(|at| lines.line(at)), [1, 2, 7, 8, 8, 8, 20]);
    }
}
