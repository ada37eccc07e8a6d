//! Lines whose entry is not stored with them: only their numbers count.

use audit::line_schema::ParsedEntry;
use jiff::Timestamp;
use model::AuditLine;
use tokio_postgres::types::Type;

use crate::audit::claim::Numbers;
use crate::{StoreError, Tx};

const COUNT_LINES: &str = "
    INSERT INTO audit_pending (stream_id, stream_seq, service, arrived_at)
    SELECT stream_id, stream_seq, service, $4
    FROM unnest($1, $2, $3) AS line (stream_id, stream_seq, service)
    WHERE NOT EXISTS (
        SELECT FROM audit_streams AS known
        WHERE known.stream_id = line.stream_id AND known.released_seq >= line.stream_seq
            AND NOT EXISTS (SELECT FROM audit_gaps AS gap WHERE gap.stream_id = line.stream_id
                            AND gap.closed_at IS NULL AND gap.missing_numbers @> line.stream_seq))
    ORDER BY stream_id, stream_seq
    ON CONFLICT ON CONSTRAINT audit_pending_line DO NOTHING";

impl Tx<'_> {
    /// Records the numbers of lines whose entries are already known. Lines already accounted for are left out, so that a repeated
    /// batch leaves no work.
    pub(super) async fn count_lines(&mut self, entries: &[&ParsedEntry], now: Timestamp) -> Result<(), StoreError> {
        let mut lines: Vec<(AuditLine, &str)> = entries
            .iter()
            .filter_map(|entry| Some((entry.stream?, entry.service.as_str())))
            .collect();
        lines.sort_unstable_by_key(|(line, _)| (line.stream_id, line.seq));
        lines.dedup_by_key(|(line, _)| *line);
        for chunk in lines.chunks(super::CHUNK) {
            let numbers = Numbers::of(chunk.iter().map(|(line, _)| line));
            let services: Vec<_> = chunk.iter().map(|(_, service)| *service).collect();
            let params = [
                (&numbers.streams as _, Type::UUID_ARRAY),
                (&numbers.seqs as _, Type::INT8_ARRAY),
                (&services as _, Type::TEXT_ARRAY),
                (&now as _, Type::TIMESTAMPTZ),
            ];
            self.execute(COUNT_LINES, &params).await?;
        }
        Ok(())
    }
}
