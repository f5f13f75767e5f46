//! The resource recorder.

use ruleward_types::Error;
use ruleward_types::{
    Channel, ErrorCode, ObsChannel, ResourceType, Result, Selection, SmnChannel, TrackerConfig,
    limits,
};
use serde::{Deserialize, Serialize};

use super::Object;
use crate::validation::{
    AGENCY_NAME, BUCKET_NAME, BUCKET_PREFIX, TOPIC_URN, at_most, required, resource_type, up_to,
};

const REGION_ID_CHARS: usize = 36;
const PROJECT_ID_CHARS: usize = 36;
/// `provider.type`, as the definitions of other operations have it.
const DOTTED_TYPE_CHARS: usize = 40;

/// What turns the recorder on, or changes it.
#[derive(Debug, Deserialize)]
pub(crate) struct TrackerConfigRequest {
    channel: Option<Object<ChannelRequest>>,
    selector: Option<Object<SelectorRequest>>,
    retention_period_in_days: Option<i64>,
    agency_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ChannelRequest {
    smn: Option<Object<SmnRequest>>,
    obs: Option<Object<ObsRequest>>,
}

#[derive(Debug, Deserialize)]
struct SmnRequest {
    region_id: Option<String>,
    project_id: Option<String>,
    topic_urn: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ObsRequest {
    bucket_name: Option<String>,
    bucket_prefix: Option<String>,
    region_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SelectorRequest {
    all_supported: Option<bool>,
    resource_types: Option<Vec<String>>,
}

impl TrackerConfigRequest {
    pub(crate) fn into_config(self) -> Result<TrackerConfig> {
        let Object(channel) = required("channel", self.channel)?;
        let Object(selector) = required("selector", self.selector)?;
        let agency_name = required("agency_name", self.agency_name)?;
        AGENCY_NAME.check("agency_name", &agency_name)?;
        let channel = Channel {
            smn: channel.smn.map(|Object(smn)| smn.into_channel()).transpose()?,
            obs: channel.obs.map(|Object(obs)| obs.into_channel()).transpose()?,
        };
        if channel == Channel::default() {
            return Err(Error::invalid(
                "`channel` names a topic (`smn`), a bucket (`obs`) or both.",
            ));
        }
        Ok(TrackerConfig {
            channel,
            selection: selector.into_selection()?,
            retention_period_in_days: retention(self.retention_period_in_days)?,
            agency_name,
        })
    }
}

fn retention(days: Option<i64>) -> Result<u32> {
    let (least, most) = (limits::RETENTION_DAYS_LEAST, limits::RETENTION_DAYS_MOST);
    let Some(days) = days else { return Ok(most) };
    u32::try_from(days).ok().filter(|days| (least..=most).contains(days)).ok_or_else(|| {
        let words = format!("`retention_period_in_days` is a number from {least} to {most}.");
        Error::invalid(words)
    })
}

fn region(field: &str, text: Option<String>) -> Result<String> {
    let text = required(field, text.filter(|text| !text.is_empty()))?;
    up_to(REGION_ID_CHARS).check(field, &text)?;
    Ok(text)
}

impl SmnRequest {
    fn into_channel(self) -> Result<SmnChannel> {
        let project_id = required("channel.smn.project_id", self.project_id)?;
        up_to(PROJECT_ID_CHARS).check("channel.smn.project_id", &project_id)?;
        let topic_urn = required("channel.smn.topic_urn", self.topic_urn)?;
        TOPIC_URN.check("channel.smn.topic_urn", &topic_urn)?;
        let region_id = region("channel.smn.region_id", self.region_id)?;
        Ok(SmnChannel { region_id, project_id, topic_urn })
    }
}

impl ObsRequest {
    fn into_channel(self) -> Result<ObsChannel> {
        let bucket_name = required("channel.obs.bucket_name", self.bucket_name)?;
        BUCKET_NAME.check("channel.obs.bucket_name", &bucket_name)?;
        BUCKET_PREFIX.check_optional("channel.obs.bucket_prefix", self.bucket_prefix.as_deref())?;
        let region_id = region("channel.obs.region_id", self.region_id)?;
        Ok(ObsChannel { bucket_name, bucket_prefix: self.bucket_prefix, region_id })
    }
}

impl SelectorRequest {
    fn into_selection(self) -> Result<Selection> {
        let all = required("selector.all_supported", self.all_supported)?;
        let names = self.resource_types.unwrap_or_default();
        if all {
            if names.is_empty() {
                return Ok(Selection::All);
            }
            return Err(Error::invalid(
                "`selector.resource_types` is empty where `all_supported` is true.",
            ));
        }
        if names.is_empty() {
            return Err(Error::invalid(
                "`selector.resource_types` names the types to record where `all_supported` is false.",
            ));
        }
        at_most("selector.resource_types", names.len(), limits::RECORDER_TYPES)?;
        up_to(DOTTED_TYPE_CHARS).check_all("selector.resource_types", &names)?;
        let mut types: Vec<ResourceType> = Vec::with_capacity(names.len());
        for name in &names {
            let of = resource_type(name)?;
            if !is_word(&of.provider) || !is_word(&of.name.replace('-', "_")) {
                let words =
                    format!("`{name}` in `selector.resource_types` is not a resource type.");
                return Err(Error::with(ErrorCode::InvalidParameter, words));
            }
            if !types.contains(&of) {
                types.push(of);
            }
        }
        Ok(Selection::Types(types.into()))
    }
}

fn is_word(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The recorder as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct TrackerConfigAnswer<'a> {
    domain_id: &'a str,
    channel: ChannelAnswer<'a>,
    selector: SelectorAnswer,
    retention_period_in_days: u32,
    agency_name: &'a str,
    /// Nothing here freezes a recorder.
    frozen_status: Option<()>,
}

#[derive(Debug, Serialize)]
struct ChannelAnswer<'a> {
    smn: Option<SmnAnswer<'a>>,
    obs: Option<ObsAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct SmnAnswer<'a> {
    region_id: &'a str,
    project_id: &'a str,
    topic_urn: &'a str,
}

#[derive(Debug, Serialize)]
struct ObsAnswer<'a> {
    bucket_name: &'a str,
    bucket_prefix: Option<&'a str>,
    region_id: &'a str,
}

#[derive(Debug, Serialize)]
struct SelectorAnswer {
    all_supported: bool,
    resource_types: Vec<String>,
}

impl<'a> TrackerConfigAnswer<'a> {
    pub(crate) fn new(domain_id: &'a str, config: &'a TrackerConfig) -> Self {
        let smn = config.channel.smn.as_ref().map(|smn| SmnAnswer {
            region_id: &smn.region_id,
            project_id: &smn.project_id,
            topic_urn: &smn.topic_urn,
        });
        let obs = config.channel.obs.as_ref().map(|obs| ObsAnswer {
            bucket_name: &obs.bucket_name,
            bucket_prefix: obs.bucket_prefix.as_deref(),
            region_id: &obs.region_id,
        });
        let names = config.selection.names();
        Self {
            domain_id,
            channel: ChannelAnswer { smn, obs },
            selector: SelectorAnswer {
                all_supported: names.is_none(),
                resource_types: names.unwrap_or_default(),
            },
            retention_period_in_days: config.retention_period_in_days,
            agency_name: &config.agency_name,
            frozen_status: None,
        }
    }
}
