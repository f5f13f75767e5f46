//! Predefined policies.

use ruleward_core::{Access, Cursor, Page};
use ruleward_policy::PolicyDefinition;
use ruleward_types::{Error, ErrorCode, Result};

use crate::call::{Answer, Call};
use crate::validation;
use crate::wire::List;
use crate::wire::policy_definitions::{Language, PolicyDefinitionAnswer};

/// Most definitions of one page.
const PAGE: usize = 500;

fn language(call: &Call) -> Result<Language> {
    if !call.parts.headers.contains_key("x-language") {
        return Ok(Language::default());
    }
    call.header("x-language")
        .and_then(Language::parse)
        .ok_or_else(|| Error::new(ErrorCode::LanguageIllegal))
}

pub(crate) fn list(call: &Call, _: &Access) -> Result<Answer> {
    let language = language(call)?;
    let query = call.query()?;
    let Page { limit, after } = call.page(&query, PAGE)?;
    let definitions = call.service().catalogue().list();
    let start = after.map_or(0, |place| usize::try_from(place.0).unwrap_or(usize::MAX));
    let rows: Vec<_> = definitions.iter().skip(start).take(limit).collect();
    let end = start.saturating_add(rows.len());
    let next = (end < definitions.len()).then(|| Cursor(i64::try_from(end).unwrap_or(i64::MAX), 0));
    let page_info = call.page_info(&query, rows.len(), next);
    let convert = |one: &&'static PolicyDefinition| PolicyDefinitionAnswer::new(one, language);
    Answer::json(&List { value: rows.iter().map(convert).collect(), page_info })
}

pub(crate) fn show(call: &Call, _: &Access) -> Result<Answer> {
    let language = language(call)?;
    let id = call.parameter("policy_definition_id")?;
    validation::POLICY_DEFINITION_ID.check("policy_definition_id", id)?;
    let found = call.service().catalogue().get(id);
    let definition = found.ok_or_else(|| Error::new(ErrorCode::NotFound))?;
    Answer::json(&PolicyDefinitionAnswer::new(definition, language))
}
