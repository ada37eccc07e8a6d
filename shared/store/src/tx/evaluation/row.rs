//! An evaluation as a row.

use std::sync::LazyLock;

use tokio_postgres::Row;

use super::Evaluation;
use crate::StoreError;
use crate::sql::{code_column, column, json_column, key_columns, optional_json_column};

pub(crate) const EVALUATION_COLUMNS: &str = "
    instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at, source, first_seen_at, give_up_at,
    last_read_at, shown, reread_event, before_watch, earlier, correlation_id, traceparent";

pub(in crate::tx) static EVALUATION: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {EVALUATION_COLUMNS} FROM evaluations WHERE instance = $1 AND project_id = $2 AND mr_iid = $3")
});

pub(crate) fn read_evaluation(row: &Row) -> Result<Evaluation, StoreError> {
    let earlier = optional_json_column(row, "earlier")?;
    Ok(Evaluation {
        merge_request: key_columns(row)?,
        state: code_column(row, "state")?,
        trigger: json_column(row, "trigger")?,
        reason: column(row, "reason")?,
        attempts: column(row, "attempts")?,
        next_attempt_at: column(row, "next_attempt_at")?,
        deadline_at: column(row, "deadline_at")?,
        source: code_column(row, "source")?,
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
