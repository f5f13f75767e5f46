//! Resources: what the rules judge.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::compact;
use crate::error::{Error, ErrorCode, Result};
use crate::limits;

/// The reserved type of the account pseudo-resource; no wire name can hold an `@`.
pub const ACCOUNT_TYPE: &str = "@account";

/// A resource type: `provider.type`. Compares without regard to case, keeps its spelling.
#[derive(Debug, Clone, Eq)]
pub struct ResourceType {
    /// The cloud service.
    pub provider: String,
    /// The type inside the service.
    pub name: String,
}

impl ResourceType {
    /// A type from its two parts.
    pub fn new(provider: impl Into<String>, name: impl Into<String>) -> Self {
        Self { provider: provider.into(), name: name.into() }
    }

    /// The reserved type of the account pseudo-resource.
    pub fn account() -> Self {
        Self::new(ACCOUNT_TYPE, "")
    }

    /// Whether it is the account pseudo-resource's.
    pub fn is_account(&self) -> bool {
        self.provider == ACCOUNT_TYPE
    }

    /// Reads `provider.type`.
    pub fn parse(text: &str) -> Option<Self> {
        let (provider, name) = text.split_once('.')?;
        (!provider.is_empty() && !name.is_empty()).then(|| Self::new(provider, name))
    }

    /// Whether `text` (`provider.type`) names this type.
    pub fn is_called(&self, text: &str) -> bool {
        text.split_once('.').is_some_and(|(provider, name)| {
            self.provider.eq_ignore_ascii_case(provider) && self.name.eq_ignore_ascii_case(name)
        })
    }

    /// The lower-case form by which types are the same.
    pub fn key(&self) -> String {
        format!("{}.{}", self.provider, self.name).to_ascii_lowercase()
    }
}

impl PartialEq for ResourceType {
    fn eq(&self, other: &Self) -> bool {
        self.provider.eq_ignore_ascii_case(&other.provider)
            && self.name.eq_ignore_ascii_case(&other.name)
    }
}

impl std::hash::Hash for ResourceType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.provider, self.name)
    }
}

/// What filters and lists need of a stored resource, borrowed from its body.
#[derive(Debug, Clone, Default)]
pub struct ResourceView<'a> {
    /// Id.
    pub id: Cow<'a, str>,
    /// Name.
    pub name: Cow<'a, str>,
    /// Provider.
    pub provider: Cow<'a, str>,
    /// Type inside the provider.
    pub type_name: Cow<'a, str>,
    /// Region.
    pub region_id: Cow<'a, str>,
    /// Tags.
    pub tags: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl ResourceView<'_> {
    /// The value of a tag.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_ref())
    }
}

/// A checked resource, ready to be stored: compact JSON of the wire's resource entity, its
/// scalar fields first, `properties` last.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id; unique in its account and type.
    pub id: String,
    /// The stored body.
    pub body: Vec<u8>,
}

/// What a request says of a resource besides its body. The body may leave it out, and has to
/// agree where it does not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity<'a> {
    /// The id in the path.
    pub id: Option<&'a str>,
    /// The type in the query.
    pub resource_type: Option<&'a ResourceType>,
}

#[derive(Deserialize)]
struct Entity<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    provider: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type", default)]
    type_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    region_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    project_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    project_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    ep_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    ep_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    checksum: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    created: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    updated: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    provisioning_state: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tags: Option<Tags<'a>>,
    #[serde(borrow, default)]
    properties: Option<&'a RawValue>,
}

struct Tags<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Tags<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TagsVisitor;
        impl<'de> Visitor<'de> for TagsVisitor {
            type Value = Tags<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tags: key to string")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut tags: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
                while let Some((Text(key), value)) =
                    map.next_entry::<Text<'de>, Option<Text<'de>>>()?
                {
                    if tags.iter().any(|(known, _)| *known == key) {
                        return Err(serde::de::Error::custom(format_args!(
                            "tag `{key}` stands twice"
                        )));
                    }
                    tags.push((key, value.map_or(Cow::Borrowed(""), |Text(value)| value)));
                }
                Ok(Tags(tags))
            }
        }
        deserializer.deserialize_map(TagsVisitor)
    }
}

/// A string that is borrowed where the input allows it.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn illegal(reason: impl Into<String>) -> Error {
    Error::with(ErrorCode::ResourceIllegal, reason)
}

impl Resource {
    /// Reads and checks one resource entity as the wire has it (what `ListAllResources`
    /// returns). Unknown fields are left out. `known` spells a type as it is stored.
    pub fn parse(text: &[u8], known: impl Fn(ResourceType) -> ResourceType) -> Result<Self> {
        Self::parse_as(text, Identity::default(), known)
    }

    /// The same, where the request says what it is.
    pub fn parse_as(
        text: &[u8],
        identity: Identity<'_>,
        known: impl Fn(ResourceType) -> ResourceType,
    ) -> Result<Self> {
        if text.len() > 2 * limits::RESOURCE_SIZE_BYTES {
            return Err(illegal("a resource has at most 1 MiB"));
        }
        // serde would take an array for a struct, field by field.
        if text.trim_ascii_start().first() != Some(&b'{') {
            return Err(illegal("not a resource: an object is wanted"));
        }
        let mut entity: Entity<'_> =
            serde_json::from_slice(text).map_err(|e| illegal(format!("not a resource: {e}")))?;
        agree(&mut entity.id, "id", identity.id, |a, b| a == b)?;
        if let Some(ResourceType { provider, name }) = identity.resource_type {
            agree(&mut entity.provider, "provider", Some(provider), str::eq_ignore_ascii_case)?;
            agree(&mut entity.type_name, "type", Some(name), str::eq_ignore_ascii_case)?;
        }
        Self::check(entity, known)
    }

    fn check(entity: Entity<'_>, known: impl Fn(ResourceType) -> ResourceType) -> Result<Self> {
        let id = required(entity.id, "id", limits::RESOURCE_ID_CHARS)?;
        if !id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-')) {
            return Err(illegal("`id` may hold letters, digits and `_.:-` only"));
        }
        let name = entity.name.unwrap_or_default();
        if name.chars().count() > limits::RESOURCE_NAME_CHARS {
            return Err(illegal("`name` has at most 512 characters"));
        }
        let provider = required(entity.provider, "provider", limits::PROVIDER_CHARS)?;
        let type_name = required(entity.type_name, "type", limits::TYPE_CHARS)?;
        if !provider.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(illegal("`provider` may hold letters, digits and `_` only"));
        }
        if !type_name.chars().all(crate::ids::is_word_or_dash) {
            return Err(illegal("`type` may hold letters, digits, `_` and `-` only"));
        }
        let resource_type = known(ResourceType::new(provider, type_name));
        let Tags(mut tags) = entity.tags.unwrap_or(Tags(Vec::new()));
        if tags.len() > limits::RESOURCE_TAGS {
            return Err(illegal("a resource has at most 100 tags"));
        }
        tags.sort();
        let properties = entity.properties.map_or("{}", RawValue::get);
        let mut body = Vec::with_capacity(properties.len() + 512);
        let mut put = |field: &str, value: Option<&str>| {
            body.push(if body.is_empty() { b'{' } else { b',' });
            body.extend_from_slice(b"\"");
            body.extend_from_slice(field.as_bytes());
            body.extend_from_slice(b"\":");
            match value {
                Some(text) => compact::write_string(&mut body, text),
                None => body.extend_from_slice(b"null"),
            }
        };
        put("id", Some(&id));
        put("name", Some(&name));
        put("provider", Some(&resource_type.provider));
        put("type", Some(&resource_type.name));
        put("region_id", Some(entity.region_id.as_deref().unwrap_or("global")));
        put("project_id", Some(entity.project_id.as_deref().unwrap_or("")));
        put("project_name", Some(entity.project_name.as_deref().unwrap_or("")));
        put("ep_id", Some(entity.ep_id.as_deref().unwrap_or("0")));
        put("ep_name", Some(entity.ep_name.as_deref().unwrap_or("default")));
        put("checksum", Some(entity.checksum.as_deref().unwrap_or("")));
        put("created", entity.created.as_deref());
        put("updated", entity.updated.as_deref());
        put("provisioning_state", entity.provisioning_state.as_deref());
        body.extend_from_slice(b",\"tags\":");
        write_tags(&mut body, &tags);
        body.extend_from_slice(b",\"properties\":");
        // One level is the entity's own.
        compact::compact_object(properties, limits::RESOURCE_DEPTH - 1, &mut body)
            .map_err(|e| illegal(format!("`properties`: {e}")))?;
        body.push(b'}');
        if body.len() > limits::RESOURCE_SIZE_BYTES {
            return Err(illegal("a resource has at most 1 MiB"));
        }
        Ok(Self { resource_type, id: id.into_owned(), body })
    }
}

fn agree(
    given: &mut Option<Cow<'_, str>>,
    field: &str,
    wanted: Option<&str>,
    same: fn(&str, &str) -> bool,
) -> Result<()> {
    match (&given, wanted) {
        (Some(given), Some(wanted)) if !same(given, wanted) => Err(illegal(format!(
            "`{field}` is `{given}` in the body and `{wanted}` in the request"
        ))),
        (None, Some(wanted)) => {
            *given = Some(Cow::Owned(wanted.to_owned()));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn write_tags(body: &mut Vec<u8>, tags: &[(Cow<'_, str>, Cow<'_, str>)]) {
    body.push(b'{');
    for (n, (key, value)) in tags.iter().enumerate() {
        if n > 0 {
            body.push(b',');
        }
        compact::write_string(body, key);
        body.push(b':');
        compact::write_string(body, value);
    }
    body.push(b'}');
}

fn required<'a>(value: Option<Cow<'a, str>>, field: &str, max: usize) -> Result<Cow<'a, str>> {
    let value = value.ok_or_else(|| illegal(format!("`{field}` is missing")))?;
    let length = value.chars().count();
    if length == 0 || length > max {
        return Err(illegal(format!("`{field}` has between 1 and {max} characters")));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Resource> {
        Resource::parse(text.as_bytes(), |given| given)
    }

    #[test]
    fn body_is_compact_and_ordered() {
        let resource = parse(
            r#"{ "properties": { "a" : [1, 2.50 , 1e3], "b": {"c": "x y\n"} }, "tags": {"z":"1","a":null},
                 "type": "volumes", "provider": "evs", "id": "v-1", "state": "Normal" }"#,
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(resource.body).unwrap(),
            concat!(
                r#"{"id":"v-1","name":"","provider":"evs","type":"volumes","region_id":"global","#,
                r#""project_id":"","project_name":"","ep_id":"0","ep_name":"default","checksum":"","#,
                r#""created":null,"updated":null,"provisioning_state":null,"tags":{"a":"","z":"1"},"#,
                r#""properties":{"a":[1,2.50,1e3],"b":{"c":"x y\n"}}}"#
            )
        );
    }

    #[test]
    fn refusals_name_the_field() {
        for (text, word) in [
            (r#"{"provider":"evs","type":"volumes"}"#, "`id` is missing"),
            (r#"{"id":"a b","provider":"evs","type":"volumes"}"#, "`id` may hold"),
            (r#"{"id":"a","provider":"@account","type":"volumes"}"#, "`provider` may hold"),
            (r#"{"id":"a","provider":"evs","type":"volumes","properties":[]}"#, "`properties`"),
            (
                r#"{"id":"a","provider":"evs","type":"volumes","properties":{"x":{"y":1,"y":2}}}"#,
                "twice",
            ),
            (r#"{"id":"a","id":"b","provider":"evs","type":"volumes"}"#, "duplicate"),
            (r#"{"id":"a","provider":"evs","type":"volumes","tags":{"k":"1","k":"2"}}"#, "twice"),
            ("[]", "not a resource"),
            ("", "not a resource"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message().contains(word), "{text}: {error}");
        }
        let deep = format!(
            r#"{{"id":"a","provider":"evs","type":"v","properties":{{"x":{}{}}}}}"#,
            "[".repeat(70),
            "]".repeat(70)
        );
        assert!(parse(&deep).unwrap_err().message().contains("deep"), "{deep}");
    }
}
