//! Evaluations that somebody asks for.

use std::sync::Arc;

use ruleward_store::ReadTx;
use ruleward_types::{
    AssignmentKind, AssignmentState, Error, ErrorCode, EvaluationRun, PolicyAssignment,
    PolicyAssignmentId, Result, RunState, RunTrigger,
};

use crate::Service;
use crate::access::Access;
use crate::causes::CauseKind;
use crate::evaluation::runs;
use crate::functions::jobs::nobody;
use crate::functions::resolve::function_of;
use crate::policy_assignments::{not_found, recorder_is_on, stored};

impl Service {
    /// Starts a run of a rule; joins the one that is going on.
    ///
    /// What a rule reads only of the resource itself is judged with every change, so its run
    /// finds nothing to do and is complete at once.
    pub fn run_evaluation(
        self: &Arc<Self>,
        access: &Access,
        id: &PolicyAssignmentId,
    ) -> Result<()> {
        let (account, id) = (access.account(), id.clone());
        self.write_by(access, CauseKind::Evaluation, move |writing| {
            let mut rule = stored(writing, account, &id)?;
            recorder_is_on(writing, account)?;
            match rule.state {
                AssignmentState::Disabled => return Err(Error::new(ErrorCode::RuleDisabled)),
                AssignmentState::Evaluating | AssignmentState::Submitting => return Ok(()),
                AssignmentState::Enabled => {}
            }
            let mut compiled = writing.compiled(account, rule)?;
            if compiled.volatile && compiled.rule.kind == AssignmentKind::Builtin {
                rule = Arc::unwrap_or_clone(compiled.rule);
                rule.mark = rule.mark.wrapping_add(1);
                compiled = writing.compiled(account, rule)?;
                writing.tx.bump_rules_version(account)?;
            }
            runs::start(writing, account, &compiled, RunTrigger::Manual).map(drop)
        })
    }

    /// A rule's last run; 404 before there was any.
    pub fn evaluation_state(
        &self,
        access: &Access,
        id: &PolicyAssignmentId,
    ) -> Result<(PolicyAssignment, EvaluationRun)> {
        self.read(|tx| {
            let rule = tx.rule_by_id(access.account(), id)?.ok_or_else(not_found)?;
            let mut run = tx.last_run(rule.no)?.ok_or_else(|| {
                Error::with(ErrorCode::NotFound, "The policy assignment was not evaluated yet.")
            })?;
            if rule.kind == AssignmentKind::Custom {
                tell_failures(tx, access, &rule, &mut run)?;
            }
            Ok((rule, run))
        })
    }
}

/// What of a custom rule failed as it stands now, also in calls that a change of a resource caused.
fn tell_failures(
    tx: &dyn ReadTx,
    access: &Access,
    rule: &PolicyAssignment,
    run: &mut EvaluationRun,
) -> Result<()> {
    if !matches!(run.state, RunState::Succeeded | RunState::Failed) {
        return Ok(());
    }
    if function_of(tx, access.account(), rule)?.is_none() {
        let urn = rule.custom_policy.as_ref().map_or("", |custom| &custom.function_urn);
        run.state = RunState::Failed;
        run.reason = Some(nobody(urn));
        return Ok(());
    }
    let Some(dead) = tx.dead_function_job_of(rule.no)? else {
        run.state = RunState::Succeeded;
        run.reason = None;
        return Ok(());
    };
    let count = tx.function_job_counts(Some(rule.no))?.dead;
    let words = dead.words.unwrap_or_default();
    run.state = RunState::Failed;
    run.reason = Some(format!(
        "The function failed for {count} of the resources, whose compliance is undetermined; \
         one after {} calls: {words}",
        dead.attempts
    ));
    Ok(())
}
