//! The predefined policies, compiled in.

use std::sync::LazyLock;

use serde_json::Value;

use super::PolicyDefinition;
use super::file::DefinitionFile;

/// The predefined policies.
#[derive(Debug)]
pub struct Catalogue {
    /// INVARIANT: sorted by id.
    definitions: Vec<PolicyDefinition>,
    faults: Vec<String>,
}

impl Catalogue {
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
            match file.map_err(|error| error.to_string()).and_then(DefinitionFile::into_definition)
            {
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
