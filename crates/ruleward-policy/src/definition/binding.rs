//! Values for parameters: checked against their declarations, defaults merged in.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::{Map, Number, Value};

use super::{ParameterDeclaration, ParameterType, PolicyDefinition};
use crate::engine::timestamp_ms;
use crate::json::compare_numbers;

/// A value that a parameter cannot take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{parameter}`: {message}")]
pub struct ParameterError {
    /// The name of the parameter.
    pub parameter: String,
    /// What is wrong, lower case, without a full stop.
    pub message: String,
}

impl PolicyDefinition {
    /// Checks the values given (plain values by name) and merges the defaults in. Null counts as not
    /// given. Every declared parameter is in the answer, null if it is optional and has no value.
    pub fn bind_parameters(
        &self,
        given: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ParameterError> {
        let fault =
            |name: &str, message: String| ParameterError { parameter: name.to_owned(), message };
        if let Some(unknown) = given.keys().find(|name| self.parameter(name).is_none()) {
            return Err(fault(unknown, "the policy has no such parameter".to_owned()));
        }
        let mut bound = Map::new();
        for declaration in &self.parameters {
            let name = &declaration.name;
            let value = match given.get(name).filter(|value| !value.is_null()) {
                Some(value) => declaration.accept(value).map_err(|message| fault(name, message))?,
                None => declaration.default.clone().unwrap_or_default(),
            };
            if value.is_null() && declaration.required {
                return Err(fault(name, "a value is required".to_owned()));
            }
            bound.insert(name.clone(), value);
        }
        Ok(bound)
    }
}

impl ParameterDeclaration {
    /// What is wrong with the declaration itself.
    pub(super) fn check_limits(&self) -> Result<(), String> {
        if let Some(pattern) = &self.pattern
            && Regex::new(pattern).is_err()
        {
            return Err(format!("`{pattern}` is not a regular expression"));
        }
        let number = |limit: &Number| limit.to_string();
        if let (Some(least), Some(most)) = (&self.minimum, &self.maximum)
            && compare_numbers(number(least).as_bytes(), number(most).as_bytes())
                .is_some_and(Ordering::is_gt)
        {
            return Err(format!("the minimum {least} is above the maximum {most}"));
        }
        if let Some(default) = self.default.as_ref().filter(|default| !default.is_null()) {
            self.accept(default).map_err(|message| format!("the default: {message}"))?;
        }
        Ok(())
    }

    /// The value in its own type, or what is wrong with it.
    fn accept(&self, given: &Value) -> Result<Value, String> {
        let value = self.typed(given)?;
        match &value {
            Value::Array(elements) => {
                count_within(elements.len(), self.min_items, self.max_items, "elements")?;
                elements.iter().try_for_each(|element| self.element(element))?;
            }
            other => self.element(other)?,
        }
        Ok(value)
    }

    fn typed(&self, given: &Value) -> Result<Value, String> {
        let wrong = |kind: &str| format!("expected {kind}");
        match self.kind {
            ParameterType::String => match given {
                Value::String(_) => Ok(given.clone()),
                _ => Err(wrong("a string")),
            },
            ParameterType::DateTime => match given.as_str().and_then(timestamp_ms) {
                Some(_) => Ok(given.clone()),
                None => Err(wrong("a date and time")),
            },
            ParameterType::Boolean => match given {
                Value::Bool(_) => Some(given.clone()),
                Value::String(text) => match unquoted(text) {
                    "true" => Some(Value::Bool(true)),
                    "false" => Some(Value::Bool(false)),
                    _ => None,
                },
                _ => None,
            }
            .ok_or_else(|| wrong("a boolean")),
            ParameterType::Integer => number(given)
                .filter(|number| number.as_i64().is_some())
                .map(Value::Number)
                .ok_or_else(|| wrong("an integer")),
            ParameterType::Float => {
                number(given).map(Value::Number).ok_or_else(|| wrong("a number"))
            }
            ParameterType::Array => match given {
                Value::Array(_) => Some(given.clone()),
                Value::String(text) => list(text),
                _ => None,
            }
            .ok_or_else(|| wrong("a list")),
        }
    }

    /// The checks on one value: the parameter's, or one element of it.
    fn element(&self, value: &Value) -> Result<(), String> {
        if let Value::Array(_) | Value::Object(_) | Value::Null = value {
            return Err("a list holds plain values".to_owned());
        }
        if self.allowed_values.as_ref().is_some_and(|allowed| !allowed.contains(value)) {
            return Err(format!("{value} is not among the allowed values"));
        }
        match value {
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text),
            _ => Ok(()),
        }
    }

    fn number(&self, number: &Number) -> Result<(), String> {
        let text = number.to_string();
        let order = |limit: &Number| compare_numbers(text.as_bytes(), limit.to_string().as_bytes());
        if let Some(limit) =
            self.minimum.as_ref().filter(|limit| order(limit).is_some_and(Ordering::is_lt))
        {
            return Err(format!("{text} is less than {limit}"));
        }
        if let Some(limit) =
            self.maximum.as_ref().filter(|limit| order(limit).is_some_and(Ordering::is_gt))
        {
            return Err(format!("{text} is greater than {limit}"));
        }
        Ok(())
    }

    fn text(&self, text: &str) -> Result<(), String> {
        count_within(text.chars().count(), self.min_length, self.max_length, "characters")?;
        let Some(pattern) = &self.pattern else { return Ok(()) };
        match Regex::new(pattern) {
            Ok(pattern) if pattern.is_match(text) => Ok(()),
            _ => Err(format!("the value does not match `{pattern}`")),
        }
    }
}

fn count_within(
    count: usize,
    least: Option<u64>,
    most: Option<u64>,
    what: &str,
) -> Result<(), String> {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    if least.is_some_and(|least| count < least) || most.is_some_and(|most| count > most) {
        let (least, most) = (least.unwrap_or(0), most.map(|most| most.to_string()));
        let most = most.unwrap_or_else(|| "any number of".to_owned());
        return Err(format!("{count} {what} given, {least} to {most} are allowed"));
    }
    Ok(())
}

/// `90`, also where it comes as `"90"`, and that as a string once more.
fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(text)
}

fn number(given: &Value) -> Option<Number> {
    match given {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => serde_json::from_str(unquoted(text)).ok(),
        _ => None,
    }
}

/// A list that came as a string: JSON, or bare words in brackets.
fn list(text: &str) -> Option<Value> {
    if let Ok(Value::Array(elements)) = serde_json::from_str(text) {
        return Some(Value::Array(elements));
    }
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    let words = inner.split(',').map(str::trim).map(|word| {
        let bare = !word.is_empty() && !word.contains(['[', ']', '{', '}', '"']);
        bare.then(|| Value::String(word.to_owned()))
    });
    words.collect::<Option<Vec<_>>>().map(Value::Array)
}
