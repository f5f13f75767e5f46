//! Which policies this inventory leaves without a verdict.

use ruleward_core::Access;
use ruleward_types::Result;

use crate::call::{Answer, Call};
use crate::wire::coverage::CoverageAnswer;

pub(crate) fn policies(call: &Call, access: &Access) -> Result<Answer> {
    let uncovered = call.service().policy_coverage(access)?;
    Answer::json(&CoverageAnswer::from(uncovered.as_slice()))
}
