//! The functions over values, on plain JSON. `None`: what cannot be computed is missing.

use std::net::IpAddr;

use ruleward_policy::ast::Function;
use serde_json::{Value, json};

use crate::policy::same;

/// A text function; `None` also where an argument is no text.
pub(crate) fn texts(function: Function, one: &Value, two: &Value) -> Option<Value> {
    let text = one.as_str()?;
    match function {
        Function::Lower => return Some(json!(text.to_lowercase())),
        Function::Upper => return Some(json!(text.to_uppercase())),
        Function::Trim => return Some(json!(text.trim())),
        Function::IsAnyAddress => return network(text).map(|(_, prefix)| json!(prefix == 0)),
        Function::IsPublicAddress => return text.parse().ok().map(|of| json!(is_public(of))),
        _ => {}
    }
    let other = two.as_str()?;
    Some(match function {
        Function::StartsWith => json!(text.starts_with(other)),
        Function::EndsWith => json!(text.ends_with(other)),
        Function::Split if other.is_empty() => return None,
        Function::Split => text.split(other).collect(),
        Function::Like => json!(fits(&letters(text), &letters(other), '%', '_')),
        Function::Wildcard => json!(fits(&letters(text), &letters(other), '*', '?')),
        Function::WildcardsOverlap => json!(overlap(&letters(text), &letters(other))),
        Function::CompareVersions => compare_versions(text, other)?,
        Function::CidrContains => {
            let ((network, prefix), (part, longer)) = (network(text)?, network(other)?);
            let same_start = network.iter().zip(&part).take(prefix).all(|(a, b)| a == b);
            json!(network.len() == part.len() && prefix <= longer && same_start)
        }
        _ => return None,
    })
}

fn letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn fits(text: &[char], pattern: &[char], run: char, one: char) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((sign, rest)) if *sign == run => {
            (0..=text.len()).any(|from| text.get(from..).is_some_and(|of| fits(of, rest, run, one)))
        }
        Some((sign, rest)) => match text.split_first() {
            Some((letter, text)) => (sign == letter || *sign == one) && fits(text, rest, run, one),
            None => false,
        },
    }
}

fn overlap(a: &[char], b: &[char]) -> bool {
    match (a.split_first(), b.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), None) => overlap(rest, b),
        (None, Some(('*', rest))) => overlap(a, rest),
        (None, _) | (_, None) => false,
        (Some((x, left)), Some((y, right))) if *x == '*' || *y == '*' => {
            // The run ends here, or takes one more sign of the other.
            (*x == '*' && (overlap(left, b) || overlap(a, right)))
                || (*y == '*' && (overlap(a, right) || overlap(left, b)))
        }
        (Some((x, left)), Some((y, right))) => {
            (x == y || *x == '?' || *y == '?') && overlap(left, right)
        }
    }
}

fn compare_versions(a: &str, b: &str) -> Option<Value> {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let kept: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        kept.trim_end_matches('.').split('.').map(|part| part.parse().ok()).collect()
    };
    let (mut a, mut b) = (numbers(a)?, numbers(b)?);
    let longest = a.len().max(b.len());
    a.resize(longest, 0);
    b.resize(longest, 0);
    Some(json!(a.cmp(&b) as i64))
}

/// The bits of an address, and how many of them are the network's.
fn network(text: &str) -> Option<(Vec<bool>, usize)> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
    let bytes: Vec<u8> = match address.parse().ok()? {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let bits: Vec<bool> =
        bytes.iter().flat_map(|byte| (0..8).rev().map(move |n| byte >> n & 1 == 1)).collect();
    let prefix = match prefix {
        None => bits.len(),
        Some(digits) if digits.starts_with('+') => return None,
        Some(digits) => digits.parse().ok()?,
    };
    (prefix <= bits.len()).then_some((bits, prefix))
}

fn is_public(address: IpAddr) -> bool {
    let within = |block: &str| {
        let inside = texts(Function::CidrContains, &json!(block), &json!(address.to_string()));
        inside == Some(json!(true))
    };
    if let IpAddr::V6(v6) = address {
        return match v6.to_ipv4_mapped() {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => within("2000::/3"),
        };
    }
    ![
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
    ]
    .into_iter()
    .any(within)
}

/// The number that a text or number is.
pub(crate) fn number(value: &Value) -> Option<Value> {
    match value {
        Value::Number(_) => Some(value.clone()),
        Value::String(text) => {
            let digits = text.trim_start_matches('-');
            let plain = !digits.is_empty()
                && text.len() - digits.len() <= 1
                && digits.bytes().all(|byte| byte.is_ascii_digit());
            if plain {
                let short = digits.trim_start_matches('0');
                let sign = if text.starts_with('-') && !short.is_empty() { "-" } else { "" };
                let short = if short.is_empty() { "0" } else { short };
                // Long numbers with leading zeros are none: JSON knows no such.
                if digits.len() > 18 && digits.starts_with('0') {
                    return None;
                }
                return serde_json::from_str(&format!("{sign}{short}")).ok();
            }
            let first = text.chars().next()?;
            let edges = (first == '-' || first.is_ascii_digit())
                && text.ends_with(|c: char| c.is_ascii_digit());
            if edges {
                serde_json::from_str::<serde_json::Number>(text).ok().map(Value::Number)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// The boolean that a value stands for.
pub(crate) fn bool(value: &Value) -> Option<Value> {
    let truth = match value {
        Value::Bool(truth) => *truth,
        Value::Number(_) if same(value, &json!(1)) => true,
        Value::Number(_) if same(value, &json!(0)) => false,
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "yes" | "enabled" => true,
            "false" | "0" | "off" | "no" | "disabled" => false,
            _ => return None,
        },
        _ => return None,
    };
    Some(json!(truth))
}

/// Every port, as a table of 65,536 places of which the first is not used.
fn ports(value: Option<&Value>) -> Option<Vec<bool>> {
    let mut open = vec![false; 65_536];
    let mut add = |first: usize, last: usize| {
        if first > last || last == 0 || last > 65_535 {
            return None;
        }
        for port in first.max(1)..=last {
            *open.get_mut(port)? = true;
        }
        Some(())
    };
    let port = |text: &str| -> Option<usize> {
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let port = text.parse().ok()?;
        (digits && port <= 65_535).then_some(port)
    };
    let mut one = |value: &Value| match value {
        Value::Number(number) => {
            let port = port(&number.to_string())?;
            add(port, port)
        }
        Value::String(text) => text.split(',').try_for_each(|part| match part.split_once('-') {
            Some((first, last)) => add(port(first)?, port(last)?),
            None => add(port(part)?, port(part)?),
        }),
        _ => None,
    };
    match value {
        None | Some(Value::Null) => add(1, 65_535)?,
        Some(Value::String(text)) if text.trim().is_empty() => add(1, 65_535)?,
        Some(Value::Array(elements)) => elements.iter().try_for_each(one)?,
        Some(value) => one(value)?,
    }
    Some(open)
}

/// Whether an element of a list names ports.
pub(crate) fn names_ports(element: &Value) -> bool {
    ports(Some(&json!([element]))).is_some()
}

/// `portsInclude` and `portsIntersect`.
pub(crate) fn compare_ports(
    function: Function,
    one: Option<&Value>,
    two: Option<&Value>,
) -> Option<Value> {
    let (one, two) = (ports(one)?, ports(two)?);
    let mut pairs = one.iter().zip(&two);
    Some(json!(match function {
        Function::PortsInclude => pairs.all(|(have, wanted)| *have || !wanted),
        _ => pairs.any(|(a, b)| *a && *b),
    }))
}

/// `portRange`: null where neither end is given, `None` where an end is no port.
pub(crate) fn port_range(first: &Value, last: &Value) -> Option<Value> {
    let (first, last) = match (first, last) {
        (Value::Null, Value::Null) => return Some(Value::Null),
        (Value::Null, only) | (only, Value::Null) => (only, only),
        both => both,
    };
    let port = |value: &Value| -> Option<u16> {
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return None,
        };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse().ok() } else { None }
    };
    let (first, last) = (port(first)?, port(last)?);
    (first <= last && last > 0).then(|| json!(format!("{}-{last}", first.max(1))))
}

/// RFC 3339, or a date and time that is taken as UTC.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    let moment = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    moment.map(jiff::Timestamp::as_millisecond)
}
