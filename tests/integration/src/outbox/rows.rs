//! What the database has of an effect: its row, its attempts, and when it is due.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::env::TestEnv;

/// The columns of an `effects` row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct EffectRow {
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) next_attempt_at: Timestamp,
    pub(crate) external_id: Option<String>,
    pub(crate) error_class: Option<String>,
    pub(crate) reason: Option<String>,
}

impl TestEnv {
    pub(crate) async fn effect_row(&self, id: Uuid) -> EffectRow {
        let sql = "SELECT state, attempts, not_before, next_attempt_at, external_id, last_error_class,
                coalesce(superseded_because, last_error)
            FROM effects WHERE id = $1";
        let rows = self.auditor().query_typed(sql, &[(&id, Type::UUID)]).await.unwrap();
        let row = &rows[0];
        EffectRow {
            state: row.get(0),
            attempts: row.get(1),
            not_before: row.get(2),
            next_attempt_at: row.get(3),
            external_id: row.get(4),
            error_class: row.get(5),
            reason: row.get(6),
        }
    }

    /// The rows of `effect_attempts` in order: `1 begun`, or `1 ended: done`, with `(late)` if the effect was unchanged.
    pub(crate) async fn attempts(&self, id: Uuid) -> Vec<String> {
        let sql = "SELECT attempt || ' ' || phase || coalesce(': ' || outcome, '') || CASE WHEN applied THEN '' ELSE
                CASE WHEN phase = 'ended' THEN ' (late)' ELSE '' END END
            FROM effect_attempts WHERE effect_id = $1 ORDER BY attempt, phase";
        let rows = self.auditor().query_typed(sql, &[(&id, Type::UUID)]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Ends everything the effect waits for: the caller's grace period, the target's delay, a claim, a lease.
    pub(crate) async fn make_due(&self, id: Uuid) {
        let sql = "UPDATE effects SET next_attempt_at = now() - interval '1 second',
                not_before = not_before - (not_before - now()) - interval '1 second',
                lease_until = lease_until - (lease_until - now()) - interval '1 second'
            WHERE id = $1";
        let changed = self
            .owner()
            .await
            .execute_typed(sql, &[(&id, Type::UUID)])
            .await
            .unwrap();
        assert_eq!(changed, 1);
    }
}
