//! What people and their scripts read: tables, JSON, CSV.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use console::Term;
use serde_json::Value;

/// How a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A table for people.
    #[default]
    Table,
    /// JSON as the service answers it, pages joined to one list.
    Json,
    /// Comma-separated values with a header line.
    Csv,
}

/// The option that chooses.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// How to print.
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
}

/// Rows under a header. Columns have the wire's names; the table shows them in capitals.
#[derive(Debug)]
pub struct Listing {
    header: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Listing {
    /// An empty one.
    pub fn new(header: &'static [&'static str]) -> Self {
        Self { header, rows: Vec::new() }
    }

    /// Adds a row; one cell for every column.
    pub fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// Prints it on stdout; `json` is what the JSON form shows.
    pub fn print(&self, format: Format, json: &Value) -> anyhow::Result<()> {
        match format {
            Format::Table => self.print_table(),
            Format::Json => print_json(json),
            Format::Csv => self.print_csv(),
        }
    }

    /// Prints it as a table.
    pub fn print_table(&self) -> anyhow::Result<()> {
        line(&self.table(terminal_width()))
    }

    fn table(&self, width: Option<u16>) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(self.header.iter().map(|name| name.replace('_', " ").to_uppercase()));
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for row in &self.rows {
            table.add_row(row.iter().map(|cell| printable(cell)));
        }
        table.trim_fmt()
    }

    fn print_csv(&self) -> anyhow::Result<()> {
        let mut writer = csv::Writer::from_writer(io::stdout().lock());
        let written = (|| {
            writer.write_record(self.header)?;
            for row in &self.rows {
                writer.write_record(row)?;
            }
            writer.flush().map_err(csv::Error::from)
        })();
        written.map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => error.into(),
            kind => anyhow::anyhow!("cannot write CSV: {kind:?}"),
        })
    }
}

/// Prints JSON, indented.
pub fn print_json(value: &Value) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// Prints a line on stdout.
pub fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Text from elsewhere, without what would steer the terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// How wide the terminal is; none where stdout is not one.
fn terminal_width() -> Option<u16> {
    let terminal = Term::stdout();
    if terminal.is_term() {
        terminal.size_checked().map(|(_, columns)| columns.max(60))
    } else {
        None
    }
}

/// A field of a JSON object as a cell: strings bare, null and absent as nothing.
pub fn cell(object: &Value, field: &str) -> String {
    object.get(field).map(plain).unwrap_or_default()
}

/// A value as text: strings bare, null as nothing, all else as JSON.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_fit_and_hold_no_escapes() {
        let mut listing = Listing::new(&["name", "last_state"]);
        listing.push(vec!["a\u{1b}[31mb".into(), "Enabled".into()]);
        let text = listing.table(None);
        assert!(text.contains("LAST STATE") && text.contains("Enabled"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        let narrow = listing.table(Some(60));
        assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
    }

    #[test]
    fn cells_are_plain() {
        let object = json!({"a": "x", "b": null, "c": 3, "d": [1]});
        assert_eq!(["a", "b", "c", "d", "e"].map(|f| cell(&object, f)), ["x", "", "3", "[1]", ""]);
    }
}
