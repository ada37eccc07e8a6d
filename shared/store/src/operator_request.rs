//! Operator requests: what an operator's command asks `maintenance` to do, as rows, and their results.

use jiff::{SignedDuration, Timestamp};
use model::later;
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::{Json, Type};
use uuid::Uuid;

use crate::sql::{clean_text, column, json, json_column};
use crate::{Group, Store, StoreError};

/// Duration of a claim: longer than `maintenance` may run, so that only a dead run's claim is claimed again.
const CLAIMED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// How long a command unknown to the claimer is left for a newer version.
const LEFT_FOR: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug, Clone, PartialEq)]
pub struct OperatorRequest {
    /// Row id (UUIDv7); the correlation id of everything done for it.
    pub id: Uuid,
    /// Name of the command.
    pub command: String,
    pub arguments: Value,
    /// The login that recorded it.
    pub login: String,
    /// When it was recorded.
    pub requested_at: Timestamp,
    /// When it was claimed; `None`: not yet, or returned.
    pub started_at: Option<Timestamp>,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
    /// Its result; if not finished, its progress.
    pub result: Option<Value>,
    /// The exit code of the operator's command; `None`: not finished.
    pub exit_code: Option<i32>,
}

/// Why a request was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum OperatorRequestError {
    /// The login lacks the role.
    #[error(
        "the login {login} may not record operator requests; ask the database owner for `GRANT {role} TO {login}`",
        role = Group::Operator.role()
    )]
    NotAnOperator {
        /// The login, quoted as in SQL if necessary.
        login: String,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

const COLUMNS: &str = "id, command, arguments, login, requested_at, started_at, finished_at, result, exit_code";

const MAY_RECORD: &str = "
    SELECT quote_ident(session_user::text) AS login, has_column_privilege('operator_requests', 'command', 'INSERT') AS allowed";

const INSERT: &str = "INSERT INTO operator_requests (id, command, arguments, requested_at) VALUES ($1, $2, $3, $4)";

/// Requests already worked on come last: a long one must not block the short ones.
const CLAIM: &str = "
    WITH open AS MATERIALIZED (
        SELECT id AS open_id FROM operator_requests
        WHERE finished_at IS NULL AND (started_at IS NULL OR started_at <= $2) AND (command = ANY ($3) OR requested_at <= $4)
        ORDER BY result IS NOT NULL, requested_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE operator_requests SET started_at = $1 FROM open WHERE id = open_id
    RETURNING ";

const FINISH: &str = "
    UPDATE operator_requests SET result = $3, finished_at = $4, exit_code = $5
    WHERE id = $1 AND started_at = $2 AND finished_at IS NULL";

const PUT_BACK: &str = "
    UPDATE operator_requests SET result = coalesce($3, result), started_at = NULL
    WHERE id = $1 AND started_at = $2 AND finished_at IS NULL";

impl Store {
    /// Records a request under the login of this store, and returns its id.
    ///
    /// # Errors
    /// [`OperatorRequestError`] names the role that the login lacks.
    pub async fn record_operator_request(
        &self,
        command: &str,
        arguments: &Value,
        now: Timestamp,
    ) -> Result<Uuid, OperatorRequestError> {
        let mut tx = self.begin().await?;
        // Auditor logins are read-only by default, and one of them may also be an operator's. Only for this transaction.
        tx.command("SET TRANSACTION READ WRITE");
        let row = tx.query_opt(MAY_RECORD, &[]).await?;
        let row = row.ok_or_else(|| StoreError::corrupt("login"))?;
        if !column::<bool>(&row, "allowed")? {
            let login = column(&row, "login")?;
            tx.rollback().await?;
            return Err(OperatorRequestError::NotAnOperator { login });
        }
        let id = Uuid::now_v7();
        let params = [
            (&id as _, Type::UUID),
            (&clean_text(command) as _, Type::TEXT),
            (&json(arguments)? as _, Type::JSONB),
            (&now as _, Type::TIMESTAMPTZ),
        ];
        tx.execute(INSERT, &params).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Claims the next open request: of one of these commands, or of another that no newer version has claimed for an hour. No
    /// other run gets it for 15 minutes.
    pub async fn claim_operator_request(
        &self,
        commands: &[&str],
        now: Timestamp,
    ) -> Result<Option<OperatorRequest>, StoreError> {
        let params = [
            (&now as _, Type::TIMESTAMPTZ),
            (&later(now, -CLAIMED_FOR) as _, Type::TIMESTAMPTZ),
            (&commands as _, Type::TEXT_ARRAY),
            (&later(now, -LEFT_FOR) as _, Type::TIMESTAMPTZ),
        ];
        let mut tx = self.begin().await?;
        let row = tx.query_opt(&format!("{CLAIM} {COLUMNS}"), &params).await?;
        tx.commit().await?;
        row.as_ref().map(parse_row).transpose()
    }

    /// Finishes a claimed request. `false`: the claim had expired, and another run has it.
    pub async fn finish_operator_request(
        &self,
        claimed: &OperatorRequest,
        result: &Value,
        exit_code: i32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let params = [
            (&claimed.id as _, Type::UUID),
            (&claimed.started_at as _, Type::TIMESTAMPTZ),
            (&json(result)? as _, Type::JSONB),
            (&now as _, Type::TIMESTAMPTZ),
            (&exit_code as _, Type::INT4),
        ];
        let mut tx = self.begin().await?;
        let changed = tx.execute(FINISH, &params).await?;
        tx.commit().await?;
        Ok(changed == 1)
    }

    /// Returns a claimed request with its progress, so that the next run continues it. `false` as for
    /// [`Store::finish_operator_request`].
    pub async fn put_operator_request_back(
        &self,
        claimed: &OperatorRequest,
        progress: Option<&Value>,
    ) -> Result<bool, StoreError> {
        let progress = progress.map(json).transpose()?;
        let params = [
            (&claimed.id as _, Type::UUID),
            (&claimed.started_at as _, Type::TIMESTAMPTZ),
            (&progress as _, Type::JSONB),
        ];
        let mut tx = self.begin().await?;
        let changed = tx.execute(PUT_BACK, &params).await?;
        tx.commit().await?;
        Ok(changed == 1)
    }

    pub async fn operator_request(&self, id: Uuid) -> Result<Option<OperatorRequest>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM operator_requests WHERE id = $1");
        let row = self.query_opt(&sql, &[(&id, Type::UUID)]).await?;
        row.as_ref().map(parse_row).transpose()
    }
}

fn parse_row(row: &Row) -> Result<OperatorRequest, StoreError> {
    let result: Option<Json<Value>> = column(row, "result")?;
    Ok(OperatorRequest {
        id: column(row, "id")?,
        command: column(row, "command")?,
        arguments: json_column(row, "arguments")?,
        login: column(row, "login")?,
        requested_at: column(row, "requested_at")?,
        started_at: column(row, "started_at")?,
        finished_at: column(row, "finished_at")?,
        result: result.map(|Json(value)| value),
        exit_code: column(row, "exit_code")?,
    })
}
