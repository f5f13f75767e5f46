//! The policies of the rule sets by hand: for each type of resource the paths that its rules
//! read, each looked up once, and a predicate for each rule over what was found.

use std::borrow::Cow;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use sonic_rs::LazyValue;

use super::predicates;
use super::value::{members, text};

/// A rule as `ruleward-bench rule-set` prints it.
#[derive(Debug, serde::Deserialize)]
pub struct Described {
    /// The rule's name.
    pub name: String,
    /// The policy that it binds.
    pub policy: String,
    /// `provider.type`; all types where there is none.
    pub types: Vec<String>,
    /// What it is narrowed to.
    pub filter: Option<Filter>,
    /// The policy's parameters.
    pub parameters: Value,
}

/// A filter by region and tag; the tags combine by "or".
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Filter {
    /// Regions, any where empty.
    pub regions: Vec<String>,
    /// Tags, any where empty.
    pub tags: Vec<Tag>,
}

/// A tag of a filter.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its values.
    pub values: Vec<String>,
}

/// A path of the resource.
pub type Path = Vec<String>;

/// What was found of a type's paths, in their order.
pub type Found<'a> = [Option<LazyValue<'a>>];

/// Is the resource in violation?
pub type Predicate = Box<dyn Fn(&Found<'_>) -> bool>;

/// The paths that the rules of a type read.
#[derive(Debug, Default)]
pub struct Paths(Vec<Path>);

impl Paths {
    /// The place of a path (`a.b.c`).
    pub fn slot(&mut self, path: &str) -> usize {
        self.slot_of(path.split('.').map(str::to_owned).collect())
    }

    /// The place of a path.
    pub fn slot_of(&mut self, path: Path) -> usize {
        if let Some(place) = self.0.iter().position(|known| *known == path) {
            return place;
        }
        self.0.push(path);
        self.0.len() - 1
    }
}

/// A place's value.
pub fn at<'a, 'b>(found: &'a Found<'b>, slot: usize) -> Option<&'a LazyValue<'b>> {
    found.get(slot).and_then(Option::as_ref)
}

/// Room for what is found of one resource, used again for the next.
#[derive(Debug, Default)]
pub struct Room(Vec<Option<LazyValue<'static>>>);

/// The same allocation for values of another lifetime.
fn recycled<'b>(mut values: Vec<Option<LazyValue<'_>>>) -> Vec<Option<LazyValue<'b>>> {
    values.clear();
    values.into_iter().map(|_| None).collect()
}

struct TypeRule {
    number: usize,
    filter: Option<(Filter, usize, usize)>,
    predicate: Predicate,
}

/// The rules that judge one type.
pub struct TypeRules {
    paths: Paths,
    rules: Vec<TypeRule>,
}

impl TypeRules {
    /// The rules of a set that judge a type (`provider.type`).
    pub fn new(set: &[Described], kind: &str) -> Result<Self> {
        let mut paths = Paths::default();
        let mut rules = Vec::new();
        for (number, rule) in set.iter().enumerate() {
            if !rule.types.is_empty() && !rule.types.iter().any(|of| of == kind) {
                continue;
            }
            let filter = rule
                .filter
                .clone()
                .map(|filter| (filter, paths.slot("region_id"), paths.slot("tags")));
            let predicate =
                predicates::of(&rule.policy, &Parameters(&rule.parameters), kind, &mut paths)
                    .with_context(|| rule.name.clone())?;
            rules.push(TypeRule { number, filter, predicate });
        }
        Ok(Self { paths, rules })
    }

    /// Judges one resource: how many evaluations were in scope; violations by rule in `counts`.
    pub fn judge(&self, body: &[u8], room: &mut Room, counts: &mut [u64]) -> u64 {
        let mut found = recycled(std::mem::take(&mut room.0));
        // What most paths begin with is looked up once.
        let properties = match sonic_rs::get(body, ["properties"]).map(|of| of.as_raw_cow()) {
            Ok(Cow::Borrowed(properties)) => properties,
            _ => "{}",
        };
        found.extend(self.paths.0.iter().map(|path| match path.split_first() {
            Some((first, rest)) if first == "properties" => sonic_rs::get(properties, rest).ok(),
            _ => sonic_rs::get(body, path.as_slice()).ok(),
        }));
        let mut evaluations = 0;
        for rule in &self.rules {
            if rule.filter.as_ref().is_some_and(|(filter, region, tags)| {
                !filter.matches(at(&found, *region), at(&found, *tags))
            }) {
                continue;
            }
            evaluations += 1;
            if (rule.predicate)(&found)
                && let Some(count) = counts.get_mut(rule.number)
            {
                *count += 1;
            }
        }
        room.0 = recycled(found);
        evaluations
    }
}

impl Filter {
    fn matches(&self, region: Option<&LazyValue<'_>>, tags: Option<&LazyValue<'_>>) -> bool {
        let here = self.regions.is_empty()
            || region
                .and_then(text)
                .is_some_and(|region| self.regions.iter().any(|of| *of == region));
        here && (self.tags.is_empty()
            || members(tags).any(|(key, value)| {
                self.tags.iter().any(|tag| {
                    tag.key == key
                        && (tag.values.is_empty()
                            || text(&value)
                                .is_some_and(|value| tag.values.iter().any(|of| *of == value)))
                })
            }))
    }
}

/// A rule's parameters.
#[derive(Debug)]
pub struct Parameters<'a>(&'a Value);

impl Parameters<'_> {
    /// A text.
    pub fn text(&self, name: &str) -> Result<String> {
        match self.0.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            other => bail!("{name} is no text: {other:?}"),
        }
    }

    /// A list of texts; numbers as texts.
    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        match self.0.get(name) {
            Some(Value::Array(list)) => Ok(list
                .iter()
                .map(|of| of.as_str().map_or_else(|| of.to_string(), str::to_owned))
                .collect()),
            None => Ok(Vec::new()),
            other => bail!("{name} is no list: {other:?}"),
        }
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<f64> {
        self.0.get(name).and_then(Value::as_f64).with_context(|| name.to_owned())
    }
}
