//! Policy states: the verdict of one rule on one resource.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorCode, Result};
use crate::{PolicyAssignmentId, Timestamp, TriggerType};

/// A verdict as the wire knows it. What could not be determined has no state on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ComplianceState {
    /// Not found to violate.
    Compliant,
    /// Violates.
    NonCompliant,
}

impl ComplianceState {
    /// Its name on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Compliant => "Compliant",
            Self::NonCompliant => "NonCompliant",
        }
    }

    /// Reads it from the wire; case matters.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "Compliant" => Ok(Self::Compliant),
            "NonCompliant" => Ok(Self::NonCompliant),
            long if long.chars().count() > 16 => Err(Error::new(ErrorCode::ComplianceStateTooLong)),
            _ => Err(Error::new(ErrorCode::ComplianceStateIllegal)),
        }
    }
}

/// The verdict of one rule on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyState {
    /// The account.
    pub domain_id: String,
    /// The resource's region; `global` for the account.
    pub region_id: Option<String>,
    /// The resource; the account's id for the account.
    pub resource_id: String,
    /// Its name; `Account` for the account.
    pub resource_name: Option<String>,
    /// Its provider; none for the account.
    pub resource_provider: Option<String>,
    /// Its type; none for the account.
    pub resource_type: Option<String>,
    /// What started the rule.
    pub trigger_type: TriggerType,
    /// The verdict.
    pub compliance_state: ComplianceState,
    /// The rule.
    pub policy_assignment_id: PolicyAssignmentId,
    /// The rule's name.
    pub policy_assignment_name: String,
    /// Its predefined policy; none for custom rules.
    pub policy_definition_id: Option<String>,
    /// When the verdict was last known to hold.
    pub evaluation_time: Timestamp,
}

/// What a list of states is narrowed to. Names and ids are exact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateQuery {
    /// Only this verdict.
    pub compliance_state: Option<ComplianceState>,
    /// Only resources with this id.
    pub resource_id: Option<String>,
    /// Only resources with this name.
    pub resource_name: Option<String>,
}
