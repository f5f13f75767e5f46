//! What a rule is made of before it is stored: its definition, its checks, its revision.

use ruleward_policy::{Catalogue, PolicyDefinition};
use ruleward_types::ids::hex;
use ruleward_types::{
    AssignmentKind, AssignmentState, CustomPolicy, Error, ErrorCode, Period, PolicyAssignment,
    PolicyAssignmentId, PolicyFilter, PolicyFilterV2, Result, RuleNo, Tag, Timestamp, TriggerType,
};
use serde_json::{Map, Value};

use crate::hashing::sha256;

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
pub(crate) fn definition_for<'a>(
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

/// Whether the same rule and resource can get another verdict later.
pub(crate) fn is_volatile(definition: Option<&PolicyDefinition>) -> bool {
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
        return Ok(());
    }
    let Some(custom) = &rule.custom_policy else {
        return Err(Error::invalid("custom_policy is needed for a custom policy assignment"));
    };
    if custom.function_urn.trim().is_empty() {
        return Err(Error::invalid(
            "function_urn names the function of a custom policy assignment",
        ));
    }
    Ok(())
}

/// A hash over all that can change a verdict.
pub(crate) fn revision(rule: &PolicyAssignment, definition: Option<&PolicyDefinition>) -> String {
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

pub(crate) fn merge(
    stored: PolicyAssignment,
    update: PolicyAssignmentUpdate,
    definition: Option<&PolicyDefinition>,
    now: Timestamp,
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
        updated: now,
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
