//! One account in a write job: its rules are made, changed and removed, and what was judged ahead
//! is written with them.

use std::sync::Arc;

use ruleward_store::Chunk;
use ruleward_types::{
    Account, AccountNo, AssignmentState, DeploymentFailure, DeploymentState, ErrorCode,
    EvaluationRun, MemberState, OrganizationDeployment, OrganizationNo, PolicyAssignment,
    PolicyAssignmentId, Result, RunNo, RunState, RunTrigger, Timestamp, TriggerType,
};

use super::ahead::{Ahead, AheadRule, wanted_rule};
use super::{Rules, Wanted, Work};
use crate::evaluation::chunk_edit::{ChunkEdit, counted, edit_chunks};
use crate::evaluation::ledger::Ledger;
use crate::evaluation::planes::{Planes, plane_no};
use crate::evaluation::rule_set::RuleSet;
use crate::evaluation::runs;
use crate::organization_policy_assignments::{forget_removed, retry_at};
use crate::policy_assignments::rejudge;
use crate::schedule;
use crate::service::Writing;

/// A rule that was stored and whose verdicts are at hand.
struct Judged {
    no: u32,
    is_new: bool,
    ahead: AheadRule,
}

/// What is done to one account.
struct Bringing<'a, 'b> {
    writing: &'a Writing<'b>,
    account: Account,
    /// The rules before any of it; read when they are first needed.
    before: Option<Arc<RuleSet>>,
    ahead: Option<Ahead>,
    /// Rules of the account; counted when the number is first needed.
    standing: Option<usize>,
    removed: Vec<u32>,
    judged: Vec<Judged>,
    /// Rules that are stored and get tickets.
    unjudged: Vec<(PolicyAssignment, RunTrigger)>,
    changed: bool,
}

/// Brings an account's rules to what its organization wants.
pub(super) fn bring(
    writing: &Writing<'_>,
    rules: &mut Rules,
    work: Work,
    now: Timestamp,
) -> Result<()> {
    let tx = writing.tx;
    let Some(account) = tx.account(work.account)? else { return Ok(()) };
    let mut bringing = Bringing::new(writing, account, work.ahead)?;
    let mut states: Vec<(OrganizationNo, Option<MemberState>)> = Vec::new();
    let mut forgotten = Vec::new();
    for no in work.deployments {
        let Some(deployment) = tx.deployment(no)? else { continue };
        if deployment.due.is_none_or(|due| due > now) {
            continue;
        }
        let Some(wanted) = rules.get(tx, writing.service, deployment.rule)? else { continue };
        let organization = wanted.organization.no;
        let known = states.iter().find(|(known, _)| *known == organization).copied();
        let (_, state) = if let Some(known) = known {
            known
        } else {
            let read = (organization, member_state(writing, organization, work.account)?);
            states.push(read);
            read
        };
        if !bringing.one(deployment, &wanted, state)? {
            forgotten.push(wanted);
        }
    }
    bringing.finish()?;
    for wanted in forgotten.into_iter().filter(|wanted| wanted.rule.is_deleted()) {
        forget_removed(writing, wanted.rule.no)?;
    }
    Ok(())
}

/// How an account stands to an organization, if it has joined.
fn member_state(
    writing: &Writing<'_>,
    organization: OrganizationNo,
    account: AccountNo,
) -> Result<Option<MemberState>> {
    let member = writing.tx.organization_member(organization, account)?;
    Ok(member.filter(ruleward_types::OrganizationMember::has_joined).map(|member| member.state))
}

impl<'a, 'b> Bringing<'a, 'b> {
    fn new(writing: &'a Writing<'b>, account: Account, ahead: Option<Ahead>) -> Result<Self> {
        // Somebody changed rules or resources since the snapshot: what was judged is of no use.
        let ahead = match ahead {
            Some(ahead) if ahead.rules_version == account.rules_version => {
                let now = writing.tx.chunks(account.no, None, None, ahead.chunks.len() + 1)?;
                (now == ahead.chunks).then_some(ahead)
            }
            _ => None,
        };
        Ok(Self {
            writing,
            account,
            before: None,
            ahead,
            standing: None,
            removed: Vec::new(),
            judged: Vec::new(),
            unjudged: Vec::new(),
            changed: false,
        })
    }

    /// Brings one deployment where it should be; false if it is gone then.
    fn one(
        &mut self,
        deployment: OrganizationDeployment,
        wanted: &Wanted,
        member: Option<MemberState>,
    ) -> Result<bool> {
        let standing = match &deployment.assignment {
            Some((no, _)) => self.writing.tx.rule(*no)?.map(|(_, rule)| rule),
            None => None,
        };
        let stays = !wanted.rule.is_deleted()
            && member.is_some()
            && !wanted.rule.excludes(&self.account.domain_id);
        if !stays {
            if let Some(standing) = standing {
                self.remove(standing)?;
            }
            self.writing.tx.delete_deployment(deployment.no)?;
            return Ok(false);
        }
        let outcome = if member == Some(MemberState::Suspended) {
            Err(ErrorCode::MemberSuspended.into())
        } else if self.account.recorder.enabled {
            match &wanted.template {
                Ok(template) => self.store(&deployment, template, standing.as_ref())?,
                Err(failure) => Err(failure.clone()),
            }
        } else {
            Err(ErrorCode::RecorderOff.into())
        };
        self.note(deployment, standing, outcome)?;
        Ok(true)
    }

    /// Writes what became of a deployment.
    fn note(
        &self,
        deployment: OrganizationDeployment,
        standing: Option<PolicyAssignment>,
        outcome: Result<PolicyAssignment, DeploymentFailure>,
    ) -> Result<()> {
        let now = self.writing.now;
        let mut done = OrganizationDeployment { updated: now, ..deployment };
        match outcome {
            Ok(rule) => {
                done.status.state = DeploymentState::Successful;
                done.assignment = Some((rule.no, rule.id));
                done.failure = None;
                done.attempts = 0;
                done.due = None;
            }
            Err(failure) => {
                done.status.state = DeploymentState::Failed;
                done.assignment = standing.map(|rule| (rule.no, rule.id));
                done.failure = Some(failure);
                done.due = Some(retry_at(now, done.attempts));
                done.attempts += 1;
            }
        }
        self.writing.tx.update_deployment(&done)
    }

    /// The account's rules before this.
    fn before(&mut self) -> Result<Arc<RuleSet>> {
        if let Some(known) = &self.before {
            return Ok(Arc::clone(known));
        }
        let read = self.writing.rule_set(self.account.no)?;
        self.before = Some(Arc::clone(&read));
        Ok(read)
    }

    fn remove(&mut self, mut rule: PolicyAssignment) -> Result<()> {
        self.before()?;
        runs::cancel(self.writing.tx, &mut rule, self.writing.now)?;
        self.writing.delete_rule(self.account.no, rule.no)?;
        self.removed.push(plane_no(rule.no));
        self.standing = self.standing.map(|standing| standing.saturating_sub(1));
        self.changed = true;
        Ok(())
    }

    /// Makes or changes the member's rule; the inner error is what keeps it from being so.
    fn store(
        &mut self,
        deployment: &OrganizationDeployment,
        template: &PolicyAssignment,
        standing: Option<&PolicyAssignment>,
    ) -> Result<Result<PolicyAssignment, DeploymentFailure>> {
        let mut rule = wanted_rule(template, standing);
        if standing.is_some_and(|standing| *standing == rule) {
            return Ok(Ok(rule));
        }
        self.before()?;
        let stored = if standing.is_some() {
            self.writing.update_rule(self.account.no, &rule)
        } else {
            if let Some(failure) = self.quota()? {
                return Ok(Err(failure));
            }
            rule.id = PolicyAssignmentId::new(self.writing.now)?;
            rule.created = self.writing.now;
            self.writing.insert_rule(self.account.no, &mut rule)
        };
        match stored {
            Ok(()) => {}
            Err(error) if error.code() == ErrorCode::DuplicateName => {
                let message = format!("The account has another rule named `{}`.", rule.name);
                let failure = DeploymentFailure::from(&error);
                return Ok(Err(DeploymentFailure { message, ..failure }));
            }
            Err(error) => return Err(error),
        }
        if standing.is_none() {
            self.standing = self.standing.map(|standing| standing + 1);
        }
        if rule.trigger == TriggerType::Period || standing.is_some() {
            schedule::plan(self.writing, &rule)?;
        }
        let changes_verdicts = standing.is_none_or(|standing| standing.revision != rule.revision);
        if changes_verdicts {
            self.changed = true;
            self.judge(deployment, &mut rule, standing.is_none())?;
        }
        Ok(Ok(rule))
    }

    /// Takes the verdicts that are at hand, else leaves the rule to tickets.
    fn judge(
        &mut self,
        deployment: &OrganizationDeployment,
        rule: &mut PolicyAssignment,
        is_new: bool,
    ) -> Result<()> {
        let trigger = if is_new { RunTrigger::Created } else { RunTrigger::Updated };
        let taken = self.ahead.as_mut().and_then(|ahead| ahead.take(deployment.no, rule));
        let Some(ahead) = taken else {
            self.unjudged.push((rule.clone(), trigger));
            return Ok(());
        };
        let (tx, now) = (self.writing.tx, self.writing.now);
        if !is_new {
            runs::cancel(tx, rule, now)?;
            rule.state = AssignmentState::Enabled;
            tx.update_rule(rule)?;
        }
        let chunks = i64::try_from(ahead.found.len()).unwrap_or(i64::MAX);
        let progress: Vec<_> = ahead.found.iter().map(|(_, found)| found.progress()).collect();
        let mut run = EvaluationRun {
            no: RunNo(0),
            rule: rule.no,
            trigger,
            state: RunState::Succeeded,
            started: now,
            ended: Some(now),
            chunks,
            chunks_done: chunks,
            calls: 0,
            calls_done: 0,
            judged: progress.iter().map(|of| of.judged).sum(),
            undetermined: progress.iter().map(|of| of.undetermined).sum(),
            reason: progress.iter().find_map(|of| of.reason.clone()),
        };
        tx.insert_run(&mut run)?;
        self.judged.push(Judged { no: plane_no(rule.no), is_new, ahead });
        Ok(())
    }

    fn quota(&mut self) -> Result<Option<DeploymentFailure>> {
        let quota = self.writing.service.options.policy_assignment_quota;
        let standing = match self.standing {
            Some(standing) => standing,
            None => self.writing.tx.rule_counts(self.account.no)?.len(),
        };
        self.standing = Some(standing);
        let words = || format!("The account has reached its quota of {quota} policy assignments.");
        Ok((standing >= quota)
            .then(|| DeploymentFailure { message: words(), ..ErrorCode::QuotaExceeded.into() }))
    }

    /// Writes the planes, moves the version, and starts the runs of what is left to tickets.
    fn finish(mut self) -> Result<()> {
        if !self.changed {
            return Ok(());
        }
        self.write_planes()?;
        let (writing, account) = (self.writing, self.account.no);
        writing.tx.bump_rules_version(account)?;
        if !self.removed.is_empty() {
            // A name or a place in the quota is free that another deployment may wait for.
            writing.tx.retry_deployments(account)?;
        }
        for (rule, trigger) in self.unjudged {
            if trigger == RunTrigger::Created {
                let compiled = writing.compiled(self.account.no, rule)?;
                runs::start(writing, account, &compiled, trigger)?;
            } else {
                rejudge(writing, account, rule, trigger)?;
            }
        }
        Ok(())
    }

    /// One pass over the chunks for everything that was removed or judged.
    fn write_planes(&mut self) -> Result<()> {
        if self.removed.is_empty() && self.judged.is_empty() {
            return Ok(());
        }
        let before = self.before()?;
        let (removed, judged) = (&self.removed, &mut self.judged);
        let numbers: Vec<u32> =
            removed.iter().copied().chain(judged.iter().map(|of| of.no)).collect();
        let new: Vec<u32> = judged.iter().filter(|of| of.is_new).map(|of| of.no).collect();
        let counted_after = |no: u32| before.counts(no) || new.contains(&no);
        let (tx, account, now) = (self.writing.tx, self.account.no, self.writing.now);
        let mut edit = |edit: &mut ChunkEdit| {
            for no in removed {
                edit.planes.drop_rule(*no);
            }
            for of in judged.iter_mut() {
                let of_chunk = |(no, _): &(_, _)| *no == edit.chunk.no;
                let Some(place) = of.ahead.found.iter().position(of_chunk) else {
                    edit.planes.drop_rule(of.no);
                    continue;
                };
                let (_, mut found) = of.ahead.found.swap_remove(place);
                found.planes.rule = of.no;
                edit.planes.put(found.planes);
            }
            Ok(())
        };
        let Some(ahead) = self.ahead.take() else {
            let wanted = |_: &Chunk, planes: &Planes| {
                numbers.iter().any(|no| planes.standing(*no).is_some())
            };
            return edit_chunks(
                self.writing,
                account,
                wanted,
                counted(&before),
                counted_after,
                edit,
            );
        };
        let (mut built, mut ledger) = (ahead.built, Ledger::default());
        for chunk in ahead.chunks {
            let mut editing = ChunkEdit::load(tx, chunk.no)?;
            edit(&mut editing)?;
            if let Some(place) = built.iter().position(|(no, _)| *no == chunk.no) {
                // The chunk is that of the snapshot: nothing moved since.
                built.swap_remove(place).1.store(tx, &mut editing.chunk, &[])?;
            }
            editing.flush_recounted(self.writing, counted(&before), counted_after, &mut ledger)?;
        }
        ledger.write(tx, now)
    }
}
