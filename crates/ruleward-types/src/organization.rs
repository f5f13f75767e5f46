//! Organizations: a management account, the member accounts, the units in which they are ordered.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{AccountNo, Error, OrganizationNo, OrganizationUnitNo, Result, Timestamp};

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its row.
    pub no: OrganizationNo,
    /// Its public id: `o-` and lower-case letters and digits.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The account that made it. It manages the organization and is not one of its members.
    pub management: AccountNo,
    /// When it was made.
    pub created: Timestamp,
}

/// A new organization's id.
pub fn organization_id() -> Result<String> {
    Ok(format!("o-{}", crate::ids::random_hex(16)?))
}

/// A unit: a place for members, which may lie in another unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationUnit {
    /// Its row.
    pub no: OrganizationUnitNo,
    /// Whose.
    pub organization: OrganizationNo,
    /// Its public id: `ou-` and lower-case letters and digits.
    pub id: String,
    /// Unique beside its siblings.
    pub name: String,
    /// The unit in which it lies; none lies at the root.
    pub parent: Option<OrganizationUnitNo>,
    /// When it was made.
    pub created: Timestamp,
}

/// A new unit's id.
pub fn organization_unit_id() -> Result<String> {
    Ok(format!("ou-{}", crate::ids::random_hex(16)?))
}

/// How an account stands to an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// Asked, has not accepted yet: the organization sees nothing of it.
    Invited,
    /// A member.
    Normal,
    /// A member that gets nothing new; what it has it keeps.
    Suspended,
}

impl MemberState {
    /// All states with their names.
    pub const ALL: &'static [(Self, &'static str)] =
        &[(Self::Invited, "invited"), (Self::Normal, "normal"), (Self::Suspended, "suspended")];

    /// Its name.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Normal => "normal",
            Self::Suspended => "suspended",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name).map(|(state, _)| *state);
        found.ok_or_else(|| Error::internal("read a member", format!("state {name}")))
    }
}

impl fmt::Display for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire())
    }
}

/// An account that is a member, or is asked to become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationMember {
    /// Of which organization.
    pub organization: OrganizationNo,
    /// Which account.
    pub account: AccountNo,
    /// The account's public id.
    pub domain_id: String,
    /// The account's name.
    pub name: String,
    /// In which unit; none at the root.
    pub unit: Option<OrganizationUnitNo>,
    /// How it stands.
    pub state: MemberState,
    /// Whether it administers the organization's rules beside the management account.
    pub delegated: bool,
    /// Since when it is invited or a member.
    pub since: Timestamp,
}

impl OrganizationMember {
    /// Whether it has joined.
    pub fn has_joined(&self) -> bool {
        self.state != MemberState::Invited
    }
}
