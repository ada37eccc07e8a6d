//! Unconfirmed decisions, and merges without a decision.

use jiff::Timestamp;
use model::MergeRequestKey;
use serde_json::Value;
use tokio_postgres::types::Type;

use crate::sql::{json_column, key_columns, optional_text};
use crate::{Store, StoreError};

/// Conditions on them; all given ones must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnconfirmedFilter {
    pub instance: Option<String>,
    /// Known at or after: the merge was first seen, or decided where that is unknown.
    pub since: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Unconfirmed {
    pub merge_request: MergeRequestKey,
    /// The row as JSON. `state` is `unconfirmed` (a decision) or `undecided`; without `next_attempt_at` it is not scheduled.
    pub row: Value,
}

/// A merge request is in at most one of the views. The row value orders a page by its key.
const SQL: &str = "
    WITH listed AS (
        SELECT 'unconfirmed' AS state, instance, project_id, mr_iid, NULL AS project_path, decision_id, outcome, kind, decided_at,
            NULL::timestamptz AS merged_at, reason, coalesce(first_seen_at, decided_at) AS since, last_read_at, next_attempt_at, give_up_at
        FROM security_review_unconfirmed
        UNION ALL
        SELECT 'undecided', instance, project_id, mr_iid, project_path, NULL, NULL, NULL, NULL, merged_at, reason,
            coalesce(first_seen_at, merged_at), NULL, next_attempt_at, NULL
        FROM security_review_unjudged),
    page AS (
        SELECT * FROM listed
        WHERE ($1::text IS NULL OR instance = $1) AND ($2::timestamptz IS NULL OR since >= $2) AND (instance, project_id, mr_iid) > ($3, $4, $5)
        ORDER BY instance, project_id, mr_iid LIMIT $6)
    SELECT page.instance, page.project_id, page.mr_iid,
        to_jsonb(page) || jsonb_build_object('project_path', coalesce(page.project_path, ledger.project_path)) AS row
    FROM page LEFT JOIN security_review_ledger AS ledger USING (instance, project_id, mr_iid)
    ORDER BY page.instance, page.project_id, page.mr_iid";

impl Store {
    /// A page of unconfirmed decisions and merges without a decision, ordered by key, after a given one.
    pub async fn unconfirmed(
        &self,
        filter: &UnconfirmedFilter,
        after: Option<&MergeRequestKey>,
        limit: u32,
    ) -> Result<Vec<Unconfirmed>, StoreError> {
        let (instance, project, iid) = after.map_or(("", i64::MIN, i64::MIN), |after| {
            (after.instance.as_str(), after.project_id.0, after.mr_iid.0)
        });
        let params = [
            (&optional_text(filter.instance.as_ref()) as _, Type::TEXT),
            (&filter.since as _, Type::TIMESTAMPTZ),
            (&instance as _, Type::TEXT),
            (&project as _, Type::INT8),
            (&iid as _, Type::INT8),
            (&i64::from(limit) as _, Type::INT8),
        ];
        let rows = self.query(SQL, &params).await?;
        rows.iter()
            .map(|row| {
                Ok(Unconfirmed {
                    merge_request: key_columns(row)?,
                    row: json_column(row, "row")?,
                })
            })
            .collect()
    }
}
