//! The inventory, through operations of our own.

use http::StatusCode;
use ruleward_core::Access;
use ruleward_types::{Result, WriteOutcome};

use crate::call::{Answer, Call};

pub(crate) fn put(call: &Call, access: &Access) -> Result<Answer> {
    let (id, kind) = (call.resource_id()?, call.resource_type()?);
    let (outcome, body) = call.service().put_resource(access, id, kind.as_ref(), &call.body)?;
    let status = match outcome {
        WriteOutcome::Created => StatusCode::CREATED,
        WriteOutcome::Changed | WriteOutcome::Unchanged | WriteOutcome::Deleted => StatusCode::OK,
    };
    Ok(Answer::raw_json(body).with_status(status))
}

pub(crate) fn put_many(call: &Call, access: &Access) -> Result<Answer> {
    Answer::json(&call.service().put_resources(access, &call.body)?)
}

pub(crate) fn get(call: &Call, access: &Access) -> Result<Answer> {
    let (id, kind) = (call.resource_id()?, call.resource_type()?);
    call.service().resource(access, id, kind.as_ref()).map(Answer::raw_json)
}

pub(crate) fn delete(call: &Call, access: &Access) -> Result<Answer> {
    let (id, kind) = (call.resource_id()?, call.resource_type()?);
    call.service().delete_resource(access, id, kind.as_ref())?;
    Ok(Answer::empty())
}
