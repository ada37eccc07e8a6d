//! Listing effects and queueing them again, for operators.

use jiff::Timestamp;
use model::{EffectKind, EffectState, MergeRequestKey};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::filter::{Conditions, ReportPage};
use crate::sql::{column, optional_text};
use crate::{Store, StoreError};

/// Conditions on effects; all given ones must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EffectFilter {
    pub ids: Vec<Uuid>,
    /// Of this merge request.
    pub merge_request: Option<MergeRequestKey>,
    /// The project by its numeric id, or by a path prefix.
    pub project: Option<String>,
    pub kind: Option<EffectKind>,
    /// Any of these states.
    pub states: Vec<EffectState>,
    /// Created at or after.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// The result of queueing an effect again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requeued {
    /// It is due now; the relay enqueues it in its next run.
    Due,
    /// Its state leaves nothing to do, or a worker has it right now.
    Refused {
        state: EffectState,
        reason: Option<String>,
    },
    Unknown,
}

/// Includes the columns by which people know the merge request.
const TABLE: &str = "
    (SELECT effects.*, ledger.project_path, ledger.title
     FROM effects LEFT JOIN security_review_ledger AS ledger USING (instance, project_id, mr_iid))";

const LOCK: &str = "
    SELECT state, attempts, coalesce(superseded_because, last_error) AS reason FROM effects WHERE id = $1 FOR UPDATE";

/// An effect already tried may have reached the target: the worker checks there before it sends again.
const REQUEUE: &str = "
    UPDATE effects SET state = CASE WHEN attempts = 0 THEN 'pending' ELSE 'ambiguous' END, not_before = NULL, next_attempt_at = $2,
        updated_at = $2
    WHERE id = $1";

const NOTE: &str = "
    INSERT INTO effect_requeues (id, effect_id, attempts, state_before, note, at) VALUES ($1, $2, $3, $4, $5, $6)";

impl EffectFilter {
    fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::default();
        if !self.ids.is_empty() {
            conditions.add("id = ANY (?)", self.ids.clone(), Type::UUID_ARRAY);
        }
        if let Some(key) = &self.merge_request {
            conditions.add("instance = ?", key.instance.clone(), Type::TEXT);
            conditions.add("project_id = ?", key.project_id.0, Type::INT8);
            conditions.add("mr_iid = ?", key.mr_iid.0, Type::INT8);
        }
        conditions.project(self.project.as_ref());
        if let Some(kind) = self.kind {
            conditions.add("kind = ?", kind.as_str(), Type::TEXT);
        }
        if !self.states.is_empty() {
            // As literals, so that the index of unfinished effects is used.
            let states: Vec<String> = self
                .states
                .iter()
                .map(|state| format!("'{}'", state.as_str()))
                .collect();
            conditions.plain(&format!("state IN ({})", states.join(", ")));
        }
        conditions.between("created_at", self.since, self.until);
        conditions
    }
}

impl Store {
    /// A page of effects, newest first.
    pub async fn effects_page(
        &self,
        filter: &EffectFilter,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<ReportPage, StoreError> {
        self.page(TABLE, filter.conditions(), after, limit).await
    }

    /// Queues an effect again, and records who did it and why. Repeatable.
    pub async fn requeue_effect(
        &self,
        id: Uuid,
        note: Option<&String>,
        now: Timestamp,
    ) -> Result<Requeued, StoreError> {
        let mut tx = self.begin().await?;
        let Some(row) = tx.query_opt(LOCK, &[(&id, Type::UUID)]).await? else {
            tx.rollback().await?;
            return Ok(Requeued::Unknown);
        };
        let code: String = column(&row, "state")?;
        let state = EffectState::parse(&code).ok_or_else(|| StoreError::corrupt("state"))?;
        let attempts: i32 = column(&row, "attempts")?;
        match state {
            EffectState::Dead | EffectState::Suppressed | EffectState::Pending | EffectState::Ambiguous => (),
            EffectState::Done | EffectState::Leased | EffectState::Superseded => {
                let reason = column(&row, "reason")?;
                tx.rollback().await?;
                return Ok(Requeued::Refused { state, reason });
            }
        }
        tx.execute(REQUEUE, &[(&id, Type::UUID), (&now, Type::TIMESTAMPTZ)])
            .await?;
        let noted = [
            (&Uuid::now_v7() as _, Type::UUID),
            (&id as _, Type::UUID),
            (&attempts as _, Type::INT4),
            (&code as _, Type::TEXT),
            (&optional_text(note) as _, Type::TEXT),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        tx.execute(NOTE, &noted).await?;
        tx.commit().await?;
        Ok(Requeued::Due)
    }
}
