//! Accounts, their users and keys.

use serde::{Deserialize, Serialize};

use crate::{AccountNo, Recorder, Timestamp, UserNo};

/// An account (the wire's domain).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its row.
    pub no: AccountNo,
    /// The wire's `domain_id`: 32 lower-case hex digits.
    pub domain_id: String,
    /// Unique name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// The resource recorder: only what it covers is judged.
    pub recorder: Recorder,
    /// Moves with every change of rules or recorder; whoever judges does it by one version.
    pub rules_version: i64,
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Everything in the account.
    Administrator,
    /// Reads everything in the account.
    Auditor,
    /// Reports results of custom rules.
    Reporter,
    /// Writes the inventory.
    Importer,
    /// Manages the organizations and functions of the whole server, and nothing in its own account.
    Operator,
    /// A function while it is called; no user has this role.
    Function,
}

impl Role {
    /// All roles that users can have, with their names.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Administrator, "administrator"),
        (Self::Auditor, "auditor"),
        (Self::Reporter, "reporter"),
        (Self::Importer, "importer"),
        (Self::Operator, "operator"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
            Self::Reporter => "reporter",
            Self::Importer => "importer",
            Self::Operator => "operator",
            Self::Function => "function",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(role, _)| *role)
    }

    /// Whether the role allows an action such as `rms:policyAssignments:create`.
    pub fn allows(self, action: &str) -> bool {
        let reads =
            |verb: &str| ["get", "list", "summarize"].iter().any(|reads| verb.starts_with(reads));
        match self {
            Self::Administrator => true,
            Self::Auditor => action.rsplit(':').next().is_some_and(reads),
            Self::Reporter => action == "rms:policyStates:update",
            Self::Importer => action.starts_with("ruleward:resources:"),
            Self::Operator => {
                action.starts_with("ruleward:organizations:")
                    || action.starts_with("ruleward:functions:")
            }
            Self::Function => {
                let read = action
                    .strip_prefix("rms:resources:")
                    .or_else(|| action.strip_prefix("rms:policyStates:"))
                    .or_else(|| action.strip_prefix("ruleward:resources:"));
                action == "rms:policyStates:update"
                    || read.is_some_and(|verb| reads(verb) || verb == "runQuery")
            }
        }
    }
}

/// A user of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its row.
    pub no: UserNo,
    /// The account it belongs to.
    pub account: AccountNo,
    /// Public id: 32 lower-case hex digits.
    pub id: String,
    /// Name, unique in its account.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// A password hash (PHC string), where it has a password.
    pub password_hash: Option<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// An access key. The secret key is sealed: verifying a signature needs it, so it cannot be
/// stored as a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The access key id (AK).
    pub access_key: String,
    /// Its owner.
    pub user: UserNo,
    /// The secret key, sealed with the server's sealing key.
    pub sealed_secret: Vec<u8>,
    /// SHA-256 of the security token that has to come along, for temporary keys.
    pub token_sha256: Option<[u8; 32]>,
    /// When a temporary key ends.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
}
