//! The functions over values that were found.

use std::cmp::Ordering;

use ruleward_policy::ast::Function;
use serde_json::{Value, json};

use crate::library;
use crate::policy::{Found, Reader, Result, float, order, same, whole};

impl<'a> Reader<'a> {
    /// Ports up to the first element that names none.
    fn ports(&self, found: &Found<'a>) -> Result<Option<Value>> {
        let Found::Each(_) = found else { return self.value(found) };
        let mut elements = Vec::new();
        self.each(found, &mut |element| {
            elements.push(element.clone());
            Ok(library::names_ports(element))
        })?;
        Ok(Some(Value::Array(elements)))
    }

    #[expect(clippy::too_many_lines, reason = "one function after the other")]
    pub(crate) fn library(
        &self,
        function: Function,
        one: Found<'a>,
        two: &Found<'a>,
    ) -> Result<Found<'a>> {
        let json = |value: Option<Value>| Ok(value.map_or(Found::Missing, Found::Json));
        let is_list = one.is_list();
        match function {
            Function::IsNull => json(Some(one.is_null().into())),
            Function::At => {
                let Some(place) = whole(two) else { return Ok(Found::Missing) };
                if place < 0 {
                    let elements = self.elements(&one)?;
                    let back = usize::try_from(place.unsigned_abs()).unwrap_or(usize::MAX);
                    let place = elements.len().checked_sub(back);
                    return json(place.and_then(|place| elements.get(place)).cloned());
                }
                // What follows in the list is not looked at.
                let (mut left, mut found) = (place, None);
                self.each(&one, &mut |element| {
                    if left == 0 {
                        found = Some(element.clone());
                    }
                    left -= 1;
                    Ok(left >= 0)
                })?;
                json(found)
            }
            Function::Keys | Function::Values => match one {
                Found::Json(Value::Object(object)) => json(Some(if function == Function::Keys {
                    object.keys().cloned().collect()
                } else {
                    object.values().cloned().collect()
                })),
                _ => Ok(Found::Missing),
            },
            Function::List | Function::Json if is_list => Ok(one),
            Function::List => {
                json(Some(self.value(&one)?.filter(|of| !of.is_null()).into_iter().collect()))
            }
            Function::Flatten | Function::Distinct | Function::Join if !is_list => {
                Ok(Found::Missing)
            }
            Function::Flatten => {
                let mut flat = Vec::new();
                for element in self.elements(&one)? {
                    match element {
                        Value::Array(inner) => flat.extend(inner),
                        other => flat.push(other),
                    }
                }
                json(Some(Value::Array(flat)))
            }
            Function::Distinct => {
                let mut kept: Vec<Value> = Vec::new();
                for element in self.elements(&one)? {
                    if kept.iter().all(|known| !same(known, &element)) {
                        kept.push(element);
                    }
                }
                json(Some(Value::Array(kept)))
            }
            Function::Intersects | Function::ContainsAll => {
                let any = function == Function::Intersects;
                // One list is there as a whole, the other is gone through as far as needed.
                let (whole, walked) = if any { (two, &one) } else { (&one, two) };
                let known = self.elements(whole)?;
                let mut answer = !any;
                self.each(walked, &mut |element| {
                    let among = !element.is_null() && known.iter().any(|of| same(of, element));
                    answer = among;
                    Ok(among != any)
                })?;
                json(Some(answer.into()))
            }
            Function::Join => {
                let Found::Json(Value::String(separator)) = two else { return Ok(Found::Missing) };
                let (mut texts, mut all) = (Vec::new(), true);
                self.each(&one, &mut |element| {
                    all = element.is_string();
                    texts.push(element.as_str().unwrap_or_default().to_owned());
                    Ok(all)
                })?;
                json(all.then(|| texts.join(separator).into()))
            }
            Function::Min | Function::Max => {
                let wanted =
                    if function == Function::Min { Ordering::Less } else { Ordering::Greater };
                let mut best = Found::Missing;
                for element in self.elements(&one)? {
                    let element = Found::Json(element);
                    let better = order(&element, &best) == Some(wanted);
                    if better || (best.is_null() && order(&element, &element).is_some()) {
                        best = element;
                    }
                }
                Ok(best)
            }
            Function::Sum => {
                let mut sum = Found::Json(0.into());
                for element in self.elements(&one)? {
                    if element.is_number() {
                        sum = arithmetic(Function::Add, &sum, &Found::Json(element));
                    }
                }
                Ok(sum)
            }
            Function::Add | Function::Subtract | Function::Multiply => {
                Ok(arithmetic(function, &one, two))
            }
            Function::Number if matches!(one, Found::Float(_)) => Ok(one),
            Function::PortsInclude | Function::PortsIntersect => {
                let (one, two) = (self.ports(&one)?, self.ports(two)?);
                json(library::compare_ports(function, one.as_ref(), two.as_ref()))
            }
            _ => {
                // None of these takes a list.
                let plain = |found: &Found<'a>| match found {
                    Found::Each(_) => Ok(json!([])),
                    found => Ok(self.value(found)?.unwrap_or_default()),
                };
                let (first, second) = (plain(&one)?, plain(two)?);
                json(match function {
                    Function::String => match first {
                        Value::String(_) => Some(first),
                        Value::Bool(_) | Value::Number(_) => Some(first.to_string().into()),
                        _ => None,
                    },
                    Function::Number => library::number(&first),
                    Function::Bool => library::bool(&first),
                    Function::Json => match first {
                        Value::String(text) => serde_json::from_str(&text).ok(),
                        _ if matches!(one, Found::Missing) => None,
                        other => Some(other),
                    },
                    Function::PortRange => library::port_range(&first, &second),
                    _ => library::texts(function, &first, &second),
                })
            }
        }
    }
}

fn arithmetic<'a>(function: Function, a: &Found<'_>, b: &Found<'_>) -> Found<'a> {
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        let exact = match function {
            Function::Add => a.checked_add(b),
            Function::Subtract => a.checked_sub(b),
            _ => a.checked_mul(b),
        };
        if let Some(exact) = exact {
            return Found::Json(exact.into());
        }
    }
    let result = match (float(a), float(b)) {
        (Some(a), Some(b)) => match function {
            Function::Add => a + b,
            Function::Subtract => a - b,
            _ => a * b,
        },
        _ => return Found::Missing,
    };
    if result.is_finite() { Found::Float(result) } else { Found::Missing }
}
