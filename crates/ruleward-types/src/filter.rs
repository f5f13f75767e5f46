//! Policy filters of both forms: which resources a rule is about.

use serde::{Deserialize, Serialize};

use crate::resource::{ResourceType, ResourceView};

/// The first form: all that is set has to match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFilter {
    /// Region.
    pub region_id: Option<String>,
    /// Provider, without regard to case.
    pub resource_provider: Option<String>,
    /// Type inside the provider, without regard to case.
    pub resource_type: Option<String>,
    /// Resource id.
    pub resource_id: Option<String>,
    /// Tag that the resource carries.
    pub tag_key: Option<String>,
    /// Value of that tag; any where absent.
    pub tag_value: Option<String>,
}

/// How several tags of a filter combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TagLogic {
    /// All of them.
    #[serde(rename = "AND")]
    And,
    /// Any of them (the default).
    #[default]
    #[serde(rename = "OR")]
    Or,
}

/// A tag of a filter; no values means any value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterTag {
    /// Key.
    pub key: String,
    /// Any of these values.
    pub values: Vec<String>,
}

/// The second form: each list that is not empty has to match, inside a list any element.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFilterV2 {
    /// Regions.
    pub region_ids: Vec<String>,
    /// Types, written `provider.type`, without regard to case.
    pub resource_types: Vec<String>,
    /// Resource ids.
    pub resource_ids: Vec<String>,
    /// How `tags` combine.
    pub tag_key_logic: Option<TagLogic>,
    /// Tags that resources carry.
    pub tags: Vec<FilterTag>,
    /// How `exclude_tags` combine.
    pub exclude_tag_key_logic: Option<TagLogic>,
    /// Tags that keep a resource out; they win over `tags`.
    pub exclude_tags: Vec<FilterTag>,
}

impl PolicyFilter {
    /// Whether it says something about types.
    pub fn names_types(&self) -> bool {
        self.resource_provider.is_some() || self.resource_type.is_some()
    }

    /// Whether resources of this type can match.
    pub fn covers_type(&self, resource_type: &ResourceType) -> bool {
        let same = |wanted: &Option<String>, actual: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(actual))
        };
        same(&self.resource_provider, &resource_type.provider)
            && same(&self.resource_type, &resource_type.name)
    }

    /// Whether something besides the type decides.
    pub fn narrows_inside_type(&self) -> bool {
        self.region_id.is_some() || self.resource_id.is_some() || self.tag_key.is_some()
    }

    /// Whether a resource of a covered type matches.
    pub fn matches(&self, resource: &ResourceView<'_>) -> bool {
        self.region_id.as_deref().is_none_or(|region| region == resource.region_id)
            && self.resource_id.as_deref().is_none_or(|id| id == resource.id)
            && self.tag_key.as_deref().is_none_or(|key| {
                match (resource.tag(key), &self.tag_value) {
                    (Some(actual), Some(wanted)) => actual == wanted,
                    (Some(_), None) => true,
                    (None, _) => false,
                }
            })
    }
}

impl PolicyFilterV2 {
    /// Whether it says nothing at all.
    pub fn is_empty(&self) -> bool {
        !self.names_types() && !self.narrows_inside_type()
    }

    /// Whether it says something about types.
    pub fn names_types(&self) -> bool {
        !self.resource_types.is_empty()
    }

    /// Whether resources of this type can match.
    pub fn covers_type(&self, resource_type: &ResourceType) -> bool {
        self.resource_types.is_empty()
            || self.resource_types.iter().any(|wanted| resource_type.is_called(wanted))
    }

    /// Whether something besides the type decides.
    pub fn narrows_inside_type(&self) -> bool {
        !self.region_ids.is_empty()
            || !self.resource_ids.is_empty()
            || !self.tags.is_empty()
            || !self.exclude_tags.is_empty()
    }

    /// Whether a resource of a covered type matches.
    pub fn matches(&self, resource: &ResourceView<'_>) -> bool {
        let any = |list: &[String], actual: &str| {
            list.is_empty() || list.iter().any(|wanted| wanted == actual)
        };
        any(&self.region_ids, &resource.region_id)
            && any(&self.resource_ids, &resource.id)
            && (self.tags.is_empty() || carries(resource, &self.tags, self.tag_key_logic))
            && (self.exclude_tags.is_empty()
                || !carries(resource, &self.exclude_tags, self.exclude_tag_key_logic))
    }
}

fn carries(resource: &ResourceView<'_>, tags: &[FilterTag], logic: Option<TagLogic>) -> bool {
    let carried = |tag: &FilterTag| {
        resource.tag(&tag.key).is_some_and(|actual| {
            tag.values.is_empty() || tag.values.iter().any(|wanted| wanted == actual)
        })
    };
    match logic.unwrap_or_default() {
        TagLogic::And => tags.iter().all(carried),
        TagLogic::Or => tags.iter().any(carried),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn view<'a>(region: &'a str, id: &'a str, tags: &[(&'a str, &'a str)]) -> ResourceView<'a> {
        ResourceView {
            id: Cow::Borrowed(id),
            name: Cow::Borrowed("n"),
            provider: Cow::Borrowed("ecs"),
            type_name: Cow::Borrowed("cloudservers"),
            region_id: Cow::Borrowed(region),
            tags: tags.iter().map(|(k, v)| (Cow::Borrowed(*k), Cow::Borrowed(*v))).collect(),
        }
    }

    fn tag(key: &str, values: &[&str]) -> FilterTag {
        FilterTag { key: key.into(), values: values.iter().map(|v| (*v).to_owned()).collect() }
    }

    #[test]
    fn first_form_is_a_conjunction() {
        let filter = PolicyFilter {
            region_id: Some("r1".into()),
            tag_key: Some("env".into()),
            tag_value: Some("prod".into()),
            ..PolicyFilter::default()
        };
        assert!(filter.matches(&view("r1", "a", &[("env", "prod")])));
        assert!(!filter.matches(&view("r2", "a", &[("env", "prod")])));
        assert!(!filter.matches(&view("r1", "a", &[("env", "dev")])));
        assert!(!filter.matches(&view("r1", "a", &[])));
    }

    #[test]
    fn types_match_without_regard_to_case() {
        let filter = PolicyFilter {
            resource_provider: Some("ECS".into()),
            resource_type: Some("cloudServers".into()),
            ..PolicyFilter::default()
        };
        assert!(filter.covers_type(&ResourceType::new("ecs", "cloudservers")));
        assert!(!filter.covers_type(&ResourceType::new("evs", "volumes")));
        let second = PolicyFilterV2 {
            resource_types: vec!["ECS.cloudServers".into()],
            ..Default::default()
        };
        assert!(second.covers_type(&ResourceType::new("ecs", "cloudservers")));
    }

    #[test]
    fn tag_logic_and_exclusion() {
        let both = [tag("a", &["1", "2"]), tag("b", &[])];
        let any = PolicyFilterV2 { tags: both.to_vec(), ..Default::default() };
        let all = PolicyFilterV2 { tag_key_logic: Some(TagLogic::And), ..any.clone() };
        assert!(any.matches(&view("r", "x", &[("a", "2")])));
        assert!(!any.matches(&view("r", "x", &[("a", "3")])));
        assert!(!all.matches(&view("r", "x", &[("a", "2")])));
        assert!(all.matches(&view("r", "x", &[("a", "2"), ("b", "")])));
        let excluding = PolicyFilterV2 { exclude_tags: vec![tag("b", &["out"])], ..any };
        assert!(!excluding.matches(&view("r", "x", &[("a", "1"), ("b", "out")])));
        assert!(excluding.matches(&view("r", "x", &[("a", "1"), ("b", "in")])));
    }
}
