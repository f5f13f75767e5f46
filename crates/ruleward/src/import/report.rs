//! What is seen of an import: progress while it goes on, the report at its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ruleward_types::ImportReport;
use serde_json::json;

use super::line_map::LineMap;
use super::session::Told;
use super::source::Source;
use crate::client::Trouble;
use crate::output::{line, print_json, printable};

const TICK: Duration = Duration::from_millis(200);

/// A bar on the terminal; nothing elsewhere.
#[derive(Debug, Clone)]
pub struct Progress {
    bar: ProgressBar,
    read_bytes: Arc<AtomicU64>,
}

impl Progress {
    /// Starts the bar.
    pub fn start(source: &Source) -> Self {
        let (bar, template) = match source.size_bytes {
            0 => (ProgressBar::new_spinner(), "{spinner} {bytes} read, {msg} {elapsed}"),
            size => (
                ProgressBar::new(size),
                "{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {msg} {elapsed}",
            ),
        };
        // Draws on terminals only.
        bar.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message("0 lines");
        bar.enable_steady_tick(TICK);
        Self { bar, read_bytes: Arc::clone(&source.read_bytes) }
    }

    /// So many lines are stored.
    pub fn lines(&self, count: u64) {
        self.bar.set_position(self.read_bytes.load(Ordering::Relaxed));
        self.bar.set_message(format!("{count} lines"));
    }

    /// Something is tried again.
    pub fn waiting(&self, trouble: &Trouble) {
        let told = match trouble {
            Trouble::Refused(refused) => refused.to_string(),
            Trouble::Unreachable(error) => format!("{error:#}"),
        };
        self.say(&format!("{told}; trying again"));
    }

    /// Says something beside the bar.
    pub fn say(&self, words: &str) {
        let words = printable(words);
        self.bar.suspend(|| eprintln!("{words}"));
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// The report at the end.
#[derive(Debug)]
pub struct Report {
    counts: ImportReport,
    not_deleted: Option<String>,
    is_open: bool,
    /// Types of the source that the inventory does not know, with the number of their resources.
    unknown: BTreeMap<String, u64>,
}

impl Report {
    /// A report whose refusals have the lines of the file.
    pub fn new(told: Told, lines: &LineMap) -> Self {
        let mut counts = told.report;
        for refusal in &mut counts.refusals {
            refusal.line = lines.line(refusal.line);
        }
        let (not_deleted, is_open) = (told.not_deleted, told.is_open);
        Self { counts, not_deleted, is_open, unknown: BTreeMap::new() }
    }

    /// Adds what the source alone can say: names of what was refused, and what it left out.
    pub fn with(
        mut self,
        place: impl Fn(u64) -> Option<String>,
        unknown: BTreeMap<String, u64>,
    ) -> Self {
        for refusal in &mut self.counts.refusals {
            if let Some(place) = place(refusal.line) {
                refusal.reason = format!("{place}: {}", refusal.reason);
            }
        }
        self.unknown = unknown;
        self
    }

    /// Whether another run can go on with the same import.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether everything was done as asked.
    pub fn is_clean(&self) -> bool {
        self.counts.refused == 0 && self.not_deleted.is_none()
    }

    /// Prints it for people.
    pub fn print(&self) -> anyhow::Result<()> {
        line(self.text().trim_end())
    }

    /// Why nothing was deleted, where that was asked for.
    pub fn not_deleted(&self) -> Option<&str> {
        self.not_deleted.as_deref()
    }

    fn text(&self) -> String {
        let counts = &self.counts;
        let mut text = String::new();
        for (name, count) in [
            ("created", counts.created),
            ("changed", counts.changed),
            ("unchanged", counts.unchanged),
            ("deleted", counts.deleted),
            ("refused", counts.refused),
        ] {
            let _ = writeln!(text, "{name:<10} {count:>10}");
        }
        for refusal in &counts.refusals {
            let _ = writeln!(text, "  line {}: {}", refusal.line, printable(&refusal.reason));
        }
        let told = u64::try_from(counts.refusals.len()).unwrap_or(u64::MAX);
        if counts.refused > told {
            let _ = writeln!(text, "  and {} more", counts.refused - told);
        }
        for (name, count) in &self.unknown {
            let _ = writeln!(text, "not taken: {count} of the unknown type {}", printable(name));
        }
        text
    }

    /// Prints it as JSON.
    pub fn print_json(&self) -> anyhow::Result<()> {
        let mut told = json!(self.counts);
        if let (Some(told), Some(reason)) = (told.as_object_mut(), &self.not_deleted) {
            told.insert("not_deleted".to_owned(), json!(reason));
        }
        if let (Some(told), false) = (told.as_object_mut(), self.unknown.is_empty()) {
            told.insert("unknown_types".to_owned(), json!(self.unknown));
        }
        print_json(&told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_by_line() {
        let mut counts = ImportReport { created: 3, ..ImportReport::default() };
        counts.refuse(2, "not \u{1b}[31m JSON".into());
        counts.refused = 5;
        let report = Report::new(
            Told { report: counts, not_deleted: None, is_open: false },
            &LineMap::default(),
        )
        .with(
            |line| (line == 2).then(|| "place".to_owned()),
            BTreeMap::from([("x".to_owned(), 3)]),
        );
        let text = report.text();
        assert!(
            text.contains("line 2: place: not \u{fffd}[31m JSON") && text.contains("and 4 more")
        );
        assert!(text.contains("3 of the unknown type x"), "{text}");
        assert!(!report.is_clean());
    }
}
