//! Policy assignments: making, changing, switching and removing rules.

use std::sync::Arc;

use ruleward_policy::{Catalogue, PolicyDefinition};
use ruleward_store::WriteTx;
use ruleward_types::ids::hex;
use ruleward_types::{
    AccountNo, AssignmentKind, AssignmentState, CustomPolicy, Error, ErrorCode, Period,
    PolicyAssignment, PolicyAssignmentId, PolicyFilter, PolicyFilterV2, ResourceKey, Result,
    RuleNo, RunTrigger, Tag, Timestamp, TriggerType,
};
use serde_json::{Map, Value};

use crate::Service;
use crate::access::Access;
use crate::evaluation::chunk_edit::{ChunkEdit, counted, edit_chunks};
use crate::evaluation::planes::{Verdict, plane_no};
use crate::evaluation::rule_set::CompiledRule;
use crate::evaluation::runs;
use crate::evaluation::view;
use crate::hashing::sha256;
use crate::page::{Collector, Cursor, Page, Paged};
use crate::schedule;
use crate::service::Writing;

/// A rule to be made.
#[derive(Debug, Clone)]
pub struct NewPolicyAssignment {
    /// Whose policy it binds.
    pub kind: AssignmentKind,
    /// Unique in the account.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// The filter of the first form.
    pub filter: PolicyFilter,
    /// The filter of the second form.
    pub filter_v2: Option<PolicyFilterV2>,
    /// How often it runs.
    pub period: Option<Period>,
    /// The predefined policy, for builtin rules.
    pub policy_definition_id: Option<String>,
    /// The function, for custom rules.
    pub custom_policy: Option<CustomPolicy>,
    /// Values by parameter name.
    pub parameters: Map<String, Value>,
    /// Its own tags.
    pub tags: Vec<Tag>,
}

/// A change of a rule. What has no "absent" is replaced.
#[derive(Debug, Clone)]
pub struct PolicyAssignmentUpdate {
    /// Whose policy it binds; cannot change. Absent: builtin.
    pub kind: Option<AssignmentKind>,
    /// Absent: kept.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// The filter of the first form.
    pub filter: PolicyFilter,
    /// Absent: kept. `Some(None)`: removed.
    pub filter_v2: Option<Option<PolicyFilterV2>>,
    /// How often it runs.
    pub period: Option<Period>,
    /// The predefined policy; cannot change. Absent: kept.
    pub policy_definition_id: Option<String>,
    /// The function; absent: kept.
    pub custom_policy: Option<CustomPolicy>,
    /// Values by parameter name.
    pub parameters: Map<String, Value>,
    /// Absent: kept.
    pub tags: Option<Vec<Tag>>,
}

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
        let made = self.write(move |writing| {
            recorder_is_on(writing, account)?;
            if writing.tx.rule_counts(account)?.len() >= quota {
                let words =
                    format!("The account has reached its quota of {quota} policy assignments.");
                return Err(Error::with(ErrorCode::QuotaExceeded, words));
            }
            writing.tx.insert_rule(account, &mut rule)?;
            writing.tx.bump_rules_version(account)?;
            schedule::plan(writing, &rule)?;
            let compiled = CompiledRule::new(rule, writing.service.catalogue)?;
            runs::start(writing.tx, account, &compiled, RunTrigger::Created, writing.now)
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
        let updated = self.write(move |writing| {
            recorder_is_on(writing, account)?;
            let stored = stored(writing, account, &id)?;
            let service = writing.service;
            let definition =
                service.definition_for(stored.kind, stored.policy_definition_id.as_deref())?;
            let rule = merge(stored.clone(), update, definition, writing)?;
            let changes_verdicts = rule.revision != stored.revision;
            writing.tx.update_rule(&rule)?;
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
    ) -> Result<Paged<PolicyAssignment>> {
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
        let enabled = self.write(move |writing| {
            recorder_is_on(writing, account)?;
            let mut rule = stored(writing, account, &id)?;
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
        self.write(move |writing| {
            let mut rule = stored(writing, account, &id)?;
            if !rule.judges() {
                return Ok(());
            }
            runs::cancel(writing.tx, &mut rule, writing.now)?;
            rule.state = AssignmentState::Disabled;
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
        self.write(move |writing| {
            let mut rule = stored(writing, account, &id)?;
            if rule.state == AssignmentState::Enabled {
                return Err(Error::new(ErrorCode::RuleNotDisabled));
            }
            runs::cancel(writing.tx, &mut rule, writing.now)?;
            let no = plane_no(rule.no);
            let set = writing.rule_set(account)?;
            edit_chunks(writing.tx, account, counted(&set), counted(&set), |edit| {
                edit.planes.drop_rule(no);
                Ok(())
            })?;
            writing.tx.delete_rule(rule.no)?;
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
            let outdated = |rule: &PolicyAssignment| {
                self.definition_for(rule.kind, rule.policy_definition_id.as_deref())
                    .is_ok_and(|definition| revision(rule, definition) != rule.revision)
            };
            let rules = self.read(|tx| tx.rules(account.no))?;
            if !rules.iter().any(outdated) {
                continue;
            }
            self.write(move |writing| {
                for mut rule in writing.tx.rules(account.no)? {
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
                    rule.revision = revision;
                    rule.mark = rule.mark.wrapping_add(1);
                    writing.tx.update_rule(&rule)?;
                    writing.tx.bump_rules_version(account.no)?;
                    if rule.judges() && account.recorder.enabled {
                        rejudge(writing, account.no, rule, RunTrigger::PolicyUpgraded)?;
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// A new rule, checked, not stored.
pub(crate) fn checked(
    new: NewPolicyAssignment,
    catalogue: &Catalogue,
    created: Timestamp,
) -> Result<PolicyAssignment> {
    let definition = definition_for(catalogue, new.kind, new.policy_definition_id.as_deref())?;
    let trigger = trigger_of(definition, new.period);
    let mut rule = PolicyAssignment {
        no: RuleNo(0),
        id: PolicyAssignmentId::new(created)?,
        kind: new.kind,
        name: new.name,
        description: new.description,
        filter: new.filter,
        filter_v2: new.filter_v2,
        period: new.period.or_else(|| default_period(trigger)),
        trigger,
        state: AssignmentState::Enabled,
        created,
        updated: created,
        policy_definition_id: definition.map(|definition| definition.id.clone()),
        custom_policy: (new.kind == AssignmentKind::Custom).then_some(new.custom_policy).flatten(),
        parameters: new.parameters,
        tags: new.tags,
        created_by: "custom".to_owned(),
        revision: String::new(),
        mark: 1,
        run: None,
    };
    check(&rule, definition)?;
    rule.revision = revision(&rule, definition);
    Ok(rule)
}

/// The definition that a rule of this kind binds.
fn definition_for<'a>(
    catalogue: &'a Catalogue,
    kind: AssignmentKind,
    id: Option<&str>,
) -> Result<Option<&'a PolicyDefinition>> {
    if kind == AssignmentKind::Custom {
        return Ok(None);
    }
    let id = id.ok_or_else(|| {
        Error::invalid("policy_definition_id is needed for a builtin policy assignment")
    })?;
    catalogue.get(id).map(Some).ok_or_else(|| {
        let words = format!("No policy definition has the id `{id}`.");
        Error::with(ErrorCode::DefinitionUnknown, words)
    })
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

/// Refuses with the documented code where the recorder is off.
pub(crate) fn recorder_is_on(writing: &Writing<'_>, account: AccountNo) -> Result<()> {
    match writing.tx.account(account)? {
        Some(account) if account.recorder.enabled => Ok(()),
        _ => Err(Error::new(ErrorCode::RecorderOff)),
    }
}

/// Whether the same rule and resource can get another verdict later.
fn is_volatile(definition: Option<&PolicyDefinition>) -> bool {
    definition.is_some_and(|definition| {
        let policy = &definition.policy;
        policy.reads_clock() || policy.reads_recorder() || !policy.looks_up().is_empty()
    })
}

fn trigger_of(definition: Option<&PolicyDefinition>, period: Option<Period>) -> TriggerType {
    match definition.map(|definition| definition.trigger_type) {
        Some(ruleward_policy::TriggerType::Period) => TriggerType::Period,
        None if period.is_some() => TriggerType::Period,
        Some(ruleward_policy::TriggerType::Resource) | None => TriggerType::Resource,
    }
}

/// A periodic policy without a period runs daily.
fn default_period(trigger: TriggerType) -> Option<Period> {
    (trigger == TriggerType::Period).then_some(Period::TwentyFourHours)
}

fn check(rule: &PolicyAssignment, definition: Option<&PolicyDefinition>) -> Result<()> {
    if let Some(definition) = definition {
        definition.bind_parameters(&rule.parameters).map_err(|e| {
            let words = format!("Parameter `{}`: {}.", e.parameter, e.message);
            Error::with(ErrorCode::ParameterIllegal, words)
        })?;
    } else if rule.custom_policy.is_none() {
        return Err(Error::invalid("custom_policy is needed for a custom policy assignment"));
    }
    Ok(())
}

/// A hash over all that can change a verdict.
fn revision(rule: &PolicyAssignment, definition: Option<&PolicyDefinition>) -> String {
    let meaning = serde_json::json!([
        rule.filter,
        rule.filter_v2,
        rule.parameters,
        rule.trigger,
        rule.custom_policy,
        definition.map(|definition| &definition.content_hash),
    ]);
    let digest = sha256(meaning.to_string().as_bytes());
    hex(digest.first_chunk::<16>().map_or(&[], |half| half.as_slice()))
}

fn merge(
    stored: PolicyAssignment,
    update: PolicyAssignmentUpdate,
    definition: Option<&PolicyDefinition>,
    writing: &Writing<'_>,
) -> Result<PolicyAssignment> {
    if update.kind.unwrap_or(AssignmentKind::Builtin) != stored.kind {
        let words = "policy_assignment_type cannot be changed.";
        return Err(Error::with(ErrorCode::RuleImmutable, words));
    }
    if update.policy_definition_id.is_some()
        && update.policy_definition_id != stored.policy_definition_id
    {
        let words = "policy_definition_id cannot be changed.";
        return Err(Error::with(ErrorCode::RuleImmutable, words));
    }
    let trigger = trigger_of(definition, update.period);
    let mut rule = PolicyAssignment {
        name: update.name.unwrap_or(stored.name),
        description: update.description,
        filter: update.filter,
        filter_v2: update.filter_v2.unwrap_or(stored.filter_v2),
        period: update.period.or_else(|| default_period(trigger)),
        trigger,
        updated: writing.now,
        custom_policy: if stored.kind == AssignmentKind::Custom {
            update.custom_policy.or(stored.custom_policy)
        } else {
            None
        },
        parameters: update.parameters,
        tags: update.tags.unwrap_or(stored.tags),
        ..stored
    };
    check(&rule, definition)?;
    rule.revision = revision(&rule, definition);
    Ok(rule)
}

/// Brings the chunks to a rule that was changed or enabled: planes of types that left its
/// scope go at once, all others are judged by tickets.
fn rejudge(
    writing: &Writing<'_>,
    account: AccountNo,
    rule: PolicyAssignment,
    trigger: RunTrigger,
) -> Result<PolicyAssignment> {
    let compiled = CompiledRule::new(rule, writing.service.catalogue)?;
    writing.tx.update_rule(&compiled.rule)?;
    let set = writing.rule_set(account)?;
    let covered: Vec<_> = writing
        .tx
        .types(account)?
        .into_iter()
        .filter(|row| compiled.scope.covers_type(&row.resource_type))
        .map(|row| row.no)
        .collect();
    edit_chunks(writing.tx, account, counted(&set), counted(&set), |edit| {
        if !covered.contains(&edit.chunk.type_no) {
            edit.planes.drop_rule(compiled.no);
        } else if compiled.rule.kind == AssignmentKind::Custom {
            drop_out_of_scope(writing.tx, edit, &compiled)?;
        }
        Ok(())
    })?;
    runs::start(writing.tx, account, &compiled, trigger, writing.now)
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
            edit.planes.rule_mut(compiled.no).set(slot, Verdict::OutOfScope);
            tx.delete_reported_results(key, Some(compiled.rule.no))?;
        }
    }
    Ok(())
}

/// Stores a rule that was switched and moves the account's numbers accordingly.
fn recount(writing: &Writing<'_>, account: AccountNo, rule: &PolicyAssignment) -> Result<()> {
    let (no, judges) = (plane_no(rule.no), rule.judges());
    let before = writing.rule_set(account)?;
    writing.tx.update_rule(rule)?;
    writing.tx.bump_rules_version(account)?;
    edit_chunks(
        writing.tx,
        account,
        counted(&before),
        |other| if other == no { judges } else { before.counts(other) },
        |_| Ok(()),
    )
}
