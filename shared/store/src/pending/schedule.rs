//! When an evaluation is read next, and the request budget of re-reads.

use jiff::Timestamp;
use model::MergeRequestKey;
use tokio_postgres::types::Type;

use crate::sql::Statement;
use crate::tx::{DONE, Queued, Tx};
use crate::{Store, StoreError};

const FINISH: &str = "
    UPDATE evaluations SET state = 'done', updated_at = $4, before_watch = $5, reread_event = false, give_up_at = NULL
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND state IN ('pending', 'unconfirmed')";

const READ_BY: &str = "
    UPDATE evaluations SET next_attempt_at = least(coalesce(next_attempt_at, $4), $4), updated_at = $5
    WHERE instance = $1 AND project_id = $2 AND mr_iid = $3 AND state IN ('pending', 'unconfirmed')";

/// One statement, so that concurrent environments share one budget.
const TAKE: &str = "
    INSERT INTO reread_budgets AS stored (instance, minute, requests, never_shown)
    VALUES ($1, date_trunc('minute', $2::timestamptz), $3, CASE WHEN $5 THEN 0 ELSE $3 END)
    ON CONFLICT (instance) DO UPDATE SET
        requests = CASE WHEN stored.minute = excluded.minute THEN stored.requests ELSE 0 END + excluded.requests,
        never_shown = CASE WHEN stored.minute = excluded.minute THEN stored.never_shown ELSE 0 END + excluded.never_shown,
        minute = excluded.minute
    WHERE stored.minute < excluded.minute OR (stored.minute = excluded.minute AND stored.requests + excluded.requests <= $4
        AND stored.never_shown + excluded.never_shown <= $6)
    RETURNING requests";

const IS_USED_UP: &str = "
    SELECT FROM reread_budgets WHERE instance = $1 AND minute >= date_trunc('minute', $2::timestamptz) AND requests + $3 > $4";

/// Maximum requests for re-reads, per minute and instance.
const REREAD_REQUESTS: i32 = 60;

/// Of these for merge requests that GitLab has never shown: invented ones must not use up the budget of the others.
const NEVER_SHOWN_REQUESTS: i32 = 16;

impl<'a> Tx<'a> {
    /// Ends the merge request's evaluation, if one is open. `before_watch`: nothing was decided, and events do not open it again.
    pub fn finish_evaluation(
        &mut self,
        key: &MergeRequestKey,
        before_watch: bool,
        now: Timestamp,
    ) -> Queued<'_, 'a, ()> {
        let statement = Statement::of(key, FINISH).bind(now, Type::TIMESTAMPTZ);
        self.queue(statement.bind(before_watch, Type::BOOL), DONE)
    }

    /// Makes sure that an open evaluation is read at a given time at the latest.
    pub fn read_evaluation_by(&mut self, key: &MergeRequestKey, at: Timestamp, now: Timestamp) -> Queued<'_, 'a, ()> {
        let statement = Statement::of(key, READ_BY).bind(at, Type::TIMESTAMPTZ);
        self.queue(statement.bind(now, Type::TIMESTAMPTZ), DONE)
    }
}

impl Store {
    /// Takes requests for re-reads at an instance from the budget of this minute; `false`: it is used up. A merge request that
    /// GitLab has never `shown` gets a small part of it.
    pub async fn take_reread_budget(
        &self,
        instance: &str,
        requests: i32,
        shown: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let statement = Statement::new(TAKE)
            .bind_text(instance)
            .bind(now, Type::TIMESTAMPTZ)
            .bind(requests, Type::INT4)
            .bind(REREAD_REQUESTS, Type::INT4)
            .bind(shown, Type::BOOL)
            .bind(NEVER_SHOWN_REQUESTS, Type::INT4);
        Ok(!self.rows_of(&statement).await?.is_empty())
    }

    /// Whether this minute's budget for re-reads at an instance has room for this many requests. Takes nothing.
    pub async fn has_reread_budget(&self, instance: &str, requests: i32, now: Timestamp) -> Result<bool, StoreError> {
        let statement = Statement::new(IS_USED_UP)
            .bind_text(instance)
            .bind(now, Type::TIMESTAMPTZ)
            .bind(requests, Type::INT4)
            .bind(REREAD_REQUESTS, Type::INT4);
        Ok(self.rows_of(&statement).await?.is_empty())
    }
}
