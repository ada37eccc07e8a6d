//! JSON rows of the database as a table, as JSON lines or as CSV.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::Value;
use store::StoreError;

use crate::output::csv;
use crate::output::table::{Cell, Table};
use crate::output::terminal::{Color, Palette, Style, sanitize};
use crate::output::{CommandError, Ending, counted, remark, standard};

/// A column of a table: its head, and the function that makes a row's cell.
pub(crate) type Column = (&'static str, fn(&Value) -> Cell);

/// A form of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One row per line; for the audit log exactly as printed.
    Json,
    /// For spreadsheets.
    Csv,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// table for people; json: one row per line; csv for spreadsheets
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// When to colour the table
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

/// A writer of rows.
pub(crate) struct Listing {
    columns: &'static [Column],
    /// The columns of CSV: those of the database, separated by spaces.
    fields: &'static str,
    form: Form,
}

enum Form {
    Table(Table),
    Lines,
    Csv { begun: bool },
}

impl Listing {
    pub(crate) fn new(columns: &'static [Column], fields: &'static str, output: Output) -> Self {
        let form = match output.format {
            Format::Table => Form::Table(Table::new(
                columns.iter().map(|(head, _)| Cell::new(*head)).collect(),
                Palette::new(output.color),
            )),
            Format::Json => Form::Lines,
            Format::Csv => Form::Csv { begun: false },
        };
        Self { columns, fields, form }
    }

    /// Writes page after page, each as soon as it is available; `page` returns the rows after a cursor and the next cursor. Ends with
    /// the number of rows, with their name in singular and plural.
    pub(crate) async fn show<K>(
        mut self,
        names: [&str; 2],
        mut page: impl AsyncFnMut(Option<K>) -> Result<(Vec<Value>, Option<K>), StoreError>,
    ) -> Result<Ending, CommandError> {
        let mut out = standard();
        let (mut shown, mut after) = (0_u64, None);
        loop {
            let (rows, next) = page(after).await?;
            self.write(&mut out, &rows)?;
            out.flush()?;
            shown += rows.len() as u64;
            after = next;
            if after.is_none() {
                remark(&counted(shown, names[0], names[1]));
                return Ok(Ending::found(shown));
            }
        }
    }

    pub(crate) fn write(&mut self, out: &mut impl Write, rows: &[Value]) -> io::Result<()> {
        match &mut self.form {
            Form::Table(table) => {
                let cells: Vec<Vec<Cell>> = rows
                    .iter()
                    .map(|row| self.columns.iter().map(|(_, cell)| cell(row)).collect())
                    .collect();
                table.write(out, &cells)
            }
            Form::Lines => rows.iter().try_for_each(|row| writeln!(out, "{row}")),
            Form::Csv { begun } => {
                let first = !std::mem::replace(begun, true);
                let fields = || self.fields.split(' ');
                let heads = first.then(|| fields().map(str::to_owned).collect());
                let cells = |row: &Value| fields().map(|field| plain(&row[field])).collect::<Vec<_>>();
                csv::records(out, heads.into_iter().chain(rows.iter().map(cells)))
            }
        }
    }
}

/// A value as text: strings without quotes, nothing for null, lists joined, the rest as JSON.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// A text from outside.
pub(crate) fn text_cell(value: &Value) -> Cell {
    Cell::new(sanitize(&plain(value)))
}

/// A time to the second, in UTC.
pub(crate) fn time(value: &Value) -> Cell {
    let at = value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    Cell::new(
        at.map(|at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
            .unwrap_or_default(),
    )
}

/// A duration for people: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`.
pub(crate) fn span(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    let (days, hours) = ((minutes / 1440.0).floor(), (minutes % 1440.0 / 60.0).floor());
    match minutes {
        minutes if minutes < 1.0 => format!("{seconds:.0} s"),
        minutes if minutes < 60.0 => format!("{minutes:.0} min"),
        minutes if minutes < 1440.0 => format!("{hours:.0} h {:.0} min", (minutes % 60.0).floor()),
        _ => format!("{days:.0} d {hours:.0} h"),
    }
}

/// The time between two columns, if both are known and in this order.
pub(crate) fn between(row: &Value, from: &str, to: &str) -> Cell {
    let at = |name: &str| row[name].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let seconds = at(from)
        .zip(at(to))
        .map(|(from, to)| to.duration_since(from).as_secs_f64());
    Cell::new(seconds.filter(|seconds| *seconds >= 0.0).map(span).unwrap_or_default()).right()
}

/// A row's decision in its colour. Merged without a decision: GitLab reported no security label.
pub(crate) fn decision(row: &Value) -> Cell {
    let without = if row["merged_at"].is_null() {
        "open"
    } else {
        "not labelled"
    };
    let text = row["decision"].as_str().unwrap_or(without);
    let style = match text {
        "merged" | "approved" => Style::Green,
        "merged_without_approval" | "merged_unverified" => Style::Red,
        "open" | "approval_revoked" | "reopened" => Style::Yellow,
        _ => Style::Plain,
    };
    Cell::new(sanitize(text)).style(style)
}

/// `payments/gateway!811`, or `7301!811` for a row without a path.
pub(crate) fn known_merge_request(row: &Value) -> Cell {
    if row["project_path"].as_str().is_some_and(|path| !path.is_empty()) {
        return merge_request(row);
    }
    Cell::new(sanitize(&format!(
        "{}!{}",
        plain(&row["project_id"]),
        plain(&row["mr_iid"])
    )))
}

/// `payments/gateway!811`.
pub(crate) fn merge_request(row: &Value) -> Cell {
    Cell::new(sanitize(&format!(
        "{}!{}",
        plain(&row["project_path"]),
        plain(&row["mr_iid"])
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::terminal::Color;

    #[test]
    fn spans_are_said_as_people_say_them() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (45.4, "45 s"),
            (60.0, "1 min"),
            (3_599.0, "60 min"),
            (12_000.0, "3 h 20 min"),
            (187_200.0, "2 d 4 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn time_between_is_never_negative_or_guessed() {
        let row = json!({"a": "2026-03-02T10:00:00Z", "b": "2026-03-02T10:05:00Z", "c": null});
        assert_eq!(between(&row, "a", "b").text, "5 min");
        assert_eq!(between(&row, "b", "a").text, "");
        assert_eq!(between(&row, "a", "c").text, "");
    }

    #[test]
    fn each_form_shows_every_row() {
        const COLUMNS: [Column; 1] = [("TITLE", |row| text_cell(&row["title"]))];
        let rows = [
            json!({"title": "=1+1", "labels": ["a", "b"]}),
            json!({"title": "\u{1b}[31mred", "labels": []}),
        ];
        let written = |format| {
            let mut out = Vec::new();
            let color = Color::Never;
            let mut listing = Listing::new(&COLUMNS, "title labels", Output { format, color });
            listing.write(&mut out, &rows).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(Format::Table), "TITLE\n=1+1\n\u{fffd}[31mred\n");
        assert_eq!(
            written(Format::Csv),
            "title,labels\r\n'=1+1,\"a, b\"\r\n\u{1b}[31mred,\r\n"
        );
        assert_eq!(written(Format::Json).lines().count(), 2);
    }
}
