//! What `terraform show -json` prints, a plan or a state, as resources of the inventory.
//!
//! What a plan does not know yet is missing in the resource, so that policies which need it find
//! no verdict.

mod table;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value, json};

use self::table::{Part, Table, UNKNOWN, object, put};
use crate::output::cell;

/// Deepest nesting of modules.
const DEEPEST: usize = 64;

/// The resources of a plan or a state.
#[derive(Debug, Default)]
pub struct Plan {
    resources: Vec<Planned>,
    unknown: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Planned {
    address: String,
    kind: String,
    /// Its id where one is known already.
    id: Option<String>,
    entity: Value,
    text: Vec<u8>,
}

/// A resource as Terraform shows it.
struct Shown<'v> {
    address: String,
    kind: String,
    /// Its attributes; what is set and not known yet is [`UNKNOWN`].
    values: Cow<'v, Value>,
}

impl Plan {
    /// Reads a file, or standard input for `-`.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot read {}", path.display());
        let text = if path == Path::new("-") {
            let mut text = Vec::new();
            io::stdin().read_to_end(&mut text).with_context(cannot)?;
            text
        } else {
            fs::read(path).with_context(cannot)?
        };
        let document: Value =
            serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))?;
        Self::parse(&document).with_context(|| format!("{}", path.display()))
    }

    fn parse(document: &Value) -> anyhow::Result<Self> {
        let table = Table::load()?;
        let Some(root) = ["planned_values", "values"].iter().find_map(|key| document.get(*key))
        else {
            bail!("this is no plan and no state as `terraform show -json` prints it");
        };
        let configuration = document.pointer("/configuration").unwrap_or(&Value::Null);
        let region = configuration
            .pointer("/provider_config/huaweicloud/expressions/region/constant_value")
            .and_then(Value::as_str);
        let mut shown = Vec::new();
        collect(root.get("root_module").unwrap_or(&Value::Null), 0, &mut shown);
        let mut plan = Self::default();
        let mut parts = Vec::new();
        for mut of in shown {
            if let Some(expressions) = configured(configuration, &of.address) {
                mark_unknown(of.values.to_mut(), expressions);
            }
            if let Some(part) = table.parts.get(&of.kind) {
                parts.push((part, of));
            } else if table.resources.contains_key(&of.kind) {
                plan.resources.push(planned(&table, &of, region));
            } else {
                *plan.unknown.entry(of.kind).or_default() += 1;
            }
        }
        for (part, of) in parts {
            plan.add_part(part, &of, configuration);
        }
        for of in &mut plan.resources {
            of.text = serde_json::to_vec(&of.entity)?;
        }
        Ok(plan)
    }

    /// The resources as JSON.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.resources.iter().map(|of| of.text.as_slice())
    }

    /// The address of the resource at a place, from one.
    pub fn address(&self, place: u64) -> Option<&str> {
        let index = usize::try_from(place).ok()?.checked_sub(1)?;
        self.resources.get(index).map(|of| of.address.as_str())
    }

    /// Types that the table does not have, and how many resources they have.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, u64)> {
        self.unknown.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Adds a part to the resources that it belongs to: by the id where that is known, else as
    /// the configuration refers to them.
    fn add_part(&mut self, part: &Part, shown: &Shown<'_>, configuration: &Value) {
        let id = shown.values.get(&part.by).and_then(Value::as_str).filter(|id| *id != UNKNOWN);
        let referred = referred(configuration, shown, &part.by);
        let element = object(&part.element, &shown.values);
        for whole in self.resources.iter_mut().filter(|whole| whole.kind == part.into) {
            let is_it = match id {
                Some(id) => whole.id.as_deref() == Some(id),
                None => referred.iter().any(|address| same(&whole.address, address)),
            };
            let Some(properties) =
                whole.entity.get_mut("properties").and_then(Value::as_object_mut).filter(|_| is_it)
            else {
                continue;
            };
            let list = properties.entry(&part.list).or_insert_with(|| json!([]));
            if let Value::Array(list) = list {
                list.push(element.clone());
            }
            for (path, spec) in &part.properties {
                if let Some(value) = spec.value(&shown.values) {
                    put(properties, path, value);
                }
            }
        }
    }
}

/// Managed resources of a module and the modules in it.
fn collect<'v>(module: &'v Value, depth: usize, into: &mut Vec<Shown<'v>>) {
    if depth > DEEPEST {
        return;
    }
    for of in list(module, "resources") {
        if cell(of, "mode") != "data"
            && let Some(values) = of.get("values")
        {
            into.push(Shown {
                address: cell(of, "address"),
                kind: cell(of, "type"),
                values: Cow::Borrowed(values),
            });
        }
    }
    for inner in list(module, "child_modules") {
        collect(inner, depth + 1, into);
    }
}

fn list<'v>(of: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn planned(table: &Table, shown: &Shown<'_>, region: Option<&str>) -> Planned {
    let mut entity = Map::new();
    let attribute = |name: &str| {
        shown
            .values
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty() && *text != UNKNOWN)
    };
    let mut id = None;
    if let Some(mapping) = table.resources.get(&shown.kind) {
        id = attribute(&mapping.id).or_else(|| attribute("id")).map(str::to_owned);
        let name = attribute(&mapping.name).unwrap_or(&shown.address);
        let variant = mapping.variant.as_ref().and_then(|spec| spec.value(&shown.values));
        let kind = variant.as_ref().and_then(Value::as_str).unwrap_or(&mapping.resource_type);
        let (provider, kind) = kind.split_once('.').unwrap_or((kind, ""));
        for (field, value) in [
            ("id", json!(id.clone().unwrap_or_else(|| id_of(&shown.address)))),
            ("name", json!(name)),
            ("provider", json!(provider)),
            ("type", json!(kind)),
            ("region_id", json!(attribute("region").or(region).unwrap_or("global"))),
            ("properties", object(&mapping.properties, &shown.values)),
        ] {
            entity.insert(field.to_owned(), value);
        }
        for (field, of) in [("ep_id", "enterprise_project_id"), ("created", "created_at")] {
            if let Some(text) = attribute(of) {
                entity.insert(field.to_owned(), json!(text));
            }
        }
        if let Some(tags @ Value::Object(_)) = shown.values.get("tags") {
            entity.insert("tags".to_owned(), tags.clone());
        }
    }
    Planned {
        address: shown.address.clone(),
        kind: shown.kind.clone(),
        id,
        entity: Value::Object(entity),
        text: Vec::new(),
    }
}

/// An address as an id: what an id cannot hold is written as its number.
fn id_of(address: &str) -> String {
    use std::fmt::Write as _;
    let mut id = String::with_capacity(address.len());
    for c in address.chars() {
        match c {
            '[' | ']' => id.push(':'),
            '"' => {}
            c if c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-') => id.push(c),
            c => {
                let _ = write!(id, ":{:x}:", u32::from(c));
            }
        }
    }
    id
}

/// What the configuration says of a resource's attributes.
fn configured<'v>(configuration: &'v Value, address: &str) -> Option<&'v Value> {
    let bare = without_places(address);
    let mut parts: Vec<&str> = bare.split('.').collect();
    let (name, kind) = (parts.pop()?, parts.pop()?);
    let mut module = configuration.get("root_module")?;
    for call in parts.iter().skip(1).step_by(2) {
        module = module.get("module_calls")?.get(*call)?.get("module")?;
    }
    let is_it = |of: &&Value| cell(of, "type") == kind && cell(of, "name") == name;
    list(module, "resources").find(is_it)?.get("expressions")
}

/// Marks attributes that are set in the configuration and not known yet: a plan leaves them out.
fn mark_unknown(values: &mut Value, expressions: &Value) {
    let (Some(values), Some(expressions)) = (values.as_object_mut(), expressions.as_object())
    else {
        return;
    };
    for (name, expression) in expressions {
        if let Value::Array(blocks) = expression {
            let known = values.get_mut(name).and_then(Value::as_array_mut);
            for (values, block) in known.into_iter().flatten().zip(blocks) {
                mark_unknown(values, block);
            }
        } else if expression.get("references").is_some() {
            values.entry(name).or_insert_with(|| json!(UNKNOWN));
        }
    }
}

/// The addresses that the configuration names as an attribute of a resource, without their
/// places in `count` and `for_each`.
fn referred(configuration: &Value, shown: &Shown<'_>, attribute: &str) -> Vec<String> {
    let bare = without_places(&shown.address);
    let module: Vec<&str> = bare.split('.').rev().skip(2).collect();
    configured(configuration, &shown.address)
        .and_then(|expressions| expressions.get(attribute))
        .into_iter()
        .flat_map(|expression| list(expression, "references"))
        .filter_map(Value::as_str)
        .filter_map(|reference| {
            let mut of = reference.split('.');
            let (kind, name) = (of.next()?, without_places(of.next()?));
            let parts = module.iter().rev().copied().chain([kind, name.as_str()]);
            Some(parts.collect::<Vec<_>>().join("."))
        })
        .collect()
}

fn same(address: &str, bare: &str) -> bool {
    without_places(address) == bare
}

/// `a.b["k"].c[0]` is `a.b.c`.
fn without_places(address: &str) -> String {
    let (mut depth, mut quoted) = (0_usize, false);
    let mut bare = String::with_capacity(address.len());
    for c in address.chars() {
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            c if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(address: &str, values: &Value) -> Value {
        let bare = without_places(address);
        let kind = bare.rsplit('.').nth(1).unwrap().to_owned();
        json!({"address": address, "mode": "managed", "type": kind, "values": values})
    }

    fn entities(document: &Value) -> Vec<Value> {
        let plan = Plan::parse(document).unwrap();
        plan.texts().map(|text| serde_json::from_slice(text).unwrap()).collect()
    }

    #[test]
    fn a_plan() {
        let disk = json!({"name": "d", "volume_type": "SSD", "size": 40, "kms_id": null,
                          "tags": {"env": "prod"}, "region": "eu-1"});
        let bucket = json!({"bucket": "b", "acl": "public-read", "versioning": true});
        let plan = json!({
            "configuration": {"provider_config": {"huaweicloud": {
                "expressions": {"region": {"constant_value": "cn-north-4"}}}}},
            "planned_values": {"root_module": {
                "resources": [
                    resource("huaweicloud_evs_volume.x[\"a b\"]", &disk),
                    resource("huaweicloud_dns_zone.z", &json!({})),
                    {"address": "data.huaweicloud_vpc.v", "mode": "data", "type": "huaweicloud_vpc",
                     "values": {}},
                ],
                "child_modules": [{"resources": [
                    resource("module.m.huaweicloud_obs_bucket.b", &bucket)]}],
            }},
        });
        let found = entities(&plan);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0]["id"], "huaweicloud_evs_volume.x:a:20:b:");
        assert_eq!(
            (&found[0]["type"], &found[0]["region_id"]),
            (&json!("volumes"), &json!("eu-1"))
        );
        assert_eq!(found[0]["tags"], json!({"env": "prod"}));
        assert_eq!(found[0]["properties"]["metadata"], json!({"systemEncrypted": "0"}));
        assert!(found[0]["properties"].get("status").is_none());
        assert_eq!((&found[1]["id"], &found[1]["region_id"]), (&json!("b"), &json!("cn-north-4")));
        assert_eq!(found[1]["properties"]["acl"]["grants"][0]["permission"], "READ");
        let plan = Plan::parse(&plan).unwrap();
        assert_eq!(plan.unknown().collect::<Vec<_>>(), [("huaweicloud_dns_zone", 1)]);
        assert_eq!(plan.address(2), Some("module.m.huaweicloud_obs_bucket.b"));
    }

    #[test]
    fn what_is_set_and_not_known_yet() {
        let kind = "huaweicloud_evs_volume";
        let plan = |values: Value| {
            json!({
                "configuration": {"root_module": {"resources": [{
                    "type": kind, "name": "x",
                    "expressions": {"kms_id": {"references": ["huaweicloud_kms_key.k.id"]}},
                }]}},
                "planned_values": {"root_module": {"resources": [
                    resource(&format!("{kind}.x"), &values)]}},
            })
        };
        let encrypted =
            |values: Value| entities(&plan(values))[0]["properties"]["encrypted"].clone();
        assert_eq!(encrypted(json!({})), json!(true));
        assert_eq!(encrypted(json!({"kms_id": "k"})), json!(true));
        assert_eq!(encrypted(json!({"kms_id": null})), json!(false));
        let shown = entities(&plan(json!({})))[0].to_string();
        assert!(!shown.contains(UNKNOWN), "{shown}");
    }

    #[test]
    fn parts_find_their_whole() {
        let rule =
            |values: Value| resource("module.n[0].huaweicloud_networking_secgroup_rule.r", &values);
        let group = |id: Value| {
            resource(
                "module.n[0].huaweicloud_networking_secgroup.g",
                &json!({"name": "g", "id": id}),
            )
        };
        let open = json!({"direction": "ingress", "protocol": "tcp", "port_range_min": 22});
        let module = |resources: Value| json!({"root_module": {"child_modules": [{"resources": resources}]}});
        let planned = json!({
            "configuration": {"root_module": {"module_calls": {"n": {"module": {"resources": [{
                "type": "huaweicloud_networking_secgroup_rule", "name": "r",
                "expressions": {"security_group_id": {"references": [
                    "huaweicloud_networking_secgroup.g.id", "huaweicloud_networking_secgroup.g"]}},
            }]}}}}},
            "planned_values": module(json!([group(Value::Null), rule(open.clone())])),
        });
        let mut known = open;
        known["security_group_id"] = json!("g-1");
        let state = json!({"values": module(json!([rule(known), group(json!("g-1"))]))});
        for document in [planned, state] {
            let found = entities(&document);
            let rules = found[0]["properties"]["security_group_rules"].as_array().unwrap();
            assert_eq!(rules.len(), 1, "{document}");
            assert_eq!(rules[0]["port_range_min"], 22);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(Plan::parse(&json!({"resources": []})).is_err());
    }
}
