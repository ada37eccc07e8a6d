//! Months: their partitions are created before they are needed.

use jiff::Timestamp;
use tokio_postgres::types::Type;

use crate::sql::column;
use crate::{Store, StoreError};

/// Maximum months per call.
const MOST_MONTHS: u32 = 36;

impl Store {
    /// Creates the missing partitions of the current month and of the next `months` (at most 35); returns how many.
    pub async fn make_audit_partitions(&self, now: Timestamp, months: u32) -> Result<u32, StoreError> {
        let months = i32::try_from(months.saturating_add(1).min(MOST_MONTHS)).unwrap_or(1);
        let mut tx = self.begin().await?;
        let sql = "SELECT countersign_make_audit_partitions($1, $2) AS made";
        let made = tx
            .query_opt(sql, &[(&now, Type::TIMESTAMPTZ), (&months, Type::INT4)])
            .await?;
        tx.commit().await?;
        let made: i32 = made.map(|row| column(&row, "made")).transpose()?.unwrap_or(0);
        Ok(u32::try_from(made).unwrap_or(0))
    }
}
