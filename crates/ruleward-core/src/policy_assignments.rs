//! Policy assignments: making, changing, switching and removing rules.

use std::sync::Arc;

use ruleward_policy::PolicyDefinition;
use ruleward_store::WriteTx;
use ruleward_types::{
    AccountNo, AssignmentKind, AssignmentState, Error, ErrorCode, PolicyAssignment,
    PolicyAssignmentId, ResourceKey, Result, RunTrigger, TypeNo,
};

use crate::Service;
use crate::access::Access;
use crate::causes::CauseKind;
use crate::drafts::{
    NewPolicyAssignment, PolicyAssignmentUpdate, checked, definition_for, is_volatile, merge,
    revision,
};
use crate::evaluation::chunk_edit::{ChunkEdit, counted, edit_chunks};
use crate::evaluation::planes::{Verdict, plane_no};
use crate::evaluation::rule_set::CompiledRule;
use crate::evaluation::runs;
use crate::evaluation::view;
use crate::functions::jobs;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::schedule;
use crate::service::Writing;

/// What a list of rules is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct PolicyAssignmentQuery {
    /// Only the rule of this name.
    pub name: Option<String>,
    /// Only rules that bind this policy.
    pub policy_definition_id: Option<String>,
}

impl Service {
    /// Makes a rule and starts its first run.
    pub fn create_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        new: NewPolicyAssignment,
    ) -> Result<PolicyAssignment> {
        let mut rule = self.checked(new)?;
        let (account, quota) = (access.account(), self.options.policy_assignment_quota);
        let made = self.write_by(access, CauseKind::PolicyAssignment, move |writing| {
            recorder_is_on(writing, account)?;
            if writing.tx.rule_counts(account)?.len() >= quota {
                let words =
                    format!("The account has reached its quota of {quota} policy assignments.");
                return Err(Error::with(ErrorCode::QuotaExceeded, words));
            }
            writing.insert_rule(account, &mut rule)?;
            writing.tx.bump_rules_version(account)?;
            schedule::plan(writing, &rule)?;
            let compiled = writing.compiled(account, rule)?;
            runs::start(writing, account, &compiled, RunTrigger::Created)
        })?;
        self.settled(made)
    }

    /// Changes a rule and, where it is enabled, judges everything by it.
    pub fn update_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        id: &PolicyAssignmentId,
        update: PolicyAssignmentUpdate,
    ) -> Result<PolicyAssignment> {
        let account = access.account();
        let id = id.clone();
        let updated = self.write_by(access, CauseKind::PolicyAssignment, move |writing| {
            recorder_is_on(writing, account)?;
            let stored = own(writing, account, &id)?;
            let service = writing.service;
            let definition =
                service.definition_for(stored.kind, stored.policy_definition_id.as_deref())?;
            let rule = merge(stored.clone(), update, definition, writing.now)?;
            if rule.name != stored.name {
                // An organization may have waited for the name.
                writing.tx.retry_deployments(account)?;
            }
            let changes_verdicts = rule.revision != stored.revision;
            writing.update_rule(account, &rule)?;
            schedule::plan(writing, &rule)?;
            if !rule.judges() {
                return Ok(rule);
            }
            let mut rule = rule;
            if changes_verdicts || is_volatile(definition) {
                rule.mark = rule.mark.wrapping_add(1);
                writing.tx.bump_rules_version(account)?;
            }
            rejudge(writing, account, rule, RunTrigger::Updated)
        })?;
        self.settled(updated)
    }

    /// A rule.
    pub fn policy_assignment(
        &self,
        access: &Access,
        id: &PolicyAssignmentId,
    ) -> Result<PolicyAssignment> {
        self.read(|tx| tx.rule_by_id(access.account(), id))?.ok_or_else(not_found)
    }

    /// Rules, oldest first.
    pub fn policy_assignments(
        &self,
        access: &Access,
        query: &PolicyAssignmentQuery,
        page: Page,
    ) -> Result<Paged<Arc<PolicyAssignment>>> {
        let after = page.after.map_or(0, |Cursor(no, _)| no);
        let same = |wanted: &Option<String>, actual: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| actual == Some(wanted))
        };
        let mut found = Collector::new(page);
        for rule in self.read(|tx| tx.rules(access.account()))? {
            if rule.no.0 > after
                && same(&query.name, Some(&rule.name))
                && same(&query.policy_definition_id, rule.policy_definition_id.as_deref())
            {
                found.push(Cursor(rule.no.0, 0), rule);
            }
        }
        Ok(found.finish())
    }

    /// Switches a rule on and judges everything by it: nothing was while it was off.
    pub fn enable_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        id: &PolicyAssignmentId,
    ) -> Result<()> {
        let (account, id) = (access.account(), id.clone());
        let enabled = self.write_by(access, CauseKind::PolicyAssignment, move |writing| {
            recorder_is_on(writing, account)?;
            let mut rule = own(writing, account, &id)?;
            if rule.judges() {
                return Ok(rule);
            }
            rule.state = AssignmentState::Enabled;
            rule.mark = rule.mark.wrapping_add(1);
            recount(writing, account, &rule)?;
            schedule::plan(writing, &rule)?;
            rejudge(writing, account, rule, RunTrigger::Enabled)
        })?;
        self.settled(enabled).map(drop)
    }

    /// Switches a rule off. Its last states stay readable; they do not count.
    pub fn disable_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        id: &PolicyAssignmentId,
    ) -> Result<()> {
        let (account, id) = (access.account(), id.clone());
        self.write_by(access, CauseKind::PolicyAssignment, move |writing| {
            let mut rule = own(writing, account, &id)?;
            if !rule.judges() {
                return Ok(());
            }
            runs::cancel(writing.tx, &mut rule, writing.now)?;
            rule.state = AssignmentState::Disabled;
            jobs::drop_rule(writing.tx, &rule)?;
            recount(writing, account, &rule)?;
            schedule::plan(writing, &rule)
        })
    }

    /// Removes a rule with its states.
    pub fn delete_policy_assignment(
        self: &Arc<Self>,
        access: &Access,
        id: &PolicyAssignmentId,
    ) -> Result<()> {
        let (account, id) = (access.account(), id.clone());
        self.write_by(access, CauseKind::PolicyAssignment, move |writing| {
            let mut rule = own(writing, account, &id)?;
            if rule.state == AssignmentState::Enabled {
                return Err(Error::new(ErrorCode::RuleNotDisabled));
            }
            runs::cancel(writing.tx, &mut rule, writing.now)?;
            let no = plane_no(rule.no);
            let set = writing.rule_set(account)?;
            edit_chunks(
                writing,
                account,
                |_, head| head.rule(no).is_some(),
                counted(&set),
                counted(&set),
                |edit| {
                    edit.planes.drop_rule(no);
                    Ok(())
                },
            )?;
            writing.delete_rule(account, rule.no)?;
            // An organization may have waited for the name or the place.
            writing.tx.retry_deployments(account)?;
            writing.service.signal.wake_after_commit();
            writing.tx.bump_rules_version(account)
        })
    }

    /// A new rule, checked, not stored.
    pub(crate) fn checked(&self, new: NewPolicyAssignment) -> Result<PolicyAssignment> {
        checked(new, self.catalogue, self.tick())
    }

    fn definition_for(
        &self,
        kind: AssignmentKind,
        id: Option<&str>,
    ) -> Result<Option<&'static PolicyDefinition>> {
        definition_for(self.catalogue, kind, id)
    }

    /// Judges builtin rules anew whose policy changed with the program.
    pub(crate) fn upgrade_policies(self: &Arc<Self>) -> Result<()> {
        for account in self.read(|tx| tx.accounts())? {
            let outdated = |rule: &Arc<PolicyAssignment>| {
                self.definition_for(rule.kind, rule.policy_definition_id.as_deref())
                    .is_ok_and(|definition| revision(rule, definition) != rule.revision)
            };
            let rules = self.read(|tx| tx.rules(account.no))?;
            if !rules.iter().any(outdated) {
                continue;
            }
            self.write(move |writing| {
                let mut upgraded = Vec::new();
                for rule in writing.tx.rules(account.no)? {
                    // A policy that is gone is told before anything is judged.
                    let Ok(definition) = writing
                        .service
                        .definition_for(rule.kind, rule.policy_definition_id.as_deref())
                    else {
                        continue;
                    };
                    let revision = revision(&rule, definition);
                    if revision == rule.revision {
                        continue;
                    }
                    let mut rule = Arc::unwrap_or_clone(rule);
                    rule.revision = revision;
                    rule.mark = rule.mark.wrapping_add(1);
                    writing.update_rule(account.no, &rule)?;
                    if rule.judges() && account.recorder.enabled {
                        upgraded.push(writing.compiled(account.no, rule)?);
                    }
                }
                writing.tx.bump_rules_version(account.no)?;
                leave_types(writing, account.no, &upgraded)?;
                for rule in upgraded {
                    runs::start(writing, account.no, &rule, RunTrigger::PolicyUpgraded)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

pub(crate) fn not_found() -> Error {
    Error::with(ErrorCode::NotFound, "No policy assignment has this id.")
}

/// The rule as it stands in this transaction.
pub(crate) fn stored(
    writing: &Writing<'_>,
    account: AccountNo,
    id: &PolicyAssignmentId,
) -> Result<PolicyAssignment> {
    writing.tx.rule_by_id(account, id)?.ok_or_else(not_found)
}

/// The rule as it stands in this transaction, if the account itself may change it.
pub(crate) fn own(
    writing: &Writing<'_>,
    account: AccountNo,
    id: &PolicyAssignmentId,
) -> Result<PolicyAssignment> {
    let rule = stored(writing, account, id)?;
    match rule.organization_id() {
        None => Ok(rule),
        Some(organization) => Err(Error::with(
            ErrorCode::RuleDeployed,
            format!(
                "The organization {organization} deployed this policy assignment; only the \
                 account that made the organization rule can change it."
            ),
        )),
    }
}

/// Refuses with the documented code where the recorder is off.
pub(crate) fn recorder_is_on(writing: &Writing<'_>, account: AccountNo) -> Result<()> {
    match writing.tx.account(account)? {
        Some(account) if account.recorder.enabled => Ok(()),
        _ => Err(Error::new(ErrorCode::RecorderOff)),
    }
}

/// Brings the chunks to a rule that was changed or enabled: planes of types that left its
/// scope go at once, all others are judged by tickets.
pub(crate) fn rejudge(
    writing: &Writing<'_>,
    account: AccountNo,
    rule: PolicyAssignment,
    trigger: RunTrigger,
) -> Result<PolicyAssignment> {
    let compiled = writing.compiled(account, rule)?;
    writing.tx.update_rule(&compiled.rule)?;
    leave_types(writing, account, std::slice::from_ref(&compiled))?;
    runs::start(writing, account, &compiled, trigger)
}

/// Drops the planes of types that left the scope of some rules, in one pass over the chunks.
fn leave_types(writing: &Writing<'_>, account: AccountNo, rules: &[CompiledRule]) -> Result<()> {
    let set = writing.rule_set(account)?;
    let types = writing.tx.types(account)?;
    let covered: Vec<Vec<TypeNo>> = rules
        .iter()
        .map(|rule| {
            let covered = types.iter().filter(|row| rule.scope.covers_type(&row.resource_type));
            covered.map(|row| row.no).collect()
        })
        .collect();
    // Of a custom rule also resources of types that it still covers.
    let is_custom = |rule: &CompiledRule| rule.rule.kind == AssignmentKind::Custom;
    let of_type = |type_no: TypeNo| {
        let each =
            rules.iter().zip(&covered).map(move |(of, types)| (of, types.contains(&type_no)));
        each.filter(move |(of, is_covered)| is_custom(of) || !is_covered)
    };
    edit_chunks(
        writing,
        account,
        |chunk, planes| of_type(chunk.type_no).any(|(rule, _)| planes.standing(rule.no).is_some()),
        counted(&set),
        counted(&set),
        |edit| {
            for (rule, is_covered) in of_type(edit.chunk.type_no) {
                if is_covered {
                    drop_out_of_scope(writing.tx, edit, rule)?;
                } else {
                    edit.planes.drop_rule(rule.no);
                }
            }
            Ok(())
        },
    )
}

/// Nobody judges a custom rule's chunks anew, so what left its scope goes here.
fn drop_out_of_scope(
    tx: &dyn WriteTx,
    edit: &mut ChunkEdit,
    compiled: &CompiledRule,
) -> Result<()> {
    let Some(of) = edit.planes.rule(compiled.no) else { return Ok(()) };
    for slot in of.scope.iter_from(0).collect::<Vec<_>>() {
        let key = ResourceKey::new(edit.chunk.no, slot);
        let Some(stored) = tx.resource(key)? else { continue };
        if !compiled.scope.matches(&view::read(&stored.body)) {
            edit.planes.set(compiled.no, slot, Verdict::OutOfScope);
            tx.delete_reported_results(key, Some(compiled.rule.no))?;
        }
    }
    Ok(())
}

/// Stores a rule that was switched and moves the account's numbers accordingly.
fn recount(writing: &Writing<'_>, account: AccountNo, rule: &PolicyAssignment) -> Result<()> {
    let (no, judges) = (plane_no(rule.no), rule.judges());
    let before = writing.rule_set(account)?;
    writing.update_rule(account, rule)?;
    writing.tx.bump_rules_version(account)?;
    edit_chunks(
        writing,
        account,
        |_, head| head.rule(no).is_some(),
        counted(&before),
        |other| if other == no { judges } else { before.counts(other) },
        |_| Ok(()),
    )
}
