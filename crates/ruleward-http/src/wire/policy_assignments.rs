//! Rules: what create and update take, and what shows a rule.

use ruleward_core::{NewPolicyAssignment, PolicyAssignmentUpdate};
use ruleward_types::{
    AssignmentKind, CustomPolicy, Error, Period, PolicyAssignment, PolicyFilter, PolicyFilterV2,
    Result, Tag, limits,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::filters::{FilterRequest, FilterV2Request};
use super::tags::{TagRequest, check_tags};
use super::{Object, Patch};
use crate::validation::{NAME, POLICY_DEFINITION_ID, at_most, one_of, required, up_to};

const KINDS: &[(AssignmentKind, &str)] =
    &[(AssignmentKind::Builtin, "builtin"), (AssignmentKind::Custom, "custom")];
/// The only way to call a function that the wire knows.
const AUTH_TYPES: &[((), &str)] = &[((), "agency")];

/// The body of create and update.
#[derive(Debug, Deserialize)]
pub(crate) struct PolicyAssignmentRequest {
    policy_assignment_type: Option<String>,
    name: Option<String>,
    description: Option<String>,
    policy_filter: Option<Object<FilterRequest>>,
    #[serde(default)]
    policy_filter_v2: Patch<Object<FilterV2Request>>,
    period: Option<String>,
    policy_definition_id: Option<String>,
    custom_policy: Option<Object<CustomPolicyRequest>>,
    parameters: Option<Map<String, Value>>,
    #[serde(default)]
    tags: Patch<Vec<Object<TagRequest>>>,
}

#[derive(Debug, Deserialize)]
struct CustomPolicyRequest {
    function_urn: Option<String>,
    auth_type: Option<String>,
    auth_value: Option<Map<String, Value>>,
}

/// The body, checked by itself.
struct Checked {
    kind: Option<AssignmentKind>,
    name: String,
    description: Option<String>,
    filter: PolicyFilter,
    filter_v2: Patch<PolicyFilterV2>,
    period: Option<Period>,
    policy_definition_id: Option<String>,
    custom_policy: Option<CustomPolicy>,
    parameters: Map<String, Value>,
    tags: Patch<Vec<Tag>>,
}

impl PolicyAssignmentRequest {
    fn check(self) -> Result<Checked> {
        let kind = self.policy_assignment_type.as_deref();
        let kind = kind.map(|text| one_of("policy_assignment_type", text, KINDS)).transpose()?;
        let name = required("name", self.name)?;
        NAME.check("name", &name)?;
        up_to(limits::ASSIGNMENT_DESCRIPTION_CHARS)
            .check_optional("description", self.description.as_deref())?;
        let period = self.period.as_deref();
        let period = period.map(|text| one_of("period", text, Period::ALL)).transpose()?;
        let definition = self.policy_definition_id.as_deref();
        POLICY_DEFINITION_ID.check_optional("policy_definition_id", definition)?;
        let filter = self.policy_filter.map(|filter| filter.0).unwrap_or_default();
        let filter_v2 =
            self.policy_filter_v2.try_map(|Object(filter)| FilterV2Request::into_filter(filter))?;
        Ok(Checked {
            kind,
            name,
            description: self.description,
            filter: filter.into_filter()?,
            filter_v2,
            period,
            policy_definition_id: self.policy_definition_id,
            custom_policy: self.custom_policy.map(|Object(custom)| custom.check()).transpose()?,
            parameters: parameters(self.parameters.unwrap_or_default())?,
            tags: self.tags.try_map(check_tags)?,
        })
    }

    /// As a new rule.
    pub(crate) fn into_new(self) -> Result<NewPolicyAssignment> {
        let checked = self.check()?;
        let kind = checked.kind.unwrap_or(AssignmentKind::Builtin);
        let (policy_definition_id, custom_policy) = match kind {
            AssignmentKind::Builtin => {
                let id = checked.policy_definition_id;
                (Some(required("policy_definition_id", id)?), None)
            }
            AssignmentKind::Custom => {
                (None, Some(required("custom_policy", checked.custom_policy)?))
            }
        };
        Ok(NewPolicyAssignment {
            kind,
            name: checked.name,
            description: checked.description,
            filter: checked.filter,
            filter_v2: match checked.filter_v2 {
                Patch::Value(filter) => Some(filter),
                Patch::Absent | Patch::Null => None,
            },
            period: checked.period,
            policy_definition_id,
            custom_policy,
            parameters: checked.parameters,
            tags: match checked.tags {
                Patch::Value(tags) => tags,
                Patch::Absent | Patch::Null => Vec::new(),
            },
        })
    }

    /// As a change: absent tags and an absent second filter are kept, null removes them.
    pub(crate) fn into_update(self) -> Result<PolicyAssignmentUpdate> {
        let checked = self.check()?;
        Ok(PolicyAssignmentUpdate {
            kind: checked.kind,
            name: Some(checked.name),
            description: checked.description,
            filter: checked.filter,
            filter_v2: match checked.filter_v2 {
                Patch::Absent => None,
                Patch::Null => Some(None),
                Patch::Value(filter) => Some(Some(filter)),
            },
            period: checked.period,
            policy_definition_id: checked.policy_definition_id,
            custom_policy: checked.custom_policy,
            parameters: checked.parameters,
            tags: match checked.tags {
                Patch::Absent => None,
                Patch::Null => Some(Vec::new()),
                Patch::Value(tags) => Some(tags),
            },
        })
    }
}

impl CustomPolicyRequest {
    fn check(self) -> Result<CustomPolicy> {
        let function_urn = required("custom_policy.function_urn", self.function_urn)?;
        up_to(limits::FUNCTION_URN_CHARS).check("custom_policy.function_urn", &function_urn)?;
        let auth_type = required("custom_policy.auth_type", self.auth_type)?;
        one_of("custom_policy.auth_type", &auth_type, AUTH_TYPES)?;
        let auth_value = self.auth_value.unwrap_or_default();
        Ok(CustomPolicy { function_urn, auth_type, auth_value })
    }
}

/// `{"name":{"value":…}}` to name and value.
pub(crate) fn parameters(given: Map<String, Value>) -> Result<Map<String, Value>> {
    at_most("parameters", given.len(), limits::ASSIGNMENT_PARAMETERS)?;
    let plain = |(name, parameter)| match parameter {
        Value::Object(mut parameter) => {
            Ok((name, parameter.remove("value").unwrap_or(Value::Null)))
        }
        _ => Err(Error::invalid(format!("`parameters.{name}` is an object with a `value`."))),
    };
    given.into_iter().map(plain).collect()
}

/// A rule as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct PolicyAssignmentAnswer<'a> {
    policy_assignment_type: &'static str,
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    policy_filter: &'a PolicyFilter,
    policy_filter_v2: Option<&'a PolicyFilterV2>,
    period: Option<&'static str>,
    state: &'static str,
    created: String,
    updated: String,
    policy_definition_id: Option<&'a str>,
    custom_policy: Option<&'a CustomPolicy>,
    #[serde(serialize_with = "parameter_values")]
    parameters: &'a Map<String, Value>,
    tags: &'a [Tag],
    created_by: &'a str,
    target_type: Option<&'a str>,
    target_id: Option<&'a str>,
}

#[derive(Serialize)]
struct ParameterValue<'a> {
    value: &'a Value,
}

/// Name and value to `{"name":{"value":…}}`.
pub(crate) fn parameter_values<S: Serializer>(
    parameters: &Map<String, Value>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(parameters.iter().map(|(name, value)| (name, ParameterValue { value })))
}

impl<'a> From<&'a PolicyAssignment> for PolicyAssignmentAnswer<'a> {
    fn from(rule: &'a PolicyAssignment) -> Self {
        Self {
            policy_assignment_type: rule.kind.wire(),
            id: rule.id.as_str(),
            name: &rule.name,
            description: rule.description.as_deref(),
            policy_filter: &rule.filter,
            policy_filter_v2: rule.filter_v2.as_ref(),
            period: rule.period.map(Period::wire),
            state: rule.state.wire(),
            created: rule.created.to_wire(),
            updated: rule.updated.to_wire(),
            policy_definition_id: rule.policy_definition_id.as_deref(),
            custom_policy: rule.custom_policy.as_ref(),
            parameters: &rule.parameters,
            tags: &rule.tags,
            created_by: &rule.created_by,
            target_type: None,
            target_id: None,
        }
    }
}
