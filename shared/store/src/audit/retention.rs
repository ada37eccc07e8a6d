//! Retention: months are detached when they expire and every destination has acknowledged them.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::connection::Connection;
use crate::sql::column;
use crate::{DatabaseConfig, StoreError};

/// How often detaching a month is tried while others hold the table.
const TRIES: u32 = 5;

/// The attached months that ended by a time, oldest first, with the ids they hold.
const ENDED: &str = "
    SELECT name, countersign_uuid7_floor(month) AS first_id, countersign_uuid7_floor(next_month) AS end_id
    FROM (SELECT relname::text AS name, month AT TIME ZONE 'UTC' AS month, (month + interval '1 month') AT TIME ZONE 'UTC' AS next_month
          FROM pg_inherits JOIN pg_class ON oid = inhrelid
          CROSS JOIN LATERAL (SELECT to_date(right(relname, 7), 'YYYY_MM')::timestamp AS month) AS begun
          WHERE inhparent = 'public.audit_events'::regclass AND relname ~ '^audit_events_[0-9]{4}_[0-9]{2}$') AS attached
    WHERE next_month <= $1
    ORDER BY month";

/// Whether part of a month has no position yet, or one that a destination has not acknowledged.
const UNFINISHED: &str = "
    SELECT EXISTS (SELECT FROM audit_pending WHERE event_id >= $1 AND event_id < $2)
        OR EXISTS (SELECT FROM audit_positions WHERE event_id >= $1 AND event_id < $2
                   AND position > (SELECT min(delivered) FROM audit_destinations)) AS unfinished";

/// The first position whose entry is newer than a month's end.
const KEPT: &str = "
    SELECT coalesce(
        (SELECT position FROM audit_positions WHERE position >= first_position AND event_id >= $1 ORDER BY position LIMIT 1),
        last_position + 1) AS kept
    FROM audit_sequence";

const NARROW: &str = "UPDATE audit_sequence SET first_position = greatest(first_position, $1)";

/// Detaches the months that ended by `older_than`, oldest first, as far as every destination has acknowledged all of them; returns
/// their table names. A detached table stays unchanged, append-only and readable for the auditor, until the owner drops it.
///
/// The plain form of `DETACH PARTITION`, not `CONCURRENTLY`: it runs in one transaction with the check, so that nothing is recorded
/// in a month between the check and its detachment, and nothing is left half done. It needs an exclusive lock: it waits for that at
/// most a second at a time, so that recorders wait no longer behind it.
///
/// # Errors
/// [`StoreError`]; months detached before the error stay detached, and the call may be repeated. [`StoreError::Conflict`] if others
/// never release the table.
pub async fn detach_audit_partitions(owner: &DatabaseConfig, older_than: Timestamp) -> Result<Vec<String>, StoreError> {
    let tls = crate::tls::connector(owner)?;
    let connection = Connection::open(owner, tls.as_ref()).await?;
    let mut detached = Vec::new();
    for row in connection.query(ENDED, &[(&older_than, Type::TIMESTAMPTZ)]).await? {
        let month = Month {
            name: column(&row, "name")?,
            first_id: column(&row, "first_id")?,
            end_id: column(&row, "end_id")?,
        };
        if !month.detach(&connection).await? {
            tracing::warn!(
                month = month.name,
                "month not detached: a destination has not acknowledged all of it"
            );
            break;
        }
        detached.push(month.name);
    }
    Ok(detached)
}

struct Month {
    name: String,
    first_id: Uuid,
    end_id: Uuid,
}

impl Month {
    /// `false`: part of it has not reached every destination.
    async fn detach(&self, connection: &Connection) -> Result<bool, StoreError> {
        // First without a lock: slow work must not block the recorders.
        if self.is_unfinished(connection).await? {
            return Ok(false);
        }
        let mut tried = 1;
        loop {
            match self.detach_once(connection).await {
                Err(StoreError::Conflict(_)) if tried < TRIES => tried += 1,
                result => return result,
            }
        }
    }

    async fn detach_once(&self, connection: &Connection) -> Result<bool, StoreError> {
        let kept: i64 = match connection.query(KEPT, &[(&self.end_id, Type::UUID)]).await?.first() {
            Some(row) => column(row, "kept")?,
            None => return Err(StoreError::corrupt("kept")),
        };
        connection.command("BEGIN").await?;
        let work = async {
            connection.command("SET LOCAL lock_timeout = '1s'").await?;
            connection
                .command("LOCK TABLE ONLY public.audit_events IN ACCESS EXCLUSIVE MODE")
                .await?;
            if self.is_unfinished(connection).await? {
                return Ok(false);
            }
            connection.command(&self.statement()).await?;
            connection.execute(NARROW, &[(&kept, Type::INT8)]).await?;
            Ok(true)
        };
        let detached = work.await;
        let end = if matches!(detached, Ok(true)) {
            "COMMIT"
        } else {
            "ROLLBACK"
        };
        connection.command(end).await?;
        detached
    }

    /// Detaching removes the triggers inherited from the parent: the month gets its own. Its name has only letters, digits and `_`.
    fn statement(&self) -> String {
        let name = &self.name;
        format!(
            "ALTER TABLE public.audit_events DETACH PARTITION public.{name};
             CREATE TRIGGER append_only_row BEFORE UPDATE OR DELETE ON public.{name}
                 FOR EACH ROW EXECUTE FUNCTION public.countersign_refuse_change();"
        )
    }

    async fn is_unfinished(&self, connection: &Connection) -> Result<bool, StoreError> {
        let ids = [(&self.first_id as _, Type::UUID), (&self.end_id as _, Type::UUID)];
        let rows = connection.query(UNFINISHED, &ids).await?;
        rows.first().map_or(Ok(true), |row| column(row, "unfinished"))
    }
}
