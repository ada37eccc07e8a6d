//! Everything stored about one merge request, except its decisions.

use model::MergeRequestKey;
use serde_json::Value;
use tokio_postgres::types::Type;

use crate::sql::{column, json_column, key_columns};
use crate::{Store, StoreError};

/// Rows about a merge request as JSON, column by column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MergeRequestRecord {
    pub ledger: Option<Value>,
    pub exception: Option<Value>,
    /// Its effects, oldest first.
    pub effects: Vec<Value>,
    /// What waits for GitLab: a verdict, an unconfirmed decision, a review.
    pub evaluation: Option<Value>,
    /// How many events were received.
    pub events: i64,
}

const SQL: &str = "
    SELECT (SELECT to_jsonb(ledger) FROM security_review_ledger AS ledger WHERE (instance, project_id, mr_iid) = ($1, $2, $3)) AS ledger,
        (SELECT to_jsonb(exception) FROM security_review_exceptions AS exception
         WHERE (instance, project_id, mr_iid) = ($1, $2, $3)) AS exception,
        (SELECT coalesce(jsonb_agg(to_jsonb(effect) ORDER BY created_at), '[]') FROM effects AS effect
         WHERE (instance, project_id, mr_iid) = ($1, $2, $3)) AS effects,
        coalesce((SELECT to_jsonb(evaluation) FROM evaluations AS evaluation
                  WHERE (instance, project_id, mr_iid) = ($1, $2, $3) AND state IN ('pending', 'unconfirmed')),
                 (SELECT to_jsonb(review) FROM pending_reviews AS review
                  WHERE (instance, project_id, mr_iid) = ($1, $2, $3) AND state = 'pending')) AS evaluation,
        (SELECT count(*) FROM merge_request_events WHERE (instance, project_id, mr_iid) = ($1, $2, $3)) AS events";

impl Store {
    /// What is stored about a merge request.
    pub async fn merge_request_record(&self, key: &MergeRequestKey) -> Result<MergeRequestRecord, StoreError> {
        let params = [
            (&key.instance as _, Type::TEXT),
            (&key.project_id.0 as _, Type::INT8),
            (&key.mr_iid.0 as _, Type::INT8),
        ];
        let row = self.query_opt(SQL, &params).await?;
        let row = row.ok_or_else(|| StoreError::corrupt("events"))?;
        let optional = |name| {
            column::<Option<tokio_postgres::types::Json<Value>>>(&row, name).map(|value| value.map(|json| json.0))
        };
        Ok(MergeRequestRecord {
            ledger: optional("ledger")?,
            exception: optional("exception")?,
            effects: json_column(&row, "effects")?,
            evaluation: optional("evaluation")?,
            events: column(&row, "events")?,
        })
    }

    /// Merge requests with this number in projects with this id or path, on any instance.
    pub async fn merge_requests_called(&self, project: &str, iid: i64) -> Result<Vec<MergeRequestKey>, StoreError> {
        // A project's name may be a number.
        let by = if project.parse::<i64>().is_ok() {
            "(project_id::text = $1 OR project_path = $1)"
        } else {
            "project_path = $1"
        };
        // By any path it had: a project may have moved.
        let sql = format!(
            "SELECT instance, project_id, mr_iid FROM merge_request_events WHERE mr_iid = $2 AND {by}
             UNION SELECT instance, project_id, mr_iid FROM security_review_ledger WHERE mr_iid = $2 AND {by}
             ORDER BY instance, project_id"
        );
        let rows = self.query(&sql, &[(&project, Type::TEXT), (&iid, Type::INT8)]).await?;
        rows.iter().map(key_columns).collect()
    }
}
