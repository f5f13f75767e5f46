//! What lists, counts and summaries of resources are narrowed to. Which parameters there are, and
//! how several values are written, is each operation's own.

use ruleward_core::{Inventory, ResourceFilter};
use ruleward_types::{Error, ErrorCode, FilterTag, ResourceType, Result};

use super::Query;
use crate::validation::{self, TextRule};

/// Most types of one query.
const TYPES: usize = 100;
/// Most regions, enterprise projects or projects of one query.
const PLACES: usize = 10;
/// Most keys of `tag`, and most values of one of them.
const TAGS: usize = 5;
/// Most items that an offset passes over.
const OFFSET: usize = 1000;

/// A parameter with a list of values, and what is wrong with a wrong one.
struct ListRule {
    name: &'static str,
    most: usize,
    count: ErrorCode,
    item: TextRule,
}

const TYPE_LIST: ListRule = ListRule {
    name: "type",
    most: TYPES,
    count: ErrorCode::ResourceTypeCount,
    item: validation::TYPE_IN_QUERY,
};
const REGION_LIST: ListRule = ListRule {
    name: "region_id",
    most: PLACES,
    count: ErrorCode::RegionCount,
    item: validation::REGION_ID,
};
const ENTERPRISE_PROJECT_LIST: ListRule = ListRule {
    name: "ep_id",
    most: PLACES,
    count: ErrorCode::EnterpriseProjectCount,
    item: validation::ENTERPRISE_PROJECT_ID,
};
const PROJECT_LIST: ListRule = ListRule {
    name: "project_id",
    most: PLACES,
    count: ErrorCode::ProjectCount,
    item: validation::PROJECT_ID,
};

impl Query {
    /// Of a list: each parameter but `tags` has one value.
    pub(crate) fn listed_resources(&self) -> Result<ResourceFilter> {
        Ok(ResourceFilter {
            id: self.id()?,
            name: self.name()?,
            types: types(&self.single(&TYPE_LIST)?)?,
            regions: self.single(&REGION_LIST)?,
            enterprise_projects: self.single(&ENTERPRISE_PROJECT_LIST)?,
            projects: Vec::new(),
            tags: self.resource_tags()?,
        })
    }

    /// Of a summary: lists are joined by commas.
    pub(crate) fn summarized_resources(&self) -> Result<ResourceFilter> {
        Ok(ResourceFilter {
            id: None,
            name: self.name()?,
            types: types(&self.list(&TYPE_LIST)?)?,
            regions: self.list(&REGION_LIST)?,
            enterprise_projects: self.list(&ENTERPRISE_PROJECT_LIST)?,
            projects: self.list(&PROJECT_LIST)?,
            tags: self.resource_tags()?,
        })
    }

    /// Of a count: as of a summary, and the id.
    pub(crate) fn counted_resources(&self) -> Result<ResourceFilter> {
        Ok(ResourceFilter { id: self.id()?, ..self.summarized_resources()? })
    }

    /// Of a list of one type: tags are written `tag[key]=value`.
    pub(crate) fn resources_of_type(&self, resource_type: ResourceType) -> Result<ResourceFilter> {
        Ok(ResourceFilter {
            types: vec![resource_type],
            regions: self.single(&REGION_LIST)?,
            enterprise_projects: self.single(&ENTERPRISE_PROJECT_LIST)?,
            tags: self.deep_tags()?,
            ..ResourceFilter::default()
        })
    }

    /// A list that may have one value only.
    fn single(&self, rule: &ListRule) -> Result<Vec<String>> {
        let value = self.one(rule.name)?;
        rule.item.check_optional(rule.name, value)?;
        Ok(value.map(str::to_owned).into_iter().collect())
    }

    /// The tracked resources; with `resource_deleted=true` also those that were deleted.
    pub(crate) fn tracked(&self) -> Result<Inventory> {
        let with_deleted = match self.one("resource_deleted")? {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Error::invalid("`resource_deleted` is true or false.")),
        };
        Ok(Inventory::Tracked { with_deleted })
    }

    /// `key`, the key of a tag.
    pub(crate) fn tag_key(&self) -> Result<Option<&str>> {
        let key = self.one("key")?;
        key.map_or(Ok(()), validation::tag_key)?;
        Ok(key)
    }

    /// `offset` of the lists of services, which is bounded.
    pub(crate) fn bounded_offset(&self) -> Result<usize> {
        let Some(text) = self.one("offset")? else { return Ok(0) };
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::invalid("`offset` has to be a whole number."));
        }
        if digits.len() < text.len() && digits.bytes().any(|digit| digit != b'0') {
            return Err(Error::new(ErrorCode::OffsetTooSmall));
        }
        let offset = digits.parse().ok().filter(|offset| *offset <= OFFSET);
        offset.ok_or_else(|| Error::new(ErrorCode::OffsetTooLarge))
    }

    fn id(&self) -> Result<Option<String>> {
        let id = self.one("id")?;
        validation::RESOURCE_ID.check_optional("id", id)?;
        Ok(id.map(str::to_owned))
    }

    fn name(&self) -> Result<Option<String>> {
        let name = self.one("name")?;
        validation::LISTED_NAME.check_optional("name", name)?;
        Ok(name.map(str::to_owned))
    }

    /// Values that are joined by commas; who repeats the parameter is understood too.
    fn list(&self, rule: &ListRule) -> Result<Vec<String>> {
        let mut values = Vec::new();
        for text in self.all(rule.name) {
            for value in text.split(',') {
                rule.item.check(rule.name, value)?;
                if !values.iter().any(|known| known == value) {
                    values.push(value.to_owned());
                }
                if values.len() > rule.most {
                    return Err(Error::new(rule.count));
                }
            }
        }
        Ok(values)
    }

    /// `tags=key` or `tags=key=value`. All keys have to be there, of one key any of the values.
    fn resource_tags(&self) -> Result<Vec<FilterTag>> {
        let mut tags: Vec<FilterTag> = Vec::new();
        let mut any = Vec::new();
        for selector in self.tags()? {
            if selector.value.is_none() {
                any.push(selector.key.clone());
            }
            add(&mut tags, &selector.key, selector.value);
        }
        for tag in tags.iter_mut().filter(|tag| any.contains(&tag.key)) {
            tag.values.clear();
        }
        Ok(tags)
    }

    /// `tag[key]=value` as it is published, and `tag=key=['value', 'other']` as the vendor's SDK for
    /// Python writes it: a filter that is not understood must not widen a list. No value can have a
    /// quote, a comma or a bracket in it.
    fn deep_tags(&self) -> Result<Vec<FilterTag>> {
        let mut tags: Vec<FilterTag> = Vec::new();
        for (name, value) in self.pairs() {
            let key = name.strip_prefix("tag[").and_then(|rest| rest.strip_suffix(']'));
            let (key, values) = match (key, value.split_once('=')) {
                (Some(key), _) => (key, value),
                (None, Some((key, values))) if name == "tag" => (key, values),
                (None, None) if name == "tag" => (value, "[]"),
                (None, _) => continue,
            };
            validation::tag_key(key)?;
            let list = values.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            if list == Some("") {
                add(&mut tags, key, None);
                continue;
            }
            for value in list.map_or(vec![values], |list| list.split(',').collect()) {
                let value = if list.is_some() { value.trim().trim_matches('\'') } else { value };
                validation::tag_value(value)?;
                add(&mut tags, key, Some(value.to_owned()));
            }
        }
        if tags.len() > TAGS {
            return Err(Error::new(ErrorCode::TagKeyCount));
        }
        if tags.iter().any(|tag| tag.values.len() > TAGS) {
            return Err(Error::new(ErrorCode::TagValueCount));
        }
        Ok(tags)
    }
}

fn add(tags: &mut Vec<FilterTag>, key: &str, value: Option<String>) {
    let values: Vec<String> = value.into_iter().collect();
    match tags.iter_mut().find(|tag| tag.key == key) {
        Some(tag) => tag.values.extend(values),
        None => tags.push(FilterTag { key: key.to_owned(), values }),
    }
}

fn types(texts: &[String]) -> Result<Vec<ResourceType>> {
    let illegal = || Error::new(ErrorCode::ResourceTypeIllegal);
    texts.iter().map(|text| ResourceType::parse(text).ok_or_else(illegal)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(raw: &str) -> Query {
        Query::parse(raw).unwrap()
    }

    #[test]
    fn lists_are_joined_or_repeated() {
        let of =
            query("type=evs.volumes,ECS.cloudservers&region_id=r-1,r-2,r-1&ep_id=0&project_id=p,q")
                .summarized_resources()
                .unwrap();
        assert_eq!(of.types.len(), 2);
        assert_eq!((of.regions.len(), of.projects.len()), (2, 2));
        let of = query("region_id=r-1&region_id=r-2").counted_resources().unwrap();
        assert_eq!(of.regions, ["r-1", "r-2"]);
    }

    #[test]
    fn tags_of_one_key_are_alternatives() {
        let tags =
            query("tags=a=1&tags=b&tags=a=2&tags=c=3&tags=c").listed_resources().unwrap().tags;
        let tags: Vec<_> =
            tags.iter().map(|tag| (tag.key.as_str(), tag.values.join("|"))).collect();
        assert_eq!(tags, [("a", "1|2".into()), ("b", String::new()), ("c", String::new())]);
        let kind = || ResourceType::new("evs", "volumes");
        let tags =
            query("tag[a]=1&tag%5Ba%5D=2&tag[b]=x/y").resources_of_type(kind()).unwrap().tags;
        let tags: Vec<_> =
            tags.iter().map(|tag| (tag.key.as_str(), tag.values.join("|"))).collect();
        assert_eq!(tags, [("a", "1|2".into()), ("b", "x/y".to_owned())]);
        let raw = "tag=a%3D%5B%271%27%2C%20%272%27%5D&tag=b%3D%5B%27%27%5D&tag=c&tag=d=e";
        let tags = query(raw).resources_of_type(kind()).unwrap().tags;
        let tags: Vec<_> = tags.iter().map(|tag| (tag.key.as_str(), tag.values.clone())).collect();
        let values = |of: &[&str]| of.iter().map(|of| (*of).to_owned()).collect::<Vec<_>>();
        let wanted = [
            ("a", values(&["1", "2"])),
            ("b", values(&[""])),
            ("c", values(&[])),
            ("d", values(&["e"])),
        ];
        assert_eq!(tags, wanted);
    }

    #[test]
    fn refusals_have_the_documented_codes() {
        let many = |name: &str, count: usize| {
            let values: Vec<_> = (0..count).map(|n| format!("a.b{n}")).collect();
            format!("{name}={}", values.join(","))
        };
        let plain = |name: &str, count: usize| many(name, count).replace("a.b", "a");
        let long = "x".repeat(513);
        for (raw, expected) in [
            (&many("type", 100) as &str, None),
            (&many("type", 101), Some(ErrorCode::ResourceTypeCount)),
            ("type=evs", Some(ErrorCode::ResourceTypeIllegal)),
            ("type=", Some(ErrorCode::ResourceTypeIllegal)),
            ("type=a.b,", Some(ErrorCode::ResourceTypeIllegal)),
            (&format!("type=a.{}", "b".repeat(39)), Some(ErrorCode::ResourceTypeTooLong)),
            (&plain("region_id", 10), None),
            (&plain("region_id", 11), Some(ErrorCode::RegionCount)),
            ("region_id=a%20b", Some(ErrorCode::RegionIllegal)),
            (&format!("region_id={}", "r".repeat(37)), Some(ErrorCode::RegionTooLong)),
            (&plain("ep_id", 11), Some(ErrorCode::EnterpriseProjectCount)),
            ("ep_id=a.b", Some(ErrorCode::EnterpriseProjectIllegal)),
            (&plain("project_id", 11), Some(ErrorCode::ProjectCount)),
            (&format!("project_id={}", "r".repeat(37)), Some(ErrorCode::ProjectTooLong)),
            ("project_id=.", Some(ErrorCode::ProjectIllegal)),
            ("id=a%20b", Some(ErrorCode::ResourceIdIllegal)),
            (&format!("name={long}"), Some(ErrorCode::ResourceNameTooLong)),
            ("name=it's", Some(ErrorCode::ResourceNameIllegal)),
            ("tags=a&tags=b&tags=c&tags=d&tags=e&tags=f", Some(ErrorCode::TagKeyCount)),
        ] {
            let found = query(raw).counted_resources().map_err(|e| e.code());
            assert_eq!(found.err(), expected, "{raw}");
        }
        let deep = |raw: &str| {
            let kind = ResourceType::new("evs", "volumes");
            query(raw).resources_of_type(kind).map(drop).map_err(|e| e.code()).err()
        };
        assert_eq!(deep("tag[]=1"), Some(ErrorCode::TagKeyIllegal));
        let keys: Vec<_> = (0..6).map(|n| format!("tag[k{n}]=1")).collect();
        assert_eq!(deep(&keys.join("&")), Some(ErrorCode::TagKeyCount));
        let values: Vec<_> = (0..6).map(|n| format!("tag[k]={n}")).collect();
        assert_eq!(deep(&values.join("&")), Some(ErrorCode::TagValueCount));
        for (raw, expected) in [
            ("", Ok(0)),
            ("offset=1000", Ok(1000)),
            ("offset=1001", Err(ErrorCode::OffsetTooLarge)),
            ("offset=-1", Err(ErrorCode::OffsetTooSmall)),
            ("offset=x", Err(ErrorCode::InvalidParameter)),
        ] {
            assert_eq!(query(raw).bounded_offset().map_err(|e| e.code()), expected, "{raw}");
        }
        assert!(query("resource_deleted=yes").tracked().is_err());
    }
}
