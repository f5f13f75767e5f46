//! Why a verdict is as it is.

use ruleward_core::Access;
use ruleward_types::Result;

use crate::call::{Answer, Call};

pub(crate) fn get(call: &Call, access: &Access) -> Result<Answer> {
    let id = call.policy_assignment_id()?;
    let (resource_id, kind) = (call.resource_id()?, call.resource_type()?);
    Answer::json(&call.service().explanation(access, &id, resource_id, kind.as_ref())?)
}
