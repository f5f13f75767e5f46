//! What a body names: a pure function of it, in one pass.

use std::borrow::Cow;

use ruleward_policy::json::{Elements, RawString, RawValue, Seen, member};
use ruleward_store::{NamedBy, ReadTx, RelationTarget};
use ruleward_types::ids::is_word_or_dash;
use ruleward_types::{AccountNo, ResourceType, Result, limits};

use super::table::{OfType, Place, Row, table};

/// A body names another resource.
#[derive(Debug, Clone)]
pub(crate) struct OwnEdge<'a> {
    /// What the two are to each other.
    pub(crate) row: &'static Row,
    /// The id, or the other name, of what is named.
    pub(crate) name: Cow<'a, str>,
}

/// What a body says about relations.
#[derive(Debug, Default)]
pub(crate) struct Own<'a> {
    /// What it names, each once.
    pub(crate) edges: Vec<OwnEdge<'a>>,
    /// Names besides its id by which others name it.
    pub(crate) names: Vec<Cow<'a, str>>,
}

/// What a body of that type names.
pub(crate) fn own_edges<'a>(resource_type: &ResourceType, body: &'a [u8]) -> Result<Own<'a>> {
    match table()?.of(&resource_type.key()) {
        Some(of) => Ok(read(of, body)),
        None => Ok(Own::default()),
    }
}

fn read<'a>(of: &'static OfType, body: &'a [u8]) -> Own<'a> {
    let mut values = Vec::new();
    // Stored bodies are JSON; anything else names nothing.
    if of.paths.extract(body, &mut Seen::default(), &mut values).is_err() {
        return Own::default();
    }
    let mut own = Own::default();
    let mut found = Vec::new();
    let collect = |place: &Place, found: &mut Vec<Cow<'a, str>>| {
        if let Some(value) = values.get(place.slot).copied().flatten() {
            walk(value, &place.keys, place, found);
        }
    };
    for (place, row) in &of.rows {
        collect(place, &mut found);
        own.edges.extend(found.drain(..).map(|name| OwnEdge { row, name }));
    }
    for place in &of.names {
        collect(place, &mut own.names);
    }
    let place = |edge: &OwnEdge<'a>| (&edge.row.to_key, edge.row.by, edge.name.clone());
    own.edges.sort_by(|a, b| place(a).cmp(&place(b)));
    own.edges.dedup_by(|a, b| place(a) == place(b));
    own.names.sort_unstable();
    own.names.dedup();
    own
}

/// Follows keys through objects, and every element of arrays, to texts.
fn walk<'a>(value: RawValue<'a>, keys: &[String], place: &Place, found: &mut Vec<Cow<'a, str>>) {
    if found.len() >= limits::RELATIONS_OF_BODY {
        return;
    }
    match (value, keys) {
        (RawValue::Array(text), _) => {
            let mut elements = Elements::new(text);
            while let Ok(Some(element)) = elements.try_next() {
                walk(element, keys, place, found);
            }
        }
        (RawValue::Object(text), [key, rest @ ..]) => {
            let get = |key: &str| member(text, RawString::plain(key.as_bytes())).ok().flatten();
            let holds =
                rest.is_empty().then_some(place.when.as_ref()).flatten().is_none_or(|when| {
                    let told = get(&when.key).and_then(RawValue::as_string);
                    told.is_some_and(|told| told.equals(when.value.as_bytes()))
                });
            if let Some(inner) = get(key).filter(|_| holds) {
                walk(inner, rest, place, found);
            }
        }
        (RawValue::String(text), []) => found.extend(name(text)),
        _ => {}
    }
}

/// A text that a resource can have as its id; addresses look like that, too.
fn name(text: RawString<'_>) -> Option<Cow<'_, str>> {
    let plain = std::str::from_utf8(text.as_plain()?).ok()?;
    let legal = |c: char| is_word_or_dash(c) || matches!(c, '.' | ':');
    let fits = !plain.is_empty() && plain.len() <= limits::RESOURCE_ID_CHARS;
    (fits && plain.chars().all(legal)).then_some(Cow::Borrowed(plain))
}

/// The targets under which a body stands in the store: what it names, and its own other names,
/// each once, in order.
pub(crate) fn targets(
    tx: &dyn ReadTx,
    account: AccountNo,
    resource_type: &ResourceType,
    body: &[u8],
) -> Result<Vec<RelationTarget>> {
    let key = resource_type.key();
    let Some(of) = table()?.of(&key) else { return Ok(Vec::new()) };
    let own = read(of, body);
    let ends = own
        .edges
        .iter()
        .map(|edge| tx.relation_target(account, &edge.row.to_key, edge.row.by, &edge.name));
    let names =
        own.names.iter().map(|name| tx.relation_target(account, &key, NamedBy::Itself, name));
    let mut targets: Vec<_> = ends.chain(names).collect();
    targets.sort_unstable();
    targets.dedup();
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn own(kind: &str, properties: &Value) -> (Vec<String>, Vec<String>) {
        let body = json!({"id": "i", "name": "203.0.113.9", "properties": properties}).to_string();
        let own = own_edges(&ResourceType::parse(kind).unwrap(), body.as_bytes()).unwrap();
        let edge = |edge: &OwnEdge<'_>| {
            format!("{} {} {:?} {}", edge.row.relation, edge.row.to, edge.row.by, edge.name)
        };
        (own.edges.iter().map(edge).collect(), own.names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_server() {
        let (edges, names) = own(
            "ECS.CloudServers",
            &json!({
                "metadata": {"vpcId": "v", "meteringImageId": ""},
                "ExtVolumesAttached": [{"id": "d1"}, {"id": "d2"}, {"id": "d1"}, {"device": "x"}, 7],
                "securityGroup": {"id": "g"},
                "addresses": [
                    {"addr": "192.168.0.1", "OsExtIpsType": "fixed"},
                    {"addr": "203.0.113.7", "OsExtIpsType": "floating"},
                    {"addr": "203.0.113.8"},
                ],
            }),
        );
        assert_eq!(
            edges,
            [
                "isAttachedTo evs.volumes Id d1",
                "isAttachedTo evs.volumes Id d2",
                "isAttachedTo vpc.publicips Name 203.0.113.7",
                "isAssociatedWith vpc.securityGroups Id g",
                "isContainedIn vpc.vpcs Id v",
            ]
        );
        assert!(names.is_empty());
    }

    #[test]
    fn an_address() {
        let nat = json!({
            "publicIpAddress": "203.0.113.9",
            "bandwidth": {"id": "b"},
            "vnic": {"vpc_id": "v"},
            "associate_instance_id": "n",
            "associate_instance_type": "NATGW",
        });
        let (edges, names) = own("vpc.publicips", &nat);
        assert_eq!(
            edges,
            [
                "isAttachedTo nat.natGateways Id n",
                "isContainedIn vpc.bandwidths Id b",
                "isContainedIn vpc.vpcs Id v"
            ]
        );
        assert_eq!(names, ["203.0.113.9"]);
    }

    #[test]
    fn what_names_nothing() {
        let odd = json!({"metadata": {"vpcId": 7}, "securityGroup": [null, [], {"id": {"x": 1}}],
                         "ExtVolumesAttached": [{"id": "a b"}, {"id": "\u{e9}"}, {"id": "x\n"}]});
        assert!(own("ecs.cloudservers", &odd).0.is_empty());
        assert!(own("obs.buckets", &json!({"metadata": {"vpcId": "v"}})).0.is_empty());
        let of = ResourceType::new("ecs", "cloudservers");
        for body in [&b""[..], b"[]", b"{\"properties\":", b"\xff"] {
            assert!(own_edges(&of, body).unwrap().edges.is_empty());
        }
        let ids: Vec<Value> =
            (0..2 * limits::RELATIONS_OF_BODY).map(|n| json!({"id": format!("d{n}")})).collect();
        let (edges, _) = own("ecs.cloudservers", &json!({"ExtVolumesAttached": ids}));
        assert_eq!(edges.len(), limits::RELATIONS_OF_BODY);
    }
}
