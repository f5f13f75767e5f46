//! SARIF 2.1.0.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{Found, Report, Rule};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// What stands in a path of a URI as it is.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Serialize)]
pub(super) struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    column_kind: &'static str,
    invocations: [Invocation<'a>; 1],
    results: Vec<SarifResult<'a>>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
struct Driver<'a> {
    name: &'static str,
    version: &'static str,
    rules: Vec<Descriptor<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    id: &'a str,
    name: &'a str,
    short_description: Text<'a>,
    full_description: Text<'a>,
    default_configuration: Configuration,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Properties<'a> {
    tags: &'a [String],
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct OwnText {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    tool_execution_notifications: Vec<Notification<'a>>,
}

#[derive(Serialize)]
struct Notification<'a> {
    level: &'static str,
    message: Text<'a>,
    locations: [Location<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a str,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: OwnText,
    locations: [Location<'a>; 1],
    partial_fingerprints: Fingerprints,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "resource/v1")]
    resource: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: Physical,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical<'a> {
    name: &'a str,
    fully_qualified_name: String,
    kind: &'static str,
}

/// The report as a log.
pub(super) fn log<'a>(report: &'a Report<'a>) -> Log<'a> {
    let uri = uri(report.file);
    let notifications = report.judged.refusals.iter().map(|(place, reason)| Notification {
        level: "error",
        message: Text { text: reason },
        locations: [location(&uri, report.line(Some(*place)), Vec::new())],
    });
    let rules: Vec<_> = report.rules.iter().map(descriptor).collect();
    let results = report.found().map(|found| result(&found, &uri));
    Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            column_kind: "unicodeCodePoints",
            invocations: [Invocation {
                execution_successful: report.refused() == 0,
                tool_execution_notifications: notifications.collect(),
            }],
            results: results.collect(),
            tool: Tool {
                driver: Driver { name: "ruleward", version: env!("CARGO_PKG_VERSION"), rules },
            },
        }],
    }
}

fn descriptor<'a>(of: &'a Rule<'a>) -> Descriptor<'a> {
    let title = of.definition.map_or(of.assignment.name.as_str(), |of| &of.display_name.en);
    Descriptor {
        id: &of.assignment.name,
        name: of.policy(),
        short_description: Text { text: title },
        full_description: Text { text: of.describes() },
        default_configuration: Configuration { level: "error" },
        properties: Properties { tags: of.definition.map_or(&[], |of| of.keywords.as_slice()) },
    }
}

fn result<'a>(found: &Found<'a>, uri: &str) -> SarifResult<'a> {
    let (finding, resource) = (found.finding, &*found.finding.resource);
    let (kind, level) = if finding.undetermined { ("review", "none") } else { ("fail", "error") };
    let verdict = if finding.undetermined { "cannot be judged" } else { "is non-compliant" };
    let mut message = format!("{} {} {verdict}", resource.resource_type, resource.id);
    if !found.reason().is_empty() {
        message.push_str(": ");
        message.push_str(found.reason());
    }
    let whole = format!("{}/{}", resource.resource_type, resource.id);
    let logical = Logical {
        name: &resource.id,
        fully_qualified_name: found.address.map_or_else(|| whole.clone(), str::to_owned),
        kind: "resource",
    };
    SarifResult {
        rule_id: &found.rule.assignment.name,
        rule_index: finding.rule,
        kind,
        level,
        message: OwnText { text: message },
        locations: [location(uri, found.line, vec![logical])],
        partial_fingerprints: Fingerprints { resource: whole },
    }
}

fn location<'a>(uri: &str, line: Option<u64>, logical: Vec<Logical<'a>>) -> Location<'a> {
    Location {
        physical_location: Physical {
            artifact_location: Artifact { uri: uri.to_owned() },
            region: line.map(|start_line| Region { start_line }),
        },
        logical_locations: logical,
    }
}

/// The file as a reference: relative as it was named, or with its scheme.
fn uri(file: &Path) -> String {
    if file == Path::new("-") {
        return "stdin".to_owned();
    }
    let path = utf8_percent_encode(&file.to_string_lossy(), PATH).to_string();
    if file.is_absolute() { format!("file://{path}") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_as_references() {
        assert_eq!(uri(Path::new("a b/ü.json")), "a%20b/%C3%BC.json");
        assert_eq!(uri(Path::new("/x/y")), "file:///x/y");
        assert_eq!(uri(Path::new("-")), "stdin");
    }
}
