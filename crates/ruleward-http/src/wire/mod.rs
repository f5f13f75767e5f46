//! The shapes of bodies, by hand: requests are read leniently, answers hold explicit nulls.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use ruleward_types::{Error, ErrorCode, Result};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub(crate) mod channels;
pub(crate) mod coverage;
pub(crate) mod evaluations;
pub(crate) mod filters;
pub(crate) mod functions;
pub(crate) mod history;
pub(crate) mod identity;
pub(crate) mod imports;
pub(crate) mod inventory;
pub(crate) mod organization_policy_assignments;
pub(crate) mod organizations;
pub(crate) mod past;
pub(crate) mod policy_assignments;
pub(crate) mod policy_definitions;
pub(crate) mod policy_states;
pub(crate) mod policy_summaries;
pub(crate) mod previews;
pub(crate) mod relations;
pub(crate) mod tags;
pub(crate) mod tracker_config;

/// A page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    pub(crate) value: Vec<T>,
    pub(crate) page_info: PageInfo,
}

/// Where a page is in its list.
#[derive(Debug, Serialize)]
pub(crate) struct PageInfo {
    pub(crate) current_count: usize,
    pub(crate) next_marker: Option<String>,
}

/// Reads a body that has to be a JSON object. Unknown fields are tolerated, keys that stand twice
/// are not: which of them counts would be a guess.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let malformed = |place: &str, error: &serde_json::Error| {
        let place = if place == "." { String::new() } else { format!(" at `{place}`") };
        let words = format!("The request body is not what this operation takes{place}: {error}.");
        Error::with(ErrorCode::MalformedBody, words)
    };
    serde_json::from_slice::<UniqueKeys>(body).map_err(|error| malformed(".", &error))?;
    let mut reader = serde_json::Deserializer::from_slice(body);
    let object: Object<T> = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| malformed(&error.path().to_string(), error.inner()))?;
    Ok(object.0)
}

/// A JSON object; serde's own structs would take an array, field by field, as well.
#[derive(Debug, Default)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// A field where absent and null differ; it needs `#[serde(default)]`.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Patch<T> {
    /// It does not stand there.
    #[default]
    Absent,
    /// It is null.
    Null,
    /// It has a value.
    Value(T),
}

impl<T> Patch<T> {
    pub(crate) fn try_map<U>(self, convert: impl FnOnce(T) -> Result<U>) -> Result<Patch<U>> {
        Ok(match self {
            Self::Absent => Patch::Absent,
            Self::Null => Patch::Null,
            Self::Value(value) => Patch::Value(convert(value)?),
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::deserialize(deserializer)? {
            Some(value) => Self::Value(value),
            None => Self::Null,
        })
    }
}

/// Any JSON in which no object has a key twice.
struct UniqueKeys;

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueKeysVisitor)
    }
}

struct UniqueKeysVisitor;

/// A key, borrowed where it can be.
#[derive(Deserialize, PartialEq, Eq, Hash)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for UniqueKeysVisitor {
    type Value = UniqueKeys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_i64<E>(self, _: i64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_u64<E>(self, _: u64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_f64<E>(self, _: f64) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_str<E>(self, _: &str) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_unit<E>(self) -> Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<UniqueKeys, A::Error> {
        while elements.next_element::<UniqueKeys>()?.is_some() {}
        Ok(UniqueKeys)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UniqueKeys, A::Error> {
        let mut known = HashSet::new();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if known.contains(&key) {
                let words = format_args!("key `{key}` stands twice in an object");
                return Err(serde::de::Error::custom(words));
            }
            // A number of any precision comes as a map with a key of serde_json's own.
            if key.starts_with("$serde_json::private") {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value::<UniqueKeys>()?;
            }
            known.insert(key);
        }
        Ok(UniqueKeys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        name: String,
        #[serde(default)]
        tags: Patch<Vec<String>>,
        inner: Option<Object<Inner>>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        number: Option<i64>,
    }

    #[test]
    fn what_is_read() {
        let sample: Sample =
            decode(br#"{"name":"a","x":{"y":[1.5,-2,1e400,true,null]},"inner":{"number":1}}"#)
                .unwrap();
        assert_eq!((sample.name.as_str(), sample.tags), ("a", Patch::Absent));
        assert_eq!(sample.inner.unwrap().0.number, Some(1));
        let null: Sample = decode(br#"{"name":"a","tags":null,"inner":null}"#).unwrap();
        assert_eq!(null.tags, Patch::Null);
    }

    #[test]
    fn what_is_not_says_where() {
        for (body, words) in [
            (&b""[..], "line 1"),
            (b"{", "line 1"),
            (b"[]", "an object"),
            (b"null", "an object"),
            (b"\"x\"", "an object"),
            (b"\xff", "line 1"),
            (br#"{"name":"a","name":"b"}"#, "`name` stands twice"),
            (br#"{"name":"a","x":[{"y":1,"y":1}]}"#, "`y` stands twice"),
            (br#"{"name":"a"} x"#, "trailing"),
            (br#"{"tags":[]}"#, "missing field `name`"),
            (br#"{"name":1}"#, "at `name`"),
            (br#"{"name":"a","tags":["x",2]}"#, "at `tags[1]`"),
            (br#"{"name":"a","inner":[1]}"#, "at `inner`"),
            (br#"{"name":"a","inner":{"number":"1"}}"#, "at `inner.number`"),
        ] {
            let error = decode::<Sample>(body).unwrap_err();
            assert_eq!(error.code(), ErrorCode::MalformedBody);
            assert!(error.message().contains(words), "{words}: {}", error.message());
        }
    }
}
