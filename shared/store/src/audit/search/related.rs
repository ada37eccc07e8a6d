//! Entries that belong to a piece of work although they have another correlation id, or are named by a number.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::AuditRow;
use super::row::{COLUMNS, parse_row};
use crate::sql::{Statement, column};
use crate::{Store, StoreError};

/// The most commits and correlation ids looked up: more than one piece of work has.
const MOST: usize = 1_000;

impl Store {
    /// The correlation ids of the commands in a comment, one for each GitLab instance that has such a comment.
    pub async fn note_correlations(&self, note_id: i64) -> Result<Vec<Uuid>, StoreError> {
        let sql = "SELECT DISTINCT correlation_id FROM audit_events
            WHERE action = 'copilot.command.received' AND details ->> 'note_id' = $1";
        let statement = Statement::new(sql).bind_text(&note_id.to_string());
        let rows = self.rows_of(&statement).await?;
        rows.iter().map(|row| column(row, "correlation_id")).collect()
    }

    /// The pushes that brought these commits, by project and commit. A push that was reported several times is here once.
    pub async fn pushes_of(&self, commits: &[(i64, String)]) -> Result<Vec<AuditRow>, StoreError> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT DISTINCT ON (details ->> 'delivery_id', CASE WHEN details ? 'delivery_id' THEN NULL ELSE id END) {COLUMNS}
            FROM audit_events
            JOIN unnest($1::bigint[], $2::text[]) AS wanted (project, commit_sha)
                ON details ->> 'after' = wanted.commit_sha AND (target ->> 'project_id')::bigint = wanted.project
            WHERE action = 'git.push.received'
            ORDER BY details ->> 'delivery_id', CASE WHEN details ? 'delivery_id' THEN NULL ELSE id END, id"
        );
        let (projects, shas): (Vec<i64>, Vec<String>) = commits.iter().take(MOST).cloned().unzip();
        let statement = Statement::new(sql)
            .bind(projects, Type::INT8_ARRAY)
            .bind(shas, Type::TEXT_ARRAY);
        let rows = self.rows_of(&statement).await?;
        rows.iter().map(parse_row).collect()
    }
}
