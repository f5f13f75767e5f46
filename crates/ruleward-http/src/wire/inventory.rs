//! Resources in lists, counts and summaries, services and regions.

use ruleward_core::{
    DisplayName, ListedResource, Provider, ProviderType, Region, TagValues, TypeCounts,
};
use ruleward_types::{Error, Result};
use serde::Serialize;

use super::PageInfo;

/// The language of names for people. The published ones without names of their own read English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// `zh-cn`.
    Chinese,
    /// All others.
    English,
}

impl Language {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "zh-cn" => Some(Self::Chinese),
            "en-us" | "fr-fr" | "es-us" | "pt-br" => Some(Self::English),
            _ => None,
        }
    }

    fn of(self, name: &DisplayName) -> &str {
        match self {
            Self::Chinese => &name.zh,
            Self::English => &name.en,
        }
    }
}

fn put_resource(out: &mut Vec<u8>, resource: &ListedResource) {
    // A stored body is an object that is not empty; its end makes place for one more member.
    let open = resource.body.strip_suffix(b"}").unwrap_or(&resource.body);
    out.extend_from_slice(open);
    let state = if resource.is_deleted { "Deleted" } else { "Normal" };
    out.extend_from_slice(b",\"state\":\"");
    out.extend_from_slice(state.as_bytes());
    out.extend_from_slice(b"\"}");
}

/// One resource.
pub(crate) fn resource(resource: &ListedResource) -> Vec<u8> {
    let mut out = Vec::with_capacity(resource.body.len() + 24);
    put_resource(&mut out, resource);
    out
}

/// A page of resources. Their bodies are JSON already and go out as they are stored.
pub(crate) fn resources(found: &[ListedResource], page_info: &PageInfo) -> Result<Vec<u8>> {
    let size: usize = found.iter().map(|of| of.body.len() + 24).sum();
    let mut out = Vec::with_capacity(size + 512);
    out.extend_from_slice(b"{\"resources\":[");
    for (n, one) in found.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        put_resource(&mut out, one);
    }
    out.extend_from_slice(b"],\"page_info\":");
    serde_json::to_writer(&mut out, page_info)
        .map_err(|e| Error::internal("an answer is no JSON", e))?;
    out.push(b'}');
    Ok(out)
}

/// How many resources there are.
#[derive(Debug, Serialize)]
pub(crate) struct CountAnswer {
    pub(crate) total_count: i64,
}

/// Resources of a service, by type and region.
#[derive(Debug, Serialize)]
pub(crate) struct ProviderCounts<'a> {
    provider: &'a str,
    types: Vec<TypeCountsAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct TypeCountsAnswer<'a> {
    #[serde(rename = "type")]
    type_name: &'a str,
    regions: Vec<RegionCount<'a>>,
}

#[derive(Debug, Serialize)]
struct RegionCount<'a> {
    region_id: &'a str,
    count: i64,
}

/// Types, which stand in the order of their services, service by service.
pub(crate) fn summary(counts: &[TypeCounts]) -> Vec<ProviderCounts<'_>> {
    counts
        .chunk_by(|a, b| a.resource_type.provider.eq_ignore_ascii_case(&b.resource_type.provider))
        .map(|of| ProviderCounts {
            provider: of.first().map_or("", |first| &first.resource_type.provider),
            types: of.iter().map(TypeCountsAnswer::from).collect(),
        })
        .collect()
}

impl<'a> From<&'a TypeCounts> for TypeCountsAnswer<'a> {
    fn from(counts: &'a TypeCounts) -> Self {
        let region =
            |(region_id, count): &'a (String, i64)| RegionCount { region_id, count: *count };
        Self {
            type_name: &counts.resource_type.name,
            regions: counts.regions.iter().map(region).collect(),
        }
    }
}

/// A page of tags.
#[derive(Debug, Serialize)]
pub(crate) struct TagsAnswer<'a> {
    pub(crate) tags: Vec<TagAnswer<'a>>,
    pub(crate) page_info: PageInfo,
}

#[derive(Debug, Serialize)]
pub(crate) struct TagAnswer<'a> {
    key: &'a str,
    /// A list, whatever its name says.
    value: &'a [String],
}

impl<'a> From<&'a TagValues> for TagAnswer<'a> {
    fn from(tag: &'a TagValues) -> Self {
        Self { key: &tag.key, value: &tag.values }
    }
}

/// A page of services.
#[derive(Debug, Serialize)]
pub(crate) struct ProvidersAnswer<'a> {
    pub(crate) resource_providers: Vec<ProviderAnswer<'a>>,
    pub(crate) total_count: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct ProviderAnswer<'a> {
    provider: &'a str,
    display_name: &'a str,
    category_display_name: &'a str,
    resource_types: Vec<ProviderTypeAnswer<'a>>,
}

#[derive(Debug, Serialize)]
struct ProviderTypeAnswer<'a> {
    name: &'a str,
    display_name: &'a str,
    global: bool,
    regions: Option<Vec<&'a str>>,
    /// There is no console of the vendor's here.
    console_endpoint_id: &'static str,
    console_list_url: &'static str,
    console_detail_url: &'static str,
    /// Whether a recorder collects it unless told otherwise: everything.
    track: &'static str,
}

impl<'a> ProviderAnswer<'a> {
    /// `regions`: where the types of services that are not global can be; none if not asked for.
    pub(crate) fn new(of: &'a Provider, regions: Option<&'a [Region]>, language: Language) -> Self {
        let places = |regions: &'a [Region]| -> Vec<&'a str> {
            if of.is_global {
                vec!["global"]
            } else {
                regions.iter().map(|region| region.region.as_str()).collect()
            }
        };
        let kind = |kind: &'a ProviderType| ProviderTypeAnswer {
            name: &kind.type_name,
            display_name: language.of(&kind.name),
            global: of.is_global,
            regions: regions.map(places),
            console_endpoint_id: "",
            console_list_url: "",
            console_detail_url: "",
            track: "tracked",
        };
        Self {
            provider: &of.provider,
            display_name: language.of(&of.name),
            category_display_name: language.of(&of.category),
            resource_types: of.types.iter().map(kind).collect(),
        }
    }
}

/// A region.
#[derive(Debug, Serialize)]
pub(crate) struct RegionAnswer<'a> {
    region_id: &'a str,
    display_name: &'a str,
}

impl<'a> RegionAnswer<'a> {
    pub(crate) fn new(region: &'a Region, language: Language) -> Self {
        Self { region_id: &region.region, display_name: language.of(&region.name) }
    }
}
