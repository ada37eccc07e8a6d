//! Claims: a row with a line's number proves that everything up to it was printed.

use jiff::Timestamp;
use model::AuditLine;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::gap::signed;
use crate::Tx;
use crate::sql::Statement;
use crate::tx::{DONE, Queued};

/// Skips what is accounted for: most rows arrive after their lines.
const CLAIM: &str = "
    INSERT INTO audit_claims (stream_id, stream_seq, claimed_at)
    SELECT stream_id, stream_seq, $3 FROM unnest($1, $2) AS line (stream_id, stream_seq)
    WHERE NOT EXISTS (SELECT FROM audit_streams AS known
                      WHERE known.stream_id = line.stream_id AND known.released_seq >= line.stream_seq)
    ORDER BY stream_id, stream_seq
    ON CONFLICT (stream_id, stream_seq) DO NOTHING";

impl<'a> Tx<'a> {
    /// Claims that these lines and all before them in their streams were printed. For transactions whose rows have line numbers;
    /// call it last, after the locks of the transaction.
    pub fn claim_audit_lines(&mut self, lines: &[AuditLine], now: Timestamp) -> Queued<'_, 'a, ()> {
        let numbers = Numbers::of(lines.iter());
        let statement = Statement::new(CLAIM)
            .bind(numbers.streams, Type::UUID_ARRAY)
            .bind(numbers.seqs, Type::INT8_ARRAY)
            .bind(now, Type::TIMESTAMPTZ);
        self.queue(statement, DONE)
    }
}

/// Lines as arrays of their columns.
pub(super) struct Numbers {
    pub(super) streams: Vec<Uuid>,
    pub(super) seqs: Vec<i64>,
}

impl Numbers {
    pub(super) fn of<'a>(lines: impl Iterator<Item = &'a AuditLine>) -> Self {
        let (streams, seqs) = lines.map(|line| (line.stream_id, signed(line.seq))).unzip();
        Self { streams, seqs }
    }
}
