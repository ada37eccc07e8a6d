//! What the update of an exception's alert reports: the change, the decisions around it, and the alert that was sent.

use jiff::Timestamp;
use model::{Effect, EffectKind, EffectState, SecurityReviewException, Verdict};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::sql::{column, json_column};
use crate::tx::Tx;
use crate::{Store, StoreError};

/// One change of an exception, and the alert that it corrects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionUpdate {
    /// The exception as it is now.
    pub exception: SecurityReviewException,
    /// The decision that changed it.
    pub decision: UpdateDecision,
    /// The superseded decision on the merge, if any.
    pub before: Option<UpdateDecision>,
    /// A later change of the same exception has its own update effect.
    pub is_changed_again: bool,
    /// The alert about the exception; `None`: no alert effect exists.
    pub alert: Option<ExceptionAlert>,
}

/// A decision as an update reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateDecision {
    /// Row id (UUIDv7).
    pub id: Uuid,
    pub verdict: Verdict,
    /// Every needed read of GitLab was answered.
    pub confirmed: bool,
    /// When it was decided.
    pub decided_at: Timestamp,
}

/// The effect that sent the alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionAlert {
    /// Its unique key, which the message carries.
    pub key: String,
    /// `slack:<channel>`.
    pub destination: String,
    /// Whether the message was sent.
    pub state: EffectState,
    /// The message's timestamp once it is sent.
    pub external_id: Option<String>,
}

const DECISION: &str = "
    SELECT id, verdict, decided_at, supersedes, coalesce(confirmed, inputs -> 'api' ?| ARRAY['answer', 'not_asked']) AS confirmed
    FROM security_review_decisions WHERE id = $1 AND stage = 'merge'";

/// The rules may have changed the security lead's channel since; an alert in the effect's own channel comes first.
const ALERT: &str = "
    SELECT key, destination, state, external_id FROM effects
    WHERE exception_id = $1 AND kind = $2
    ORDER BY destination = $3 DESC, created_at DESC, id DESC LIMIT 1";

const CHANGED_AGAIN: &str = "
    SELECT EXISTS (SELECT FROM effects AS later
        WHERE later.exception_id = $1 AND later.kind = $2
            AND (later.created_at, later.id) > (SELECT this.created_at, this.id FROM effects AS this WHERE this.id = $3)) AS again";

impl Store {
    /// The current content of an effect of kind [`EffectKind::SlackExceptionUpdate`]. `None`: its exception or its decision does
    /// not exist.
    pub async fn exception_update(&self, effect: &Effect) -> Result<Option<ExceptionUpdate>, StoreError> {
        let (Some(exception_id), Some(decision_id)) = (effect.exception_id, effect.decision_id) else {
            return Ok(None);
        };
        let mut tx = self.begin().await?;
        let exception = tx.exception_by_id(exception_id).await?;
        let decision = tx.update_decision(decision_id).await?;
        let before = match &decision {
            Some((_, Some(supersedes))) => tx.update_decision(*supersedes).await?,
            _ => None,
        };
        let alert = [
            (&exception_id as _, Type::UUID),
            (&EffectKind::SlackExceptionAlert.as_str() as _, Type::TEXT),
            (&effect.destination as _, Type::TEXT),
        ];
        let alert = tx.query_opt(ALERT, &alert).await?;
        let again = [
            (&exception_id as _, Type::UUID),
            (&EffectKind::SlackExceptionUpdate.as_str() as _, Type::TEXT),
            (&effect.id as _, Type::UUID),
        ];
        let again = tx.query_opt(CHANGED_AGAIN, &again).await?;
        tx.commit().await?;
        let (Some(exception), Some((decision, _))) = (exception, decision) else {
            return Ok(None);
        };
        Ok(Some(ExceptionUpdate {
            exception,
            decision,
            before: before.map(|(before, _)| before),
            is_changed_again: column(&again.ok_or_else(|| StoreError::corrupt("again"))?, "again")?,
            alert: alert.map(|row| read_alert(&row)).transpose()?,
        }))
    }
}

impl Tx<'_> {
    /// A decision on a merge, and the id of the one that it superseded. `None` also for a decision before the merge.
    async fn update_decision(&mut self, id: Uuid) -> Result<Option<(UpdateDecision, Option<Uuid>)>, StoreError> {
        let Some(row) = self.query_opt(DECISION, &[(&id, Type::UUID)]).await? else {
            return Ok(None);
        };
        let decision = UpdateDecision {
            id: column(&row, "id")?,
            verdict: json_column(&row, "verdict")?,
            confirmed: column(&row, "confirmed")?,
            decided_at: column(&row, "decided_at")?,
        };
        Ok(Some((decision, column(&row, "supersedes")?)))
    }
}

fn read_alert(row: &Row) -> Result<ExceptionAlert, StoreError> {
    let state: String = column(row, "state")?;
    Ok(ExceptionAlert {
        key: column(row, "key")?,
        destination: column(row, "destination")?,
        state: EffectState::parse(&state).ok_or_else(|| StoreError::corrupt("state"))?,
        external_id: column(row, "external_id")?,
    })
}
