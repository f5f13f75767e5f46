//! What is seen of an import: progress while it goes on, the report at its end.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ruleward_types::ImportReport;
use serde_json::json;

use super::input::Input;
use super::line_map::LineMap;
use super::session::Told;
use crate::client::Trouble;
use crate::output::{line, print_json, printable};

const TICK: Duration = Duration::from_millis(200);

/// A bar on the terminal; nothing elsewhere.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    read_bytes: Arc<AtomicU64>,
}

impl Progress {
    /// Starts the bar.
    pub fn start(input: &Input) -> Self {
        let (bar, template) = match input.size_bytes() {
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
        Self { bar, read_bytes: input.read_bytes() }
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
}

impl Report {
    /// A report whose refusals have the lines of the file.
    pub fn new(told: Told, lines: &LineMap) -> Self {
        let mut counts = told.report;
        for refusal in &mut counts.refusals {
            refusal.line = lines.line(refusal.line);
        }
        Self { counts, not_deleted: told.not_deleted }
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
        text
    }

    /// Prints it as JSON.
    pub fn print_json(&self) -> anyhow::Result<()> {
        let mut told = json!(self.counts);
        if let (Some(told), Some(reason)) = (told.as_object_mut(), &self.not_deleted) {
            told.insert("not_deleted".to_owned(), json!(reason));
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
        let report = Report::new(Told { report: counts, not_deleted: None }, &LineMap::default());
        let text = report.text();
        assert!(text.contains("line 2: not \u{fffd}[31m JSON") && text.contains("and 4 more"));
        assert!(!report.is_clean());
    }
}
