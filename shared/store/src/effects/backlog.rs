//! Waiting work: claimed by maintenance so that concurrent runs never do the same, and counted for the metrics.

use jiff::{SignedDuration, Timestamp};
use model::{Effect, EffectKind, later};
use tokio_postgres::types::Type;

use crate::effects::{EFFECT_COLUMNS, read_effect};
use crate::pending::{
    EVALUATION_COLUMNS, Evaluation, PendingReview, REVIEW_COLUMNS, read_evaluation, read_pending_review,
};
use crate::sql::column;
use crate::{Store, StoreError};

/// What is waiting, for the metrics and their alarms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Verdicts waiting for GitLab.
    pub pending_evaluations: i64,
    /// Of these, past their deadline.
    pub overdue_evaluations: i64,
    /// Unconfirmed decisions, and merges that GitLab does not show.
    pub unconfirmed: i64,
    /// Of these, without a schedule because GitLab has never shown them and too many others wait.
    pub never_shown: i64,
    /// Age in seconds of the oldest unconfirmed one that is still read again; 0 without one.
    pub oldest_unconfirmed_seconds: i64,
    /// Merges without a decision that have waited for more than an hour, or that nothing will read again. Those that GitLab does
    /// not show are excluded: they may never have existed.
    pub merges_unjudged: i64,
    /// Effects waiting or running.
    pub open_effects: i64,
    /// Of these, due and not yet taken by a worker.
    pub due_effects: i64,
    /// Of the open ones, with an unknown outcome.
    pub ambiguous_effects: i64,
    /// Effects rejected permanently; each needs manual intervention.
    pub dead_effects: i64,
    /// Open effects not applied within 15 minutes.
    pub overdue_effects: i64,
}

/// An effect that is open for longer is overdue.
const OVERDUE_AFTER: SignedDuration = SignedDuration::from_mins(15);

// MATERIALIZED: the rows are chosen and locked once, whichever plan the update uses.
const CLAIM_EVALUATIONS: &str = "
    WITH due AS MATERIALIZED (
        SELECT instance AS due_instance, project_id AS due_project_id, mr_iid AS due_mr_iid FROM evaluations
        WHERE state = 'pending' AND next_attempt_at <= $1
        ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    UPDATE evaluations SET next_attempt_at = $3, updated_at = $1 FROM due
    WHERE instance = due_instance AND project_id = due_project_id AND mr_iid = due_mr_iid
    RETURNING ";

const CLAIM_REREADS: &str = "
    WITH due AS MATERIALIZED (
        SELECT instance AS due_instance, project_id AS due_project_id, mr_iid AS due_mr_iid FROM evaluations
        WHERE state = 'unconfirmed' AND next_attempt_at <= $1
        ORDER BY shown DESC, next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    UPDATE evaluations SET next_attempt_at = $3, updated_at = $1 FROM due
    WHERE instance = due_instance AND project_id = due_project_id AND mr_iid = due_mr_iid
    RETURNING ";

const CLAIM_REVIEWS: &str = "
    WITH due AS MATERIALIZED (
        SELECT instance AS due_instance, project_id AS due_project_id, mr_iid AS due_mr_iid FROM pending_reviews
        WHERE state = 'pending' AND next_attempt_at <= $1
        ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    UPDATE pending_reviews SET next_attempt_at = $3, updated_at = $1 FROM due
    WHERE instance = due_instance AND project_id = due_project_id AND mr_iid = due_mr_iid
    RETURNING ";

// Effects of a kind from a newer version are left for its relay. `updated_at` stays: it is part of the message's deduplication id,
// so that a claim does not send an already queued message twice.
const CLAIM_EFFECTS: &str = "
    WITH due AS MATERIALIZED (
        SELECT id AS due_id FROM effects
        WHERE state IN ('pending', 'leased', 'ambiguous') AND next_attempt_at <= $1 AND kind IN (KINDS)
        ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED)
    UPDATE effects SET next_attempt_at = $3 FROM due
    WHERE id = due_id
    RETURNING ";

const COUNT: &str = "
    SELECT evaluations.pending, evaluations.overdue, unconfirmed.unconfirmed, unconfirmed.never_shown,
        coalesce(unconfirmed.oldest_seconds, 0)::bigint AS oldest_unconfirmed, unjudged.unjudged, effects.open, effects.due, effects.ambiguous,
        effects.overdue AS effects_overdue, dead.dead
    FROM (SELECT count(*) AS pending, count(*) FILTER (WHERE deadline_at <= $1) AS overdue
          FROM evaluations WHERE state = 'pending') AS evaluations,
         (SELECT count(*) AS unconfirmed, count(*) FILTER (WHERE NOT shown AND next_attempt_at IS NULL AND give_up_at > $1) AS never_shown,
                 extract(epoch FROM $1 - min(first_seen_at) FILTER (WHERE next_attempt_at IS NOT NULL)) AS oldest_seconds
          FROM evaluations WHERE state = 'unconfirmed') AS unconfirmed,
         (SELECT count(*) AS unjudged FROM security_review_unjudged
          WHERE state IS NULL OR (state = 'pending' AND first_seen_at <= $1 - interval '1 hour')) AS unjudged,
         (SELECT count(*) AS open, count(*) FILTER (WHERE next_attempt_at <= $1) AS due,
                 count(*) FILTER (WHERE state = 'ambiguous') AS ambiguous,
                 count(*) FILTER (WHERE created_at <= $2) AS overdue
          FROM effects WHERE state IN ('pending', 'leased', 'ambiguous')) AS effects,
         (SELECT count(*) AS dead FROM effects WHERE state = 'dead') AS dead";

impl Store {
    /// Claims the `limit` evaluations that are longest due and postpones their next attempt by `lease`: no other run gets them
    /// meanwhile, and they are due again if this run dies.
    pub async fn claim_due_evaluations(
        &self,
        now: Timestamp,
        limit: u32,
        lease: SignedDuration,
    ) -> Result<Vec<Evaluation>, StoreError> {
        let sql = format!("{CLAIM_EVALUATIONS} {EVALUATION_COLUMNS}");
        Ok(readable(&self.claim(&sql, now, limit, lease).await?, read_evaluation))
    }

    /// The same for unconfirmed ones; those that GitLab has shown come first.
    pub async fn claim_due_rereads(
        &self,
        now: Timestamp,
        limit: u32,
        lease: SignedDuration,
    ) -> Result<Vec<Evaluation>, StoreError> {
        let sql = format!("{CLAIM_REREADS} {EVALUATION_COLUMNS}");
        Ok(readable(&self.claim(&sql, now, limit, lease).await?, read_evaluation))
    }

    /// The same for reviews before the merge.
    pub async fn claim_due_reviews(
        &self,
        now: Timestamp,
        limit: u32,
        lease: SignedDuration,
    ) -> Result<Vec<PendingReview>, StoreError> {
        let sql = format!("{CLAIM_REVIEWS} {REVIEW_COLUMNS}");
        Ok(readable(
            &self.claim(&sql, now, limit, lease).await?,
            read_pending_review,
        ))
    }

    /// Claims the `limit` effects that are longest due, to enqueue them again: never enqueued, a retry due, an outcome to resolve,
    /// a lease expired. Their next attempt is postponed by `lease`.
    pub async fn claim_due_effects(
        &self,
        now: Timestamp,
        limit: u32,
        lease: SignedDuration,
    ) -> Result<Vec<Effect>, StoreError> {
        let kinds = EffectKind::ALL.map(|kind| format!("'{}'", kind.as_str())).join(", ");
        let sql = format!("{} {EFFECT_COLUMNS}", CLAIM_EFFECTS.replace("KINDS", &kinds));
        Ok(readable(&self.claim(&sql, now, limit, lease).await?, read_effect))
    }

    /// Counts what is waiting.
    pub async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        let mut tx = self.begin().await?;
        let overdue = now.saturating_sub(OVERDUE_AFTER).unwrap_or(now);
        let row = tx
            .query_opt(COUNT, &[(&now, Type::TIMESTAMPTZ), (&overdue, Type::TIMESTAMPTZ)])
            .await?;
        tx.commit().await?;
        let row = row.ok_or_else(|| StoreError::corrupt("count"))?;
        Ok(Backlog {
            pending_evaluations: column(&row, "pending")?,
            overdue_evaluations: column(&row, "overdue")?,
            unconfirmed: column(&row, "unconfirmed")?,
            never_shown: column(&row, "never_shown")?,
            oldest_unconfirmed_seconds: column(&row, "oldest_unconfirmed")?,
            merges_unjudged: column(&row, "unjudged")?,
            open_effects: column(&row, "open")?,
            due_effects: column(&row, "due")?,
            ambiguous_effects: column(&row, "ambiguous")?,
            dead_effects: column(&row, "dead")?,
            overdue_effects: column(&row, "effects_overdue")?,
        })
    }

    async fn claim(
        &self,
        sql: &str,
        now: Timestamp,
        limit: u32,
        lease: SignedDuration,
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let mut tx = self.begin().await?;
        let until = later(now, lease);
        let limit = i64::from(limit);
        let params = [
            (&now as _, Type::TIMESTAMPTZ),
            (&limit as _, Type::INT8),
            (&until as _, Type::TIMESTAMPTZ),
        ];
        let rows = tx.query(sql, &params).await?;
        tx.commit().await?;
        Ok(rows)
    }
}

/// The rows that this version can read. Others are left for the version that wrote them and do not block the rest.
fn readable<T>(rows: &[tokio_postgres::Row], read: impl Fn(&tokio_postgres::Row) -> Result<T, StoreError>) -> Vec<T> {
    let read = rows.iter().map(read);
    read.filter_map(|row| {
        row.inspect_err(|error| tracing::error!(%error, "skipped a claimed row that this version cannot read"))
            .ok()
    })
    .collect()
}
