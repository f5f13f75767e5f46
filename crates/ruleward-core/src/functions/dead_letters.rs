//! Events that were given up: read by people, and called for again when the function is mended.

use std::sync::Arc;

use ruleward_store::ReadTx;
use ruleward_types::{
    AccountNo, FunctionJob, FunctionJobNo, FunctionJobState, Result, Timestamp, TriggerType,
};

use super::{jobs, tail};
use crate::Service;
use crate::access::Access;
use crate::evaluation::view;
use crate::page::{Collector, Cursor, Page, Paged};

/// Events that one transaction calls for again.
const PORTION: usize = 256;

/// An event that was given up.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Names it.
    pub no: FunctionJobNo,
    /// The account.
    pub domain_id: String,
    /// The rule.
    pub policy_assignment_id: String,
    /// The rule's name.
    pub policy_assignment_name: String,
    /// The function.
    pub function_urn: String,
    /// The resource, or the account.
    pub resource_id: String,
    /// Calls.
    pub attempts: u32,
    /// The event's time.
    pub time: Timestamp,
    /// Why the last call failed.
    pub words: String,
    /// What the function wrote then.
    pub output: String,
}

impl Service {
    /// Events that were given up: of all accounts for the operator, else of the caller's.
    pub fn dead_letters(&self, access: &Access, page: Page) -> Result<Paged<DeadLetter>> {
        let after = page.after.map_or((AccountNo(0), FunctionJobNo(0)), |Cursor(account, no)| {
            (AccountNo(account), FunctionJobNo(no))
        });
        let mut found = Collector::new(page);
        self.read(|tx| {
            let of = whose(access);
            for job in tx.dead_function_jobs(of, after, page.limit.saturating_add(1))? {
                let at = Cursor(job.account.0, job.no.0);
                if let Some(letter) = letter(tx, job)? {
                    found.push(at, letter);
                }
            }
            Ok(())
        })?;
        Ok(found.finish())
    }

    /// Calls again for events that were given up, all or those of the numbers; how many.
    pub fn redrive(self: &Arc<Self>, access: &Access, only: Option<&[i64]>) -> Result<usize> {
        let of = whose(access);
        let mut after = (AccountNo(0), FunctionJobNo(0));
        let mut count = 0;
        loop {
            let dead = self.read(|tx| tx.dead_function_jobs(of, after, PORTION))?;
            let Some(last) = dead.last() else { break };
            after = (last.account, last.no);
            let wanted: Vec<_> = dead
                .into_iter()
                .filter(|job| only.is_none_or(|only| only.contains(&job.no.0)))
                .collect();
            if wanted.is_empty() {
                continue;
            }
            count += self.write(move |writing| {
                let mut again = 0;
                for job in wanted {
                    let Some(mut job) = writing.tx.function_job(job.no)? else { continue };
                    if job.state != FunctionJobState::Dead {
                        continue;
                    }
                    job.time = jobs::event_time(writing.tx, job.rule, job.key, writing.now)?;
                    job.version = writing.tx.resource(job.key)?.map_or(0, |stored| stored.version);
                    job.state = FunctionJobState::Waiting;
                    (job.attempts, job.due, job.answered) = (0, writing.now, false);
                    (job.words, job.output) = (None, None);
                    writing.tx.update_function_job(&job)?;
                    again += 1;
                }
                Ok(again)
            })?;
        }
        self.signal.wake();
        Ok(count)
    }
}

fn whose(access: &Access) -> Option<AccountNo> {
    (!access.is_operator()).then_some(access.account())
}

fn letter(tx: &dyn ReadTx, job: FunctionJob) -> Result<Option<DeadLetter>> {
    let Some((_, rule)) = tx.rule(job.rule)? else { return Ok(None) };
    let Some(account) = tx.account(job.account)? else { return Ok(None) };
    let resource_id = match rule.trigger {
        TriggerType::Period => account.domain_id.clone(),
        TriggerType::Resource => tx
            .resource(job.key)?
            .map(|stored| view::read_head(&stored.body).id.into_owned())
            .unwrap_or_default(),
    };
    Ok(Some(DeadLetter {
        no: job.no,
        domain_id: account.domain_id,
        policy_assignment_id: rule.id.to_string(),
        policy_assignment_name: rule.name,
        function_urn: rule.custom_policy.map(|custom| custom.function_urn).unwrap_or_default(),
        resource_id,
        attempts: job.attempts,
        time: job.time,
        words: job.words.unwrap_or_default(),
        output: tail(&job.output.unwrap_or_default()),
    }))
}
