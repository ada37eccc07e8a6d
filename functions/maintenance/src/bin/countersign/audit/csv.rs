//! CSV (RFC 4180) that no spreadsheet takes for a formula.

use std::io::{self, Write};

use store::AuditRow;

/// The columns: the fields of the entry, structured ones as JSON.
pub(super) const HEADS: [&str; 16] = [
    "timestamp",
    "action",
    "actor_type",
    "actor_id",
    "target",
    "outcome",
    "error",
    "correlation_id",
    "service",
    "id",
    "stream_id",
    "stream_seq",
    "duration_ms",
    "details",
    "trace_id",
    "entry",
];

/// The cells of one entry.
pub(super) fn cells(row: &AuditRow) -> [String; 16] {
    let error = row.error.map(|class| class.as_str().to_owned()).unwrap_or_default();
    let stream = row.stream;
    [
        format!("{:.3}", row.timestamp),
        row.action.clone(),
        row.actor_type_code().to_owned(),
        row.actor_id.to_string(),
        row.target_key.clone(),
        row.outcome().to_owned(),
        error,
        row.correlation_id.to_string(),
        row.service.clone(),
        row.id.to_string(),
        stream.map(|line| line.stream_id.to_string()).unwrap_or_default(),
        stream.map(|line| line.seq.to_string()).unwrap_or_default(),
        row.duration_ms.map(|took| took.to_string()).unwrap_or_default(),
        serde_json::to_string(&row.details).unwrap_or_default(),
        row.trace_id.clone().unwrap_or_default(),
        row.line.clone(),
    ]
}

/// Writes one page, of the first one the heads before it: a file without rows still says what its columns would be.
pub(super) fn page(out: &mut impl Write, rows: &[AuditRow], first: bool) -> io::Result<()> {
    let heads = first.then_some(HEADS.map(str::to_owned));
    records(out, heads.into_iter().chain(rows.iter().map(cells)))
}

fn records<const N: usize>(out: &mut impl Write, records: impl Iterator<Item = [String; N]>) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(out);
    for cells in records {
        writer.write_record(cells.map(defused))?;
    }
    writer.flush()
}

/// A leading apostrophe keeps a spreadsheet from computing what somebody else wrote (OWASP, CSV injection).
fn defused(cell: String) -> String {
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
    fn cells_are_quoted_and_no_cell_is_a_formula() {
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
            // Beside another cell: an empty record's only cell would be quoted.
            records(&mut out, std::iter::once([text.to_owned(), "x".to_owned()])).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), format!("{written},x\r\n"), "{text:?}");
        }
    }
}
