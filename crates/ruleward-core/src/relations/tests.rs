//! Random inventories: what is listed, in pages, is what all bodies together say, at every moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use ruleward_store::sqlite::SqliteStore;
use ruleward_types::{AccountNo, Recorder, Resource, SystemClock};
use serde_json::{Value, json};

use super::{Direction, Moments, Relation, relation_changes_of, relations_of};
use crate::access::Access;
use crate::page::Page;
use crate::{Options, SealingKey, Service};

/// What there may be.
const PLACES: &[(&str, &str, &[&str])] = &[
    ("ecs", "cloudservers", &["s1", "s2"]),
    // The same id in another type.
    ("bms", "servers", &["s2", "s3"]),
    ("evs", "volumes", &["d1", "d2"]),
    ("vpc", "vpcs", &["v1", "v2"]),
    ("vpc", "publicips", &["e1", "e2"]),
    ("elb", "loadbalancers", &["l1"]),
    ("elb", "listeners", &["k1", "k2"]),
    ("obs", "buckets", &["b1"]),
];

type Place = (usize, usize);
type Listed = BTreeMap<(Place, bool), BTreeSet<Relation>>;

fn name(of: Place) -> (&'static str, &'static str, &'static str) {
    let (provider, kind, ids) = PLACES[of.0];
    (provider, kind, ids[of.1])
}

fn some(ids: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(proptest::sample::select(ids), 0..3)
}

fn objects(key: &str, ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({ key: id })).collect()
}

/// Properties, of which each type reads its own.
fn properties() -> impl Strategy<Value = Value> {
    let lists = (
        some(&["d1", "d2", "d3"]),
        some(&["s1", "s2", "s3", "s4"]),
        some(&["a1", "a2"]),
        some(&["k1", "k2"]),
        some(&["l1", "l2"]),
        some(&["e1", "e2", "e3"]),
    );
    let one = (
        proptest::sample::select(&["v1", "v2", "v3", ""][..]),
        proptest::sample::select(&["a1", "a2", ""][..]),
        any::<bool>(),
    );
    (lists, one).prop_map(|((disks, servers, addresses, listeners, balancers, eips), one)| {
        let (vpc, address, floating) = one;
        let kind = if floating { "floating" } else { "fixed" };
        let addresses: Vec<Value> =
            addresses.iter().map(|addr| json!({"addr": addr, "OsExtIpsType": kind})).collect();
        json!({
            "metadata": {"vpcId": vpc},
            "ExtVolumesAttached": objects("id", &disks),
            "addresses": addresses,
            "attachments": objects("serverId", &servers),
            "publicIpAddress": address,
            "vnic": {"vpc_id": vpc},
            "listeners": objects("id", &listeners),
            "eips": objects("eip_id", &eips),
            "loadbalancers": objects("id", &balancers),
        })
    })
}

fn steps() -> impl Strategy<Value = Vec<(Place, Option<Value>)>> {
    let place = (0..PLACES.len()).prop_flat_map(|n| (Just(n), 0..PLACES[n].2.len()));
    let step = (place, proptest::option::weighted(0.8, properties()));
    proptest::collection::vec(step, 1..14)
}

/// What the bodies say, by hand.
fn derived(inventory: &BTreeMap<Place, Value>) -> BTreeSet<Relation> {
    let mut all = BTreeSet::new();
    let mut pair = |from: Place, word: &str, to: (&str, &str), inverse: &str| {
        let (provider, kind, id) = name(from);
        let from = (format!("{provider}.{kind}"), id.to_owned());
        let to = (to.0.to_owned(), to.1.to_owned());
        for (from, word, to) in [(from.clone(), word, to.clone()), (to, inverse, from)] {
            all.insert(Relation {
                from_type: from.0,
                from_id: from.1,
                relation_type: word.to_owned(),
                to_type: to.0,
                to_id: to.1,
            });
        }
    };
    let texts = |list: &Value, key: &str| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|of| of[key].as_str().unwrap().to_owned()).collect()
    };
    let attached = "isAttachedTo";
    for (place, properties) in inventory {
        let (provider, kind, _) = name(*place);
        match (provider, kind) {
            ("ecs" | "bms", _) => {
                let vpc = properties["metadata"]["vpcId"].as_str().unwrap();
                if !vpc.is_empty() {
                    pair(*place, "isContainedIn", ("vpc.vpcs", vpc), "contains");
                }
                for disk in texts(&properties["ExtVolumesAttached"], "id") {
                    pair(*place, attached, ("evs.volumes", &disk), attached);
                }
                for address in properties["addresses"].as_array().unwrap() {
                    if address["OsExtIpsType"] != "floating" {
                        continue;
                    }
                    for (other, of) in inventory {
                        let (_, kind, id) = name(*other);
                        if kind == "publicips" && of["publicIpAddress"] == address["addr"] {
                            pair(*place, attached, ("vpc.publicips", id), attached);
                        }
                    }
                }
            }
            ("evs", _) => {
                for server in texts(&properties["attachments"], "serverId") {
                    let is_bare = |place: &&Place| {
                        let (provider, _, id) = name(**place);
                        provider == "bms" && id == server
                    };
                    let bare = inventory.keys().any(|place| is_bare(&place));
                    let kind = if bare { "bms.servers" } else { "ecs.cloudservers" };
                    pair(*place, attached, (kind, &server), attached);
                }
            }
            ("vpc", "publicips") => {
                let vpc = properties["vnic"]["vpc_id"].as_str().unwrap();
                if !vpc.is_empty() {
                    pair(*place, "isContainedIn", ("vpc.vpcs", vpc), "contains");
                }
            }
            ("elb", "loadbalancers") => {
                for listener in texts(&properties["listeners"], "id") {
                    pair(*place, "contains", ("elb.listeners", &listener), "isContainedIn");
                }
                for eip in texts(&properties["eips"], "eip_id") {
                    pair(*place, attached, ("vpc.publicips", &eip), attached);
                }
            }
            ("elb", "listeners") => {
                for balancer in texts(&properties["loadbalancers"], "id") {
                    pair(*place, "isContainedIn", ("elb.loadbalancers", &balancer), "contains");
                }
            }
            _ => {}
        }
    }
    all
}

struct House {
    service: Arc<Service>,
    access: Access,
    account: AccountNo,
    _directory: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let directory =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let directory = directory.unwrap();
        let store = SqliteStore::open(&directory.path().join("store.sqlite")).unwrap();
        let key = SealingKey::new([1; 32]);
        let clock = Arc::new(SystemClock);
        let service = Service::open(store, clock, &key, Options::default()).unwrap();
        let account = service.create_account("acme", None, Recorder::switched(true)).unwrap();
        let access = Access::operator(&account);
        Self { service, account: account.no, access, _directory: directory }
    }

    fn entity(place: Place, properties: &Value) -> Vec<u8> {
        let (provider, kind, id) = name(place);
        let entity = json!({
            "id": id, "name": format!("name-{id}"), "provider": provider, "type": kind,
            "properties": properties,
        });
        entity.to_string().into_bytes()
    }

    /// A body as it is stored.
    fn stored(place: Place, properties: &Value) -> Vec<u8> {
        Resource::parse(&Self::entity(place, properties), |given| given).unwrap().body
    }

    fn change(&self, place: Place, properties: Option<&Value>) {
        let (provider, kind, id) = name(place);
        let of = ruleward_types::ResourceType::new(provider, kind);
        if let Some(properties) = properties {
            let body = Self::entity(place, properties);
            self.service.put_resource(&self.access, id, Some(&of), &body).unwrap();
        } else {
            // It may not be there.
            let _ = self.service.delete_resource(&self.access, id, Some(&of));
        }
    }

    /// All relations of a resource in pages of so many.
    fn listed(
        &self,
        place: Place,
        properties: &Value,
        out: bool,
        at: Option<i64>,
        limit: usize,
    ) -> BTreeSet<Relation> {
        let body = Self::stored(place, properties);
        let direction = if out { Direction::Out } else { Direction::In };
        let (mut all, mut after) = (BTreeSet::new(), None);
        loop {
            let page = Page { limit, after };
            let read = |tx: &dyn ruleward_store::ReadTx| {
                relations_of(tx, self.account, &body, direction, at, page)
            };
            let found = self.service.read(read).unwrap();
            assert!(found.items.len() <= limit);
            for relation in found.items {
                assert!(all.insert(relation.clone()), "twice: {relation:?}");
            }
            after = found.next;
            if after.is_none() {
                return all;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_is_listed_is_what_the_bodies_say(steps in steps(), limit in 1_usize..5) {
        let house = House::new();
        let mut inventory: BTreeMap<Place, Value> = BTreeMap::new();
        let mut moments: Vec<(i64, BTreeMap<Place, Value>, Listed)> = Vec::new();
        for (place, properties) in &steps {
            house.change(*place, properties.as_ref());
            match properties {
                Some(properties) => inventory.insert(*place, properties.clone()),
                None => inventory.remove(place),
            };
            let all = derived(&inventory);
            let mut listed = Listed::new();
            for (of, body) in &inventory {
                let (provider, kind, id) = name(*of);
                let kind = format!("{provider}.{kind}");
                for out in [false, true] {
                    let wanted: BTreeSet<Relation> = all
                        .iter()
                        .filter(|relation| {
                            let out_of = (&relation.from_type, &relation.from_id);
                            let into = (&relation.to_type, &relation.to_id);
                            *(if out { out_of } else { into }).0 == kind
                                && (if out { out_of } else { into }).1 == id
                        })
                        .cloned()
                        .collect();
                    let found = house.listed(*of, body, out, None, limit);
                    prop_assert_eq!(&found, &wanted, "{:?}, out: {}", of, out);
                    listed.insert((*of, out), found);
                }
            }
            moments.push((house.service.tick().0, inventory.clone(), listed));
        }
        for (at, inventory, listed) in &moments {
            for ((of, out), wanted) in listed {
                let found = house.listed(*of, &inventory[of], *out, Some(*at), limit);
                prop_assert_eq!(&found, wanted, "{:?}, out: {}, at {}", of, out, at);
            }
        }
        // What another resource changed is among the changes.
        for (before, after) in moments.iter().zip(moments.iter().skip(1)) {
            for (key, listed) in &after.2 {
                let same_body = before.1.get(&key.0) == after.1.get(&key.0);
                if same_body && before.2[key] != *listed {
                    let body = House::stored(key.0, &after.1[&key.0]);
                    let moments =
                        Moments { from: before.0, to: after.0, newest_first: true, limit: 5 };
                    let changes = house.service.read(|tx| {
                        relation_changes_of(tx, house.account, &body, moments)
                    });
                    prop_assert!(!changes.unwrap().is_empty(), "{:?}", key);
                }
            }
        }
    }
}

#[test]
fn a_store_older_than_relations_gets_them() {
    let house = House::new();
    let (server, disk) = ((0, 0), (2, 0));
    house.change(disk, Some(&json!({})));
    house.change(server, Some(&json!({"ExtVolumesAttached": [{"id": "d1"}]})));
    let listed = || house.listed(disk, &json!({}), true, None, 10).len();
    assert_eq!(listed(), 1);
    house.service.write(|writing| writing.tx.clear_naming()).unwrap();
    assert_eq!(listed(), 0);
    house.service.upgrade_relations().unwrap();
    assert_eq!(listed(), 1);
    // Once is enough.
    house.service.write(|writing| writing.tx.clear_naming()).unwrap();
    house.service.upgrade_relations().unwrap();
    assert_eq!(listed(), 0);
}
