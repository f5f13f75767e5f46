//! Lists, counts, summaries and tags against a plain scan over everything that was told.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use ruleward_core::{Inventory, Page, ResourceFilter};
use ruleward_types::{ErrorCode, FilterTag, Recorder, ResourceType, Selection};
use serde_json::{Value, json};

use crate::support::{House, code};

const TYPES: [&str; 3] = ["evs.volumes", "ecs.cloudservers", "own.things"];
const REGIONS: [&str; 3] = ["r-1", "r-2", "global"];

type Key = (String, String);

/// What an inventory should be, by type and id.
#[derive(Debug, Default)]
struct Wanted(BTreeMap<Key, Value>);

/// What was told, what of it is recorded, and what the recorder covers.
#[derive(Debug)]
struct Model {
    told: Wanted,
    recorded: Wanted,
    /// What was recorded last of what is not any more.
    deleted: Wanted,
    recorder: Recorder,
}

#[derive(Debug, Clone)]
enum Step {
    Put(Value),
    Delete(usize, u8),
    Record(Recorder),
    WorkOff,
}

fn entity() -> impl Strategy<Value = Value> {
    let tags =
        prop::sample::subsequence(vec![("a", "1"), ("b", ""), ("c", "x=y"), ("ä", "1")], 0..=4);
    let place = (0..TYPES.len(), 0..REGIONS.len(), 0_u8..2, 0_u8..2, prop::bool::ANY);
    (place, 0_u8..12, 0_u8..4, tags, 0_u8..3).prop_map(
        |((kind, region, ep, project, other), id, name, tags, size)| {
            let (provider, type_name) = TYPES[kind].split_once('.').unwrap();
            let mut tags: BTreeMap<_, _> = tags.into_iter().collect();
            if other && let Some(value) = tags.get_mut("a") {
                *value = "2";
            }
            json!({
                "id": format!("id-{id}"), "name": if name == 0 { String::new() } else { format!("name {name}") },
                "provider": provider, "type": type_name, "region_id": REGIONS[region],
                "ep_id": format!("ep-{ep}"), "project_id": format!("p-{project}"), "tags": tags,
                "properties": {"size": size},
            })
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => entity().prop_map(Step::Put),
        1 => (0..TYPES.len(), 0_u8..12).prop_map(|(kind, id)| Step::Delete(kind, id)),
    ]
}

/// Steps among which the recorder is set.
fn recorded_step() -> impl Strategy<Value = Step> {
    let of = |types: &[&str]| Recorder {
        enabled: true,
        selection: Selection::from(Some(
            types.iter().map(|of| (*of).to_owned()).collect::<Vec<_>>(),
        )),
    };
    let recorder = prop_oneof![
        Just(Recorder::OFF),
        Just(Recorder::ON),
        Just(of(&["evs.volumes"])),
        Just(of(&["ecs.cloudservers", "own.things"])),
    ];
    prop_oneof![
        10 => step(),
        1 => recorder.prop_map(Step::Record),
        1 => Just(Step::WorkOff),
    ]
}

fn filter() -> impl Strategy<Value = ResourceFilter> {
    let some = |of: Vec<&'static str>, most: usize| {
        prop::sample::subsequence(of, 0..=most)
            .prop_map(|of| of.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let tag = prop_oneof![
        Just(FilterTag { key: "a".into(), values: vec![] }),
        Just(FilterTag { key: "a".into(), values: vec!["1".into()] }),
        Just(FilterTag { key: "a".into(), values: vec!["1".into(), "2".into(), "3".into()] }),
        Just(FilterTag { key: "b".into(), values: vec![String::new()] }),
        Just(FilterTag { key: "c".into(), values: vec!["x=y".into()] }),
        Just(FilterTag { key: "none".into(), values: vec![] }),
    ];
    let kinds = some(vec!["EVS.Volumes", "ecs.cloudservers", "own.things", "own.none"], 2);
    (
        prop::option::weighted(0.1, 0_u8..12),
        prop::option::weighted(0.15, 0_u8..4),
        kinds,
        some(vec!["r-1", "r-2", "global", "r-none"], 2),
        some(vec!["ep-0", "ep-1"], 1),
        some(vec!["p-0", "p-1", "p-none"], 1),
        prop::collection::vec(tag, 0..=2),
    )
        .prop_map(|(id, name, types, regions, enterprise_projects, projects, tags)| {
            ResourceFilter {
                id: id.map(|id| format!("id-{id}")),
                name: name.map(|name| format!("name {name}")),
                types: types.iter().map(|of| ResourceType::parse(of).unwrap()).collect(),
                regions,
                enterprise_projects,
                projects,
                tags,
            }
        })
}

fn text<'a>(entity: &'a Value, field: &str) -> &'a str {
    entity[field].as_str().unwrap()
}

fn type_of(entity: &Value) -> ResourceType {
    ResourceType::new(text(entity, "provider"), text(entity, "type"))
}

fn key_of(entity: &Value) -> Key {
    (type_of(entity).to_string(), text(entity, "id").to_owned())
}

fn matches(filter: &ResourceFilter, entity: &Value) -> bool {
    let any = |list: &[String], field| {
        list.is_empty() || list.iter().any(|wanted| wanted == text(entity, field))
    };
    filter.id.as_ref().is_none_or(|id| id == text(entity, "id"))
        && filter.name.as_ref().is_none_or(|name| name == text(entity, "name"))
        && (filter.types.is_empty() || filter.types.contains(&type_of(entity)))
        && any(&filter.regions, "region_id")
        && any(&filter.enterprise_projects, "ep_id")
        && any(&filter.projects, "project_id")
        && filter.tags.iter().all(|tag| {
            entity["tags"].get(&tag.key).is_some_and(|actual| {
                tag.values.is_empty() || tag.values.iter().any(|wanted| actual == wanted.as_str())
            })
        })
}

/// All pages of a list.
fn listed(
    house: &House,
    inventory: Inventory,
    filter: &ResourceFilter,
    limit: usize,
) -> Vec<Value> {
    let (mut after, mut found) = (None, Vec::new());
    loop {
        let page = Page { limit, after };
        let paged = house.service.resources(&house.access, inventory, filter, page).unwrap();
        assert!(paged.items.len() <= limit);
        assert!(paged.next.is_none() || paged.items.len() == limit);
        found.extend(
            paged.items.iter().map(|of| serde_json::from_slice::<Value>(&of.body).unwrap()),
        );
        match paged.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

/// What is told of a resource, without what the server adds where nothing was said.
fn told_part(listed: &Value) -> Value {
    let fields = [
        "id",
        "name",
        "provider",
        "type",
        "region_id",
        "ep_id",
        "project_id",
        "tags",
        "properties",
    ];
    fields.iter().map(|field| ((*field).to_owned(), listed[*field].clone())).collect()
}

impl Wanted {
    fn agrees(&self, house: &House, inventory: Inventory, filter: &ResourceFilter, limit: usize) {
        let wanted: BTreeMap<&Key, &Value> =
            self.0.iter().filter(|(_, entity)| matches(filter, entity)).collect();
        let rows = listed(house, inventory, filter, limit);
        let found: BTreeMap<Key, Value> =
            rows.iter().map(|of| (key_of(of), told_part(of))).collect();
        assert_eq!(found.len(), rows.len(), "a resource stands twice: {filter:?}");
        assert_eq!(found.iter().collect::<BTreeMap<_, _>>(), wanted, "{inventory:?} {filter:?}");

        let count = house.service.count_resources(&house.access, inventory, filter).unwrap();
        assert_eq!(usize::try_from(count).unwrap(), wanted.len(), "{inventory:?} {filter:?}");

        let mut tally: BTreeMap<(String, String), i64> = BTreeMap::new();
        for entity in wanted.values() {
            let place = (type_of(entity).to_string(), text(entity, "region_id").to_owned());
            *tally.entry(place).or_default() += 1;
        }
        let summed = house.service.summarize_resources(&house.access, inventory, filter).unwrap();
        let summed: BTreeMap<_, _> = summed
            .into_iter()
            .flat_map(|of| {
                let name = of.resource_type.to_string();
                of.regions.into_iter().map(move |(region, count)| ((name.clone(), region), count))
            })
            .collect();
        assert_eq!(summed, tally, "{inventory:?} {filter:?}");
    }

    fn tags_agree(&self, house: &House, inventory: Inventory) {
        let mut wanted: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for entity in self.0.values() {
            for (key, value) in entity["tags"].as_object().unwrap() {
                let values = wanted.entry(key.clone()).or_default();
                values.insert(value.as_str().unwrap().to_owned());
            }
        }
        let wanted: Vec<(String, Vec<String>)> =
            wanted.into_iter().map(|(key, of)| (key, of.into_iter().collect())).collect();
        let (mut after, mut found) = (None, Vec::new());
        loop {
            let page = Page { limit: 2, after };
            let paged = house.service.resource_tags(&house.access, inventory, None, page).unwrap();
            found.extend(paged.items.into_iter().map(|tag| (tag.key, tag.values)));
            after = paged.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, wanted);
        for (key, values) in wanted {
            let page = Page { limit: 1, after: None };
            let paged = house.service.resource_tags(&house.access, inventory, Some(&key), page);
            assert_eq!(paged.unwrap().items[0].values, values);
        }
    }
}

impl Model {
    fn new() -> Self {
        let (told, recorded, deleted) = Default::default();
        Self { told, recorded, deleted, recorder: Recorder::ON }
    }

    fn covers(&self, (kind, _): &Key) -> bool {
        self.recorder.covers(&ResourceType::parse(kind).unwrap())
    }

    fn apply(&mut self, house: &House, step: Step) {
        match step {
            Step::Put(entity) => {
                let (key, kind) = (key_of(&entity), type_of(&entity));
                let body = entity.to_string();
                house
                    .service
                    .put_resource(&house.access, &key.1, Some(&kind), body.as_bytes())
                    .unwrap();
                if self.covers(&key) {
                    self.deleted.0.remove(&key);
                    self.recorded.0.insert(key.clone(), entity.clone());
                }
                self.told.0.insert(key, entity);
            }
            Step::Delete(kind, id) => {
                let key = (TYPES[kind].to_owned(), format!("id-{id}"));
                let kind = ResourceType::parse(TYPES[kind]).unwrap();
                let gone = house.service.delete_resource(&house.access, &key.1, Some(&kind));
                let was_there = self.told.0.remove(&key).is_some();
                assert_eq!(gone.is_ok(), was_there);
                if was_there
                    && self.covers(&key)
                    && let Some(last) = self.recorded.0.remove(&key)
                {
                    self.deleted.0.insert(key, last);
                }
            }
            Step::Record(recorder) => {
                let domain_id = &house.account.domain_id;
                house.service.set_recorder(domain_id, recorder.clone()).unwrap();
                self.recorder = recorder;
            }
            Step::WorkOff => self.work_off(house),
        }
    }

    /// What the recorder covers again is recorded as it was last told.
    fn work_off(&mut self, house: &House) {
        house.service.work_off().unwrap();
        let covered = |key: &Key| self.covers(key);
        let (mut recorded, mut deleted) = (self.recorded.0.clone(), self.deleted.0.clone());
        let gone = |key: &Key| covered(key) && !self.told.0.contains_key(key);
        deleted.extend(recorded.extract_if(.., |key, _| gone(key)));
        let told = self.told.0.iter().filter(|(key, _)| covered(key));
        recorded.extend(told.map(|(key, entity)| (key.clone(), entity.clone())));
        deleted.retain(|key, _| !recorded.contains_key(key));
        (self.recorded, self.deleted) = (Wanted(recorded), Wanted(deleted));
    }

    /// Off, the recorder shows what it recorded; on, what of it it still covers.
    fn tracked(&self, with_deleted: bool) -> Wanted {
        let deleted = self.deleted.0.iter().filter(|_| with_deleted);
        let shown = self
            .recorded
            .0
            .iter()
            .chain(deleted)
            .filter(|(key, _)| !self.recorder.enabled || self.covers(key));
        Wanted(shown.map(|(key, entity)| (key.clone(), entity.clone())).collect())
    }

    fn agrees(&self, house: &House, filters: &[ResourceFilter], limit: usize) {
        let with_deleted = Inventory::Tracked { with_deleted: true };
        for (inventory, wanted) in [
            (Inventory::All, &self.told),
            (Inventory::TRACKED, &self.tracked(false)),
            (with_deleted, &self.tracked(true)),
        ] {
            wanted.agrees(house, inventory, &ResourceFilter::default(), limit);
            for filter in filters {
                wanted.agrees(house, inventory, filter, limit);
            }
            wanted.tags_agree(house, inventory);
        }
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn whatever_is_told_is_listed_counted_and_summed_up(
        steps in prop::collection::vec(step(), 1..60),
        filters in prop::collection::vec(filter(), 12),
        limit in 1_usize..5,
    ) {
        let (house, mut model) = (House::new(), Model::new());
        for step in steps {
            model.apply(&house, step);
        }
        model.agrees(&house, &filters, limit);
    }

    #[test]
    fn whatever_the_recorder_covers_is_tracked(
        steps in prop::collection::vec(recorded_step(), 1..60),
        filters in prop::collection::vec(filter(), 8),
        limit in 1_usize..5,
    ) {
        let (house, mut model) = (House::new(), Model::new());
        for step in steps {
            model.apply(&house, step);
        }
        model.agrees(&house, &filters, limit);
        model.work_off(&house);
        model.agrees(&house, &filters, limit);
        model.apply(&house, Step::Record(Recorder::ON));
        model.work_off(&house);
        model.agrees(&house, &filters, limit);
        prop_assert_eq!(&model.recorded.0, &model.told.0);
    }
}

/// Two types whose chunks lie among each other, each of several chunks.
#[test]
fn chunks_of_several_types_are_gone_through_in_order() {
    let house = House::new();
    let mut told = Wanted::default();
    for part in 0..3 {
        for kind in &TYPES[..2] {
            let mut lines = String::new();
            for n in 0..1500 {
                let (provider, type_name) = kind.split_once('.').unwrap();
                let mut entity = json!({
                    "id": format!("{part}-{n}"), "name": format!("n{}", n % 1000), "provider": provider,
                    "type": type_name, "region_id": REGIONS[n % 2], "ep_id": "0", "project_id": "p",
                    "tags": {"part": part.to_string()}, "properties": {},
                });
                if n == 1499 {
                    entity["tags"]["rare"] = json!("");
                }
                lines += &entity.to_string();
                lines.push('\n');
                told.0.insert(key_of(&entity), entity);
            }
            house.service.put_resources(&house.access, lines.as_bytes()).unwrap();
        }
    }
    let tag = |key: &str, values: &[&str]| FilterTag {
        key: key.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let region = vec!["r-2".to_owned()];
    let all = ResourceFilter::default;
    for filter in [
        all(),
        ResourceFilter { types: vec![ResourceType::new("evs", "volumes")], ..all() },
        ResourceFilter { regions: region.clone(), tags: vec![tag("part", &["0", "2"])], ..all() },
        ResourceFilter { regions: region, tags: vec![tag("rare", &[])], ..all() },
        ResourceFilter { tags: vec![tag("part", &["2"]), tag("rare", &[""])], ..all() },
        ResourceFilter { name: Some("n7".to_owned()), tags: vec![tag("part", &["2"])], ..all() },
    ] {
        told.agrees(&house, Inventory::All, &filter, 199);
        told.agrees(&house, Inventory::TRACKED, &filter, 4096);
    }
}

#[test]
fn one_resource_is_shown() {
    let house = House::new();
    for kind in ["volumes", "snapshots"] {
        house.put(&json!({"id": "same", "provider": "evs", "type": kind}));
    }
    let show = |id: &str, kind: Option<&ResourceType>| {
        house.service.listed_resource(&house.access, Inventory::All, id, kind).map(|of| {
            let body: Value = serde_json::from_slice(&of.body).unwrap();
            text(&body, "type").to_owned()
        })
    };
    assert_eq!(show("same", None).unwrap(), "snapshots", "the one that changed last");
    house.put(&json!({"id": "same", "name": "other", "provider": "evs", "type": "volumes"}));
    assert_eq!(show("same", None).unwrap(), "volumes");
    let kind = ResourceType::new("EVS", "Snapshots");
    assert_eq!(show("same", Some(&kind)).unwrap(), "snapshots");
    assert_eq!(code(show("none", None)), ErrorCode::NotFound);
    assert_eq!(code(show("same", Some(&ResourceType::new("a", "b")))), ErrorCode::NotFound);
}

/// As a store is that was written before there were facets.
#[test]
fn an_older_store_comes_to_its_facets() {
    let (house, mut model) = (House::new(), Model::new());
    for n in 0..30 {
        let entity = json!({
            "id": format!("id-{n}"), "name": format!("name {}", n % 3), "provider": "evs",
            "type": if n % 2 == 0 { "volumes" } else { "snapshots" }, "region_id": REGIONS[n % 3],
            "ep_id": "ep-0", "project_id": "p-0", "tags": {"a": (n % 4).to_string()},
            "properties": {},
        });
        model.apply(&house, Step::Put(entity));
    }
    let house = house.reopen_after(|path| {
        let store = rusqlite::Connection::open(path).unwrap();
        let sql = "DELETE FROM facet; DELETE FROM facet_count; DELETE FROM posting; DELETE FROM resource_by_name;
                   UPDATE chunk SET has_facets = 0;";
        store.execute_batch(sql).unwrap();
    });
    let a = FilterTag { key: "a".to_owned(), values: vec!["1".to_owned()] };
    let name = Some("name 1".to_owned());
    let filters = [
        ResourceFilter { tags: vec![a], ..ResourceFilter::default() },
        ResourceFilter { name, ..ResourceFilter::default() },
    ];
    model.agrees(&house, &filters, 7);
    model.apply(&house, Step::Put(json!({
        "id": "id-1", "name": "other", "provider": "evs", "type": "snapshots", "region_id": "r-9",
        "ep_id": "ep-0", "project_id": "p-0", "tags": {}, "properties": {},
    })));
    model.agrees(&house, &filters, 7);
}
