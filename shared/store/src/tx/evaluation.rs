//! Evaluations: merges to read at GitLab. A pending one is a verdict to come; an unconfirmed one a decision, or a merge that GitLab does
//! not show, to be read again.

mod row;
mod schedule;

use jiff::Timestamp;
use model::{EarlierFacts, MergeRequestKey, MergeTrigger};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Tx;
use crate::StoreError;
use crate::sql::{code, json, optional_text, text};
pub(crate) use row::{EVALUATION_COLUMNS, read_evaluation};

/// What an evaluation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationState {
    /// A verdict: GitLab is read until the deadline.
    Pending,
    /// GitLab's confirmation of a decision, or of a merge that it does not show.
    Unconfirmed,
    /// Nothing.
    Done,
}

/// What showed the merge first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationSource {
    /// The delivery of the merge.
    MergeEvent,
    /// Another event that shows the merge request as merged.
    OtherEvent,
    /// GitLab's answer about a review.
    Review,
    /// GitLab's list of merges.
    Reconciliation,
    /// A person's backfill.
    Backfill,
}

/// A merge to read at GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// Which merge request.
    pub merge_request: MergeRequestKey,
    /// What it waits for.
    pub state: EvaluationState,
    /// What the event said that showed the merge.
    pub trigger: MergeTrigger,
    /// Why it waits.
    pub reason: String,
    /// Readings so far: of a pending one since it became pending, of an unconfirmed one since the decision.
    pub attempts: i32,
    /// When to read next; `None`: unconfirmed without a schedule.
    pub next_attempt_at: Option<Timestamp>,
    /// From then on, what cannot be read is not waited for any longer.
    pub deadline_at: Timestamp,
    /// What showed the merge first.
    pub source: EvaluationSource,
    /// When it was shown first; `None`: kept by an earlier version.
    pub first_seen_at: Option<Timestamp>,
    /// Until when an unconfirmed one has a schedule.
    pub give_up_at: Option<Timestamp>,
    /// The last reading beyond the first.
    pub last_read_at: Option<Timestamp>,
    /// GitLab has shown the merge request at least once.
    pub shown: bool,
    /// An event on a confirmed decision asks for a further reading.
    pub reread_event: bool,
    /// Merged long before it was first seen: nothing was decided.
    pub before_watch: bool,
    /// What partial answers have shown so far.
    pub earlier: EarlierFacts,
    /// The delivery that led to it.
    pub correlation_id: Uuid,
    /// W3C trace context of that delivery.
    pub traceparent: Option<String>,
}

/// Of two triggers the better one is kept: of a trusted delivery, and of the merge's own. One that is done gives way.
macro_rules! better_trigger {
    () => {
        "CASE WHEN stored.state = 'done'
                OR (excluded.trigger ->> 'trusted')::boolean::int * 2 + (excluded.source = 'merge_event')::int
                    >= (stored.trigger ->> 'trusted')::boolean::int * 2 + (stored.source = 'merge_event')::int
            THEN excluded.trigger ELSE stored.trigger END"
    };
}

/// While one is pending, a repeated delivery neither moves the deadline away nor forgets attempts.
const KEEP_PENDING: &str = concat!(
    "
    INSERT INTO evaluations AS stored (
        instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at, correlation_id,
        traceparent, created_at, updated_at, source, first_seen_at, last_read_at, shown, earlier)
    VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15, $16)
    ON CONFLICT (instance, project_id, mr_iid) DO UPDATE SET
        state = 'pending',
        trigger = ",
    better_trigger!(),
    ",
        reason = excluded.reason,
        attempts = CASE stored.state WHEN 'pending' THEN greatest(stored.attempts, excluded.attempts)
                                     ELSE excluded.attempts END,
        -- Not later than the deadline, while that lies ahead: it is then that the verdict falls.
        next_attempt_at = CASE WHEN stored.state = 'pending' AND stored.deadline_at > excluded.updated_at
                               THEN least(excluded.next_attempt_at, stored.deadline_at)
                               ELSE excluded.next_attempt_at END,
        deadline_at = CASE stored.state WHEN 'pending' THEN least(stored.deadline_at, excluded.deadline_at)
                                        ELSE excluded.deadline_at END,
        source = CASE WHEN stored.state <> 'done' AND stored.source = 'merge_event' THEN stored.source ELSE excluded.source END,
        first_seen_at = CASE stored.state WHEN 'done' THEN excluded.first_seen_at
                                          ELSE least(stored.first_seen_at, excluded.first_seen_at) END,
        last_read_at = coalesce(excluded.last_read_at, stored.last_read_at),
        shown = stored.shown OR excluded.shown,
        reread_event = false, before_watch = false, give_up_at = NULL,
        earlier = excluded.earlier,
        correlation_id = excluded.correlation_id,
        traceparent = excluded.traceparent,
        updated_at = excluded.updated_at"
);

/// What GitLab has never shown gets a schedule only while few others of its instance have one: a flood of deliveries about merge
/// requests that do not exist must not use up the readings.
const KEEP_UNCONFIRMED: &str = concat!(
    "
    INSERT INTO evaluations AS stored (
        instance, project_id, mr_iid, state, trigger, reason, attempts, next_attempt_at, deadline_at, correlation_id,
        traceparent, created_at, updated_at, source, first_seen_at, last_read_at, shown, earlier, give_up_at, reread_event)
    VALUES ($1, $2, $3, 'unconfirmed', $4, $5, $6,
        CASE WHEN $15 OR 1000 > (SELECT count(*) FROM (
            SELECT FROM evaluations AS other
            WHERE other.instance = $1 AND other.state = 'unconfirmed' AND NOT other.shown AND other.next_attempt_at IS NOT NULL
                AND (other.project_id, other.mr_iid) <> ($2, $3) LIMIT 1000) AS scheduled)
        THEN $7::timestamptz END,
        $8, $9, $10, $11, $11, $12, $13, $14, $15, $16, $17, $18)
    ON CONFLICT (instance, project_id, mr_iid) DO UPDATE SET
        state = 'unconfirmed',
        trigger = ",
    better_trigger!(),
    ",
        reason = excluded.reason,
        attempts = excluded.attempts,
        next_attempt_at = excluded.next_attempt_at,
        source = CASE WHEN stored.state <> 'done' AND stored.source = 'merge_event' THEN stored.source ELSE excluded.source END,
        first_seen_at = CASE stored.state WHEN 'done' THEN excluded.first_seen_at
                                          ELSE least(stored.first_seen_at, excluded.first_seen_at) END,
        last_read_at = coalesce(excluded.last_read_at, stored.last_read_at),
        shown = stored.shown OR excluded.shown,
        reread_event = excluded.reread_event, before_watch = false, give_up_at = excluded.give_up_at,
        earlier = excluded.earlier,
        correlation_id = excluded.correlation_id,
        traceparent = excluded.traceparent,
        updated_at = excluded.updated_at"
);

impl Tx<'_> {
    /// Keeps an evaluation in its state. One that is pending already keeps its earlier deadline and its greater count of attempts; of
    /// two triggers the better one is kept.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] for state `done`, which is [`Tx::finish_evaluation`]'s.
    pub async fn keep_evaluation(&mut self, evaluation: &Evaluation, now: Timestamp) -> Result<(), StoreError> {
        let [instance, project, iid] = super::identity(&evaluation.merge_request);
        let earlier = (!evaluation.earlier.is_empty())
            .then(|| json(&evaluation.earlier))
            .transpose()?;
        let trigger = json(&evaluation.trigger)?;
        let reason = text(&evaluation.reason);
        let traceparent = optional_text(evaluation.traceparent.as_ref());
        let source = code(&evaluation.source)?;
        let mut params: Vec<super::Param<'_>> = vec![
            instance,
            project,
            iid,
            (&trigger, Type::JSONB),
            (&reason, Type::TEXT),
            (&evaluation.attempts, Type::INT4),
            (&evaluation.next_attempt_at, Type::TIMESTAMPTZ),
            (&evaluation.deadline_at, Type::TIMESTAMPTZ),
            (&evaluation.correlation_id, Type::UUID),
            (&traceparent, Type::TEXT),
            (&now, Type::TIMESTAMPTZ),
            (&source, Type::TEXT),
            (&evaluation.first_seen_at, Type::TIMESTAMPTZ),
            (&evaluation.last_read_at, Type::TIMESTAMPTZ),
            (&evaluation.shown, Type::BOOL),
            (&earlier, Type::JSONB),
        ];
        let sql = match evaluation.state {
            EvaluationState::Pending => KEEP_PENDING,
            EvaluationState::Unconfirmed => {
                params.push((&evaluation.give_up_at, Type::TIMESTAMPTZ));
                params.push((&evaluation.reread_event, Type::BOOL));
                KEEP_UNCONFIRMED
            }
            EvaluationState::Done => {
                return Err(StoreError::Rejected(
                    "an evaluation is ended, not kept as done".to_owned(),
                ));
            }
        };
        self.execute(sql, &params).await.map(drop)
    }
}
