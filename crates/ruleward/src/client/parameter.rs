//! Values of parameters as they are typed.

use serde_json::Value;

/// The value of a parameter of a type, from what was typed.
pub fn parameter_value(text: &str, kind: &str) -> Value {
    let parsed = serde_json::from_str::<Value>(text).ok();
    match (kind, parsed) {
        ("String" | "DateTime", Some(Value::String(inner))) => Value::String(inner),
        ("String" | "DateTime", _) | (_, None) if kind != "Array" => Value::String(text.to_owned()),
        (_, Some(value)) => value,
        (_, None) => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_fit_their_parameter() {
        assert_eq!(parameter_value("123", "String"), json!("123"));
        assert_eq!(parameter_value("\"123\"", "String"), json!("123"));
        assert_eq!(parameter_value("90", "Integer"), json!(90));
        assert_eq!(parameter_value("[\"SSD\"]", "Array"), json!(["SSD"]));
        assert_eq!(parameter_value("SSD, SAS", "Array"), json!(["SSD", "SAS"]));
        assert_eq!(parameter_value("ssd", ""), json!("ssd"));
    }
}
