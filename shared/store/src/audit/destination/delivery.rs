//! Deliveries: the entries after a destination's cursor, and moving the cursor behind the acknowledged ones.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::{DestinationLease, PositionedEntry, UndeliveredEntry};
use crate::sql::{clean_text, column};
use crate::{Store, StoreError, Tx};

/// From `first_position`: no entry before it is left, and there may be millions of positions.
const AFTER: &str = r#"
    SELECT position, id, service, action, "timestamp", entry
    FROM audit_positions JOIN audit_events ON id = event_id
    WHERE position > $1 AND position >= (SELECT first_position FROM audit_sequence)
    ORDER BY position LIMIT $2"#;

const HOLD: &str = "
    SELECT last_position FROM audit_destinations CROSS JOIN audit_sequence
    WHERE name = $1 AND lease = $2 FOR UPDATE OF audit_destinations";

const ADVANCE: &str = "
    UPDATE audit_destinations
    SET failures = CASE WHEN $3 > delivered THEN 0 ELSE failures END,
        failing_since = CASE WHEN $3 > delivered THEN NULL ELSE failing_since END,
        delivered = greatest(delivered, $3), updated_at = $4
    WHERE name = $1 AND lease = $2";

const REFUSED: &str = "
    INSERT INTO audit_undelivered (destination, position, event_id, error_class, error, refused_at)
    SELECT $1, position, event_id, error_class, error, $6
    FROM unnest($2, $3, $4, $5) AS refused (position, event_id, error_class, error)
    ORDER BY position
    ON CONFLICT (destination, position) DO NOTHING";

impl Store {
    /// The next entries after a position, in order, at most `limit`. Entries of detached months are left out.
    pub async fn audit_entries_after(&self, position: i64, limit: i64) -> Result<Vec<PositionedEntry>, StoreError> {
        let mut tx = self.begin().await?;
        let rows = tx
            .query(AFTER, &[(&position, Type::INT8), (&limit, Type::INT8)])
            .await?;
        tx.commit().await?;
        rows.iter().map(read_entry).collect()
    }

    /// Moves a destination's cursor to `delivered`, never back, and keeps permanently rejected entries; the lease stays. `false`:
    /// the lease was lost and nothing was changed; send nothing more.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if position `delivered` does not exist yet; else [`StoreError`], repeatable.
    pub async fn advance_audit_destination(
        &self,
        lease: &DestinationLease,
        delivered: i64,
        undelivered: &[UndeliveredEntry],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let (name, token) = (clean_text(&lease.name), lease.lease);
        let held = [(&name as _, Type::TEXT), (&token as _, Type::UUID)];
        let Some(row) = tx.query_opt(HOLD, &held).await? else {
            tx.rollback().await?;
            return Ok(false);
        };
        if delivered > column(&row, "last_position")? {
            tx.rollback().await?;
            return Err(StoreError::Rejected(
                "the delivered position is not assigned".to_owned(),
            ));
        }
        let [held_name, held_lease] = held;
        let params = [
            held_name,
            held_lease,
            (&delivered as _, Type::INT8),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        tx.execute(ADVANCE, &params).await?;
        tx.keep_undelivered(&lease.name, undelivered, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl Tx<'_> {
    async fn keep_undelivered(
        &mut self,
        name: &str,
        refused: &[UndeliveredEntry],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if refused.is_empty() {
            return Ok(());
        }
        let positions: Vec<_> = refused.iter().map(|entry| entry.position).collect();
        let ids: Vec<_> = refused.iter().map(|entry| entry.event_id).collect();
        let classes: Vec<_> = refused.iter().map(|entry| clean_text(&entry.error_class)).collect();
        let errors: Vec<_> = refused.iter().map(|entry| clean_text(&entry.error)).collect();
        let params = [
            (&clean_text(name) as _, Type::TEXT),
            (&positions as _, Type::INT8_ARRAY),
            (&ids as _, Type::UUID_ARRAY),
            (&classes as _, Type::TEXT_ARRAY),
            (&errors as _, Type::TEXT_ARRAY),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        self.execute(REFUSED, &params).await.map(drop)
    }
}

fn read_entry(row: &Row) -> Result<PositionedEntry, StoreError> {
    Ok(PositionedEntry {
        position: column(row, "position")?,
        id: column(row, "id")?,
        service: column(row, "service")?,
        action: column(row, "action")?,
        timestamp: column(row, "timestamp")?,
        line: column(row, "entry")?,
    })
}
