//! Starting, ending and completing runs inside a write job.

use ruleward_store::WriteTx;
use ruleward_types::{
    AccountNo, AssignmentKind, AssignmentState, ChunkNo, EvaluationRun, PolicyAssignment,
    ResourceType, Result, RuleNo, RunNo, RunState, RunTrigger, Timestamp,
};

use super::chunk_edit::ChunkEdit;
use super::each_chunk::every_chunk;
use super::ledger::Ledger;
use super::planes::Planes;
use super::rule_set::CompiledRule;
use super::scope::Subject;
use crate::functions::jobs::{self, Asking};
use crate::service::Writing;

/// Starts a run of a rule and stores the rule. The chunks that are not at the rule's mark get
/// tickets; where there are none, the run is complete at once.
///
/// INVARIANT: the mark of a rule that is not volatile moves wherever its verdicts may change, and a
/// chunk that is made later is at it from the start. So while no run of such a rule is going on, and its
/// mark did not move, all chunks are at its mark: none has to be looked at.
pub(crate) fn start(
    writing: &Writing<'_>,
    account: AccountNo,
    compiled: &CompiledRule,
    trigger: RunTrigger,
) -> Result<PolicyAssignment> {
    let (tx, now) = (writing.tx, writing.now);
    let mut rule = PolicyAssignment::clone(&compiled.rule);
    let is_asked_for = trigger == RunTrigger::Manual;
    let is_current = is_asked_for && !compiled.volatile && rule.state == AssignmentState::Enabled;
    // An update may leave the verdicts as they are; everything else moves the mark, where it does not
    // leave all chunks at it.
    let has_moved = trigger != RunTrigger::Updated;
    cancel(tx, &mut rule, now)?;
    // A custom rule's function judges; there is nothing to judge here.
    let stale = if rule.kind == AssignmentKind::Custom || is_current {
        Vec::new()
    } else {
        stale_chunks(writing, account, compiled, has_moved)?
    };
    let chunks = i64::try_from(stale.len()).unwrap_or(i64::MAX);
    let asking = match rule.kind {
        AssignmentKind::Custom => jobs::asking(tx, account, &rule)?,
        AssignmentKind::Builtin => Asking::Nobody,
    };
    // The making of the calls counts as a chunk.
    let chunks = chunks + i64::from(asking == Asking::Resources);
    let calls = i64::from(asking == Asking::Account);
    let done = chunks == 0 && calls == 0;
    let lacks_runner = rule.kind == AssignmentKind::Custom && done;
    let ended = if lacks_runner { RunState::Failed } else { RunState::Succeeded };
    let mut run = EvaluationRun {
        no: RunNo(0),
        rule: rule.no,
        trigger,
        state: if done { ended } else { RunState::Running },
        started: now,
        ended: done.then_some(now),
        chunks,
        chunks_done: 0,
        calls,
        calls_done: 0,
        judged: 0,
        undetermined: 0,
        reason: rule
            .custom_policy
            .as_ref()
            .filter(|_| lacks_runner)
            .map(|custom| jobs::nobody(&custom.function_urn)),
    };
    tx.insert_run(&mut run)?;
    jobs::begin(writing, account, asking, &run)?;
    for chunk in stale {
        writing.enqueue(chunk)?;
    }
    rule.run = (!done).then_some(run.no);
    rule.state = match asking {
        _ if done => AssignmentState::Enabled,
        Asking::Resources => AssignmentState::Submitting,
        Asking::Account | Asking::Nobody => AssignmentState::Evaluating,
    };
    if !done {
        writing.service.signal.wake_after_commit();
    }
    // What is asked for and ends at once leaves the rule as it was.
    if !is_current || rule != *compiled.rule {
        tx.update_rule(&rule)?;
    }
    Ok(rule)
}

/// Ends the run that is going on, if one is. The rule is not stored.
pub(crate) fn cancel(tx: &dyn WriteTx, rule: &mut PolicyAssignment, now: Timestamp) -> Result<()> {
    if let Some(no) = rule.run.take()
        && let Some(mut run) = tx.run(no)?
    {
        run.state = RunState::Cancelled;
        run.ended = Some(now);
        tx.update_run(&run)?;
    }
    Ok(())
}

/// What chunks add to a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    pub(crate) chunks: i64,
    /// Calls of a function that ended.
    pub(crate) calls: i64,
    pub(crate) judged: i64,
    pub(crate) undetermined: i64,
    pub(crate) reason: Option<String>,
}

impl Progress {
    pub(crate) fn add(&mut self, more: Self) {
        self.chunks += more.chunks;
        self.calls += more.calls;
        self.judged += more.judged;
        self.undetermined += more.undetermined;
        self.reason = self.reason.take().or(more.reason);
    }
}

/// Counts chunks that have come to the rule's mark; completes the run with the last one.
pub(crate) fn advance(
    tx: &dyn WriteTx,
    rule: RuleNo,
    progress: Progress,
    now: Timestamp,
) -> Result<()> {
    let Some(mut run) = running(tx, rule)? else { return Ok(()) };
    run.chunks_done += progress.chunks;
    run.calls_done += progress.calls;
    run.judged += progress.judged;
    run.undetermined += progress.undetermined;
    run.reason = run.reason.or(progress.reason);
    complete(tx, run, now)
}

/// The run of a rule that is going on: it is the last one.
fn running(tx: &dyn WriteTx, rule: RuleNo) -> Result<Option<EvaluationRun>> {
    Ok(tx.last_run(rule)?.filter(|run| run.state == RunState::Running))
}

/// A run of a custom rule made some of its calls, or the last of them.
pub(crate) fn made_calls(
    tx: &dyn WriteTx,
    rule: RuleNo,
    calls: i64,
    is_last: bool,
    now: Timestamp,
) -> Result<()> {
    let Some(mut run) = running(tx, rule)? else { return Ok(()) };
    run.calls += calls;
    if is_last {
        run.chunks_done = run.chunks;
        if let Some((_, mut rule)) = tx.rule(rule)? {
            rule.state = AssignmentState::Evaluating;
            tx.update_rule(&rule)?;
        }
    }
    complete(tx, run, now)
}

/// Stores a run; ends it where everything is done.
fn complete(tx: &dyn WriteTx, mut run: EvaluationRun, now: Timestamp) -> Result<()> {
    if run.chunks_done >= run.chunks && run.calls_done >= run.calls {
        let has_failed = run.calls > 0 && run.undetermined > 0;
        run.state = if has_failed { RunState::Failed } else { RunState::Succeeded };
        run.ended = Some(now);
        if let Some((_, mut rule)) = tx.rule(run.rule)? {
            rule.run = None;
            rule.state = AssignmentState::Enabled;
            tx.update_rule(&rule)?;
        }
    }
    tx.update_run(&run)
}

/// The chunks in a rule's scope that are not at its mark. None is where the mark moved just now.
fn stale_chunks(
    writing: &Writing<'_>,
    account: AccountNo,
    compiled: &CompiledRule,
    has_moved: bool,
) -> Result<Vec<ChunkNo>> {
    let (tx, mut stale) = (writing.tx, Vec::new());
    if compiled.scope.subject() == Subject::Account {
        account_chunk(writing, account)?;
    }
    let types = tx.types(account)?;
    let (mark, followed) = (compiled.rule.mark, compiled.followed(&types));
    for row in types {
        if !compiled.scope.covers_type(&row.resource_type) {
            continue;
        }
        every_chunk(tx, account, Some(row.no), |chunk| {
            let is_current = !has_moved
                && Planes::decode(tx.planes(chunk.no)?)?
                    .standing(compiled.no)
                    .is_some_and(|of| of.mark == mark && of.followed == followed);
            if !is_current {
                stale.push(chunk.no);
            }
            Ok(())
        })?;
    }
    Ok(stale)
}

/// The chunk of the account pseudo-resource (slot 0); made when it is first needed.
pub(crate) fn account_chunk(writing: &Writing<'_>, account: AccountNo) -> Result<ChunkNo> {
    let tx = writing.tx;
    let type_no = tx.ensure_type(account, &ResourceType::account())?;
    if let Some(chunk) = tx.last_chunk(account, type_no, true)? {
        return Ok(chunk.no);
    }
    let chunk = tx.insert_chunk(account, type_no, true)?;
    let mut edit = ChunkEdit::added(chunk)?;
    edit.planes.occupy(0);
    edit.chunk.used = 1;
    edit.chunk.live = 1;
    // Nothing counts, so no number moves.
    edit.flush(writing, |_| false, &mut Ledger::default())?;
    Ok(chunk.no)
}
