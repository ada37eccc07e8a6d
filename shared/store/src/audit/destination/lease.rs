//! Leases: one sender at a time at each destination.

use jiff::{SignedDuration, Timestamp};
use model::later;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::{DestinationEnd, DestinationLease};
use crate::connection::Param;
use crate::sql::{clean_text, column};
use crate::{Store, StoreError};

const KNOW: &str = "
    INSERT INTO audit_destinations (name, delivered, failures, next_attempt_at, updated_at)
    SELECT $1, first_position - 1, 0, $2, $2 FROM audit_sequence
    WHERE NOT EXISTS (SELECT FROM audit_destinations WHERE name = $1)
    ON CONFLICT (name) DO NOTHING";

const LEASE: &str = "
    UPDATE audit_destinations SET lease = $2, lease_until = $3, updated_at = $4
    WHERE name = $1 AND (lease_until IS NULL OR lease_until <= $4) AND next_attempt_at <= $4
    RETURNING name, lease, delivered, failures";

const IDLE: &str = "
    UPDATE audit_destinations
    SET lease = NULL, lease_until = NULL, failures = 0, failing_since = NULL, next_attempt_at = $3, updated_at = $3
    WHERE name = $1 AND lease = $2";

const FAILED: &str = "
    UPDATE audit_destinations
    SET lease = NULL, lease_until = NULL, failures = failures + 1, failing_since = coalesce(failing_since, $3),
        last_error_class = $4, last_error = $5, next_attempt_at = $6, updated_at = $3
    WHERE name = $1 AND lease = $2";

impl Store {
    /// Leases a destination for `lease_for`. `None`: another sender has it, or its next attempt is not due. An unknown destination
    /// starts at the first entry that still exists.
    ///
    /// # Errors
    /// [`StoreError`]. After a lost commit the lease may exist; it then expires.
    pub async fn lease_audit_destination(
        &self,
        name: &str,
        now: Timestamp,
        lease_for: SignedDuration,
    ) -> Result<Option<DestinationLease>, StoreError> {
        let name = clean_text(name);
        let mut tx = self.begin().await?;
        tx.execute(KNOW, &[(&name, Type::TEXT), (&now, Type::TIMESTAMPTZ)])
            .await?;
        let (lease, until) = (Uuid::now_v7(), later(now, lease_for));
        let params = [
            (&name as _, Type::TEXT),
            (&lease as _, Type::UUID),
            (&until as _, Type::TIMESTAMPTZ),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        let leased = tx.query_opt(LEASE, &params).await?;
        tx.commit().await?;
        leased.map(|row| read_lease(&row)).transpose()
    }

    /// Releases a destination. `false`: the lease was lost before, and nothing was changed.
    ///
    /// # Errors
    /// [`StoreError`]. The lease expires by itself.
    pub async fn finish_audit_destination(
        &self,
        lease: DestinationLease,
        end: DestinationEnd,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let name = clean_text(&lease.name);
        let held = [
            (&name as _, Type::TEXT),
            (&lease.lease as _, Type::UUID),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        let changed = match &end {
            DestinationEnd::Idle => tx.execute(IDLE, &held).await?,
            DestinationEnd::Failed {
                class,
                error,
                next_attempt_at,
            } => {
                let (class, error) = (clean_text(class), clean_text(error));
                let failure: [Param<'_>; 3] = [
                    (&class, Type::TEXT),
                    (&error, Type::TEXT),
                    (next_attempt_at, Type::TIMESTAMPTZ),
                ];
                let params: Vec<_> = held.into_iter().chain(failure).collect();
                tx.execute(FAILED, &params).await?
            }
        };
        tx.commit().await?;
        Ok(changed > 0)
    }
}

fn read_lease(row: &Row) -> Result<DestinationLease, StoreError> {
    Ok(DestinationLease {
        name: column(row, "name")?,
        lease: column(row, "lease")?,
        delivered: column(row, "delivered")?,
        failures: column(row, "failures")?,
    })
}
