//! The operation table for programs.

use ruleward_types::Result;
use serde_json::json;

use crate::call::{Answer, Call};
use crate::operations::{Operation, operations};

pub(crate) fn list(_: &Call) -> Result<Answer> {
    let row = |operation: &Operation| {
        json!({
            "id": operation.id,
            "method": operation.method.as_str(),
            "path": operation.path,
            "action": (!operation.action.is_empty()).then_some(operation.action),
            "success": operation.success,
            "state": operation.state(),
        })
    };
    Answer::json(&json!({ "operations": operations().map(row).collect::<Vec<_>>() }))
}
