//! The query of a request, read as it is signed: a plus sign is a plus sign.

mod inventory;

use ruleward_core::{Direction, TagSelector};
use ruleward_types::{
    ComplianceState, DeploymentStatus, Error, ErrorCode, Result, StateQuery, Timestamp,
};

use crate::validation;

/// Most items of `tags`.
const TAGS: usize = 5;
const DIRECTIONS: &[(Direction, &str)] = &[(Direction::In, "in"), (Direction::Out, "out")];

/// Decoded names and values, in the order in which they stand.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: &str) -> Result<Self> {
        let text = |bytes| {
            String::from_utf8(bytes).map_err(|_| Error::invalid("The query is not UTF-8 text."))
        };
        ruleward_sign::query_pairs(raw)
            .map(|(name, value)| Ok((text(name)?, text(value)?)))
            .collect::<Result<_>>()
            .map(Self)
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs().filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The value of a parameter that may stand once.
    pub(crate) fn one<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(Error::invalid(format!("`{name}` stands more than once in the query.")));
        }
        Ok(value)
    }

    /// `limit`, between one and the operation's most, which is also its default.
    pub(crate) fn limit(&self, most: usize) -> Result<usize> {
        self.limit_or(most, most)
    }

    /// `limit`, between one and the operation's most, where it has another default.
    pub(crate) fn limit_or(&self, default: usize, most: usize) -> Result<usize> {
        let Some(text) = self.one("limit")? else { return Ok(default) };
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::invalid("`limit` has to be a whole number."));
        }
        let too_large =
            || Error::with(ErrorCode::LimitTooLarge, format!("Limit must be at most {most}."));
        if digits.len() < text.len() || digits.bytes().all(|digit| digit == b'0') {
            return Err(Error::new(ErrorCode::LimitTooSmall));
        }
        digits.parse().ok().filter(|limit| *limit <= most).ok_or_else(too_large)
    }

    /// A time in milliseconds since the epoch.
    pub(crate) fn milliseconds(&self, name: &str) -> Result<Option<Timestamp>> {
        let time = self.one(name)?.map(|text| {
            text.parse().ok().filter(|ms| *ms >= 0).ok_or_else(|| {
                Error::invalid(format!("`{name}` is a number of milliseconds since 1970."))
            })
        });
        Ok(time.transpose()?.map(Timestamp::from_ms))
    }

    /// A moment of our own operations: RFC 3339, or milliseconds since the epoch.
    pub(crate) fn moment(&self, name: &str) -> Result<Option<Timestamp>> {
        let Some(text) = self.one(name)? else { return Ok(None) };
        let moment = match text.parse::<i64>() {
            Ok(ms) => (ms >= 0).then(|| Timestamp::from_ms(ms)),
            Err(_) => Timestamp::parse(text),
        };
        let words = || {
            Error::invalid(format!(
                "`{name}` is a moment such as 2026-03-01T00:00:00Z, or milliseconds since 1970."
            ))
        };
        moment.map(Some).ok_or_else(words)
    }

    /// `chronological_order`: newest first unless it says `Forward`.
    pub(crate) fn newest_first(&self) -> Result<bool> {
        const ORDERS: &[(bool, &str)] = &[(false, "Forward"), (true, "Reverse")];
        self.one("chronological_order")?
            .map_or(Ok(true), |text| validation::one_of("chronological_order", text, ORDERS))
    }

    /// `offset`, how many items to pass over.
    pub(crate) fn offset(&self) -> Result<usize> {
        let Some(text) = self.one("offset")? else { return Ok(0) };
        let illegal = || Error::invalid("`offset` has to be a whole number from 0 on.");
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then_some(()).ok_or_else(illegal)?;
        // Beyond what a number can hold there is nothing either.
        Ok(text.parse().unwrap_or(usize::MAX))
    }

    /// `direction`, which has to be there.
    pub(crate) fn direction(&self) -> Result<Direction> {
        let text = validation::required("direction", self.one("direction")?)?;
        validation::one_of("direction", text, DIRECTIONS)
    }

    pub(crate) fn compliance_state(&self) -> Result<Option<ComplianceState>> {
        self.one("compliance_state")?.map(ComplianceState::parse).transpose()
    }

    pub(crate) fn resource_id(&self) -> Result<Option<&str>> {
        let id = self.one("resource_id")?;
        id.map_or(Ok(()), |id| validation::RESOURCE_ID.check("resource_id", id))?;
        Ok(id)
    }

    pub(crate) fn resource_name(&self) -> Result<Option<&str>> {
        let name = self.one("resource_name")?;
        name.map_or(Ok(()), |name| validation::RESOURCE_NAME.check("resource_name", name))?;
        Ok(name)
    }

    pub(crate) fn policy_assignment_name(&self) -> Result<Option<&str>> {
        let name = self.one("policy_assignment_name")?;
        name.map_or(Ok(()), |name| validation::NAME.check("policy_assignment_name", name))?;
        Ok(name)
    }

    pub(crate) fn organization_rule_id(&self) -> Result<Option<&str>> {
        let id = self.one("organization_policy_assignment_id")?;
        // Longer ones are published here than in paths; they are nobody's.
        validation::up_to(512).check_optional("organization_policy_assignment_id", id)?;
        Ok(id)
    }

    pub(crate) fn organization_rule_name(&self) -> Result<Option<&str>> {
        let name = self.one("organization_policy_assignment_name")?;
        validation::ORGANIZATION_RULE_NAME
            .check_optional("organization_policy_assignment_name", name)?;
        Ok(name)
    }

    pub(crate) fn domain_id(&self) -> Result<Option<&str>> {
        let id = self.one("domain_id")?;
        validation::DOMAIN_ID.check_optional("domain_id", id)?;
        Ok(id)
    }

    /// `status`, how far a deployment is.
    pub(crate) fn deployment_status(&self) -> Result<Option<DeploymentStatus>> {
        let status = self.one("status")?;
        status.map(|text| validation::one_of("status", text, DeploymentStatus::ALL)).transpose()
    }

    /// What a list of states is narrowed to.
    pub(crate) fn states(&self) -> Result<StateQuery> {
        Ok(StateQuery {
            compliance_state: self.compliance_state()?,
            resource_id: self.resource_id()?.map(str::to_owned),
            resource_name: self.resource_name()?.map(str::to_owned),
        })
    }

    /// `tags=key` or `tags=key=value`, up to five of them.
    pub(crate) fn tags(&self) -> Result<Vec<TagSelector>> {
        if self.all("tags").count() > TAGS {
            return Err(Error::new(ErrorCode::TagKeyCount));
        }
        self.all("tags").map(tag_selector).collect()
    }
}

fn tag_selector(item: &str) -> Result<TagSelector> {
    let (key, value) = match item.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (item, None),
    };
    validation::tag_key(key)?;
    value.map_or(Ok(()), validation::tag_value)?;
    // The pattern of an item, unlike a tag's, has no second equals sign.
    if value.is_some_and(|value| value.contains('=')) {
        return Err(Error::new(ErrorCode::TagValueIllegal));
    }
    Ok(TagSelector { key: key.to_owned(), value: value.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(raw: &str) -> Query {
        Query::parse(raw).unwrap()
    }

    #[test]
    fn limits() {
        for (raw, expected) in [
            ("", Ok(200)),
            ("limit=1", Ok(1)),
            ("limit=200", Ok(200)),
            ("limit=0", Err(ErrorCode::LimitTooSmall)),
            ("limit=-1", Err(ErrorCode::LimitTooSmall)),
            ("limit=201", Err(ErrorCode::LimitTooLarge)),
            ("limit=99999999999999999999999", Err(ErrorCode::LimitTooLarge)),
            ("limit=x", Err(ErrorCode::InvalidParameter)),
            ("limit=", Err(ErrorCode::InvalidParameter)),
            ("limit=1&limit=1", Err(ErrorCode::InvalidParameter)),
        ] {
            assert_eq!(query(raw).limit(200).map_err(|e| e.code()), expected, "{raw}");
        }
    }

    #[test]
    fn offsets_and_other_limits() {
        for (raw, expected) in
            [("", Some(0)), ("offset=7", Some(7)), ("offset=-1", None), ("offset=", None)]
        {
            assert_eq!(query(raw).offset().ok(), expected, "{raw}");
        }
        assert_eq!(query("offset=99999999999999999999999").offset().ok(), Some(usize::MAX));
        assert_eq!(query("").limit_or(20, 1000).ok(), Some(20));
        assert_eq!(query("limit=1000").limit_or(20, 1000).ok(), Some(1000));
        let code = query("limit=1001").limit_or(20, 1000).unwrap_err().code();
        assert_eq!(code, ErrorCode::LimitTooLarge);
        for raw in ["", "direction=", "direction=IN", "direction=in&direction=in"] {
            let code = query(raw).direction().unwrap_err().code();
            assert_eq!(code, ErrorCode::InvalidParameter, "{raw}");
        }
        assert_eq!(query("direction=out").direction().ok(), Some(Direction::Out));
    }

    #[test]
    fn narrowing() {
        let long = "x".repeat(513);
        for (raw, expected) in [
            (
                "compliance_state=Compliant&resource_id=a.b:c-1_2&resource_name=Gr%C3%B6%C3%9Fe",
                None,
            ),
            ("unknown=1", None),
            ("compliance_state=compliant", Some(ErrorCode::ComplianceStateIllegal)),
            ("compliance_state=NonCompliantNonCom", Some(ErrorCode::ComplianceStateTooLong)),
            ("resource_id=a%20b", Some(ErrorCode::ResourceIdIllegal)),
            ("resource_id=", Some(ErrorCode::ResourceIdIllegal)),
            (&format!("resource_id={long}"), Some(ErrorCode::ResourceIdTooLong)),
            (&format!("resource_name={long}"), Some(ErrorCode::ResourceNameTooLong)),
            ("resource_name=it's", Some(ErrorCode::ResourceNameIllegal)),
            ("resource_name=%ff", Some(ErrorCode::InvalidParameter)),
        ] {
            let found = Query::parse(raw).and_then(|query| query.states()).map_err(|e| e.code());
            assert_eq!(found.err(), expected, "{raw}");
        }
        let states = query("resource_name=a+b").states().unwrap();
        assert_eq!(states.resource_name.as_deref(), Some("a+b"));
    }

    #[test]
    fn tags() {
        let (long_key, long_value) = ("k".repeat(129), "v".repeat(256));
        for (raw, expected) in [
            ("tags=a&tags=b=c&tags=d=", None),
            ("tags=a&tags=b&tags=c&tags=d&tags=e", None),
            ("tags=a&tags=b&tags=c&tags=d&tags=e&tags=f", Some(ErrorCode::TagKeyCount)),
            ("tags=", Some(ErrorCode::TagKeyIllegal)),
            ("tags==v", Some(ErrorCode::TagKeyIllegal)),
            ("tags=_sys_a", Some(ErrorCode::TagKeyIllegal)),
            ("tags=%20a", Some(ErrorCode::TagKeyIllegal)),
            ("tags=a/b", Some(ErrorCode::TagKeyIllegal)),
            (&format!("tags={long_key}"), Some(ErrorCode::TagKeyTooLong)),
            (&format!("tags=k={long_value}"), Some(ErrorCode::TagValueTooLong)),
            ("tags=k=v'", Some(ErrorCode::TagValueIllegal)),
            ("tags=k=v=w", Some(ErrorCode::TagValueIllegal)),
        ] {
            assert_eq!(query(raw).tags().map_err(|e| e.code()).err(), expected, "{raw}");
        }
        let tags = query("tags=a&tags=b=c&tags=d=").tags().unwrap();
        let tags: Vec<_> = tags.iter().map(|t| (t.key.as_str(), t.value.as_deref())).collect();
        assert_eq!(tags, [("a", None), ("b", Some("c")), ("d", Some(""))]);
    }
}
