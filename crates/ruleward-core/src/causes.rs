//! Because of what something changed: kept with every change, for whoever looks back.

use ruleward_types::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::access::Access;

/// What a change came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// Resources were told or removed.
    Resource,
    /// A policy assignment was made, changed, switched or removed.
    PolicyAssignment,
    /// A function reported a result.
    Report,
    /// The resource recorder was switched or set.
    Recorder,
    /// An organization deployed its rules.
    Organization,
    /// A run of rules: after one was changed, by the clock, when asked for, or because what they
    /// look up changed.
    Evaluation,
}

/// Because of what something changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What it came from.
    pub kind: CauseKind,
    /// The id of the user who asked for it; none where the server did it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's name then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The request: the answer's `X-Request-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Cause {
    /// What a caller asked for.
    pub(crate) fn by(access: &Access, kind: CauseKind) -> Self {
        Self {
            kind,
            user_id: Some(access.user_id().to_owned()),
            user_name: Some(access.user_name().to_owned()),
            request_id: access.request_id().map(str::to_owned),
        }
    }

    /// What the server does by itself.
    pub(crate) fn server(kind: CauseKind) -> Self {
        Self { kind, user_id: None, user_name: None, request_id: None }
    }

    pub(crate) fn encode(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Error::internal("write a cause", e))
    }

    pub(crate) fn decode(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|e| Error::internal("read a cause", e))
    }
}
