//! Reading values that sonic-rs has found, without parsing more than is asked for.

use std::borrow::Cow;

use sonic_rs::{JsonValueTrait as _, LazyValue};

/// The text of a JSON string; of what is no string, nothing.
pub fn text<'a>(value: &'a LazyValue<'_>) -> Option<Cow<'a, str>> {
    let raw = value.as_raw_str();
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.as_bytes().contains(&b'\\') {
        value.as_str().map(Cow::Borrowed)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// Is it this text? Plain characters only.
pub fn is(value: Option<&LazyValue<'_>>, wanted: &str) -> bool {
    value.is_some_and(|value| text(value).is_some_and(|text| text == wanted))
}

/// What counts as true or false: booleans, 1 and 0, and the usual words.
pub fn truth(value: Option<&LazyValue<'_>>) -> Option<bool> {
    let value = value?;
    match value.as_raw_str() {
        "true" | "1" => return Some(true),
        "false" | "0" => return Some(false),
        _ => {}
    }
    let text = text(value)?;
    let word = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if word(&["true", "1", "on", "yes", "enabled"]) {
        Some(true)
    } else if word(&["false", "0", "off", "no", "disabled"]) {
        Some(false)
    } else {
        None
    }
}

/// A number, also one in a text.
pub fn number(value: Option<&LazyValue<'_>>) -> Option<f64> {
    let value = value?;
    let raw = value.as_raw_str();
    if raw.starts_with('"') { text(value)?.parse().ok() } else { raw.parse().ok() }
}

/// Is it there and not null?
pub fn given<'a, 'b>(value: Option<&'a LazyValue<'b>>) -> Option<&'a LazyValue<'b>> {
    value.filter(|value| value.as_raw_str() != "null")
}

/// Elements of a list, characters of a text, keys of a map; 0 for anything else.
pub fn length(value: Option<&LazyValue<'_>>) -> usize {
    let Some(value) = value else { return 0 };
    let raw = value.as_raw_str();
    match raw.as_bytes().first() {
        Some(b'"') => text(value).map_or(0, |text| text.chars().count()),
        Some(b'[') => sonic_rs::to_array_iter(raw).filter(Result::is_ok).count(),
        Some(b'{') => sonic_rs::to_object_iter(raw).filter(Result::is_ok).count(),
        _ => 0,
    }
}

/// The elements of a list; none of anything else.
pub fn elements<'a>(value: Option<&'a LazyValue<'_>>) -> impl Iterator<Item = LazyValue<'a>> {
    let raw = value.map(LazyValue::as_raw_str).filter(|raw| raw.starts_with('['));
    sonic_rs::to_array_iter(raw.unwrap_or("[]")).filter_map(Result::ok)
}

/// The members of a map; none of anything else.
pub fn members<'a>(
    value: Option<&'a LazyValue<'_>>,
) -> impl Iterator<Item = (Cow<'a, str>, LazyValue<'a>)> {
    let raw = value.map(LazyValue::as_raw_str).filter(|raw| raw.starts_with('{'));
    sonic_rs::to_object_iter(raw.unwrap_or("{}"))
        .filter_map(Result::ok)
        .map(|(key, value)| (Cow::Owned(key.to_string()), value))
}
