//! A table with columns as wide as the widest cell so far, so that rows are shown before the last is known.

use std::io::{self, Write};

use crate::output::terminal::{Palette, Style};

#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) style: Style,
    pub(crate) right: bool,
}

impl Cell {
    /// Plain, left-aligned.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            style: Style::Plain,
            right: false,
        }
    }

    pub(crate) fn style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    /// Right-aligned, for numbers.
    pub(crate) fn right(self) -> Self {
        Self { right: true, ..self }
    }
}

/// A table that is written page by page.
#[derive(Debug)]
pub(crate) struct Table {
    heads: Vec<Cell>,
    widths: Vec<usize>,
    palette: Palette,
    begun: bool,
}

impl Table {
    pub(crate) fn new(heads: Vec<Cell>, palette: Palette) -> Self {
        Self {
            widths: heads.iter().map(|head| width(&head.text)).collect(),
            heads: heads.into_iter().map(|head| head.style(Style::Bold)).collect(),
            palette,
            begun: false,
        }
    }

    /// Writes these rows, the first time below the heads. Columns only grow.
    pub(crate) fn write(&mut self, out: &mut impl Write, rows: &[Vec<Cell>]) -> io::Result<()> {
        for row in rows {
            for (widest, cell) in self.widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(&cell.text));
            }
        }
        if !self.begun && !rows.is_empty() {
            self.begun = true;
            self.line(out, &self.heads)?;
        }
        rows.iter().try_for_each(|row| self.line(out, row))
    }

    fn line(&self, out: &mut impl Write, cells: &[Cell]) -> io::Result<()> {
        let mut line = String::new();
        for (cell, widest) in cells.iter().zip(&self.widths) {
            let padding = " ".repeat(widest.saturating_sub(width(&cell.text)));
            let text = if cell.text.is_empty() {
                String::new()
            } else {
                self.palette.paint(cell.style, &cell.text)
            };
            let (before, after) = if cell.right {
                (padding.as_str(), "")
            } else {
                ("", padding.as_str())
            };
            line.push_str(before);
            line.push_str(&text);
            line.push_str(after);
            line.push_str("  ");
        }
        writeln!(out, "{}", line.trim_end())
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::terminal::Color;

    #[test]
    fn columns_align_within_a_page_and_then_grow() {
        let mut table = Table::new(
            vec![Cell::new("WHAT"), Cell::new("TOOK").right(), Cell::new("WHO")],
            Palette::new(Color::Never),
        );
        let row = |what: &str, took: &str, who: &str| vec![Cell::new(what), Cell::new(took).right(), Cell::new(who)];
        let mut out = Vec::new();
        table.write(&mut out, &[]).unwrap();
        table
            .write(&mut out, &[row("a", "1 ms", "x"), row("längst", "12 ms", "")])
            .unwrap();
        table.write(&mut out, &[row("the longest", "", "y")]).unwrap();
        let shown = "\
WHAT     TOOK  WHO
a        1 ms  x
längst  12 ms\nthe longest         y
";
        assert_eq!(String::from_utf8(out).unwrap(), shown);
    }
}
