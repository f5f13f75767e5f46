//! Tags of the service's own resources.

use ruleward_core::{TagQuery, TagRemoval, TagValues};
use ruleward_types::{Error, PolicyAssignment, Result, Tag, limits};
use serde::{Deserialize, Serialize};

use super::Object;
use crate::validation::{
    TAG_KEY_LENGTH, TAG_VALUE_LENGTH, at_most, one_of, required, tag_key, tag_value,
};

/// Most keys of a search, most values of one of them, most texts to match.
const KEYS: usize = 20;
const VALUES: usize = 20;
const MATCHES: usize = 1;
/// The only field that can be matched.
const FIELDS: &[((), &str)] = &[((), "resource_name")];

/// A tag as it is given.
#[derive(Debug, Deserialize)]
pub(crate) struct TagRequest {
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
}

/// Tags to be set, each with key and value, no key twice.
pub(crate) fn check_tags(tags: Vec<Object<TagRequest>>) -> Result<Vec<Tag>> {
    at_most("tags", tags.len(), limits::ASSIGNMENT_TAGS)?;
    let mut checked: Vec<Tag> = Vec::with_capacity(tags.len());
    for (n, Object(tag)) in tags.into_iter().enumerate() {
        let key = required(&format!("tags[{n}].key"), tag.key)?;
        let value = required(&format!("tags[{n}].value"), tag.value)?;
        tag_key(&key)?;
        tag_value(&value)?;
        if checked.iter().any(|known| known.key == key) {
            return Err(twice("tags", &key));
        }
        checked.push(Tag { key, value });
    }
    Ok(checked)
}

fn twice(field: &str, key: &str) -> Error {
    Error::invalid(format!("`{field}` names the key `{key}` twice."))
}

fn at_least_one<T>(field: &str, items: Option<Vec<T>>) -> Result<Vec<T>> {
    let items = required(field, items)?;
    if items.is_empty() { Err(Error::invalid(format!("`{field}` is empty."))) } else { Ok(items) }
}

/// The body that adds tags.
#[derive(Debug, Deserialize)]
pub(crate) struct TagsRequest {
    tags: Option<Vec<Object<TagRequest>>>,
}

impl TagsRequest {
    pub(crate) fn into_tags(self) -> Result<Vec<Tag>> {
        check_tags(at_least_one("tags", self.tags)?)
    }
}

/// The body that removes tags: the value is published as needed, and left out in the published
/// example.
#[derive(Debug, Deserialize)]
pub(crate) struct RemovalRequest {
    tags: Option<Vec<Object<TagRequest>>>,
}

impl RemovalRequest {
    pub(crate) fn into_removals(self) -> Result<Vec<TagRemoval>> {
        let tags = at_least_one("tags", self.tags)?;
        at_most("tags", tags.len(), limits::ASSIGNMENT_TAGS)?;
        let removal = |(n, Object(tag)): (usize, Object<TagRequest>)| {
            let key = required(&format!("tags[{n}].key"), tag.key)?;
            tag_key(&key)?;
            let value = tag.value.filter(|value| !value.is_empty());
            TAG_VALUE_LENGTH.check_optional(&format!("tags[{n}].value"), value.as_deref())?;
            Ok(TagRemoval { key, value })
        };
        tags.into_iter().enumerate().map(removal).collect()
    }
}

/// The body that searches.
#[derive(Debug, Deserialize)]
pub(crate) struct InstancesRequest {
    tags: Option<Vec<Object<SearchedTag>>>,
    matches: Option<Vec<Object<Match>>>,
    without_any_tag: Option<Truth>,
}

#[derive(Debug, Deserialize)]
struct SearchedTag {
    key: Option<String>,
    values: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Match {
    key: Option<String>,
    value: Option<String>,
}

/// The published example sends the boolean as a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Truth {
    Plain(bool),
    Text(String),
}

const TRUTHS: &[(bool, &str)] = &[(true, "true"), (false, "false")];

impl InstancesRequest {
    pub(crate) fn into_query(self) -> Result<TagQuery> {
        let without_any_tag = match self.without_any_tag {
            None => false,
            Some(Truth::Plain(truth)) => truth,
            Some(Truth::Text(text)) => one_of("without_any_tag", &text, TRUTHS)?,
        };
        let matches = self.matches.unwrap_or_default();
        at_most("matches", matches.len(), MATCHES)?;
        let name = matches.into_iter().next().map(|Object(of)| of.check()).transpose()?;
        let given = self.tags.unwrap_or_default();
        at_most("tags", given.len(), KEYS)?;
        let mut tags: Vec<TagValues> = Vec::with_capacity(given.len());
        for (n, Object(tag)) in given.into_iter().enumerate() {
            let tag = tag.check(n)?;
            if tags.iter().any(|known| known.key == tag.key) {
                return Err(twice("tags", &tag.key));
            }
            tags.push(tag);
        }
        Ok(TagQuery { tags, without_any_tag, name })
    }
}

impl Match {
    fn check(self) -> Result<String> {
        one_of("matches[0].key", &required("matches[0].key", self.key)?, FIELDS)?;
        let value = required("matches[0].value", self.value)?;
        TAG_VALUE_LENGTH.check("matches[0].value", &value)?;
        Ok(value)
    }
}

impl SearchedTag {
    /// Only lengths are checked of what is searched for; blanks around it do not count.
    fn check(self, n: usize) -> Result<TagValues> {
        let field = format!("tags[{n}].key");
        let key = required(&field, self.key)?.trim_matches(' ').to_owned();
        TAG_KEY_LENGTH.check(&field, &key)?;
        let field = format!("tags[{n}].values");
        let mut values = required(&field, self.values)?;
        at_most(&field, values.len(), VALUES)?;
        for value in &mut values {
            *value = value.trim_matches(' ').to_owned();
            TAG_VALUE_LENGTH.check(&field, value)?;
        }
        let mut sorted: Vec<_> = values.iter().collect();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(Error::invalid(format!("`{field}` names a value twice.")));
        }
        Ok(TagValues { key, values })
    }
}

/// A rule that was found.
#[derive(Debug, Serialize)]
pub(crate) struct InstanceAnswer<'a> {
    resource_id: &'a str,
    resource_name: &'a str,
    /// Published as empty, for later.
    resource_detail: Empty,
    tags: Vec<TagAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct Empty {}

/// Rules that were found.
#[derive(Debug, Serialize)]
pub(crate) struct InstanceList<'a> {
    pub(crate) resources: Vec<InstanceAnswer<'a>>,
    pub(crate) total_count: usize,
}

/// How many there are.
#[derive(Debug, Serialize)]
pub(crate) struct TotalCount {
    pub(crate) total_count: usize,
}

/// A tag as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct TagAnswer<'a> {
    key: &'a str,
    value: &'a str,
}

/// The tags of one rule.
#[derive(Debug, Serialize)]
pub(crate) struct TagList<'a> {
    pub(crate) tags: Vec<TagAnswer<'a>>,
}

/// A key with its values.
#[derive(Debug, Serialize)]
pub(crate) struct ValuesAnswer {
    key: String,
    values: Vec<String>,
}

/// The tags of all rules.
#[derive(Debug, Serialize)]
pub(crate) struct ValuesList {
    pub(crate) tags: Vec<ValuesAnswer>,
    pub(crate) total_count: usize,
}

impl<'a> From<&'a PolicyAssignment> for InstanceAnswer<'a> {
    fn from(rule: &'a PolicyAssignment) -> Self {
        Self {
            resource_id: rule.id.as_str(),
            resource_name: &rule.name,
            resource_detail: Empty {},
            tags: rule.tags.iter().map(TagAnswer::from).collect(),
        }
    }
}

impl<'a> From<&'a Tag> for TagAnswer<'a> {
    fn from(tag: &'a Tag) -> Self {
        Self { key: &tag.key, value: &tag.value }
    }
}

impl From<TagValues> for ValuesAnswer {
    fn from(TagValues { key, values }: TagValues) -> Self {
        Self { key, values }
    }
}
