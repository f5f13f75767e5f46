//! An archive of changes: the messages of a window, each type in files of its own.

use std::sync::Arc;

use ruleward_types::Result;

use super::Job;
use super::file::{Part, Written, key};
use crate::Service;

/// Messages of one file at most, and bytes of it before they are packed. The documentation names no
/// such number; a file has to fit into memory.
const PART: usize = 10_000;
const PART_BYTES: usize = 64 * 1024 * 1024;
/// Messages that are read at a time.
const READ: usize = 200;

impl Service {
    /// Writes the changes of a window; `None` where the server stops before its end.
    pub(super) fn write_changes(self: &Arc<Self>, job: &Job) -> Result<Option<Written>> {
        let (account, through) = (job.account.no, job.begun.through);
        let mut written = Written::default();
        for name in self.read(|tx| tx.archived_types(account, job.after, through))? {
            let (mut part, mut parts, mut after) = (None, 0, job.after);
            loop {
                if self.signal.is_stopping() {
                    return Ok(None);
                }
                let messages = self
                    .read(|tx| tx.notifications_to_archive(account, &name, after, through, READ))?;
                for message in &messages {
                    after = message.no;
                    let part: &mut Part = match &mut part {
                        Some(part) => part,
                        none => none.insert(Part::begin("{\"notification_items\":[")?),
                    };
                    part.push(&[&message.body])?;
                }
                let is_last = messages.len() < READ;
                let is_full = part.as_ref().is_some_and(|part: &Part| {
                    is_last || part.items >= PART || part.size >= PART_BYTES
                });
                if is_full && let Some(part) = part.take() {
                    parts += 1;
                    let file = name_of(job, &name, parts);
                    written.items += part.items;
                    part.store(&*job.bucket, &file)?;
                    written.keys.push(file);
                }
                if is_last {
                    break;
                }
            }
        }
        Ok(Some(written))
    }
}

/// The key of a type's file; further files of one window and type say which they are.
fn name_of(job: &Job, resource_type: &str, part: usize) -> String {
    let Job { account, obs, begun, .. } = job;
    let suffix = if part > 1 { format!("_part-{part}") } else { String::new() };
    key(
        obs,
        &format!(
            "RMSLogs/{id}/Notification/{day}/NotificationChunk/{id}_Notification_{region}_\
             NotificationChunk_{of}_{start}_{end}{suffix}.json.gz",
            id = account.domain_id,
            day = begun.at.to_date_path(),
            region = obs.region_id,
            of = resource_type.replacen('.', "_", 1).to_uppercase(),
            start = begun.since.to_file_name(),
            end = begun.at.to_file_name(),
        ),
    )
}
