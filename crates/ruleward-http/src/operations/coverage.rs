//! The table as a page for people: `docs/operations.md`.

use std::fmt::Write as _;

use super::{Operation, Origin, operations};

/// The Markdown text of `docs/operations.md`.
pub fn coverage() -> String {
    let works = of(Origin::Published).filter(|operation| operation.works()).count();
    let mut page = String::from(HEAD);
    let all = of(Origin::Published).count();
    let _ = writeln!(page, "Of {all} published operations {works} work.\n");
    section(&mut page, "Published operations", Origin::Published);
    section(&mut page, "Finding one's account", Origin::Identity);
    section(&mut page, "Operations of Ruleward", Origin::Extension);
    section(&mut page, "Probes", Origin::Probe);
    page
}

const HEAD: &str = "# Operations

Made from the operation table of `crates/ruleward-http`; a test compares this page with it.
*Action* is what the caller's role has to allow. What does not work yet answers 501.

";

fn of(origin: Origin) -> impl Iterator<Item = &'static Operation> {
    operations().filter(move |operation| operation.origin == origin)
}

fn section(page: &mut String, title: &str, origin: Origin) {
    let _ = writeln!(page, "## {title}\n\n| Operation | Request | Action | Success | State |");
    page.push_str("|---|---|---|---|---|\n");
    for operation in of(origin) {
        let Operation { id, method, path, success, .. } = operation;
        let action = match (operation.is_open(), operation.action) {
            (true, _) => "anybody".to_owned(),
            (false, "") => "any caller".to_owned(),
            (false, action) => format!("`{action}`"),
        };
        let state = if operation.works() { "works" } else { "not yet" };
        let _ = writeln!(page, "| {id} | `{method} {path}` | {action} | {success} | {state} |");
    }
    page.push('\n');
}
