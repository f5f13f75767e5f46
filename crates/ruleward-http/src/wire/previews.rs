//! What a rule or a resource would lead to.

use ruleward_core::{Preview, PreviewedChange, ProactiveState};
use ruleward_types::ComplianceCounts;
use serde::Serialize;
use serde_json::Value;

/// What a rule would find, against what is stored.
#[derive(Debug, Serialize)]
pub(crate) struct PreviewAnswer<'a> {
    now: CountsAnswer,
    then: CountsAnswer,
    changed: u64,
    changes: Vec<ChangeAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct CountsAnswer {
    compliant: i64,
    non_compliant: i64,
    undetermined: i64,
}

#[derive(Debug, Serialize)]
struct ChangeAnswer<'a> {
    resource_id: &'a str,
    resource_name: &'a str,
    resource_type: &'a str,
    from: &'static str,
    to: &'static str,
}

impl From<&ComplianceCounts> for CountsAnswer {
    fn from(counts: &ComplianceCounts) -> Self {
        Self {
            compliant: counts.compliant,
            non_compliant: counts.non_compliant,
            undetermined: counts.undetermined,
        }
    }
}

impl<'a> From<&'a PreviewedChange> for ChangeAnswer<'a> {
    fn from(change: &'a PreviewedChange) -> Self {
        Self {
            resource_id: &change.resource_id,
            resource_name: &change.resource_name,
            resource_type: &change.resource_type,
            from: change.from,
            to: change.to,
        }
    }
}

impl<'a> From<&'a Preview> for PreviewAnswer<'a> {
    fn from(preview: &'a Preview) -> Self {
        Self {
            now: (&preview.now).into(),
            then: (&preview.then).into(),
            changed: preview.changed,
            changes: preview.changes.iter().map(ChangeAnswer::from).collect(),
        }
    }
}

/// What the rules would find on a resource.
#[derive(Debug, Serialize)]
pub(crate) struct ProactiveAnswer<'a> {
    value: Vec<ProactiveStateAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct ProactiveStateAnswer<'a> {
    policy_assignment_id: &'a str,
    policy_assignment_name: &'a str,
    compliance_state: &'static str,
    explanation: &'a Value,
}

impl<'a> From<&'a [ProactiveState]> for ProactiveAnswer<'a> {
    fn from(states: &'a [ProactiveState]) -> Self {
        let row = |state: &'a ProactiveState| ProactiveStateAnswer {
            policy_assignment_id: state.policy_assignment.id.as_str(),
            policy_assignment_name: &state.policy_assignment.name,
            compliance_state: state.state,
            explanation: &state.explanation,
        };
        Self { value: states.iter().map(row).collect() }
    }
}
