//! Jobs inside a write job: made, counted, given up, ended.

use ruleward_store::{FunctionExpansion, ReadTx, WriteTx};
use ruleward_types::{
    AccountNo, EvaluationRun, FunctionJob, FunctionJobNo, FunctionJobState, PolicyAssignment,
    ResourceKey, Result, RuleNo, RunNo, Timestamp, TriggerType,
};

use super::resolve::function_of;
use crate::evaluation::chunk_edit::{ChunkEdit, counted};
use crate::evaluation::ledger::Ledger;
use crate::evaluation::planes::{Verdict, plane_no};
use crate::evaluation::runs::{self, Progress};
use crate::evaluation::scope::Scope;
use crate::evaluation::view;
use crate::policy_states::type_of;
use crate::service::Writing;

/// What a run of a custom rule begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Nobody runs the function.
    Nobody,
    /// About every resource in scope: the jobs are still to be made.
    Resources,
    /// About the account.
    Account,
}

/// Whom a run of a custom rule asks.
pub(crate) fn asking(
    tx: &dyn ReadTx,
    account: AccountNo,
    rule: &PolicyAssignment,
) -> Result<Asking> {
    Ok(match (function_of(tx, account, rule)?, rule.trigger) {
        (None, _) => Asking::Nobody,
        (Some(_), TriggerType::Resource) => Asking::Resources,
        (Some(_), TriggerType::Period) => Asking::Account,
    })
}

/// Words for a rule whose function nobody runs.
pub(crate) fn nobody(urn: &str) -> String {
    format!(
        "No runner is configured for the function {urn}; `ruleward functions add` configures one. \
         Results that are reported are taken."
    )
}

/// Begins to ask for a run that is stored.
pub(crate) fn begin(
    writing: &Writing<'_>,
    account: AccountNo,
    asking: Asking,
    run: &EvaluationRun,
) -> Result<()> {
    let tx = writing.tx;
    match asking {
        Asking::Nobody => Ok(()),
        Asking::Resources => tx.put_function_expansion(&FunctionExpansion {
            rule: run.rule,
            account,
            run: run.no,
            after: ResourceKey(-1),
            started: run.started,
        }),
        Asking::Account => {
            let key = ResourceKey::new(runs::account_chunk(writing, account)?, 0);
            ask(tx, account, run.rule, (key, 0), Some(run.no), run.started)
        }
    }
}

/// Has a rule's function asked about a version of a resource, or about the account.
pub(crate) fn ask(
    tx: &dyn WriteTx,
    account: AccountNo,
    rule: RuleNo,
    (key, version): (ResourceKey, i64),
    run: Option<RunNo>,
    now: Timestamp,
) -> Result<()> {
    let no = FunctionJobNo(0);
    tx.put_function_job(&FunctionJob {
        no,
        account,
        rule,
        key,
        version,
        time: event_time(tx, rule, key, now)?,
        run,
        state: FunctionJobState::Waiting,
        attempts: 0,
        due: now,
        answered: false,
        words: None,
        output: None,
    })
}

/// The time of a new event: later than that of every earlier one, in the milliseconds of the wire,
/// so that each has a hash of its own.
pub(crate) fn event_time(
    tx: &dyn ReadTx,
    rule: RuleNo,
    key: ResourceKey,
    now: Timestamp,
) -> Result<Timestamp> {
    let reported = tx.reported_result(rule, key)?.map(|known| known.evaluation_time.ms());
    let standing = tx.function_job_of(rule, key)?.map(|job| job.time.ms());
    let earlier = reported.max(standing).map_or(i64::MIN, |ms| ms.saturating_add(1));
    Ok(Timestamp::from_ms(now.ms().max(earlier)))
}

/// A job has come to nothing or to its end: it goes, and its run is that much further.
pub(crate) fn end(tx: &dyn WriteTx, job: &FunctionJob, judged: i64, now: Timestamp) -> Result<()> {
    tx.delete_function_job(job.no)?;
    let progress = Progress { calls: 1, judged, ..Progress::default() };
    advance(tx, job, progress, now)
}

/// The resource is gone, or left the scope of a rule: nobody is to be asked about it.
pub(crate) fn drop_of(
    tx: &dyn WriteTx,
    key: ResourceKey,
    rule: Option<RuleNo>,
    now: Timestamp,
) -> Result<()> {
    for job in tx.function_jobs_of_key(key)? {
        if rule.is_none_or(|rule| rule == job.rule) {
            end(tx, &job, 0, now)?;
        }
    }
    Ok(())
}

/// A result for an event was accepted: what was still to be asked is answered.
pub(crate) fn answered(
    tx: &dyn WriteTx,
    rule: &PolicyAssignment,
    key: ResourceKey,
    time: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let Some(mut job) = tx.function_job_of(rule.no, key)? else { return Ok(()) };
    if job.time > time {
        return Ok(());
    }
    let goes_on = rule.trigger == TriggerType::Period && job.state == FunctionJobState::Running;
    if goes_on {
        // It may report on more; its end is the end of the call.
        job.answered = true;
        return tx.update_function_job(&job);
    }
    end(tx, &job, 1, now)
}

/// Nobody asks any more. The verdict is not known, and a person can have it asked again.
pub(crate) fn give_up(writing: &Writing<'_>, mut job: FunctionJob) -> Result<()> {
    let tx = writing.tx;
    if !is_in_scope(tx, &job)? {
        return end(tx, &job, 0, writing.now);
    }
    let words = job.words.clone();
    let progress =
        Progress { calls: 1, judged: 1, undetermined: 1, reason: words, ..Progress::default() };
    advance(tx, &job, progress, writing.now)?;
    job.run = None;
    job.state = FunctionJobState::Dead;
    tx.update_function_job(&job)?;
    let set = writing.rule_set(job.account)?;
    let mut edit = ChunkEdit::load(tx, job.key.chunk())?;
    if !edit.planes.live.get(job.key.slot()) {
        return Ok(());
    }
    edit.planes.set(plane_no(job.rule), job.key.slot(), Verdict::Undetermined);
    let mut ledger = Ledger::default();
    edit.flush(writing, counted(&set), &mut ledger)?;
    ledger.write(tx, writing.now)
}

/// Whether there is still something to ask: the filter may have changed while the function worked.
fn is_in_scope(tx: &dyn ReadTx, job: &FunctionJob) -> Result<bool> {
    let (Some((_, rule)), Some(account)) = (tx.rule(job.rule)?, tx.account(job.account)?) else {
        return Ok(false);
    };
    if rule.trigger == TriggerType::Period {
        return Ok(true);
    }
    let Some(stored) = tx.resource(job.key)? else { return Ok(false) };
    let scope = Scope::new(&rule, None, &account.recorder.selection);
    let covered = type_of(tx, job.key.chunk())?.is_some_and(|of_type| scope.covers_type(&of_type));
    Ok(covered && scope.matches(&view::read(&stored.body)))
}

fn advance(tx: &dyn WriteTx, job: &FunctionJob, progress: Progress, now: Timestamp) -> Result<()> {
    let Some(run) = job.run else { return Ok(()) };
    match tx.rule(job.rule)? {
        // A run that was ended before counts no more.
        Some((_, rule)) if rule.run == Some(run) => runs::advance(tx, job.rule, progress, now),
        _ => Ok(()),
    }
}

/// A rule is switched off, or goes: nobody is asked for it.
pub(crate) fn drop_rule(tx: &dyn WriteTx, rule: &PolicyAssignment) -> Result<()> {
    match rule.custom_policy {
        Some(_) => tx.delete_function_jobs_of_rule(rule.no),
        None => Ok(()),
    }
}
