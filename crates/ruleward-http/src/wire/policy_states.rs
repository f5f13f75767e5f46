//! Verdicts: what a function reports, and what shows a verdict.

use ruleward_core::ReportedState;
use ruleward_types::{ComplianceState, Error, PolicyState, Result, TriggerType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Object;
use crate::validation::{RESOURCE_ID, one_of, required};

const TRIGGERS: &[(TriggerType, &str)] =
    &[(TriggerType::Resource, "resource"), (TriggerType::Period, "period")];

/// The body of `UpdatePolicyState`.
#[derive(Debug, Deserialize)]
pub(crate) struct PolicyStateRequest {
    policy_resource: Option<Object<PolicyResource>>,
    trigger_type: Option<String>,
    compliance_state: Option<String>,
    policy_assignment_id: Option<String>,
    evaluation_time: Option<Value>,
    evaluation_hash: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PolicyResource {
    #[serde(rename = "resource_id")]
    id: Option<String>,
    #[serde(rename = "resource_provider")]
    provider: Option<String>,
    #[serde(rename = "resource_type")]
    type_name: Option<String>,
}

impl PolicyStateRequest {
    pub(crate) fn into_reported(self) -> Result<ReportedState> {
        let Object(resource) = required("policy_resource", self.policy_resource)?;
        RESOURCE_ID.check_optional("resource_id", resource.id.as_deref())?;
        let trigger = required("trigger_type", self.trigger_type)?;
        let state = required("compliance_state", self.compliance_state)?;
        let time = required("evaluation_time", self.evaluation_time)?;
        Ok(ReportedState {
            policy_assignment_id: required("policy_assignment_id", self.policy_assignment_id)?
                .parse()?,
            trigger_type: one_of("trigger_type", &trigger, TRIGGERS)?,
            compliance_state: ComplianceState::parse(&state)?,
            evaluation_time_ms: milliseconds(&time)?,
            evaluation_hash: required("evaluation_hash", self.evaluation_hash)?,
            resource_id: resource.id,
            resource_provider: resource.provider,
            resource_type: resource.type_name,
        })
    }
}

/// The definitions say string, the vendor's own example sends a number: both are taken.
fn milliseconds(value: &Value) -> Result<i64> {
    match value {
        Value::String(digits) => digits.parse().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
    .filter(|time| *time >= 0)
    .ok_or_else(|| Error::invalid("`evaluation_time` is a number of milliseconds since 1970."))
}

/// A verdict as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct PolicyStateAnswer<'a> {
    domain_id: &'a str,
    region_id: Option<&'a str>,
    resource_id: &'a str,
    resource_name: Option<&'a str>,
    resource_provider: Option<&'a str>,
    resource_type: Option<&'a str>,
    trigger_type: &'static str,
    compliance_state: &'static str,
    policy_assignment_id: &'a str,
    policy_assignment_name: &'a str,
    policy_definition_id: Option<&'a str>,
    /// A string of digits: a number would break strict clients.
    evaluation_time: String,
}

impl<'a> From<&'a PolicyState> for PolicyStateAnswer<'a> {
    fn from(state: &'a PolicyState) -> Self {
        Self {
            domain_id: &state.domain_id,
            region_id: state.region_id.as_deref(),
            resource_id: &state.resource_id,
            resource_name: state.resource_name.as_deref(),
            resource_provider: state.resource_provider.as_deref(),
            resource_type: state.resource_type.as_deref(),
            trigger_type: state.trigger_type.wire(),
            compliance_state: state.compliance_state.wire(),
            policy_assignment_id: state.policy_assignment_id.as_str(),
            policy_assignment_name: &state.policy_assignment_name,
            policy_definition_id: state.policy_definition_id.as_deref(),
            evaluation_time: state.evaluation_time.ms().to_string(),
        }
    }
}
