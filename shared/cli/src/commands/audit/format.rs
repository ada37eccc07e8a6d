//! Entries as a table, as the printed lines, or as CSV.

use std::io::{self, Write};

use store::AuditRow;

use super::csv;
use super::tabular::{heads, row};
use crate::output::listing::Format;
use crate::output::table::Table;
use crate::output::terminal::Palette;

/// A writer of entries.
#[derive(Debug)]
pub(super) enum Entries {
    Table(Table),
    Lines,
    Csv { begun: bool },
}

impl Entries {
    pub(super) fn new(format: Format, palette: Palette) -> Self {
        match format {
            Format::Table => Self::Table(Table::new(heads(), palette)),
            Format::Json => Self::Lines,
            Format::Csv => Self::Csv { begun: false },
        }
    }

    pub(super) fn write(&mut self, out: &mut impl Write, rows: &[AuditRow]) -> io::Result<()> {
        match self {
            Self::Table(table) => table.write(out, &rows.iter().map(row).collect::<Vec<_>>()),
            Self::Lines => rows.iter().try_for_each(|row| writeln!(out, "{}", row.line)),
            Self::Csv { begun } => csv::page(out, rows, !std::mem::replace(begun, true)),
        }
    }
}
