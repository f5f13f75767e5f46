//! Policy filters of both forms.

use ruleward_types::{FilterTag, PolicyFilter, PolicyFilterV2, Result, TagLogic, limits};
use serde::Deserialize;

use super::Object;
use crate::validation::{at_most, one_of, required, resource_type, up_to};

const REGION_ID_CHARS: usize = 128;
const PROVIDER_CHARS: usize = 128;
const TYPE_CHARS: usize = 128;
const TAG_KEY_CHARS: usize = 128;
const TAG_VALUE_CHARS: usize = 256;
/// `provider.type`.
const DOTTED_TYPE_CHARS: usize = PROVIDER_CHARS + 1 + TYPE_CHARS;

const TAG_LOGIC: &[(TagLogic, &str)] = &[(TagLogic::And, "AND"), (TagLogic::Or, "OR")];

/// The first form, as a request has it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FilterRequest {
    region_id: Option<String>,
    resource_provider: Option<String>,
    resource_type: Option<String>,
    resource_id: Option<String>,
    tag_key: Option<String>,
    tag_value: Option<String>,
}

impl FilterRequest {
    pub(crate) fn into_filter(self) -> Result<PolicyFilter> {
        let check = |field: &str, value: &Option<String>, most: usize| {
            up_to(most).check_optional(&format!("policy_filter.{field}"), value.as_deref())
        };
        check("region_id", &self.region_id, REGION_ID_CHARS)?;
        check("resource_provider", &self.resource_provider, PROVIDER_CHARS)?;
        check("resource_type", &self.resource_type, TYPE_CHARS)?;
        check("resource_id", &self.resource_id, limits::RESOURCE_ID_CHARS)?;
        check("tag_key", &self.tag_key, TAG_KEY_CHARS)?;
        check("tag_value", &self.tag_value, TAG_VALUE_CHARS)?;
        if self.tag_value.is_some() {
            // Alone it would be ignored, and the rule wider than it looks.
            required("policy_filter.tag_key", self.tag_key.as_ref())?;
        }
        Ok(PolicyFilter {
            region_id: self.region_id,
            resource_provider: self.resource_provider,
            resource_type: self.resource_type,
            resource_id: self.resource_id,
            tag_key: self.tag_key,
            tag_value: self.tag_value,
        })
    }
}

/// The second form, as a request has it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct FilterV2Request {
    region_ids: Option<Vec<String>>,
    resource_types: Option<Vec<String>>,
    resource_ids: Option<Vec<String>>,
    tag_key_logic: Option<String>,
    tags: Option<Vec<Object<FilterTagRequest>>>,
    exclude_tag_key_logic: Option<String>,
    exclude_tags: Option<Vec<Object<FilterTagRequest>>>,
}

#[derive(Debug, Deserialize)]
struct FilterTagRequest {
    key: Option<String>,
    values: Option<Vec<String>>,
}

impl FilterV2Request {
    pub(crate) fn into_filter(self) -> Result<PolicyFilterV2> {
        let list = |field: &str, values: Option<Vec<String>>, most: usize| {
            strings(&format!("policy_filter_v2.{field}"), values, most)
        };
        let resource_types = list("resource_types", self.resource_types, DOTTED_TYPE_CHARS)?;
        resource_types.iter().try_for_each(|text| resource_type(text).map(drop))?;
        Ok(PolicyFilterV2 {
            region_ids: list("region_ids", self.region_ids, REGION_ID_CHARS)?,
            resource_types,
            resource_ids: list("resource_ids", self.resource_ids, limits::RESOURCE_ID_CHARS)?,
            tag_key_logic: logic("tag_key_logic", self.tag_key_logic.as_deref())?,
            tags: tags("tags", self.tags)?,
            exclude_tag_key_logic: logic(
                "exclude_tag_key_logic",
                self.exclude_tag_key_logic.as_deref(),
            )?,
            exclude_tags: tags("exclude_tags", self.exclude_tags)?,
        })
    }
}

fn logic(field: &str, text: Option<&str>) -> Result<Option<TagLogic>> {
    text.map(|text| one_of(&format!("policy_filter_v2.{field}"), text, TAG_LOGIC)).transpose()
}

fn strings(field: &str, values: Option<Vec<String>>, most: usize) -> Result<Vec<String>> {
    let values = values.unwrap_or_default();
    at_most(field, values.len(), limits::FILTER_LIST)?;
    up_to(most).check_all(field, &values)?;
    Ok(values)
}

fn tags(field: &str, tags: Option<Vec<Object<FilterTagRequest>>>) -> Result<Vec<FilterTag>> {
    let tags = tags.unwrap_or_default();
    at_most(&format!("policy_filter_v2.{field}"), tags.len(), limits::FILTER_LIST)?;
    let convert = |(n, Object(tag)): (usize, Object<FilterTagRequest>)| {
        let place = |name: &str| format!("policy_filter_v2.{field}[{n}].{name}");
        let key = required(&place("key"), tag.key.filter(|key| !key.is_empty()))?;
        up_to(TAG_KEY_CHARS).check(&place("key"), &key)?;
        Ok(FilterTag { key, values: strings(&place("values"), tag.values, TAG_VALUE_CHARS)? })
    };
    tags.into_iter().enumerate().map(convert).collect()
}
