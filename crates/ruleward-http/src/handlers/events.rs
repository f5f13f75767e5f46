//! The event that a custom rule's function gets, for people who write functions.

use ruleward_core::Access;
use ruleward_types::Result;

use crate::call::{Answer, Call};

pub(crate) fn get(call: &Call, access: &Access) -> Result<Answer> {
    let id = call.policy_assignment_id()?;
    let query = call.query()?;
    Answer::json(&call.service().evaluation_event(access, &id, query.resource_id()?)?)
}
