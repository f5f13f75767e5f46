//! Scopes: which resources a rule is about, read off the resource's JSON.

use ruleward_policy::{PolicyDefinition, Subject};
use ruleward_types::{FilterTag, PolicyFilter, PolicyFilterV2, TagLogic};
use serde_json::Value;

/// Whether a resource is in the scope of a rule that judges resources.
pub fn in_scope(
    first: &PolicyFilter,
    second: Option<&PolicyFilterV2>,
    definition: Option<&PolicyDefinition>,
    resource: &Value,
) -> bool {
    if definition.is_some_and(|definition| definition.subject == Subject::Account) {
        return false;
    }
    covers_type(first, second, definition, &text(resource, "provider"), &text(resource, "type"))
        && match second.filter(|second| says_something(second)) {
            Some(second) => second_form(second, resource),
            None => first_form(first, resource),
        }
}

/// Whether resources of a type can be in the scope.
pub fn covers_type(
    first: &PolicyFilter,
    second: Option<&PolicyFilterV2>,
    definition: Option<&PolicyDefinition>,
    provider: &str,
    name: &str,
) -> bool {
    let (provider, name) = (provider.to_lowercase(), name.to_lowercase());
    let full = format!("{provider}.{name}");
    if let Some(second) = second.filter(|second| says_something(second)) {
        if !second.resource_types.is_empty() {
            return second.resource_types.iter().any(|wanted| wanted.to_lowercase() == full);
        }
    } else if first.resource_provider.is_some() || first.resource_type.is_some() {
        let provider_fits = match &first.resource_provider {
            Some(wanted) => wanted.to_lowercase() == provider,
            None => true,
        };
        let name_fits = match &first.resource_type {
            Some(wanted) => wanted.to_lowercase() == name,
            None => true,
        };
        return provider_fits && name_fits;
    }
    // Nothing is said about types: those that the policy is for, or all.
    let Some(definition) = definition else { return true };
    definition.default_resource_types.is_empty()
        || definition
            .default_resource_types
            .iter()
            .any(|of| format!("{}.{}", of.provider, of.kind).to_lowercase() == full)
}

/// An empty second form leaves the first one in force.
fn says_something(second: &PolicyFilterV2) -> bool {
    !(second.region_ids.is_empty()
        && second.resource_types.is_empty()
        && second.resource_ids.is_empty()
        && second.tags.is_empty()
        && second.exclude_tags.is_empty())
}

fn text(resource: &Value, field: &str) -> String {
    resource.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn first_form(filter: &PolicyFilter, resource: &Value) -> bool {
    if let Some(region) = &filter.region_id
        && text(resource, "region_id") != *region
    {
        return false;
    }
    if let Some(id) = &filter.resource_id
        && text(resource, "id") != *id
    {
        return false;
    }
    if let Some(key) = &filter.tag_key {
        let actual = resource.get("tags").and_then(|tags| tags.get(key)).and_then(Value::as_str);
        return match (actual, &filter.tag_value) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(actual), Some(wanted)) => actual == wanted,
        };
    }
    true
}

fn second_form(filter: &PolicyFilterV2, resource: &Value) -> bool {
    let regions_fit =
        filter.region_ids.is_empty() || filter.region_ids.contains(&text(resource, "region_id"));
    let ids_fit =
        filter.resource_ids.is_empty() || filter.resource_ids.contains(&text(resource, "id"));
    let tags_fit = filter.tags.is_empty() || carries(resource, &filter.tags, filter.tag_key_logic);
    let excluded = !filter.exclude_tags.is_empty()
        && carries(resource, &filter.exclude_tags, filter.exclude_tag_key_logic);
    regions_fit && ids_fit && tags_fit && !excluded
}

fn carries(resource: &Value, tags: &[FilterTag], logic: Option<TagLogic>) -> bool {
    let mut carried = 0;
    for tag in tags {
        let actual = resource.get("tags").and_then(|of| of.get(&tag.key)).and_then(Value::as_str);
        if let Some(actual) = actual
            && (tag.values.is_empty() || tag.values.iter().any(|wanted| wanted == actual))
        {
            carried += 1;
        }
    }
    match logic {
        Some(TagLogic::And) => carried == tags.len(),
        Some(TagLogic::Or) | None => carried > 0,
    }
}
