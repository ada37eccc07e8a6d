//! The transaction: everything that belongs to one delivery is written in one, or not at all.

use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use model::MergeRequestKey;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connection::{Param, WireRequest, WireResponse};
use crate::sql::{Statement, column};
use crate::store::Slot;
use crate::{Store, StoreError};

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// An open transaction. Dropping it rolls it back.
///
/// Statements whose answers nothing waits for are queued, and sent with the next one that is awaited, or with the commit: one round
/// trip for all of them.
pub struct Tx<'a> {
    store: &'a Store,
    /// Holds the store's connection for the life of the transaction; `None` after the connection is dropped.
    slot: Slot<'a>,
    state: State,
    queued: Vec<Statement>,
    /// Answers to queued statements that were sent, until taken.
    answers: Vec<Option<WireResponse>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was sent yet, not even `BEGIN`.
    New,
    Open,
    /// A statement failed: Postgres would answer a `COMMIT` with a silent rollback.
    Failed,
    Ended,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(store: &'a Store, slot: Slot<'a>) -> Self {
        Self {
            store,
            slot,
            state: State::New,
            queued: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// Commits, with everything that is still queued. The queue is bounded in size and number, so that nothing can fail before it
    /// reaches the server, where a failed statement makes the commit a rollback.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if a statement of this transaction failed before and was ignored: nothing is written. If the
    /// connection breaks meanwhile ([`StoreError::Unavailable`]), it is unknown whether everything or nothing was written; every
    /// write of this crate may be repeated.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if self.state == State::New {
            // A first exchange is repeated on another connection if this one is dead; a commit must not be.
            self.send().await?;
        }
        match self.state {
            State::Failed => {
                return Err(StoreError::Rejected(
                    "a statement of the transaction failed before its commit".to_owned(),
                ));
            }
            State::New | State::Ended => return Ok(()),
            State::Open => {}
        }
        let queued = std::mem::take(&mut self.queued);
        let mut requests: Vec<_> = queued.iter().map(Statement::request).collect();
        requests.push(WireRequest::command("COMMIT"));
        self.exchange(&requests).await?;
        self.state = State::Ended;
        Ok(())
    }

    /// Rolls back, and waits until the server has done so.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the connection is lost; the server rolls back anyway.
    pub async fn rollback(mut self) -> Result<(), StoreError> {
        if self.state != State::New {
            let ended = self.exchange(&[WireRequest::command("ROLLBACK")]).await;
            if ended.is_err() {
                *self.slot = None;
            }
            ended?;
        }
        self.state = State::Ended;
        Ok(())
    }

    /// Locks the merge request for this transaction: another transaction that locks it waits until this one ends.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if another transaction holds it for longer than the login's `lock_timeout`.
    pub fn lock_merge_request(&mut self, key: &MergeRequestKey) -> Queued<'_, 'a, ()> {
        // The 64-bit hash of Postgres: two merge requests with the same hash only wait for each other.
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        self.queue(Statement::new(sql).bind_text(&key.to_string()), DONE)
    }

    /// Sends what is queued, in one round trip.
    ///
    /// # Errors
    /// The error of the first failed statement.
    pub async fn send(&mut self) -> Result<(), StoreError> {
        if self.queued.is_empty() {
            return Ok(());
        }
        self.send_with(&[]).await.map(drop)
    }

    /// Sends these with the queue, and returns their answers.
    pub(crate) async fn answers_to(&mut self, statements: Vec<Statement>) -> Result<Vec<WireResponse>, StoreError> {
        let first = self.answers.len() + self.queued.len();
        self.queued.extend(statements);
        self.send().await?;
        Ok(self.answers.iter_mut().skip(first).filter_map(Option::take).collect())
    }

    /// Queues a statement that has no parameters and no rows.
    pub(crate) fn command(&mut self, sql: &str) {
        self.queued.push(Statement::new(sql));
    }

    pub(crate) fn queue<T>(&mut self, statement: Statement, read: ReadAnswer<T>) -> Queued<'_, 'a, T> {
        let index = self.answers.len() + self.queued.len();
        self.queued.push(statement);
        Queued::new(self, Ok(Later::new(index, read)))
    }

    /// The same, unless building it failed.
    pub(crate) fn try_queue<T>(
        &mut self,
        statement: Result<Statement, StoreError>,
        read: ReadAnswer<T>,
    ) -> Queued<'_, 'a, T> {
        match statement {
            Ok(statement) => self.queue(statement, read),
            Err(error) => Queued::new(self, Err(error)),
        }
    }

    /// The answer to a queued statement, which is sent first if necessary.
    ///
    /// # Errors
    /// As documented where it was queued.
    pub async fn take<T>(&mut self, later: Later<T>) -> Result<T, StoreError> {
        if later.index >= self.answers.len() {
            self.send().await?;
        }
        let answer = self.answers.get_mut(later.index).and_then(Option::take);
        let answer = answer
            .ok_or_else(|| StoreError::Rejected("a statement of a failed transaction has no result".to_owned()))?;
        (later.read)(&answer)
    }

    pub(crate) async fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        Ok(self.one(sql, params).await?.rows)
    }

    pub(crate) async fn query_opt(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64, StoreError> {
        Ok(self.one(sql, params).await?.affected)
    }

    async fn one(&mut self, sql: &str, params: &[Param<'_>]) -> Result<WireResponse, StoreError> {
        let params = params.to_vec();
        let last = self.send_with(&[WireRequest { sql, params }]).await?;
        Ok(last.unwrap_or_default())
    }

    /// Sends the queue and these requests, and returns their last answer.
    async fn send_with(&mut self, more: &[WireRequest<'_>]) -> Result<Option<WireResponse>, StoreError> {
        let queued = std::mem::take(&mut self.queued);
        let mut requests: Vec<_> = queued.iter().map(Statement::request).collect();
        requests.extend(more.iter().cloned());
        let mut answers = self.exchange(&requests).await?.into_iter();
        self.answers.extend(answers.by_ref().take(queued.len()).map(Some));
        Ok(answers.next_back())
    }

    async fn exchange(&mut self, requests: &[WireRequest<'_>]) -> Result<Vec<WireResponse>, StoreError> {
        let answers = if self.state == State::New {
            // From here on dropping it must roll back.
            self.state = State::Open;
            let mut all = vec![WireRequest::command(BEGIN)];
            all.extend(requests.iter().cloned());
            let answers = Box::pin(self.store.first_exchange(&mut self.slot, &all)).await;
            answers.map(|answers| answers.into_iter().skip(1).collect())
        } else {
            match self.slot.as_ref() {
                // Statements after a failed one would also fail, except a rollback.
                Some(connection) => connection.exchange(requests).await,
                None => Err(StoreError::Unavailable("connection lost".to_owned())),
            }
        };
        if let Err(error) = &answers {
            self.state = State::Failed;
            if matches!(error, StoreError::Unavailable(_)) {
                *self.slot = None; // a late answer must not reach the next transaction
            }
        }
        answers
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        if matches!(self.state, State::New | State::Ended) {
            return;
        }
        if let Some(connection) = self.slot.as_ref() {
            // One poll hands the command to the connection's task; the next transaction skips its answer.
            let rollback = pin!(connection.client.batch_execute("ROLLBACK"));
            let _ = rollback.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// Extracts a statement's result from the server's answer.
pub(crate) type ReadAnswer<T> = fn(&WireResponse) -> Result<T, StoreError>;

/// A statement in the queue of its transaction. Await it to send it with everything queued before it; otherwise it is sent with the
/// next awaited statement, or with the commit.
#[must_use = "await it, or take its answer later"]
pub struct Queued<'t, 'a, T> {
    tx: &'t mut Tx<'a>,
    later: Result<Later<T>, StoreError>,
}

/// A claim on the answer to a queued statement: [`Tx::take`].
pub struct Later<T> {
    index: usize,
    read: ReadAnswer<T>,
}

impl<T> Later<T> {
    fn new(index: usize, read: ReadAnswer<T>) -> Self {
        Self { index, read }
    }
}

impl<'t, 'a, T> Queued<'t, 'a, T> {
    fn new(tx: &'t mut Tx<'a>, later: Result<Later<T>, StoreError>) -> Self {
        Self { tx, later }
    }

    /// Leaves it in the queue.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] if the values cannot be serialized; then nothing was queued.
    pub fn later(self) -> Result<Later<T>, StoreError> {
        self.later
    }
}

impl<'t, T: Send + 't> IntoFuture for Queued<'t, '_, T> {
    type Output = Result<T, StoreError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 't>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let later = self.later?;
            self.tx.take(later).await
        })
    }
}

pub(crate) const DONE: ReadAnswer<()> = |_| Ok(());

/// How many rows were changed.
pub(crate) const AFFECTED: ReadAnswer<u64> = |answer| Ok(answer.affected);

/// The id of the written row.
pub(crate) const ID: ReadAnswer<Uuid> = |answer| {
    let row = answer.rows.first().ok_or_else(|| StoreError::corrupt("id"))?;
    column(row, "id")
};
