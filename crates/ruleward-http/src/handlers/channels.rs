//! How messages and archives are doing, and snapshots on demand.

use ruleward_core::Access;
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::wire::channels::{ChannelsAnswer, SnapshotAnswer};

pub(crate) fn show(call: &Call, access: &Access) -> Result<Answer> {
    let service = call.service();
    let (lanes, archive) = (service.delivery_lanes(access)?, service.archives(access)?);
    Answer::json(&ChannelsAnswer::new(&lanes, &archive))
}

pub(crate) fn snapshot(call: &Call, access: &Access) -> Result<Answer> {
    let snapshot_id = call.service().create_snapshot(access)?;
    Answer::json(&SnapshotAnswer { snapshot_id })
}
