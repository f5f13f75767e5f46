//! Imports.

use ruleward_types::{ImportReport, ImportSession, ResourceType, Result};
use serde::{Deserialize, Serialize};

use crate::validation::{at_most, required, resource_type};

/// Most types that one import replaces.
const REPLACED_TYPES: usize = 1000;

/// The body that opens an import.
#[derive(Debug, Deserialize)]
pub(crate) struct OpenImportRequest {
    source: Option<String>,
    replace: Option<Vec<String>>,
}

impl OpenImportRequest {
    pub(crate) fn into_parts(self) -> Result<(String, Vec<ResourceType>)> {
        let source = required("source", self.source)?;
        let replace = self.replace.unwrap_or_default();
        at_most("replace", replace.len(), REPLACED_TYPES)?;
        let types = replace.iter().map(|text| resource_type(text)).collect::<Result<_>>()?;
        Ok((source, types))
    }
}

/// The body that ends an import.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CompleteImportRequest {
    #[serde(default)]
    pub(crate) force: bool,
}

/// An import as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct ImportAnswer<'a> {
    id: &'a str,
    source: &'a str,
    replace: &'a [String],
    next_offset: u64,
    report: &'a ImportReport,
    opened: String,
    closed: bool,
}

impl<'a> From<&'a ImportSession> for ImportAnswer<'a> {
    fn from(session: &'a ImportSession) -> Self {
        Self {
            id: &session.id,
            source: &session.source,
            replace: &session.replace,
            next_offset: session.next_offset,
            report: &session.report,
            opened: session.opened.to_wire(),
            closed: session.closed,
        }
    }
}
