//! The three outcomes.

use std::fmt;

use serde::Serialize;

/// What a program finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The rule does not match: no violation.
    Compliant,
    /// The rule matches: a violation.
    NonCompliant,
    /// No verdict. Never to be shown as compliant.
    Undetermined(Reason),
}

/// Why there is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The evaluation took more steps than it may.
    BudgetExceeded,
    /// Resources that the rule looks up, or its account, are not available.
    LookupUnavailable,
    /// A value that the rule declares as needed is missing.
    NeededValueMissing,
    /// Whether the recorder is on is not known.
    RecorderUnknown,
    /// The resource, or one that was looked up, is not a JSON object.
    NotJson,
}

impl Reason {
    /// A stable name, as in the serialized form.
    pub fn name(self) -> &'static str {
        match self {
            Self::BudgetExceeded => "budget_exceeded",
            Self::LookupUnavailable => "lookup_unavailable",
            Self::NeededValueMissing => "needed_value_missing",
            Self::RecorderUnknown => "recorder_unknown",
            Self::NotJson => "not_json",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::BudgetExceeded => "the evaluation took more steps than it may",
            Self::LookupUnavailable => "what the policy looks up is not available",
            Self::NeededValueMissing => "a value that the policy needs is missing",
            Self::RecorderUnknown => "it is not known whether the resource recorder is on",
            Self::NotJson => "the resource is not a JSON object",
        })
    }
}

impl From<crate::json::NotJson> for Reason {
    fn from(_: crate::json::NotJson) -> Self {
        Self::NotJson
    }
}
