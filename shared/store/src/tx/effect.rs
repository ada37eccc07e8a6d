//! Effects on their way in: rows of the outbox, unique by key.

use jiff::{SignedDuration, Timestamp};
use model::{Effect, EffectKind, EffectState, MergeRequestIid, MergeRequestKey, ProjectId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{column, optional_text, text};

/// Something to be done outside. Its key follows from merge request, kind and destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEffect {
    /// What is to be done.
    pub kind: EffectKind,
    /// Where.
    pub destination: String,
    /// The exception it speaks of.
    pub exception_id: Option<Uuid>,
    /// The revision of the ledger's row that it tells of.
    pub ledger_revision: Option<i64>,
    /// The decision on the merge that leads to it.
    pub decision_id: Option<Uuid>,
    /// Which merge request.
    pub merge_request: MergeRequestKey,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
    /// When it is written.
    pub created_at: Timestamp,
    /// How long the caller's own enqueueing may take before the relay does it instead.
    pub grace: SignedDuration,
}

pub(crate) const EFFECT_COLUMNS: &str = "
    id, key, kind, destination, exception_id, ledger_revision, decision_id, instance, project_id, mr_iid, state, attempts, correlation_id,
    traceparent, updated_at";

/// A superseded effect was never carried out; if its reason comes back, so does the effect.
const INSERT: &str = "
    INSERT INTO effects AS stored (
        id, key, kind, destination, exception_id, instance, project_id, mr_iid, state, attempts, next_attempt_at,
        correlation_id, traceparent, created_at, updated_at, ledger_revision, decision_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', 0, $9, $10, $11, $12, $12, $13, $14)
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
    SELECT count(*) AS effects FROM effects
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND decision_id IS NOT NULL AND exception_id IS NULL AND attempts > 0 AND state <> 'suppressed'";

impl Tx<'_> {
    /// Adds an effect. `None`: its key exists, so somebody has seen to it. A superseded one becomes pending again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn insert_effect(&mut self, new: &NewEffect) -> Result<Option<Effect>, StoreError> {
        let key = Effect::key_for(
            &new.merge_request,
            new.kind,
            &new.destination,
            new.ledger_revision,
            new.decision_id,
        );
        let relay_at = later(new.created_at, new.grace);
        let [instance, project, iid] = super::identity(&new.merge_request);
        let params: [super::Param<'_>; 14] = [
            (&Uuid::now_v7(), Type::UUID),
            (&text(&key), Type::TEXT),
            (&new.kind.as_str(), Type::TEXT),
            (&text(&new.destination), Type::TEXT),
            (&new.exception_id, Type::UUID),
            instance,
            project,
            iid,
            (&relay_at, Type::TIMESTAMPTZ),
            (&new.correlation_id, Type::UUID),
            (&optional_text(new.traceparent.as_ref()), Type::TEXT),
            (&new.created_at, Type::TIMESTAMPTZ),
            (&new.ledger_revision, Type::INT8),
            (&new.decision_id, Type::UUID),
        ];
        let row = self.query_opt(&format!("{INSERT} {EFFECT_COLUMNS}"), &params).await?;
        row.map(|row| read_effect(&row)).transpose()
    }

    /// Takes back the exception's effects that nobody has begun; returns how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn supersede_effects(
        &mut self,
        exception_id: Uuid,
        because: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let params: [super::Param<'_>; 3] = [
            (&exception_id, Type::UUID),
            (&now, Type::TIMESTAMPTZ),
            (&text(because), Type::TEXT),
        ];
        self.execute(SUPERSEDE, &params).await
    }

    /// Takes back what nobody has begun of the effects that tell of another decision on this merge; returns how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn supersede_archive(
        &mut self,
        key: &MergeRequestKey,
        decision_id: Uuid,
        because: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let [instance, project, iid] = super::identity(key);
        let params: [super::Param<'_>; 6] = [
            instance,
            project,
            iid,
            (&now, Type::TIMESTAMPTZ),
            (&text(because), Type::TEXT),
            (&decision_id, Type::UUID),
        ];
        self.execute(SUPERSEDE_ARCHIVE, &params).await
    }

    /// Whether anything was begun to be told outside of an earlier decision on this merge.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_begun_archive(&mut self, key: &MergeRequestKey) -> Result<bool, StoreError> {
        let row = self.query_opt(HAS_BEGUN, &super::identity(key)).await?;
        let count: i64 = column(&row.ok_or_else(|| StoreError::corrupt("effects"))?, "effects")?;
        Ok(count > 0)
    }
}

/// `from` plus `by`, kept within what a timestamp can hold.
pub(crate) fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.saturating_add(by).unwrap_or(from)
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
        merge_request: MergeRequestKey {
            instance: column(row, "instance")?,
            project_id: ProjectId(column(row, "project_id")?),
            mr_iid: MergeRequestIid(column(row, "mr_iid")?),
        },
        state: EffectState::parse(&state).ok_or_else(|| StoreError::corrupt("state"))?,
        attempts: column(row, "attempts")?,
        correlation_id: column(row, "correlation_id")?,
        traceparent: column(row, "traceparent")?,
        updated_at: column(row, "updated_at")?,
    })
}
