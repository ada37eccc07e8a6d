//! Entries as CSV: every field, and the line itself.

use std::io::{self, Write};

use store::AuditRow;

use crate::output::csv;

/// The columns: the fields of the entry, structured ones as JSON.
const HEADS: &str = "\
    timestamp action actor_type actor_id target outcome error correlation_id service id stream_id stream_seq duration_ms details trace_id \
    entry";

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

/// Writes one page; before the first one the column heads: a file without rows still shows its columns.
pub(super) fn page(out: &mut impl Write, rows: &[AuditRow], first: bool) -> io::Result<()> {
    let heads = first.then(|| HEADS.split(' ').map(str::to_owned).collect());
    csv::records(out, heads.into_iter().chain(rows.iter().map(|row| cells(row).to_vec())))
}
