//! An evaluation as a row.

use model::{MergeRequestIid, MergeRequestKey, ProjectId};
use tokio_postgres::Row;

use super::Evaluation;
use crate::StoreError;
use crate::sql::{column, from_code, json_column, optional_json_column};
use crate::tx::Tx;

pub(crate) const EVALUATION_COLUMNS: &str = "
    instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at, source, first_seen_at, give_up_at,
    last_read_at, shown, reread_event, before_watch, earlier, correlation_id, traceparent";

impl Tx<'_> {
    /// The merge request's evaluation, whatever its state.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn evaluation(&mut self, key: &MergeRequestKey) -> Result<Option<Evaluation>, StoreError> {
        let sql = format!(
            "SELECT {EVALUATION_COLUMNS} FROM evaluations WHERE instance = $1 AND project_id = $2 AND mr_iid = $3"
        );
        let row = self.query_opt(&sql, &crate::tx::identity(key)).await?;
        row.as_ref().map(read_evaluation).transpose()
    }
}

pub(crate) fn read_evaluation(row: &Row) -> Result<Evaluation, StoreError> {
    let earlier = optional_json_column(row, "earlier")?;
    Ok(Evaluation {
        merge_request: MergeRequestKey {
            instance: column(row, "instance")?,
            project_id: ProjectId(column(row, "project_id")?),
            mr_iid: MergeRequestIid(column(row, "mr_iid")?),
        },
        state: from_code("state", column(row, "state")?)?,
        trigger: json_column(row, "trigger")?,
        reason: column(row, "reason")?,
        attempts: column(row, "attempts")?,
        next_attempt_at: column(row, "next_attempt_at")?,
        deadline_at: column(row, "deadline_at")?,
        source: from_code("source", column(row, "source")?)?,
        first_seen_at: column(row, "first_seen_at")?,
        give_up_at: column(row, "give_up_at")?,
        last_read_at: column(row, "last_read_at")?,
        shown: column(row, "shown")?,
        reread_event: column(row, "reread_event")?,
        before_watch: column(row, "before_watch")?,
        earlier: earlier.unwrap_or_default(),
        correlation_id: column(row, "correlation_id")?,
        traceparent: column(row, "traceparent")?,
    })
}
