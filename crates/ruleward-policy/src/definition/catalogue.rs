//! The predefined policies, compiled in.

use std::sync::LazyLock;

use serde_json::Value;

use super::PolicyDefinition;
use super::file::DefinitionFile;

/// The predefined policies.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// INVARIANT: sorted by id.
    definitions: Vec<PolicyDefinition>,
    faults: Vec<String>,
}

/// A policy whose id or name is another's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {what} `{value}` is that of the policy `{other}`")]
pub struct CatalogueClash {
    /// Which of the policies that were to be added, by its place.
    pub place: usize,
    /// `id` or `name`.
    pub what: &'static str,
    /// It.
    pub value: String,
    /// The name of the policy that has it.
    pub other: String,
}

impl Catalogue {
    /// These policies and more; ids and names stand once.
    pub fn with(&self, more: Vec<PolicyDefinition>) -> Result<Self, CatalogueClash> {
        let mut definitions = self.definitions.clone();
        for (place, new) in more.into_iter().enumerate() {
            let clash = |what: &'static str, value: &str, other: &PolicyDefinition| {
                let (value, other) = (value.to_owned(), other.name.clone());
                CatalogueClash { place, what, value, other }
            };
            if let Some(other) = definitions.iter().find(|known| known.name == new.name) {
                return Err(clash("name", &new.name, other));
            }
            if let Some(other) = definitions.iter().find(|known| known.id == new.id) {
                return Err(clash("id", &new.id, other));
            }
            definitions.push(new);
        }
        definitions.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self { definitions, faults: self.faults.clone() })
    }

    /// All definitions, sorted by id.
    pub fn list(&self) -> &[PolicyDefinition] {
        &self.definitions
    }

    /// The definition with this id.
    pub fn get(&self, id: &str) -> Option<&PolicyDefinition> {
        let place = self.definitions.binary_search_by(|definition| definition.id.as_str().cmp(id));
        self.definitions.get(place.ok()?)
    }

    /// The definition with this name.
    pub fn by_name(&self, name: &str) -> Option<&PolicyDefinition> {
        self.definitions.iter().find(|definition| definition.name == name)
    }

    /// Definitions that could not be read and are left out. A test keeps this empty.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    fn load(text: &str) -> Self {
        let mut catalogue = Self { definitions: Vec::new(), faults: Vec::new() };
        let entries: Vec<Value> = serde_json::from_str(text).unwrap_or_else(|error| {
            catalogue.faults.push(error.to_string());
            Vec::new()
        });
        for entry in entries {
            let file: Result<DefinitionFile, _> = serde_json::from_value(entry);
            let told = |file: DefinitionFile| {
                let name = file.name.clone();
                file.into_definition(None).map_err(|fault| format!("{name}: {}", fault.message))
            };
            match file.map_err(|error| error.to_string()).and_then(told) {
                Ok(definition) => catalogue.definitions.push(definition),
                Err(fault) => catalogue.faults.push(fault),
            }
        }
        catalogue.definitions.sort_by(|a, b| a.id.cmp(&b.id));
        catalogue
    }
}

/// The catalogue of this build.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
        Catalogue::load(include_str!(concat!(env!("OUT_DIR"), "/catalogue.json")))
    });
    &CATALOGUE
}
