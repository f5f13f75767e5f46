//! Lists, counts and summaries of resources, each list beside reading its page's rows from the bare
//! store by key, one after the other.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use ruleward_core::{Access, Cursor, Inventory, Page, ResourceFilter, Service};
use ruleward_store::Store;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{AccountNo, FilterTag, ResourceKey, ResourceType};
use serde_json::{Map, Value, json};

use super::{first_account, open};

/// Resources of a page: the wire's most.
const PAGE: usize = 200;
/// How often each is asked for: a 99th percentile needs some.
const TIMES: usize = 300;
/// The page that counts as deep.
const DEEP: usize = 400;

/// A list that is asked for.
struct Case {
    name: &'static str,
    inventory: Inventory,
    filter: ResourceFilter,
    /// Pages that are passed over before.
    depth: usize,
}

fn tag(key: &str, values: &[&str]) -> FilterTag {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    FilterTag { key: key.to_owned(), values }
}

/// Three types, two regions, two tags.
fn worst() -> ResourceFilter {
    let kind = |of: (&str, &str)| ResourceType::new(of.0, of.1);
    ResourceFilter {
        types: [("evs", "volumes"), ("ecs", "cloudservers"), ("vpc", "securityGroups")]
            .into_iter()
            .map(kind)
            .collect(),
        regions: vec!["cn-north-4".to_owned(), "cn-east-3".to_owned()],
        tags: vec![tag("env", &[]), tag("team", &[])],
        ..ResourceFilter::default()
    }
}

fn cases(service: &Service, access: &Access) -> Result<Vec<Case>> {
    let all = ResourceFilter::default;
    let first = Page { limit: 1, after: None };
    let one = service.resources(access, Inventory::All, &all(), first)?.items;
    let one: Value = serde_json::from_slice(&one.first().context("no resource")?.body)?;
    let text = |field: &str| one.get(field).and_then(Value::as_str).map(str::to_owned);
    let rare = ResourceFilter {
        tags: vec![tag("cost-center", &["cc-7"]), tag("env", &["dev"]), tag("team", &["risk"])],
        ..all()
    };
    let centers: Vec<_> = (0..20).map(|n| format!("cc-{n}")).collect();
    let centers: Vec<_> = centers.iter().map(String::as_str).collect();
    let many = ResourceFilter {
        regions: vec!["eu-west-101".to_owned()],
        tags: vec![tag("cost-center", &centers)],
        ..all()
    };
    let case = |name, filter, depth| Case { name, inventory: Inventory::All, filter, depth };
    let tracked = |name, filter| Case { inventory: Inventory::TRACKED, ..case(name, filter, 0) };
    Ok(vec![
        case("first page", all(), 0),
        case("deep page", all(), DEEP),
        case("3 types, 2 regions, 2 tags", worst(), 0),
        case("3 types, 2 regions, 2 tags, deep page", worst(), DEEP),
        case("rare tags", rare.clone(), 0),
        tracked("rare tags, of what is tracked", rare),
        case("one region, 20 values of a tag", many, 0),
        case("by name", ResourceFilter { name: text("name"), ..all() }, 0),
        case("by id", ResourceFilter { id: text("id"), ..all() }, 0),
    ])
}

/// Two tags that half of all resources carry, and none both.
fn nowhere() -> ResourceFilter {
    let tags = vec![tag("env", &["prod"]), tag("env", &["staging", "dev"])];
    ResourceFilter { tags, ..ResourceFilter::default() }
}

/// Takes each many times: median and 99th percentile in microseconds.
pub fn lists(database: &Path) -> Result<Value> {
    let (service, access) = open(database)?;
    let store: Arc<dyn Store> = SqliteStore::open(database)?;
    let account = first_account(&store)?.no;
    let mut figures = Map::new();
    for case in cases(&service, &access)? {
        let after = place(&service, &access, &case)?;
        let page = Page { limit: PAGE, after };
        let ask = || service.resources(&access, case.inventory, &case.filter, page);
        let keys = keys(&store, account, &ask()?.items)?;
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            let begun = Instant::now();
            ask()?;
            ours.push(begun.elapsed().as_secs_f64() * 1e6);
            let begun = Instant::now();
            store.read(|tx| keys.iter().try_for_each(|key| tx.resource(*key).map(drop)))?;
            bare.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        let figure = json!({ "rows": keys.len(), "ours": two(ours), "bare": two(bare) });
        figures.insert(case.name.to_owned(), figure);
    }
    let all = ResourceFilter::default();
    let first = Page { limit: 100, after: None };
    let mut alone = |name: &str, job: &dyn Fn() -> ruleward_types::Result<()>| -> Result<()> {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            let begun = Instant::now();
            job()?;
            took.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        figures.insert(name.to_owned(), json!({ "ours": two(took) }));
        Ok(())
    };
    let count = |filter: &ResourceFilter| service.count_resources(&access, Inventory::All, filter);
    let page = Page { limit: PAGE, after: None };
    let list = |of: &ResourceFilter| service.resources(&access, Inventory::All, of, page);
    alone("nothing matches", &|| list(&nowhere()).map(drop))?;
    alone("count", &|| count(&all).map(drop))?;
    alone("count, 3 types, 2 regions, 2 tags", &|| count(&worst()).map(drop))?;
    alone("summary", &|| service.summarize_resources(&access, Inventory::All, &all).map(drop))?;
    alone("tags", &|| service.resource_tags(&access, Inventory::All, None, first).map(drop))?;
    let of_types = ResourceFilter { types: worst().types, ..ResourceFilter::default() };
    figures.insert("matching".to_owned(), json!([count(&worst())?, count(&of_types)?]));
    Ok(Value::Object(figures))
}

/// Where the page of a case begins.
fn place(service: &Service, access: &Access, case: &Case) -> Result<Option<Cursor>> {
    let mut after = None;
    for _ in 0..case.depth {
        let page = Page { limit: PAGE, after };
        let found = service.resources(access, case.inventory, &case.filter, page)?;
        let Some(next) = found.next else { break };
        after = Some(next);
    }
    Ok(after)
}

fn keys(
    store: &Arc<dyn Store>,
    account: AccountNo,
    items: &[ruleward_core::ListedResource],
) -> Result<Vec<ResourceKey>> {
    let mut keys = Vec::new();
    for item in items {
        let body: Value = serde_json::from_slice(&item.body)?;
        let id = body.get("id").and_then(Value::as_str).unwrap_or_default();
        keys.extend(store.read(|tx| tx.resources_by_id(account, id))?.into_iter().next());
    }
    Ok(keys)
}

/// Median and 99th percentile.
fn two(mut took: Vec<f64>) -> [f64; 2] {
    took.sort_by(f64::total_cmp);
    let at = |place: usize| took.get(place).copied().unwrap_or_default();
    [at(took.len() / 2), at(took.len() * 99 / 100)]
}
