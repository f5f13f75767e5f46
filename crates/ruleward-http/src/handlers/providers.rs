//! Services, their resource types, and regions.

use ruleward_core::{Access, Cursor, Page, Provider, Region};
use ruleward_types::{Error, ErrorCode, Result};

use crate::call::{Answer, Call};
use crate::validation::one_of;
use crate::wire::List;
use crate::wire::inventory::{Language, ProviderAnswer, ProvidersAnswer, RegionAnswer};

/// Most services or regions of one page.
const PAGE: usize = 200;

fn language(call: &Call) -> Result<Language> {
    if !call.parts.headers.contains_key("x-language") {
        return Ok(Language::Chinese);
    }
    let words = "The X-Language header is invalid; use zh-cn, en-us, fr-fr, es-us or pt-br.";
    call.header("x-language")
        .and_then(Language::parse)
        .ok_or_else(|| Error::with(ErrorCode::LanguageIllegal, words))
}

fn answer(call: &Call, providers: &[Provider], regions: Option<&[Region]>) -> Result<Answer> {
    let (language, query) = (language(call)?, call.query()?);
    let (offset, limit) = (query.bounded_offset()?, query.limit(PAGE)?);
    let page = providers.iter().skip(offset).take(limit);
    Answer::json(&ProvidersAnswer {
        resource_providers: page.map(|of| ProviderAnswer::new(of, regions, language)).collect(),
        total_count: providers.len(),
    })
}

pub(crate) fn list(call: &Call, access: &Access) -> Result<Answer> {
    let tracks = [(true, "tracked"), (false, "untracked")];
    let track =
        call.query()?.one("track")?.map(|text| one_of("track", text, &tracks)).transpose()?;
    // A recorder collects every type unless it is told otherwise.
    let providers =
        if track == Some(false) { Vec::new() } else { call.service().providers(access)? };
    answer(call, &providers, Some(&call.service().regions(access)?))
}

pub(crate) fn list_all(call: &Call, access: &Access) -> Result<Answer> {
    answer(call, &call.service().providers(access)?, None)
}

pub(crate) fn regions(call: &Call, access: &Access) -> Result<Answer> {
    let (language, query) = (language(call)?, call.query()?);
    let Page { limit, after } = call.page(&query, PAGE)?;
    let regions = call.service().regions(access)?;
    let start = after.map_or(0, |place| usize::try_from(place.0).unwrap_or(usize::MAX));
    let rows: Vec<_> = regions.iter().skip(start).take(limit).collect();
    let end = start.saturating_add(rows.len());
    let next = (end < regions.len()).then(|| Cursor(i64::try_from(end).unwrap_or(i64::MAX), 0));
    let page_info = call.page_info(&query, rows.len(), next);
    let value = rows.iter().map(|region| RegionAnswer::new(region, language)).collect();
    Answer::json(&List { value, page_info })
}
