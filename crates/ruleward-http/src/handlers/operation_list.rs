//! The operation table for programs.

use ruleward_types::Result;
use serde_json::json;

use crate::call::{Answer, Call};
use crate::operations::{Operation, Origin, operations};

pub(crate) fn list(_: &Call) -> Result<Answer> {
    let row = |operation: &Operation| {
        json!({
            "id": operation.id,
            "method": operation.method.as_str(),
            "path": operation.path,
            "action": operation.action,
            "success": operation.success,
            "state": operation.state(),
        })
    };
    let listed = operations().filter(|operation| operation.origin != Origin::Probe);
    Answer::json(&json!({ "operations": listed.map(row).collect::<Vec<_>>() }))
}
