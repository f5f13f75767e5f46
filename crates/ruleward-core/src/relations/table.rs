//! The documented catalogue of relations as data, `table.json`: which property of which type names
//! a resource of which other type, and what the two are to each other.
//!
//! Paths lead through objects; an array on the way or at the end stands for each of its elements.
//! `evidence` says how sure a path is: it stands in a documented `sample`, it is called like that in
//! the `service API` of the type, or it is `assumed`.

use std::collections::HashMap;
use std::sync::LazyLock;

use ruleward_policy::json::{PathSet, PathSetBuilder};
use ruleward_store::NamedBy;
use ruleward_types::{Error, ResourceType, Result};
use serde::Deserialize;

pub(super) const TEXT: &str = include_str!("table.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    edges: Vec<Edge>,
    names: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edge {
    from: Vec<String>,
    path: String,
    /// Only where another key of the same object has this value.
    when: Option<When>,
    /// What the path holds.
    #[serde(default)]
    by: By,
    to: String,
    /// Not where a resource of this type has that name.
    unless: Option<String>,
    relation: String,
    inverse: String,
    #[expect(dead_code, reason = "it is for people, and a test asks that it is there")]
    evidence: Evidence,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum By {
    #[default]
    Id,
    Name,
}

#[derive(Deserialize)]
enum Evidence {
    #[serde(rename = "sample")]
    Sample,
    #[serde(rename = "service API")]
    ServiceApi,
    #[serde(rename = "assumed")]
    Assumed,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct When {
    pub(super) key: String,
    #[serde(rename = "is")]
    pub(super) value: String,
}

/// A name besides its id by which others name a resource.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    of: String,
    path: String,
}

/// What a resource that names another one is to it.
#[derive(Debug)]
pub(crate) struct Row {
    /// The type of what is named.
    pub(crate) to: ResourceType,
    /// The same, folded.
    pub(super) to_key: String,
    pub(crate) by: NamedBy,
    /// The folded type to which the name belongs, where one of that type has it.
    pub(super) unless: Option<String>,
    /// What the one that names is to the named one.
    pub(crate) relation: String,
    /// What the named one is to the one that names it.
    pub(crate) inverse: String,
}

/// Where in a body something stands: what the path set gives, and the keys from there.
pub(super) struct Place {
    pub(super) slot: usize,
    pub(super) keys: Vec<String>,
    pub(super) when: Option<When>,
}

/// What the table says of one type.
#[derive(Default)]
pub(super) struct OfType {
    pub(super) paths: PathSet,
    pub(super) rows: Vec<(Place, Row)>,
    pub(super) names: Vec<Place>,
}

/// The table, by folded types.
pub(super) struct Table {
    types: HashMap<String, OfType>,
    spelled: Vec<ResourceType>,
}

static TABLE: LazyLock<Result<Table, String>> = LazyLock::new(|| Table::load(TEXT));

pub(super) fn table() -> Result<&'static Table> {
    TABLE.as_ref().map_err(|words| Error::internal("the table of relations", words))
}

/// The types of the table as it spells them.
pub(crate) fn spelled_types() -> impl Iterator<Item = ResourceType> {
    TABLE.as_ref().map(|table| table.spelled.clone()).unwrap_or_default().into_iter()
}

impl Table {
    fn load(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut spelled = Vec::new();
        let mut known = |name: &str| {
            let of = ResourceType::parse(name).ok_or_else(|| format!("`{name}` is no type"))?;
            if !spelled.contains(&of) {
                spelled.push(of.clone());
            }
            Ok::<_, String>(of)
        };
        let mut types: HashMap<String, (PathSetBuilder, OfType)> = HashMap::new();
        for edge in file.edges {
            let to = known(&edge.to)?;
            let unless = edge.unless.as_deref().map(&mut known).transpose()?;
            for from in &edge.from {
                let (paths, of) = types.entry(known(from)?.key()).or_default();
                let row = Row {
                    to: to.clone(),
                    to_key: to.key(),
                    by: match edge.by {
                        By::Id => NamedBy::Id,
                        By::Name => NamedBy::Name,
                    },
                    unless: unless.as_ref().map(ResourceType::key),
                    relation: edge.relation.clone(),
                    inverse: edge.inverse.clone(),
                };
                of.rows.push((place(paths, &edge.path, edge.when.clone()), row));
            }
        }
        for name in file.names {
            let (paths, of) = types.entry(known(&name.of)?.key()).or_default();
            of.names.push(place(paths, &name.path, None));
        }
        let build = |(key, (paths, of)): (String, (PathSetBuilder, OfType))| {
            (key, OfType { paths: paths.build(), ..of })
        };
        Ok(Self { types: types.into_iter().map(build).collect(), spelled })
    }

    pub(super) fn of(&self, folded_type: &str) -> Option<&OfType> {
        self.types.get(folded_type)
    }

    /// Types to whose resources an id belongs first that could be one of this type, too.
    pub(super) fn rivals(&self, folded_type: &str) -> impl Iterator<Item = &str> {
        let rows = self.types.values().flat_map(|of| &of.rows).map(|(_, row)| row);
        rows.filter(move |row| row.to_key == folded_type).filter_map(|row| row.unless.as_deref())
    }

    /// What resources of one type are to those of another which they name.
    pub(super) fn between(&self, from_key: &str, to_key: &str) -> Option<&Row> {
        let mut rows = self.of(from_key)?.rows.iter().map(|(_, row)| row);
        rows.find(|row| row.to_key == to_key)
    }
}

/// The set gives what stands at the first two keys, or what holds the last one: from there on arrays
/// may stand in the way.
fn place(paths: &mut PathSetBuilder, path: &str, when: Option<When>) -> Place {
    let mut keys: Vec<String> = path.split('.').map(str::to_owned).collect();
    let set = if when.is_some() { keys.len().saturating_sub(1).min(2) } else { keys.len().min(2) };
    let rest = keys.split_off(set);
    Place { slot: paths.slot(&keys), keys: rest, when }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn two_types_are_the_same_to_each_other_from_both_sides() {
        let table = table().unwrap();
        let mut known: BTreeMap<(&str, &str), (&str, &str)> = BTreeMap::new();
        for (from, of) in &table.types {
            for (_, row) in &of.rows {
                let words = (row.relation.as_str(), row.inverse.as_str());
                assert_eq!(*known.entry((from, &row.to_key)).or_insert(words), words, "{row:?}");
                let turned = (words.1, words.0);
                assert_eq!(*known.entry((&row.to_key, from)).or_insert(turned), turned, "{row:?}");
                let vocabulary = ["isContainedIn", "contains", "isAttachedTo", "isAssociatedWith"];
                assert!(vocabulary.contains(&words.0) && vocabulary.contains(&words.1));
            }
        }
    }

    #[test]
    fn what_is_named_by_another_name_has_one() {
        let table = table().unwrap();
        for (_, row) in table.types.values().flat_map(|of| &of.rows) {
            let named = (row.by == NamedBy::Name).then_some(&row.to_key).or(row.unless.as_ref());
            if let Some(named) = named {
                assert!(!table.of(named).unwrap().names.is_empty(), "{row:?}");
            }
        }
    }

    #[test]
    fn the_documented_catalogue() {
        let table = table().unwrap();
        let documented: &[(&str, &str, &[&str])] = &[
            // Also mrs.mrs, but no property is known that says so.
            ("ecs.cloudservers", "isContainedIn", &["vpc.vpcs"]),
            ("ecs.cloudservers", "isAttachedTo", &["vpc.publicips", "evs.volumes"]),
            ("ecs.cloudservers", "isAssociatedWith", &["vpc.securityGroups", "ims.images"]),
            ("bms.servers", "isContainedIn", &["vpc.vpcs"]),
            ("bms.servers", "isAttachedTo", &["vpc.publicips", "evs.volumes"]),
            ("bms.servers", "isAssociatedWith", &["vpc.securityGroups", "ims.images"]),
            ("evs.volumes", "isAttachedTo", &["ecs.cloudservers", "bms.servers"]),
            (
                "vpc.vpcs",
                "contains",
                &["ecs.cloudservers", "bms.servers", "mrs.mrs", "vpc.publicips"],
            ),
            ("vpc.publicips", "isContainedIn", &["vpc.vpcs", "vpc.bandwidths"]),
            (
                "vpc.publicips",
                "isAttachedTo",
                &[
                    "ecs.cloudservers",
                    "bms.servers",
                    "nat.natGateways",
                    "elb.loadbalancers",
                    "mrs.mrs",
                ],
            ),
            ("vpc.bandwidths", "contains", &["vpc.publicips"]),
            (
                "vpc.securityGroups",
                "isAssociatedWith",
                &["ecs.cloudservers", "bms.servers", "mrs.mrs"],
            ),
            ("elb.loadbalancers", "contains", &["elb.listeners"]),
            ("elb.loadbalancers", "isAttachedTo", &["vpc.publicips"]),
            ("elb.listeners", "isContainedIn", &["elb.loadbalancers"]),
            ("cce.clusters", "contains", &["cce.nodes"]),
            ("gaussdb.instance", "contains", &["gaussdb.nodes"]),
            ("nosql.instances", "contains", &["nosql.nodes"]),
            ("ims.images", "isAssociatedWith", &["ecs.cloudservers", "bms.servers"]),
            ("mrs.mrs", "isContainedIn", &["vpc.vpcs"]),
            ("mrs.mrs", "isAttachedTo", &["vpc.publicips"]),
            ("mrs.mrs", "isAssociatedWith", &["vpc.securityGroups"]),
            ("nat.natGateways", "isAttachedTo", &["vpc.publicips"]),
        ];
        let mut ours = BTreeSet::new();
        for (from, of) in &table.types {
            for (_, row) in &of.rows {
                ours.insert((from.clone(), row.relation.clone(), row.to_key.clone()));
                ours.insert((row.to_key.clone(), row.inverse.clone(), from.clone()));
            }
        }
        for (from, relation, to) in documented {
            for to in *to {
                let row = (from.to_lowercase(), (*relation).to_owned(), to.to_lowercase());
                assert!(ours.remove(&row), "{row:?}");
            }
        }
        // The other side of what the catalogue lists in one direction only.
        for (node, whole) in [
            ("cce.nodes", "cce.clusters"),
            ("gaussdb.nodes", "gaussdb.instance"),
            ("nosql.nodes", "nosql.instances"),
        ] {
            assert!(ours.remove(&(node.into(), "isContainedIn".into(), whole.into())));
        }
        assert!(ours.is_empty(), "not documented: {ours:?}");
    }
}
