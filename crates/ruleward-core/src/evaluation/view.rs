//! What filters and lists need of a stored body.

use std::borrow::Cow;

use ruleward_policy::json::{Entries, RawString, RawValue, top_level};
use ruleward_types::ResourceView;

const HEAD: [&str; 5] = ["id", "name", "provider", "type", "region_id"];
const HEAD_AND_TAGS: [&str; 6] = ["id", "name", "provider", "type", "region_id", "tags"];

/// The view of a body; what is missing is empty.
pub(crate) fn read(body: &[u8]) -> ResourceView<'_> {
    let mut out = [None; 6];
    // Stored bodies are objects; anything else has an empty view.
    let _ = top_level(body, &HEAD_AND_TAGS, &mut out);
    let [id, name, provider, type_name, region_id, tags] = out;
    let mut view = head_of([id, name, provider, type_name, region_id]);
    if let Some(RawValue::Object(tags)) = tags {
        let mut entries = Entries::new(tags);
        while let Ok(Some((key, value))) = entries.try_next() {
            let value = value.as_string().map_or(Cow::Borrowed(""), text);
            view.tags.push((text(key), value));
        }
    }
    view
}

/// The view of a body without its tags.
pub(crate) fn read_head(body: &[u8]) -> ResourceView<'_> {
    let mut out = [None; 5];
    let _ = top_level(body, &HEAD, &mut out);
    head_of(out)
}

/// The view of a resource of which the region is known, and the values of the tags of these keys.
pub(crate) fn of_values<'a>(keys: &[&'a str], values: &[Option<RawValue<'a>>]) -> ResourceView<'a> {
    let mut values = values.iter();
    let region = values.next().copied().flatten();
    let mut view = head_of([None, None, None, None, region]);
    for (key, value) in keys.iter().zip(values) {
        if let Some(value) = value {
            let value = value.as_string().map_or(Cow::Borrowed(""), text);
            view.tags.push((Cow::Borrowed(*key), value));
        }
    }
    view
}

fn head_of(values: [Option<RawValue<'_>>; 5]) -> ResourceView<'_> {
    let [id, name, provider, type_name, region_id] =
        values.map(|value| value.and_then(RawValue::as_string).map_or(Cow::Borrowed(""), text));
    ResourceView { id, name, provider, type_name, region_id, tags: Vec::new() }
}

fn text(raw: RawString<'_>) -> Cow<'_, str> {
    match raw.as_plain().map(std::str::from_utf8) {
        Some(Ok(plain)) => Cow::Borrowed(plain),
        _ => Cow::Owned(raw.to_text()),
    }
}
