//! The inventory, through operations of our own.

use http::StatusCode;
use ruleward_core::Access;
use ruleward_types::{ResourceType, Result, WriteOutcome};

use crate::call::{Answer, Call};
use crate::reply::Reply;

/// The id in the path and the type in the query.
fn named(call: &Call) -> Result<(&str, Option<ResourceType>)> {
    Ok((call.resource_id()?, call.resource_type()?))
}

pub(crate) fn put(call: &Call, access: &Access, reply: Reply<Answer>) {
    let (id, kind) = match named(call) {
        Ok(named) => named,
        Err(error) => return reply.send(Err(error)),
    };
    let status = |outcome| match outcome {
        WriteOutcome::Created => StatusCode::CREATED,
        WriteOutcome::Changed | WriteOutcome::Unchanged | WriteOutcome::Deleted => StatusCode::OK,
    };
    call.service().submit_resource(access, id, kind.as_ref(), &call.body, move |stored| {
        reply.send(
            stored.map(|(outcome, body)| Answer::raw_json(body).with_status(status(outcome))),
        );
    });
}

pub(crate) fn put_many(call: &Call, access: &Access) -> Result<Answer> {
    Answer::json(&call.service().put_resources(access, &call.body)?)
}

pub(crate) fn get(call: &Call, access: &Access) -> Result<Answer> {
    let (id, kind) = named(call)?;
    call.service().resource(access, id, kind.as_ref()).map(Answer::raw_json)
}

pub(crate) fn delete(call: &Call, access: &Access, reply: Reply<Answer>) {
    let (id, kind) = match named(call) {
        Ok(named) => named,
        Err(error) => return reply.send(Err(error)),
    };
    call.service().submit_deletion(access, id, kind.as_ref(), move |deleted| {
        reply.send(deleted.map(|()| Answer::empty()));
    });
}
