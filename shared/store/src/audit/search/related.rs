//! Entries that belong to a piece of work although they have another correlation id, or are named by a number.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::AuditRow;
use super::row::{COLUMNS, parse_row};
use crate::sql::{Statement, column};
use crate::{Store, StoreError};

/// The most commits and correlation ids looked up: more than one piece of work has.
const MOST: usize = 1_000;

/// A commit that a service says it pushed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PushedCommit {
    /// `None`: the service did not name it.
    pub instance: Option<String>,
    pub project_id: i64,
    pub sha: String,
}

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
    pub async fn pushes_of(&self, commits: &[PushedCommit]) -> Result<Vec<AuditRow>, StoreError> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT DISTINCT ON (details ->> 'delivery_id', CASE WHEN details ? 'delivery_id' THEN NULL ELSE id END) {COLUMNS}
            FROM audit_events
            JOIN unnest($1::text[], $2::bigint[], $3::text[]) AS wanted (instance, project, commit_sha)
                ON details ->> 'after' = wanted.commit_sha AND (target ->> 'project_id')::bigint = wanted.project
                AND (wanted.instance IS NULL OR target ->> 'instance' = wanted.instance)
            WHERE action = 'git.push.received'
            ORDER BY details ->> 'delivery_id', CASE WHEN details ? 'delivery_id' THEN NULL ELSE id END, id"
        );
        let commits = &commits[..commits.len().min(MOST)];
        let statement = Statement::new(sql)
            .bind(
                commits.iter().map(|commit| commit.instance.clone()).collect::<Vec<_>>(),
                Type::TEXT_ARRAY,
            )
            .bind(
                commits.iter().map(|commit| commit.project_id).collect::<Vec<_>>(),
                Type::INT8_ARRAY,
            )
            .bind(
                commits.iter().map(|commit| commit.sha.clone()).collect::<Vec<_>>(),
                Type::TEXT_ARRAY,
            );
        let rows = self.rows_of(&statement).await?;
        rows.iter().map(parse_row).collect()
    }
}
