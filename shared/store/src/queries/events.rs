//! Stored events of one merge request with their whole label lists, page by page.

use jiff::Timestamp;
use model::{HistoryEvent, MergeRequestKey};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::deliveries::read_history;
use crate::sql::column;
use crate::{Store, StoreError};

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCursor {
    occurred_at: Timestamp,
    id: Uuid,
}

/// An event with its whole label lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Pass it to get the events after this one.
    pub cursor: EventCursor,
    pub event: HistoryEvent,
}

const SQL: &str = "
    SELECT id, action, actor_id, actor_username, eligible, eligible_read_at, occurred_at, occurred_at_source, received_at, state, system,
        system_action, oldrev IS NOT NULL AS pushed, head_sha, stale, labels, labels_added, labels_removed, labels_truncated
    FROM merge_request_events
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND received_at <= $4
        AND ($5 IS NULL OR (occurred_at, id) > ($5, $6))
    ORDER BY occurred_at, id LIMIT $7";

impl Store {
    /// A page of a merge request's events, oldest first, received up to a time. Unlike the history of an evaluation, only `limit`
    /// bounds it.
    pub async fn stored_events(
        &self,
        key: &MergeRequestKey,
        received_until: Timestamp,
        after: Option<EventCursor>,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let (after_at, after_id) = (after.map(|after| after.occurred_at), after.map(|after| after.id));
        let params = [
            (&key.instance as _, Type::TEXT),
            (&key.project_id.0 as _, Type::INT8),
            (&key.mr_iid.0 as _, Type::INT8),
            (&received_until as _, Type::TIMESTAMPTZ),
            (&after_at as _, Type::TIMESTAMPTZ),
            (&after_id as _, Type::UUID),
            (&i64::from(limit) as _, Type::INT8),
        ];
        let rows = self.query(SQL, &params).await?;
        rows.iter()
            .map(|row| {
                let event = read_history(row)?;
                let cursor = EventCursor {
                    occurred_at: event.occurred_at,
                    id: column(row, "id")?,
                };
                Ok(StoredEvent { cursor, event })
            })
            .collect()
    }
}
