//! The transaction: everything that belongs to one delivery is written in one, or not at all.

mod decision;
mod effect;
mod evaluation;
mod event;
mod evidence;
mod exception;
mod gitlab_user;
mod ledger;
mod pending_review;
mod quarantine;

use std::pin::pin;
use std::task::{Context, Waker};

use model::{MergeRequestKey, Reason};
use tokio::sync::MutexGuard;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

pub use self::decision::{DecisionHead, NewDecision, NewReview, StoredDecision};
pub use self::effect::NewEffect;
pub(crate) use self::effect::{EFFECT_COLUMNS, later, read_effect};
pub(crate) use self::evaluation::{EVALUATION_COLUMNS, read_evaluation};
pub use self::evaluation::{Evaluation, EvaluationSource, EvaluationState};
pub(crate) use self::event::read_history;
pub use self::event::{EligibleReading, Recorded, StoredHistory};
pub use self::ledger::StoredLedgerRow;
pub use self::pending_review::PendingReview;
pub(crate) use self::pending_review::{REVIEW_COLUMNS, read_pending_review};
use crate::StoreError;
use crate::connection::{Connection, Param};

/// An open transaction. Dropping it rolls it back.
pub struct Tx<'a> {
    /// Holds the store's connection for as long as the transaction lives; `None` once the connection is given up.
    slot: MutexGuard<'a, Option<Connection>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// A statement failed: Postgres would answer a `COMMIT` with a silent rollback.
    Failed,
    Ended,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(slot: MutexGuard<'a, Option<Connection>>) -> Self {
        Self {
            slot,
            state: State::Open,
        }
    }

    /// Commits.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if a statement of this transaction failed before and was ignored: nothing is written. If the
    /// connection breaks meanwhile ([`StoreError::Unavailable`]) it is unknown whether everything or nothing was written;
    /// every write of this crate may be repeated.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if self.state == State::Failed {
            return Err(StoreError::Rejected(
                "a statement of the transaction failed before its commit".to_owned(),
            ));
        }
        self.end("COMMIT").await
    }

    /// Rolls back, and waits until the server has done so.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the connection is lost; the server rolls back all the same.
    pub async fn rollback(mut self) -> Result<(), StoreError> {
        self.end("ROLLBACK").await
    }

    /// Takes the merge request for this transaction: whoever else takes it waits until this one has ended.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another transaction holds it for longer than the login's `lock_timeout`.
    pub async fn lock_merge_request(&mut self, key: &MergeRequestKey) -> Result<(), StoreError> {
        // The 64-bit hash of Postgres: two merge requests that share one merely wait for each other.
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        self.query(sql, &[(&key.to_string(), Type::TEXT)]).await.map(drop)
    }

    async fn end(&mut self, command: &str) -> Result<(), StoreError> {
        let ended = self.connection()?.command(command).await;
        if ended.is_err() {
            *self.slot = None;
        }
        self.state = State::Ended;
        ended
    }

    pub(crate) async fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let result = self.connection()?.query(sql, params).await;
        self.noted(result)
    }

    pub(crate) async fn query_opt(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        let result = self.connection()?.execute(sql, params).await;
        self.noted(result)
    }

    pub(crate) fn connection(&self) -> Result<&Connection, StoreError> {
        self.slot
            .as_ref()
            .ok_or_else(|| StoreError::Unavailable("the connection was lost".to_owned()))
    }

    fn noted<T>(&mut self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &result {
            self.state = State::Failed;
            if matches!(error, StoreError::Unavailable(_)) {
                *self.slot = None; // a late answer must not meet the next transaction
            }
        }
        result
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if self.state == State::Ended {
            return;
        }
        if let Some(connection) = self.slot.as_ref() {
            // One poll hands the command to the connection's task; its answer is read past by the next transaction.
            let rollback = pin!(connection.client.batch_execute("ROLLBACK"));
            let _ = rollback.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// The three parameters that name a merge request.
fn identity(key: &MergeRequestKey) -> [Param<'_>; 3] {
    [
        (&key.instance, Type::TEXT),
        (&key.project_id.0, Type::INT8),
        (&key.mr_iid.0, Type::INT8),
    ]
}

/// The codes of reasons, in their order.
fn reason_codes(reasons: &[Reason]) -> Vec<&'static str> {
    reasons.iter().map(|reason| reason.kind.as_str()).collect()
}
