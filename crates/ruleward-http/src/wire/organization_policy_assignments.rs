//! Organization rules: what create and update take, what shows a rule and how it goes.

use ruleward_core::{
    OrganizationPolicyAssignmentDraft, OrganizationRuleStatus, OwnedOrganizationRule,
};
use ruleward_types::ids::is_word_or_dash;
use ruleward_types::{
    AssignmentKind, CustomPolicy, Error, OrganizationDeployment, OrganizationPolicyAssignment,
    Period, PolicyFilter, PolicyFilterV2, Result, limits,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::filters::{FilterRequest, FilterV2Request};
use super::policy_assignments::{parameter_values, parameters};
use super::{Object, PageInfo, Patch};
use crate::validation::{
    DOMAIN_ID, ORGANIZATION_RULE_NAME, POLICY_DEFINITION_ID, at_most, one_of, required, up_to,
};

/// The body of create and update.
#[derive(Debug, Deserialize)]
pub(crate) struct OrganizationPolicyAssignmentRequest {
    organization_policy_assignment_name: Option<String>,
    #[serde(default)]
    excluded_accounts: Patch<Vec<String>>,
    managed_policy_assignment_metadata: Option<Object<MetadataRequest>>,
    custom_policy_assignment_metadata: Option<Object<MetadataRequest>>,
}

/// What both forms hold, and what each alone.
#[derive(Debug, Deserialize)]
struct MetadataRequest {
    description: Option<String>,
    period: Option<String>,
    parameters: Option<Map<String, Value>>,
    policy_filter: Option<Object<FilterRequest>>,
    #[serde(default)]
    policy_filter_v2: Patch<Object<FilterV2Request>>,
    policy_definition_id: Option<String>,
    function_urn: Option<String>,
}

impl OrganizationPolicyAssignmentRequest {
    pub(crate) fn into_draft(self) -> Result<OrganizationPolicyAssignmentDraft> {
        let name = required(
            "organization_policy_assignment_name",
            self.organization_policy_assignment_name,
        )?;
        ORGANIZATION_RULE_NAME.check("organization_policy_assignment_name", &name)?;
        let excluded_accounts = match self.excluded_accounts {
            Patch::Absent => None,
            Patch::Null => Some(Vec::new()),
            Patch::Value(excluded) => Some(excluded),
        };
        if let Some(excluded) = &excluded_accounts {
            at_most("excluded_accounts", excluded.len(), limits::EXCLUDED_ACCOUNTS)?;
            let legal = |id: &String| !id.is_empty() && id.chars().all(is_word_or_dash);
            if !excluded.iter().all(legal) {
                return Err(Error::invalid("`excluded_accounts` holds ids of accounts."));
            }
            DOMAIN_ID.check_all("excluded_accounts", excluded)?;
        }
        let (kind, metadata) =
            match (self.managed_policy_assignment_metadata, self.custom_policy_assignment_metadata)
            {
                (Some(Object(managed)), None) => (AssignmentKind::Builtin, managed),
                (None, Some(Object(custom))) => (AssignmentKind::Custom, custom),
                _ => {
                    let words = "Exactly one of `managed_policy_assignment_metadata` and \
                             `custom_policy_assignment_metadata` is required.";
                    return Err(Error::invalid(words));
                }
            };
        metadata.into_draft(name, excluded_accounts, kind)
    }
}

impl MetadataRequest {
    fn into_draft(
        self,
        name: String,
        excluded_accounts: Option<Vec<String>>,
        kind: AssignmentKind,
    ) -> Result<OrganizationPolicyAssignmentDraft> {
        up_to(limits::ASSIGNMENT_DESCRIPTION_CHARS)
            .check_optional("description", self.description.as_deref())?;
        let period = self.period.as_deref();
        let period = period.map(|text| one_of("period", text, Period::ALL)).transpose()?;
        let filter = self.policy_filter.map(|Object(filter)| filter).unwrap_or_default();
        let filter_v2 =
            self.policy_filter_v2.try_map(|Object(filter)| FilterV2Request::into_filter(filter))?;
        let (policy_definition_id, custom_policy) = match kind {
            AssignmentKind::Builtin => {
                let id = required("policy_definition_id", self.policy_definition_id)?;
                POLICY_DEFINITION_ID.check("policy_definition_id", &id)?;
                (Some(id), None)
            }
            AssignmentKind::Custom => {
                let function_urn = required("function_urn", self.function_urn)?;
                up_to(limits::FUNCTION_URN_CHARS).check("function_urn", &function_urn)?;
                let auth_type = "agency".to_owned();
                (None, Some(CustomPolicy { function_urn, auth_type, auth_value: Map::new() }))
            }
        };
        Ok(OrganizationPolicyAssignmentDraft {
            name,
            excluded_accounts,
            kind,
            description: self.description,
            filter: filter.into_filter()?,
            filter_v2: match filter_v2 {
                Patch::Absent => None,
                Patch::Null => Some(None),
                Patch::Value(filter) => Some(Some(filter)),
            },
            period,
            policy_definition_id,
            custom_policy,
            parameters: parameters(self.parameters.unwrap_or_default())?,
        })
    }
}

/// A page of organization rules; the only list whose key is not `value`.
#[derive(Debug, Serialize)]
pub(crate) struct OrganizationPolicyAssignmentList<'a> {
    pub(crate) organization_policy_assignments: Vec<OrganizationPolicyAssignmentAnswer<'a>>,
    pub(crate) page_info: PageInfo,
}

/// An organization rule as create, update and list show it.
#[derive(Debug, Serialize)]
pub(crate) struct OrganizationPolicyAssignmentAnswer<'a> {
    owner_id: &'a str,
    organization_id: &'a str,
    organization_policy_assignment_urn: String,
    organization_policy_assignment_id: &'a str,
    organization_policy_assignment_name: &'a str,
    description: Option<&'a str>,
    period: Option<&'static str>,
    policy_filter: &'a PolicyFilter,
    policy_filter_v2: Option<&'a PolicyFilterV2>,
    #[serde(serialize_with = "parameter_values")]
    parameters: &'a Map<String, Value>,
    policy_definition_id: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

impl<'a> From<&'a OwnedOrganizationRule> for OrganizationPolicyAssignmentAnswer<'a> {
    fn from(owned: &'a OwnedOrganizationRule) -> Self {
        let OwnedOrganizationRule { rule, organization_id, owner_id } = owned;
        Self {
            owner_id,
            organization_id,
            organization_policy_assignment_urn: format!(
                "rms::{owner_id}:organizationPolicyAssignment:{organization_id}/{}",
                rule.id
            ),
            organization_policy_assignment_id: &rule.id,
            organization_policy_assignment_name: &rule.name,
            description: rule.description.as_deref(),
            period: rule.period.map(Period::wire),
            policy_filter: &rule.filter,
            policy_filter_v2: rule.filter_v2.as_ref(),
            parameters: &rule.parameters,
            policy_definition_id: rule.policy_definition_id.as_deref(),
            created_at: rule.created.to_wire(),
            updated_at: rule.updated.to_wire(),
        }
    }
}

/// An organization rule by itself: with what lists leave out.
#[derive(Debug, Serialize)]
pub(crate) struct OrganizationPolicyAssignmentSingle<'a> {
    #[serde(flatten)]
    rule: OrganizationPolicyAssignmentAnswer<'a>,
    excluded_accounts: &'a [String],
    /// Undeclared, and read by the vendor's Terraform provider.
    function_urn: Option<&'a str>,
}

impl<'a> From<&'a OwnedOrganizationRule> for OrganizationPolicyAssignmentSingle<'a> {
    fn from(owned: &'a OwnedOrganizationRule) -> Self {
        let custom = owned.rule.custom_policy.as_ref();
        Self {
            rule: owned.into(),
            excluded_accounts: &owned.rule.excluded_accounts,
            function_urn: custom.map(|custom| custom.function_urn.as_str()),
        }
    }
}

/// How the deployment of a rule goes.
#[derive(Debug, Serialize)]
pub(crate) struct OrganizationStatusAnswer<'a> {
    organization_policy_assignment_id: &'a str,
    organization_policy_assignment_name: &'a str,
    organization_policy_assignment_status: &'static str,
    error_code: Option<&'a str>,
    error_message: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

impl<'a> From<&'a OrganizationRuleStatus> for OrganizationStatusAnswer<'a> {
    fn from(of: &'a OrganizationRuleStatus) -> Self {
        let failure = of.failure.as_ref();
        Self {
            organization_policy_assignment_id: &of.rule.id,
            organization_policy_assignment_name: &of.rule.name,
            organization_policy_assignment_status: of.status.wire(),
            error_code: failure.map(|failure| failure.code.as_str()),
            error_message: failure.map(|failure| failure.message.as_str()),
            created_at: of.rule.created.to_wire(),
            updated_at: of.rule.updated.to_wire(),
        }
    }
}

/// How it goes in a member.
#[derive(Debug, Serialize)]
pub(crate) struct MemberStatusAnswer<'a> {
    domain_id: &'a str,
    policy_assignment_id: Option<&'a str>,
    policy_assignment_name: &'a str,
    member_account_policy_assignment_status: &'static str,
    error_code: Option<&'a str>,
    error_message: Option<&'a str>,
    created_at: String,
    updated_at: String,
}

impl<'a> From<&'a (OrganizationPolicyAssignment, OrganizationDeployment)>
    for MemberStatusAnswer<'a>
{
    fn from((rule, of): &'a (OrganizationPolicyAssignment, OrganizationDeployment)) -> Self {
        let failure = of.failure.as_ref();
        Self {
            domain_id: &of.domain_id,
            policy_assignment_id: of.assignment.as_ref().map(|(_, id)| id.as_str()),
            policy_assignment_name: &rule.name,
            member_account_policy_assignment_status: of.status.wire(),
            error_code: failure.map(|failure| failure.code.as_str()),
            error_message: failure.map(|failure| failure.message.as_str()),
            created_at: of.created.to_wire(),
            updated_at: of.updated.to_wire(),
        }
    }
}
