//! Policy assignments: the rules.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::organization_policy_assignment::deploying_organization;
use crate::{PolicyAssignmentId, PolicyFilter, PolicyFilterV2, RuleNo, RunNo, Timestamp};

/// Whose policy a rule binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssignmentKind {
    /// A predefined policy.
    Builtin,
    /// The user's own function.
    Custom,
}

impl AssignmentKind {
    /// Its name on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Custom => "custom",
        }
    }
}

/// The life of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssignmentState {
    /// Judging, nothing pending.
    Enabled,
    /// Not judging; the last states stay readable.
    Disabled,
    /// Judging, with chunks that are not yet at its revision.
    Evaluating,
    /// A custom rule whose calls are being handed over.
    Submitting,
}

impl AssignmentState {
    /// Its name on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::Evaluating => "Evaluating",
            Self::Submitting => "Submitting",
        }
    }
}

/// What starts an evaluation of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerType {
    /// A change of a resource in scope.
    Resource,
    /// The clock.
    Period,
}

impl TriggerType {
    /// Its name on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Period => "period",
        }
    }
}

/// How often a periodic rule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Period {
    /// Every hour.
    #[serde(rename = "One_Hour")]
    OneHour,
    /// Every three hours.
    #[serde(rename = "Three_Hours")]
    ThreeHours,
    /// Every six hours.
    #[serde(rename = "Six_Hours")]
    SixHours,
    /// Every twelve hours.
    #[serde(rename = "Twelve_Hours")]
    TwelveHours,
    /// Every day.
    #[serde(rename = "TwentyFour_Hours")]
    TwentyFourHours,
}

impl Period {
    /// All five with their names on the wire.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::OneHour, "One_Hour"),
        (Self::ThreeHours, "Three_Hours"),
        (Self::SixHours, "Six_Hours"),
        (Self::TwelveHours, "Twelve_Hours"),
        (Self::TwentyFourHours, "TwentyFour_Hours"),
    ];

    /// Its name on the wire.
    pub fn wire(self) -> &'static str {
        match self {
            Self::OneHour => "One_Hour",
            Self::ThreeHours => "Three_Hours",
            Self::SixHours => "Six_Hours",
            Self::TwelveHours => "Twelve_Hours",
            Self::TwentyFourHours => "TwentyFour_Hours",
        }
    }

    /// The period of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(period, _)| *period)
    }

    /// Its length in seconds.
    pub fn seconds(self) -> i64 {
        3600 * match self {
            Self::OneHour => 1,
            Self::ThreeHours => 3,
            Self::SixHours => 6,
            Self::TwelveHours => 12,
            Self::TwentyFourHours => 24,
        }
    }
}

/// The function behind a custom rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomPolicy {
    /// The function's URN.
    pub function_urn: String,
    /// How the function is called; the wire knows `agency` only.
    pub auth_type: String,
    /// Values of that way, such as `agency_name`.
    pub auth_value: serde_json::Map<String, Value>,
}

/// A tag of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Key.
    pub key: String,
    /// Value; may be empty.
    pub value: String,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyAssignment {
    /// Its row.
    pub no: RuleNo,
    /// Its public id.
    pub id: PolicyAssignmentId,
    /// Whose policy it binds.
    pub kind: AssignmentKind,
    /// Unique in the account.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// The filter of the first form; the wire always shows it.
    pub filter: PolicyFilter,
    /// The filter of the second form; the stronger where both are given.
    pub filter_v2: Option<PolicyFilterV2>,
    /// How often it runs, as told; a resource-triggered policy ignores it.
    pub period: Option<Period>,
    /// What starts it: the definition's trigger, or for a custom rule whether it has a period.
    pub trigger: TriggerType,
    /// Where it is in its life.
    pub state: AssignmentState,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// The predefined policy, for builtin rules.
    pub policy_definition_id: Option<String>,
    /// The function, for custom rules.
    pub custom_policy: Option<CustomPolicy>,
    /// Values by parameter name, as given.
    pub parameters: serde_json::Map<String, Value>,
    /// Its own tags.
    pub tags: Vec<Tag>,
    /// Who made it: `custom` for the API, else the organization that deployed it.
    pub created_by: String,
    /// What it judges by: 32 hex digits over everything that can change a verdict (filters,
    /// parameters, the definition's content, the language version). Part of an event's hash.
    pub revision: String,
    /// The mark that a chunk's planes carry when they are up to date with this rule.
    pub mark: u32,
    /// The run that is going on.
    pub run: Option<RunNo>,
}

impl PolicyAssignment {
    /// The organization that deployed it; only that one changes it.
    pub fn organization_id(&self) -> Option<&str> {
        deploying_organization(&self.created_by)
    }

    /// Whether its verdicts count and are kept current.
    pub fn judges(&self) -> bool {
        self.state != AssignmentState::Disabled
    }
}
