//! The table from resources of Terraform to resources of the inventory: `table.json`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Map, Value};

const TABLE: &str = include_str!("table.json");

/// Stands for what is set and not known yet.
pub const UNKNOWN: &str = "\u{1}known after apply";

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// By the type of Terraform.
    pub resources: BTreeMap<String, Mapping>,
    /// Resources of Terraform that are a part of another one in the inventory.
    pub parts: BTreeMap<String, Part>,
}

/// How a resource is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// `provider.type` in the inventory.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Another type for some.
    pub variant: Option<Spec>,
    /// The attribute that is its id.
    #[serde(default = "id")]
    pub id: String,
    /// The attribute that is its name.
    #[serde(default = "name")]
    pub name: String,
    /// By the path inside of `properties`.
    pub properties: BTreeMap<String, Spec>,
}

/// How a part is added to its whole.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The type of the whole.
    pub into: String,
    /// The attribute that names it.
    pub by: String,
    /// The property of the whole that lists such parts.
    pub list: String,
    /// What is listed.
    pub element: BTreeMap<String, Spec>,
    /// What the whole has because of the part.
    #[serde(default)]
    pub properties: BTreeMap<String, Spec>,
}

fn id() -> String {
    "id".to_owned()
}

fn name() -> String {
    "name".to_owned()
}

/// Where a value comes from.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Spec {
    /// An attribute; parts of the path are keys and places in lists. Empty: the element itself.
    Attribute(String),
    /// The first that is there.
    First(Vec<Spec>),
    /// Always the same.
    Constant(Constant),
    /// Several lists together.
    Joined(Joined),
    /// An attribute, changed.
    Changed(Box<Changed>),
}

/// Always the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    #[serde(rename = "const")]
    value: Value,
}

/// Several lists together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joined {
    joined: Vec<Spec>,
}

/// An attribute, changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    from: String,
    /// For each element an object.
    each: Option<BTreeMap<String, Spec>>,
    /// By the value as text.
    values: Option<Map<String, Value>>,
    /// If it is set to anything.
    present: Option<Value>,
    /// If it is not.
    absent: Option<Value>,
    #[serde(rename = "as")]
    form: Option<Form>,
}

/// Another form of the same.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// A text that holds JSON.
    Json,
    /// A number or a boolean as text.
    Text,
}

impl Table {
    /// The table of this build.
    pub fn load() -> anyhow::Result<Self> {
        serde_json::from_str(TABLE).context("the table of Terraform's types")
    }
}

impl Spec {
    /// The value, if it is known.
    pub fn value(&self, attributes: &Value) -> Option<Value> {
        match self {
            Self::Attribute(path) => known(attributes, path).cloned(),
            Self::First(specs) => specs.iter().find_map(|spec| spec.value(attributes)),
            Self::Constant(of) => Some(of.value.clone()),
            Self::Joined(of) => {
                let lists = of.joined.iter().filter_map(|spec| spec.value(attributes));
                Some(lists.flat_map(elements).collect())
            }
            Self::Changed(of) => of.value(attributes),
        }
    }
}

impl Changed {
    fn value(&self, attributes: &Value) -> Option<Value> {
        if self.present.is_some() || self.absent.is_some() {
            // What does not stand there is not known; what is not set is null.
            let is_set = find(attributes, &self.from).map(is_set);
            return if is_set? { self.present.clone() } else { self.absent.clone() };
        }
        if let Some(element) = &self.each {
            let found = find(attributes, &self.from).filter(|found| !found.is_null())?;
            return Some(elements(found.clone()).map(|of| object(element, &of)).collect());
        }
        let found = known(attributes, &self.from)?;
        let text = || found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        if let Some(values) = &self.values {
            return values.get(&text()).cloned();
        }
        match self.form {
            Some(Form::Text) => Some(Value::String(text())),
            Some(Form::Json) => serde_json::from_str(&text()).ok(),
            None => Some(found.clone()),
        }
    }
}

/// An object of values by their paths.
pub fn object(specs: &BTreeMap<String, Spec>, attributes: &Value) -> Value {
    let mut whole = Map::new();
    for (path, spec) in specs {
        if let Some(value) = spec.value(attributes) {
            put(&mut whole, path, value);
        }
    }
    Value::Object(whole)
}

/// Puts a value at a path, if nothing stands there.
pub fn put(whole: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            whole.entry(path).or_insert(value);
        }
        Some((key, rest)) => {
            let inner = whole.entry(key).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// What stands at a path and has a value that is known.
fn known<'v>(attributes: &'v Value, path: &str) -> Option<&'v Value> {
    find(attributes, path).filter(|value| !value.is_null() && *value != UNKNOWN)
}

/// What stands at a path; Terraform writes null for what is not set.
fn find<'v>(attributes: &'v Value, path: &str) -> Option<&'v Value> {
    let mut value = attributes;
    for part in path.split('.').filter(|part| !part.is_empty()) {
        value = match value {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            other => other.get(part)?,
        };
    }
    Some(value)
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

fn elements(value: Value) -> impl Iterator<Item = Value> {
    match value {
        Value::Array(items) => items,
        Value::String(text) if text.is_empty() => Vec::new(),
        other => vec![other],
    }
    .into_iter()
}

#[cfg(test)]
mod tests {
    use ruleward_policy::catalogue;
    use ruleward_types::ResourceType;
    use serde_json::json;

    use super::*;

    #[test]
    fn values() {
        let spec = |text: Value| serde_json::from_value::<Spec>(text).unwrap();
        let of = json!({"a": {"b": [{"c": 1}]}, "n": null, "t": true, "s": "x", "j": "{\"k\":1}", "u": UNKNOWN});
        for (told, wanted) in [
            (json!("a.b.0.c"), json!(1)),
            (json!(["n", "s"]), json!("x")),
            (json!({"const": null}), json!(null)),
            (json!({"from": "a.b", "each": {"x.y": "c"}}), json!([{"x": {"y": 1}}])),
            (json!({"from": "s", "each": {"id": ""}}), json!([{"id": "x"}])),
            (json!({"from": "t", "values": {"true": "1"}}), json!("1")),
            (json!({"from": "n", "present": 1, "absent": 0}), json!(0)),
            (json!({"from": "s", "present": 1, "absent": 0}), json!(1)),
            (json!({"from": "t", "as": "text"}), json!("true")),
            (json!({"from": "j", "as": "json"}), json!({"k": 1})),
            (json!({"joined": ["a.b", "n", {"const": [2]}]}), json!([{"c": 1}, 2])),
            (json!({"from": "u", "present": 1, "absent": 0}), json!(1)),
            (json!({"from": "u", "each": {"id": ""}}), json!([{}])),
            (json!(["u", "s"]), json!("x")),
        ] {
            assert_eq!(spec(told.clone()).value(&of), Some(wanted), "{told}");
        }
        let nowhere = json!({"from": "nowhere", "present": 1, "absent": 0});
        for told in [
            json!("n"),
            nowhere,
            json!("u"),
            json!("a.x"),
            json!("a.b.7"),
            json!({"from": "s", "values": {}}),
        ] {
            assert_eq!(spec(told.clone()).value(&of), None, "{told}");
        }
    }

    #[test]
    fn the_table_is_sound() {
        let table = Table::load().unwrap();
        let known: Vec<ResourceType> = catalogue()
            .list()
            .iter()
            .flat_map(|definition| &definition.default_resource_types)
            .map(|of| ResourceType::new(&of.provider, &of.kind))
            .collect();
        for (name, mapping) in &table.resources {
            let of = ResourceType::parse(&mapping.resource_type).unwrap();
            let judged = known.iter().any(|known| known.to_string() == of.to_string());
            assert!(judged || of.is_called("vpc.vpcs"), "{name}: no policy is about {of}");
        }
        assert!(table.parts.values().all(|part| table.resources.contains_key(&part.into)));
    }
}
