//! What an effect of the archive tells of: the merge as it stands now, and what has been told of it before.

use model::{Effect, LedgerRow};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::sql::column;
use crate::tx::StoredDecision;
use crate::{Store, StoreError};

/// A merge that is to be told of outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveSubject {
    /// Where its review stands.
    pub row: LedgerRow,
    /// The decision that stands.
    pub decision: StoredDecision,
    /// Its exception, if it has one.
    pub exception_id: Option<Uuid>,
    /// Later news of the same merge, which says all that this would.
    pub newer: Option<Uuid>,
    /// Earlier news of the same merge may have got through.
    pub is_correction: bool,
    /// What the target calls the earlier news.
    pub earlier_external_id: Option<String>,
    /// What the target calls the last thing of this kind that got through, of whichever merge.
    pub latest_external_id: Option<String>,
}

const AROUND: &str = "
    WITH same AS MATERIALIZED (
        SELECT id, state, external_id, created_at FROM effects
        WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND kind = $4 AND decision_id IS NOT NULL),
    this AS (SELECT id, created_at FROM same WHERE id = $5),
    earlier AS (SELECT same.* FROM same, this WHERE (same.created_at, same.id) < (this.created_at, this.id))
    SELECT (SELECT same.id FROM same, this WHERE (same.created_at, same.id) > (this.created_at, this.id)
            ORDER BY same.created_at DESC, same.id DESC LIMIT 1) AS newer,
        EXISTS (SELECT FROM earlier WHERE state IN ('done', 'leased', 'ambiguous', 'dead')) AS is_correction,
        (SELECT external_id FROM earlier WHERE external_id IS NOT NULL ORDER BY created_at DESC LIMIT 1) AS earlier,
        (SELECT external_id FROM effects WHERE kind = $4 AND destination = $6 AND state = 'done'
         ORDER BY updated_at DESC LIMIT 1) AS latest";

impl Store {
    /// What the effect tells of. `None`: nothing that has been decided.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn archive_subject(&self, effect: &Effect) -> Result<Option<ArchiveSubject>, StoreError> {
        let key = &effect.merge_request;
        let mut tx = self.begin().await?;
        let row = tx.ledger_row(key).await?;
        let decision = tx.latest_decision(key).await?;
        let exception = tx.exception(key).await?;
        let params = [
            (&key.instance as _, Type::TEXT),
            (&key.project_id.0 as _, Type::INT8),
            (&key.mr_iid.0 as _, Type::INT8),
            (&effect.kind.as_str() as _, Type::TEXT),
            (&effect.id as _, Type::UUID),
            (&effect.destination as _, Type::TEXT),
        ];
        let around = tx.query_opt(AROUND, &params).await?;
        tx.commit().await?;
        let (Some(row), Some(decision), Some(around)) = (row, decision, around) else {
            return Ok(None);
        };
        let stands = |status| status != model::ExceptionStatus::Withdrawn;
        Ok(Some(ArchiveSubject {
            row: row.row,
            decision,
            exception_id: exception
                .filter(|exception| stands(exception.status))
                .map(|exception| exception.id),
            newer: column(&around, "newer")?,
            is_correction: column(&around, "is_correction")?,
            earlier_external_id: column(&around, "earlier")?,
            latest_external_id: column(&around, "latest")?,
        }))
    }
}
