//! What an effect of a merge reports: the merge as it is now, and what was reported about it before.

use model::{Effect, LedgerRow};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::decisions::StoredDecision;
use crate::sql::column;
use crate::{Store, StoreError};

/// A merge to report to an outside system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeForEffect {
    /// The state of its review.
    pub row: LedgerRow,
    pub decision: StoredDecision,
    /// Its exception, if it has one.
    pub exception_id: Option<Uuid>,
    /// A later effect for the same merge, which reports everything this one would.
    pub newer: Option<Uuid>,
    /// An earlier effect for the same merge may have reached the target.
    pub is_reported: bool,
    /// An earlier effect for the same merge was begun: parts of it may have reached the target.
    pub is_begun: bool,
    /// The target's id of the earlier effect.
    pub earlier_external_id: Option<String>,
    /// The target's id of the latest effect of this kind that was the first for its merge, of any merge.
    pub latest_external_id: Option<String>,
    /// The same as of this merge's first effect.
    pub oldest_external_id: Option<String>,
}

const AROUND: &str = "
    WITH same AS MATERIALIZED (
        SELECT id, state, attempts, external_id, created_at FROM effects
        WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND kind = $4 AND decision_id IS NOT NULL),
    this AS (SELECT id, created_at FROM same WHERE id = $5),
    earlier AS (SELECT same.* FROM same, this WHERE (same.created_at, same.id) < (this.created_at, this.id)),
    -- The id of a correction does not show where new reports go.
    first_news AS NOT MATERIALIZED (
        SELECT external_id, created_at FROM effects AS news
        WHERE kind = $4 AND destination = $6 AND state = 'done'
            AND NOT EXISTS (SELECT FROM effects AS before WHERE before.instance = news.instance AND before.project_id = news.project_id
                AND before.mr_iid = news.mr_iid AND before.kind = news.kind AND before.created_at < news.created_at))
    SELECT (SELECT same.id FROM same, this WHERE (same.created_at, same.id) > (this.created_at, this.id)
            ORDER BY same.created_at DESC, same.id DESC LIMIT 1) AS newer,
        EXISTS (SELECT FROM earlier WHERE state IN ('done', 'leased', 'ambiguous', 'dead')) AS is_reported,
        EXISTS (SELECT FROM earlier WHERE attempts > 0 AND state <> 'suppressed') AS is_begun,
        (SELECT external_id FROM earlier WHERE external_id IS NOT NULL ORDER BY created_at DESC LIMIT 1) AS earlier,
        (SELECT external_id FROM first_news ORDER BY created_at DESC LIMIT 1) AS latest,
        (SELECT external_id FROM first_news WHERE created_at < (SELECT min(created_at) FROM same)
         ORDER BY created_at DESC LIMIT 1) AS oldest";

const HELD: &str = "
    SELECT count(*) AS held
    FROM effects JOIN security_review_exceptions AS exception USING (instance, project_id, mr_iid)
    WHERE effects.kind = $4 AND effects.external_id = $5 AND effects.state = 'done' AND exception.status IN ('open', 'acknowledged')
        AND (instance, project_id, mr_iid) <> ($1, $2, $3)";

impl Store {
    /// The merge that the effect reports. `None`: nothing is decided.
    pub async fn merge_for_effect(&self, effect: &Effect) -> Result<Option<MergeForEffect>, StoreError> {
        let key = &effect.merge_request;
        let mut tx = self.begin().await?;
        let row = tx.ledger_row(key).later()?;
        let decision = tx.current_decision(key).later()?;
        let exception = tx.exception(key).later()?;
        let params = [
            (&key.instance as _, Type::TEXT),
            (&key.project_id.0 as _, Type::INT8),
            (&key.mr_iid.0 as _, Type::INT8),
            (&effect.kind.as_str() as _, Type::TEXT),
            (&effect.id as _, Type::UUID),
            (&effect.destination as _, Type::TEXT),
        ];
        let around = tx.query_opt(AROUND, &params).await?;
        let (row, decision) = (tx.take(row).await?, tx.take(decision).await?);
        let exception = tx.take(exception).await?;
        tx.commit().await?;
        let (Some(row), Some(decision), Some(around)) = (row, decision, around) else {
            return Ok(None);
        };
        let applies = |status| status != model::ExceptionStatus::Withdrawn;
        Ok(Some(MergeForEffect {
            row: row.row,
            decision,
            exception_id: exception
                .filter(|exception| applies(exception.status))
                .map(|exception| exception.id),
            newer: column(&around, "newer")?,
            is_reported: column(&around, "is_reported")?,
            is_begun: column(&around, "is_begun")?,
            earlier_external_id: column(&around, "earlier")?,
            latest_external_id: column(&around, "latest")?,
            oldest_external_id: column(&around, "oldest")?,
        }))
    }

    /// Whether another merge's unresolved exception keeps an issue open.
    pub async fn is_issue_held(&self, effect: &Effect, issue: &str) -> Result<bool, StoreError> {
        let key = &effect.merge_request;
        let params = [
            (&key.instance as _, Type::TEXT),
            (&key.project_id.0 as _, Type::INT8),
            (&key.mr_iid.0 as _, Type::INT8),
            (&effect.kind.as_str() as _, Type::TEXT),
            (&issue as _, Type::TEXT),
        ];
        let row = self.query_opt(HELD, &params).await?;
        let held: i64 = column(&row.ok_or_else(|| StoreError::corrupt("held"))?, "held")?;
        Ok(held > 0)
    }
}
