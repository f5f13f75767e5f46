//! Limits and patterns of the published definitions, with their documented codes.
//! Lengths count code points, `\w` is ASCII, a pattern means the whole value.

use std::sync::LazyLock;

use regex::Regex;
use ruleward_types::ids::is_word_or_dash;
use ruleward_types::{Error, ErrorCode, ResourceType, Result, limits};

/// What a text may be.
pub(crate) struct TextRule {
    most: usize,
    legal: fn(&str) -> bool,
    too_long: ErrorCode,
    illegal: ErrorCode,
}

/// A rule's name.
pub(crate) const NAME: TextRule = TextRule {
    most: limits::ASSIGNMENT_NAME_CHARS,
    legal: is_name,
    too_long: ErrorCode::NameTooLong,
    illegal: ErrorCode::NameIllegal,
};
/// An organization rule's name.
pub(crate) const ORGANIZATION_RULE_NAME: TextRule =
    TextRule { most: limits::ORGANIZATION_ASSIGNMENT_NAME_CHARS, ..NAME };
/// The organization in a path.
pub(crate) const ORGANIZATION_ID: TextRule =
    TextRule { most: 34, legal: is_organization_id, ..up_to(34) };
/// An organization rule's id: ours, or another client's.
pub(crate) const ORGANIZATION_RULE_ID: TextRule =
    TextRule { legal: |text| filled(text, is_word_or_dash), ..up_to(32) };
/// The account in a path.
pub(crate) const DOMAIN_ID: TextRule = TextRule {
    most: 36,
    legal: |text| filled(text, is_word_or_dash),
    too_long: ErrorCode::DomainIdTooLong,
    illegal: ErrorCode::DomainIdIllegal,
};
/// A policy definition's id.
pub(crate) const POLICY_DEFINITION_ID: TextRule = TextRule {
    most: 36,
    legal: |text| filled(text, is_word_or_dash),
    too_long: ErrorCode::PolicyDefinitionIdTooLong,
    illegal: ErrorCode::PolicyDefinitionIdIllegal,
};
/// A resource's id.
pub(crate) const RESOURCE_ID: TextRule = TextRule {
    most: limits::RESOURCE_ID_CHARS,
    legal: |text| filled(text, |c| is_word_or_dash(c) || c == '.' || c == ':'),
    too_long: ErrorCode::ResourceIdTooLong,
    illegal: ErrorCode::ResourceIdIllegal,
};
/// A resource's name, as a query has it.
pub(crate) const RESOURCE_NAME: TextRule = TextRule {
    most: 256,
    legal: |text| filled(text, |c| c != '\''),
    too_long: ErrorCode::ResourceNameTooLong,
    illegal: ErrorCode::ResourceNameIllegal,
};
/// A resource's name, as a list of resources has it: longer than elsewhere.
pub(crate) const LISTED_NAME: TextRule =
    TextRule { most: limits::RESOURCE_NAME_CHARS, ..RESOURCE_NAME };
/// `provider.type` in the query of a list.
pub(crate) const TYPE_IN_QUERY: TextRule = TextRule {
    most: 40,
    legal: |text| filled(text, |c| is_word_or_dash(c) || c == '.'),
    too_long: ErrorCode::ResourceTypeTooLong,
    illegal: ErrorCode::ResourceTypeIllegal,
};
/// A region.
pub(crate) const REGION_ID: TextRule = TextRule {
    most: 36,
    legal: |text| filled(text, is_word_or_dash),
    too_long: ErrorCode::RegionTooLong,
    illegal: ErrorCode::RegionIllegal,
};
/// An enterprise project.
pub(crate) const ENTERPRISE_PROJECT_ID: TextRule = TextRule {
    most: 36,
    legal: |text| filled(text, is_word_or_dash),
    too_long: ErrorCode::EnterpriseProjectIllegal,
    illegal: ErrorCode::EnterpriseProjectIllegal,
};
/// A project.
pub(crate) const PROJECT_ID: TextRule = TextRule {
    most: 36,
    legal: |text| filled(text, is_word_or_dash),
    too_long: ErrorCode::ProjectTooLong,
    illegal: ErrorCode::ProjectIllegal,
};
/// The service in a path.
pub(crate) const PROVIDER: TextRule = TextRule {
    most: limits::PROVIDER_CHARS,
    legal: |text| filled(text, |c| is_word_or_dash(c) && c != '-'),
    too_long: ErrorCode::ServiceIllegal,
    illegal: ErrorCode::ServiceIllegal,
};
/// The type inside the service in a path.
pub(crate) const TYPE_IN_PATH: TextRule = TextRule {
    most: limits::TYPE_CHARS,
    legal: |text| filled(text, is_word_or_dash),
    too_long: ErrorCode::TypeIllegal,
    illegal: ErrorCode::TypeIllegal,
};
/// A topic: `urn:smn:REGION:PROJECT:NAME`.
pub(crate) const TOPIC_URN: TextRule = TextRule { legal: is_topic_urn, ..up_to(512) };
/// A bucket.
pub(crate) const BUCKET_NAME: TextRule = TextRule { legal: is_bucket_name, ..up_to(63) };
/// What keys in a bucket begin with: words with slashes between them.
pub(crate) const BUCKET_PREFIX: TextRule = TextRule {
    legal: |text| {
        text.split('/').all(|part| filled(part, |c| c.is_ascii_alphanumeric() || c == '_'))
    },
    ..up_to(256)
};
/// An agency.
pub(crate) const AGENCY_NAME: TextRule =
    TextRule { legal: |text| !text.is_empty() && !text.contains('\n'), ..up_to(64) };
const TAG_KEY: TextRule = TextRule {
    most: 128,
    legal: is_tag_key,
    too_long: ErrorCode::TagKeyTooLong,
    illegal: ErrorCode::TagKeyIllegal,
};
const TAG_VALUE: TextRule = TextRule {
    most: 255,
    legal: |text| TAG_VALUE_PATTERN.as_ref().is_ok_and(|pattern| pattern.is_match(text)),
    too_long: ErrorCode::TagValueTooLong,
    illegal: ErrorCode::TagValueIllegal,
};

/// A tag's key that is searched for.
pub(crate) const TAG_KEY_LENGTH: TextRule = TextRule { legal: |text| !text.is_empty(), ..TAG_KEY };
/// A tag's value, or a name, that is searched for.
pub(crate) const TAG_VALUE_LENGTH: TextRule = TextRule { legal: |_| true, ..TAG_VALUE };

/// Any text up to so many characters, where no code of its own is documented.
pub(crate) const fn up_to(most: usize) -> TextRule {
    let code = ErrorCode::InvalidParameter;
    TextRule { most, legal: |_| true, too_long: code, illegal: code }
}

impl TextRule {
    pub(crate) fn check(&self, field: &str, text: &str) -> Result<()> {
        let most = self.most;
        if text.chars().count() > most {
            return Err(at(self.too_long, || format!("`{field}` has at most {most} characters.")));
        }
        if !(self.legal)(text) {
            return Err(at(self.illegal, || format!("`{field}` is illegal.")));
        }
        Ok(())
    }

    pub(crate) fn check_optional(&self, field: &str, text: Option<&str>) -> Result<()> {
        text.map_or(Ok(()), |text| self.check(field, text))
    }

    /// Checks every element of a list.
    pub(crate) fn check_all(&self, field: &str, texts: &[String]) -> Result<()> {
        texts
            .iter()
            .enumerate()
            .try_for_each(|(n, text)| self.check(&format!("{field}[{n}]"), text))
    }
}

/// The code's own words, or where the code says nothing of the place, words that do.
fn at(code: ErrorCode, words: impl FnOnce() -> String) -> Error {
    if code == ErrorCode::InvalidParameter { Error::with(code, words()) } else { Error::new(code) }
}

/// One of an enumeration's values.
pub(crate) fn one_of<T: Copy>(field: &str, text: &str, values: &[(T, &str)]) -> Result<T> {
    values.iter().find(|(_, name)| *name == text).map(|(value, _)| *value).ok_or_else(|| {
        let names: Vec<_> = values.iter().map(|(_, name)| *name).collect();
        Error::invalid(format!("`{field}` is one of: {}.", names.join(", ")))
    })
}

/// At most so many elements.
pub(crate) fn at_most(field: &str, count: usize, most: usize) -> Result<()> {
    if count > most {
        return Err(Error::invalid(format!("`{field}` has at most {most} elements.")));
    }
    Ok(())
}

/// A field that has to be there.
pub(crate) fn required<T>(field: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Error::invalid(format!("`{field}` is required.")))
}

/// `provider.type`.
pub(crate) fn resource_type(text: &str) -> Result<ResourceType> {
    ResourceType::parse(text).ok_or_else(|| {
        Error::invalid("A resource type is written `provider.type`, such as `ecs.cloudservers`.")
    })
}

pub(crate) fn tag_key(key: &str) -> Result<()> {
    TAG_KEY.check("key", key)
}

pub(crate) fn tag_value(value: &str) -> Result<()> {
    TAG_VALUE.check("value", value)
}

fn filled(text: &str, legal: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(legal)
}

fn is_organization_id(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.strip_prefix("o-").is_some_and(|rest| rest.len() >= 10 && rest.chars().all(inside))
}

fn is_topic_urn(text: &str) -> bool {
    let part = |part: &str| filled(part, |c| is_word_or_dash(c) || c == '.');
    text.strip_prefix("urn:smn:")
        .is_some_and(|rest| rest.split(':').count() == 3 && rest.split(':').all(part))
}

fn is_bucket_name(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    text.len() >= 3 && text.chars().all(inside)
}

fn is_name(text: &str) -> bool {
    let inside = |c: char| {
        matches!(c, '\u{4e00}'..='\u{9fa5}' | '\u{c0}'..='\u{ff}' | ' ') || is_word_or_dash(c)
    };
    filled(text, inside) && text.trim() == text
}

static TAG_KEY_PATTERN: LazyLock<Result<Regex, regex::Error>> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{Z}\p{N}_.:=+\-@]+$"));
static TAG_VALUE_PATTERN: LazyLock<Result<Regex, regex::Error>> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$"));

fn is_tag_key(text: &str) -> bool {
    TAG_KEY_PATTERN.as_ref().is_ok_and(|pattern| pattern.is_match(text))
        && text.trim() == text
        && !text.starts_with("_sys_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in ["a", "with space", "a_b-c", "磁盘", "Größe", "0", "ÀÿÖ", &"磁".repeat(256)]
        {
            assert!(NAME.check("name", name).is_ok(), "{name}");
        }
        for name in ["", " a", "a ", "a\tb", "a'b", "a/b", "a.b", "\u{1f600}", "Ā", "a\n"] {
            let code = NAME.check("name", name).unwrap_err().code();
            assert_eq!(code, ErrorCode::NameIllegal, "{name}");
        }
        let code = NAME.check("name", &"磁".repeat(257)).unwrap_err().code();
        assert_eq!(code, ErrorCode::NameTooLong);
    }

    #[test]
    fn tags() {
        for key in ["k", "a=b", "磁 盘", "a.b:c@d+e-f_g", &"k".repeat(128)] {
            assert!(tag_key(key).is_ok(), "{key}");
        }
        for key in ["", " k", "k ", "_sys_k", "k/", "k'", "k\n"] {
            assert_eq!(tag_key(key).unwrap_err().code(), ErrorCode::TagKeyIllegal, "{key}");
        }
        assert_eq!(tag_key(&"k".repeat(129)).unwrap_err().code(), ErrorCode::TagKeyTooLong);
        for value in ["", " v ", "a/b=c", &"磁".repeat(255)] {
            assert!(tag_value(value).is_ok(), "{value}");
        }
        assert_eq!(tag_value("v'").unwrap_err().code(), ErrorCode::TagValueIllegal);
        assert_eq!(tag_value(&"v".repeat(256)).unwrap_err().code(), ErrorCode::TagValueTooLong);
    }

    #[test]
    fn ids() {
        for (rule, text, expected) in [
            (&DOMAIN_ID, "d0123456789", None),
            (&DOMAIN_ID, "a b", Some(ErrorCode::DomainIdIllegal)),
            (&DOMAIN_ID, &*"d".repeat(37), Some(ErrorCode::DomainIdTooLong)),
            (&POLICY_DEFINITION_ID, "5fa365476eed194ccb2c04d1", None),
            (&POLICY_DEFINITION_ID, "a b", Some(ErrorCode::PolicyDefinitionIdIllegal)),
            (&POLICY_DEFINITION_ID, &*"d".repeat(37), Some(ErrorCode::PolicyDefinitionIdTooLong)),
            (&RESOURCE_ID, "a.b:c-d_e", None),
            (&RESOURCE_ID, "é", Some(ErrorCode::ResourceIdIllegal)),
            (&ORGANIZATION_ID, "o-0123456789", None),
            (&ORGANIZATION_ID, "o-012345678", Some(ErrorCode::InvalidParameter)),
            (&ORGANIZATION_ID, "o-0123456789A", Some(ErrorCode::InvalidParameter)),
            (&ORGANIZATION_ID, "0123456789012", Some(ErrorCode::InvalidParameter)),
            (
                &ORGANIZATION_ID,
                &*format!("o-{}", "a".repeat(33)),
                Some(ErrorCode::InvalidParameter),
            ),
            (&ORGANIZATION_RULE_ID, &*"a".repeat(33), Some(ErrorCode::InvalidParameter)),
            (&ORGANIZATION_RULE_NAME, &*"y".repeat(252), None),
            (&ORGANIZATION_RULE_NAME, &*"y".repeat(253), Some(ErrorCode::NameTooLong)),
        ] {
            assert_eq!(rule.check("x", text).map_err(|e| e.code()).err(), expected, "{text}");
        }
        let error = up_to(3).check("description", "abcd").unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidParameter);
        assert!(error.message().contains("`description`"), "{error}");
    }
}
