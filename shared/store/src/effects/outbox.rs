//! Inserting effects: rows of the outbox, unique by key.

use jiff::{SignedDuration, Timestamp};
use model::{Effect, EffectKind, EffectState, MergeRequestKey, later};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::StoreError;
use crate::sql::{Insert, Statement, column, key_columns};
use crate::tx::{AFFECTED, Queued, Tx};

/// An effect to insert. Its key follows from merge request, kind and destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEffect {
    pub kind: EffectKind,
    pub destination: String,
    /// The exception it reports.
    pub exception_id: Option<Uuid>,
    /// The revision of the ledger row that it reports.
    pub ledger_revision: Option<i64>,
    /// The decision on the merge that leads to it.
    pub decision_id: Option<Uuid>,
    pub merge_request: MergeRequestKey,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
    /// When it is written.
    pub created_at: Timestamp,
    /// How long the caller may take to enqueue it before the relay does.
    pub grace: SignedDuration,
}

pub(crate) const EFFECT_COLUMNS: &str = "
    id, key, kind, destination, exception_id, ledger_revision, decision_id, instance, project_id, mr_iid, state, attempts, correlation_id,
    traceparent, updated_at";

/// A superseded effect was never applied; if its reason applies again, so does the effect.
const REVIVE: &str = "
    ON CONFLICT (key) DO UPDATE SET
        state = 'pending',
        superseded_because = NULL,
        not_before = NULL,
        next_attempt_at = excluded.next_attempt_at,
        correlation_id = excluded.correlation_id,
        traceparent = excluded.traceparent,
        updated_at = excluded.updated_at
    WHERE stored.state = 'superseded'
    RETURNING ";

const SUPERSEDE: &str = "
    UPDATE effects SET state = 'superseded', updated_at = $2, superseded_because = $3 WHERE exception_id = $1 AND state = 'pending'";

const SUPERSEDE_ARCHIVE: &str = "
    UPDATE effects SET state = 'superseded', updated_at = $4, superseded_because = $5
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND decision_id IS NOT NULL AND exception_id IS NULL AND state = 'pending'
        AND decision_id <> $6";

const HAS_BEGUN: &str = "
    SELECT FROM effects
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND decision_id IS NOT NULL AND exception_id IS NULL AND attempts > 0 AND state <> 'suppressed' LIMIT 1";

impl<'a> Tx<'a> {
    /// Adds effects, and returns the new ones. The others' keys exist: they are pending, or done. A superseded one becomes pending
    /// again.
    pub fn insert_effects(&mut self, new: &[NewEffect]) -> Queued<'_, 'a, Vec<Effect>> {
        let mut insert = Insert::into("effects");
        for (number, effect) in new.iter().enumerate() {
            insert = if number > 0 { insert.next_row() } else { insert };
            insert = insert
                .uuid("id", Uuid::now_v7())
                .text("key", &effect.key())
                .text("kind", effect.kind.as_str())
                .text("destination", &effect.destination)
                .uuid("exception_id", effect.exception_id)
                .int8("ledger_revision", effect.ledger_revision)
                .uuid("decision_id", effect.decision_id)
                .key(&effect.merge_request)
                .constant("state", "'pending'")
                .constant("attempts", "0")
                .time("next_attempt_at", later(effect.created_at, effect.grace))
                .uuid("correlation_id", effect.correlation_id)
                .optional_text("traceparent", effect.traceparent.as_deref())
                .time("created_at", effect.created_at)
                .time("updated_at", effect.created_at);
        }
        let statement = insert.then(&format!("{REVIVE} {EFFECT_COLUMNS}"));
        self.queue(statement, |answer| answer.rows.iter().map(read_effect).collect())
    }

    /// Supersedes the exception's effects that are not begun; returns how many.
    pub fn supersede_effects(&mut self, exception_id: Uuid, because: &str, now: Timestamp) -> Queued<'_, 'a, u64> {
        let statement = Statement::new(SUPERSEDE).bind(exception_id, Type::UUID);
        self.queue(statement.bind(now, Type::TIMESTAMPTZ).bind_text(because), AFFECTED)
    }

    /// Supersedes effects of other decisions on this merge that are not begun; returns how many.
    pub fn supersede_decision_effects(
        &mut self,
        key: &MergeRequestKey,
        decision_id: Uuid,
        because: &str,
        now: Timestamp,
    ) -> Queued<'_, 'a, u64> {
        let statement = Statement::of(key, SUPERSEDE_ARCHIVE).bind(now, Type::TIMESTAMPTZ);
        self.queue(statement.bind_text(because).bind(decision_id, Type::UUID), AFFECTED)
    }

    /// Whether an effect of an earlier decision on this merge was begun.
    pub fn has_begun_decision_effects(&mut self, key: &MergeRequestKey) -> Queued<'_, 'a, bool> {
        self.queue(Statement::of(key, HAS_BEGUN), |answer| Ok(!answer.rows.is_empty()))
    }
}

impl NewEffect {
    fn key(&self) -> String {
        let (revision, decision) = (self.ledger_revision, self.decision_id);
        Effect::key_for(&self.merge_request, self.kind, &self.destination, revision, decision)
    }
}

pub(crate) fn read_effect(row: &Row) -> Result<Effect, StoreError> {
    let (kind, state): (String, String) = (column(row, "kind")?, column(row, "state")?);
    Ok(Effect {
        id: column(row, "id")?,
        key: column(row, "key")?,
        kind: EffectKind::parse(&kind).ok_or_else(|| StoreError::corrupt("kind"))?,
        destination: column(row, "destination")?,
        exception_id: column(row, "exception_id")?,
        ledger_revision: column(row, "ledger_revision")?,
        decision_id: column(row, "decision_id")?,
        merge_request: key_columns(row)?,
        state: EffectState::parse(&state).ok_or_else(|| StoreError::corrupt("state"))?,
        attempts: column(row, "attempts")?,
        correlation_id: column(row, "correlation_id")?,
        traceparent: column(row, "traceparent")?,
        updated_at: column(row, "updated_at")?,
    })
}
