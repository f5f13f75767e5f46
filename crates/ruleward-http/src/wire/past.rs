//! What was compliant at a moment, and what changed between two.

use ruleward_core::{Cause, PastState, PastSubject, StateChange};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Subject<'a> {
    resource_id: &'a str,
    resource_name: &'a str,
    resource_provider: Option<&'a str>,
    resource_type: Option<&'a str>,
    region_id: &'a str,
}

impl<'a> From<&'a PastSubject> for Subject<'a> {
    fn from(subject: &'a PastSubject) -> Self {
        Self {
            resource_id: &subject.id,
            resource_name: &subject.name,
            resource_provider: subject.provider.as_deref(),
            resource_type: subject.type_name.as_deref(),
            region_id: &subject.region_id,
        }
    }
}

/// A verdict as it stood at a moment.
#[derive(Debug, Serialize)]
pub(crate) struct PastStateAnswer<'a> {
    #[serde(flatten)]
    resource: Subject<'a>,
    policy_assignment_id: &'a str,
    policy_assignment_name: &'a str,
    policy_definition_id: Option<&'a str>,
    compliance_state: &'static str,
}

impl<'a> From<&'a PastState> for PastStateAnswer<'a> {
    fn from(state: &'a PastState) -> Self {
        let rule = &state.policy_assignment;
        Self {
            resource: (&state.resource).into(),
            policy_assignment_id: rule.id.as_str(),
            policy_assignment_name: &rule.name,
            policy_definition_id: rule.policy_definition_id.as_deref(),
            compliance_state: state.state,
        }
    }
}

/// A verdict that changed.
#[derive(Debug, Serialize)]
pub(crate) struct StateChangeAnswer<'a> {
    #[serde(flatten)]
    resource: Subject<'a>,
    policy_assignment_id: &'a str,
    policy_assignment_name: &'a str,
    /// Null where the resource was not in scope, or not there.
    before: Option<&'static str>,
    after: Option<&'static str>,
    changed: String,
    cause: Option<&'a Cause>,
}

impl<'a> From<&'a StateChange> for StateChangeAnswer<'a> {
    fn from(change: &'a StateChange) -> Self {
        Self {
            resource: (&change.resource).into(),
            policy_assignment_id: change.policy_assignment.id.as_str(),
            policy_assignment_name: &change.policy_assignment.name,
            before: change.before,
            after: change.after,
            changed: change.at.to_wire(),
            cause: change.cause.as_ref(),
        }
    }
}
