//! CSV (RFC 4180) that no spreadsheet evaluates as a formula.

use std::io::{self, Write};

pub(crate) fn records(out: &mut impl Write, records: impl Iterator<Item = Vec<String>>) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    for cells in records {
        writer.write_record(cells.into_iter().map(escape_formula))?;
    }
    writer.flush()
}

/// A leading apostrophe keeps a spreadsheet from evaluating foreign text (OWASP, CSV injection).
fn escape_formula(cell: String) -> String {
    let formula = [
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    if cell.starts_with(formula) {
        format!("'{cell}")
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_cells_are_quoted_and_never_formulas() {
        let cases = [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"so\"", "\"say \"\"so\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@sum(a1)", "'@sum(a1)"),
            ("\tx", "'\tx"),
            ("=cmd|' /C calc'!A0,1", "\"'=cmd|' /C calc'!A0,1\""),
            ("\u{ff1d}1", "'\u{ff1d}1"),
        ];
        for (text, written) in cases {
            let mut out = Vec::new();
            // With a second cell: the only cell of an empty record would be quoted.
            records(&mut out, std::iter::once(vec![text.to_owned(), "x".to_owned()])).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{written},x\r\n"), "{text:?}");
        }
    }
}
