//! A function in WebAssembly: compliant is a resource that has all the tags which the rule names.
//!
//! Parameter of the rule: `tags`, a list of names. What the module needs of the server is below:
//! a place for the event, and the event's place.

use serde_json::{Value, json};

/// Judges an event.
pub fn judge(event: &Value) -> Value {
    let resource = &event["invoking_event"];
    let wanted = event["rule_parameter"]["tags"]["value"].as_array();
    let missing: Vec<&str> = wanted
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|name| resource["tags"].get(name).is_none())
        .collect();
    if missing.is_empty() {
        json!({"compliance_state": "Compliant"})
    } else {
        json!({
            "compliance_state": "NonCompliant",
            "reason": format!("without tags: {}", missing.join(", ")),
        })
    }
}

/// Room for so many bytes. The instance lives for one event: nothing is given back.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(length: u32) -> *mut u8 {
    Vec::leak(vec![0; length as usize]).as_mut_ptr()
}

/// Reads the event at its place and answers with the place of the result in the upper half, its
/// length in the lower.
///
/// # Safety
///
/// `place` comes from [`alloc`], with room for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn evaluate(place: *const u8, length: u32) -> u64 {
    // SAFETY: the server wrote so many bytes to a place that `alloc` gave it.
    let bytes = unsafe { std::slice::from_raw_parts(place, length as usize) };
    let event = serde_json::from_slice(bytes).unwrap_or_default();
    let result = Vec::leak(judge(&event).to_string().into_bytes());
    ((result.as_ptr() as usize as u64) << 32) | result.len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_are_missing_are_named() {
        let event = |tags: Value| {
            json!({
                "invoking_event": {"tags": tags},
                "rule_parameter": {"tags": {"value": ["team", "cost"]}},
            })
        };
        let judged = judge(&event(json!({"team": "a", "cost": "1"})));
        assert_eq!(judged, json!({"compliance_state": "Compliant"}));
        let judged = judge(&event(json!({"team": "a"})));
        assert_eq!(judged["reason"], "without tags: cost");
    }
}
