//! The resource recorder: what it covers, and what the account configured of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{ResourceType, limits};

/// Which resource types are recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Vec<String>>", into = "Option<Vec<String>>")]
pub enum Selection {
    /// Every type there is or will be.
    #[default]
    All,
    /// These and no others.
    Types(Arc<[ResourceType]>),
}

impl Selection {
    /// Whether resources of a type are recorded. The account pseudo-resource always is.
    pub fn selects(&self, resource_type: &ResourceType) -> bool {
        match self {
            Self::All => true,
            Self::Types(types) => resource_type.is_account() || types.contains(resource_type),
        }
    }

    /// The types as `provider.type`; `None` for all.
    pub fn names(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Types(types) => Some(types.iter().map(ToString::to_string).collect()),
        }
    }
}

impl From<Option<Vec<String>>> for Selection {
    fn from(names: Option<Vec<String>>) -> Self {
        names.map_or(Self::All, |names| {
            Self::Types(names.iter().filter_map(|name| ResourceType::parse(name)).collect())
        })
    }
}

impl From<Selection> for Option<Vec<String>> {
    fn from(selection: Selection) -> Self {
        selection.names()
    }
}

/// The resource recorder of an account, as everybody asks it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recorder {
    /// Whether anything is recorded and judged.
    pub enabled: bool,
    /// What of it.
    pub selection: Selection,
}

impl Recorder {
    /// On for every type.
    pub const ON: Self = Self { enabled: true, selection: Selection::All };
    /// Off.
    pub const OFF: Self = Self { enabled: false, selection: Selection::All };

    /// On for every type, or off.
    pub const fn switched(on: bool) -> Self {
        if on { Self::ON } else { Self::OFF }
    }

    /// Whether a change of a resource of this type is recorded now.
    pub fn covers(&self, resource_type: &ResourceType) -> bool {
        self.enabled && self.selection.selects(resource_type)
    }
}

/// What an account configured: `tracker-config` of the wire. The recorder is on while there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackerConfig {
    /// Where messages and archives go.
    pub channel: Channel,
    /// What is recorded.
    #[serde(default)]
    pub selection: Selection,
    /// How long history is kept, in days.
    pub retention_period_in_days: u32,
    /// The agency that the wire wants; nothing here hangs on it.
    pub agency_name: String,
}

/// Where an account's messages and archives go; at least one where the account configured it itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Messages on every change.
    pub smn: Option<SmnChannel>,
    /// Archives.
    pub obs: Option<ObsChannel>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmnChannel {
    /// The topic's region.
    pub region_id: String,
    /// The project of whoever configured it.
    pub project_id: String,
    /// `urn:smn:REGION:PROJECT:NAME`.
    pub topic_urn: String,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObsChannel {
    /// Its name.
    pub bucket_name: String,
    /// What keys in it begin with.
    pub bucket_prefix: Option<String>,
    /// Its region; names of archived files have it.
    pub region_id: String,
}

impl TrackerConfig {
    /// What stands where the operator turned the recorder on: it records, and tells nobody.
    pub fn of_operator(selection: Selection) -> Self {
        Self {
            channel: Channel::default(),
            selection,
            retention_period_in_days: limits::RETENTION_DAYS_MOST,
            agency_name: "rms_tracker_agency".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered() {
        let (volumes, users) =
            (ResourceType::new("evs", "volumes"), ResourceType::new("iam", "users"));
        let selection = Selection::from(Some(vec!["EVS.Volumes".to_owned()]));
        let some = Recorder { enabled: true, selection };
        assert!(some.covers(&volumes) && !some.covers(&users));
        assert!(some.covers(&ResourceType::account()));
        assert!(Recorder::ON.covers(&users) && !Recorder::OFF.covers(&users));
    }

    #[test]
    fn the_stored_form() {
        for selection in [Selection::All, Selection::from(Some(vec!["evs.volumes".to_owned()]))] {
            let config = TrackerConfig::of_operator(selection);
            let text = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<TrackerConfig>(&text).unwrap(), config, "{text}");
        }
    }
}
