//! Lines that cannot be entries, kept whole for manual inspection.

use jiff::Timestamp;
use model::sha256_hex;
use tokio_postgres::types::Type;

use crate::sql::clean_text;
use crate::{StoreError, Tx};

const INSERT: &str = "
    INSERT INTO quarantined_audit_lines (id, source, line, reason, quarantined_at)
    SELECT id, $4, line, reason, $5 FROM unnest($1, $2, $3) AS quarantined (id, line, reason)
    ORDER BY id
    ON CONFLICT (id) DO NOTHING";

impl Tx<'_> {
    /// Keeps lines with the reasons why they are not entries; returns how many are new. NUL becomes U+FFFD.
    pub(super) async fn quarantine_lines<'a>(
        &mut self,
        lines: impl Iterator<Item = (&'a str, &'a str)>,
        source: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let source = clean_text(source);
        let mut lines: Vec<_> = lines
            .map(|(line, reason)| (identity(&source, line), clean_text(line), clean_text(reason)))
            .collect();
        lines.sort_unstable();
        let mut kept = 0;
        for chunk in lines.chunks(super::CHUNK) {
            let ids: Vec<_> = chunk.iter().map(|(id, ..)| id).collect();
            let texts: Vec<_> = chunk.iter().map(|(_, line, _)| line).collect();
            let reasons: Vec<_> = chunk.iter().map(|(.., reason)| reason).collect();
            let params = [
                (&ids as _, Type::TEXT_ARRAY),
                (&texts as _, Type::TEXT_ARRAY),
                (&reasons as _, Type::TEXT_ARRAY),
                (&source as _, Type::TEXT),
                (&now as _, Type::TIMESTAMPTZ),
            ];
            kept += self.execute(INSERT, &params).await?;
        }
        Ok(kept)
    }
}

/// A line read twice from one source is one row. No source contains NUL, so source and line cannot be confused.
fn identity(source: &str, line: &str) -> String {
    sha256_hex(&[source.as_bytes(), &[0], line.as_bytes()].concat())
}
