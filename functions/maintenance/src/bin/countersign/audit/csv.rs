//! CSV (RFC 4180) that no spreadsheet takes for a formula.

use std::borrow::Cow;
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

/// Writes one record.
pub(super) fn record<T: AsRef<str>>(out: &mut impl Write, cells: &[T]) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        out.write_all(field(cell.as_ref()).as_bytes())?;
    }
    out.write_all(b"\r\n")
}

/// A cell, defused and quoted where it must be. A leading apostrophe keeps a spreadsheet from computing what somebody else wrote
/// (OWASP, CSV injection).
fn field(text: &str) -> Cow<'_, str> {
    let formula = text.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    let quoted = text.contains(['"', ',', '\n', '\r']);
    match (formula, quoted) {
        (false, false) => Cow::Borrowed(text),
        (true, false) => Cow::Owned(format!("'{text}")),
        (formula, true) => Cow::Owned(format!(
            "\"{}{}\"",
            if formula { "'" } else { "" },
            text.replace('"', "\"\"")
        )),
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
            assert_eq!(field(text), written, "{text:?}");
        }
    }

    #[test]
    fn a_record_ends_as_the_rfc_says() {
        let mut out = Vec::new();
        record(&mut out, &["a", "b,c", ""]).unwrap();
        assert_eq!(out, b"a,\"b,c\",\r\n");
    }
}
