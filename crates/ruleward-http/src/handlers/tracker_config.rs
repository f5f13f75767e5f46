//! The resource recorder.

use ruleward_core::Access;
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::wire::tracker_config::{TrackerConfigAnswer, TrackerConfigRequest};

pub(crate) fn show(call: &Call, access: &Access) -> Result<Answer> {
    let config = call.service().tracker_config(access)?;
    Answer::json(&TrackerConfigAnswer::new(access.domain_id(), &config))
}

pub(crate) fn put(call: &Call, access: &Access) -> Result<Answer> {
    let config = call.json::<TrackerConfigRequest>()?.into_config()?;
    call.service().put_tracker_config(access, config)?;
    Ok(Answer::empty())
}

pub(crate) fn delete(call: &Call, access: &Access) -> Result<Answer> {
    call.service().delete_tracker_config(access)?;
    Ok(Answer::empty())
}
