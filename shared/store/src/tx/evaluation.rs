//! Evaluations: merges to read at GitLab. A pending one waits for its verdict; an unconfirmed one is a decision, or a merge that
//! GitLab does not show, to re-read.

mod row;
mod schedule;

use jiff::Timestamp;
use model::{EarlierFacts, MergeRequestKey, MergeTrigger};
use serde::{Deserialize, Serialize};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::queued::DONE;
use super::{Queued, Tx};
use crate::StoreError;
use crate::sql::{Insert, KEY, Statement, code};
pub(super) use row::EVALUATION;
pub(crate) use row::{EVALUATION_COLUMNS, read_evaluation};

/// What an evaluation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EvaluationState {
    /// A verdict: GitLab is read until the deadline.
    Pending,
    /// GitLab's confirmation of a decision, or of a merge that it does not show.
    Unconfirmed,
    Done,
}

/// What first showed the merge.
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
    Backfill,
}

/// A merge to read at GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    pub merge_request: MergeRequestKey,
    /// What it waits for.
    pub state: EvaluationState,
    /// What the event that showed the merge reported.
    pub trigger: MergeTrigger,
    pub reason: String,
    /// Reads so far: for a pending one since it became pending, for an unconfirmed one since the decision.
    pub attempts: i32,
    /// When to read next; `None`: unconfirmed without a schedule.
    pub next_attempt_at: Option<Timestamp>,
    /// After this time, unreadable values are no longer waited for.
    pub deadline_at: Timestamp,
    /// What first showed the merge.
    pub source: EvaluationSource,
    /// When it was first shown; `None`: stored by an earlier version.
    pub first_seen_at: Option<Timestamp>,
    /// End of the schedule of an unconfirmed one.
    pub give_up_at: Option<Timestamp>,
    /// The last read after the first.
    pub last_read_at: Option<Timestamp>,
    /// GitLab has shown the merge request at least once.
    pub shown: bool,
    /// An event on a confirmed decision requires another read.
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

/// The better of two triggers is kept: that of a trusted delivery, and that of the merge event. One that is done is replaced.
const BETTER_TRIGGER: &str = "CASE WHEN stored.state = 'done'
        OR (excluded.trigger ->> 'trusted')::boolean::int * 2 + (excluded.source = 'merge_event')::int
            >= (stored.trigger ->> 'trusted')::boolean::int * 2 + (stored.source = 'merge_event')::int
    THEN excluded.trigger ELSE stored.trigger END";

/// What first showed the merge stays, and when.
const MERGED: [(&str, &str); 5] = [
    ("trigger", BETTER_TRIGGER),
    (
        "source",
        "CASE WHEN stored.state <> 'done' AND stored.source = 'merge_event' THEN stored.source ELSE excluded.source END",
    ),
    (
        "first_seen_at",
        "CASE stored.state WHEN 'done' THEN excluded.first_seen_at
                           ELSE least(stored.first_seen_at, excluded.first_seen_at) END",
    ),
    ("last_read_at", "coalesce(excluded.last_read_at, stored.last_read_at)"),
    ("shown", "stored.shown OR excluded.shown"),
];

/// While pending, a repeated delivery neither extends the deadline nor resets attempts.
const MERGED_PENDING: [(&str, &str); 3] = [
    (
        "attempts",
        "CASE stored.state WHEN 'pending' THEN greatest(stored.attempts, excluded.attempts) ELSE excluded.attempts END",
    ),
    // At the deadline at the latest, if that is in the future: the verdict is made then.
    (
        "next_attempt_at",
        "CASE WHEN stored.state = 'pending' AND stored.deadline_at > excluded.updated_at
              THEN least(excluded.next_attempt_at, stored.deadline_at) ELSE excluded.next_attempt_at END",
    ),
    (
        "deadline_at",
        "CASE stored.state WHEN 'pending' THEN least(stored.deadline_at, excluded.deadline_at) ELSE excluded.deadline_at END",
    ),
];

/// A merge request that GitLab has never shown gets a schedule only while few others of its instance have one: a flood of
/// deliveries about nonexistent merge requests must not use up the reads. `$1` to `$3` name the merge request.
const IF_SCHEDULED: &str = "
    CASE WHEN {shown} OR 1000 > (SELECT count(*) FROM (
        SELECT FROM evaluations AS other
        WHERE other.instance = $1 AND other.state = 'unconfirmed' AND NOT other.shown AND other.next_attempt_at IS NOT NULL
            AND (other.project_id, other.mr_iid) <> ($2, $3) LIMIT 1000) AS scheduled)
    THEN {next}::timestamptz END";

impl<'a> Tx<'a> {
    /// Stores an evaluation in its state. A pending one keeps its earlier deadline and its greater count of attempts; the better of
    /// two triggers is kept.
    ///
    /// # Errors
    /// [`StoreError::Rejected`] for state `done`, which [`Tx::finish_evaluation`] sets.
    pub fn keep_evaluation(&mut self, evaluation: &Evaluation, now: Timestamp) -> Queued<'_, 'a, ()> {
        self.try_queue(upsert(evaluation, now), DONE)
    }

    /// The merge request's evaluation, in any state.
    pub fn evaluation(&mut self, key: &MergeRequestKey) -> Queued<'_, 'a, Option<Evaluation>> {
        self.queue(Statement::of(key, EVALUATION.as_str()), |answer| {
            answer.rows.first().map(read_evaluation).transpose()
        })
    }
}

fn upsert(evaluation: &Evaluation, now: Timestamp) -> Result<Statement, StoreError> {
    let earlier = Some(&evaluation.earlier).filter(|earlier| !earlier.is_empty());
    // The merge request's columns come first: `IF_SCHEDULED` names their parameters.
    let mut insert = Insert::into("evaluations").key(&evaluation.merge_request);
    let is_pending = match evaluation.state {
        EvaluationState::Pending => true,
        EvaluationState::Unconfirmed => false,
        EvaluationState::Done => {
            return Err(StoreError::Rejected(
                "an evaluation cannot be stored as done; finish it instead".to_owned(),
            ));
        }
    };
    let next_attempt_at = insert.parameter(evaluation.next_attempt_at, Type::TIMESTAMPTZ);
    let shown = insert.parameter(evaluation.shown, Type::BOOL);
    let next_attempt_at = if is_pending {
        next_attempt_at
    } else {
        IF_SCHEDULED
            .replace("{shown}", &shown)
            .replace("{next}", &next_attempt_at)
    };
    insert = insert
        .text("state", &code(&evaluation.state)?)
        .json("trigger", &evaluation.trigger)?
        .text("reason", &evaluation.reason)
        .value("attempts", evaluation.attempts, Type::INT4)
        .constant("next_attempt_at", &next_attempt_at)
        .time("deadline_at", evaluation.deadline_at)
        .text("source", &code(&evaluation.source)?)
        .time("first_seen_at", evaluation.first_seen_at)
        .time("last_read_at", evaluation.last_read_at)
        .constant("shown", &shown)
        .optional_json("earlier", earlier)?
        .uuid("correlation_id", evaluation.correlation_id)
        .optional_text("traceparent", evaluation.traceparent.as_deref())
        .time("created_at", now)
        .time("updated_at", now);
    let mut merged = MERGED.to_vec();
    let mut kept = vec!["created_at"];
    let rest = if is_pending {
        merged.extend(MERGED_PENDING);
        ", reread_event = false, before_watch = false, give_up_at = NULL"
    } else {
        kept.push("deadline_at");
        insert = insert
            .time("give_up_at", evaluation.give_up_at)
            .bool("reread_event", evaluation.reread_event);
        ", before_watch = false"
    };
    let update = insert.or_update(&KEY, &kept, &merged);
    Ok(insert.then(&format!("{update}{rest}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored rows outlive the release that wrote them: a renamed variant keeps its code by `#[serde(rename)]`.
    #[test]
    fn stored_codes_keep_their_names() {
        use EvaluationSource::{Backfill, MergeEvent, OtherEvent, Reconciliation, Review};
        use EvaluationState::{Done, Pending, Unconfirmed};
        let codes = |values: &[EvaluationSource]| values.iter().map(code).collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(
            codes(&[MergeEvent, OtherEvent, Review, Reconciliation, Backfill]),
            ["merge_event", "other_event", "review", "reconciliation", "backfill"]
        );
        let codes = |values: &[EvaluationState]| values.iter().map(code).collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(codes(&[Pending, Unconfirmed, Done]), ["pending", "unconfirmed", "done"]);
        for word in ["merge_event", "other_event", "review", "reconciliation", "backfill"] {
            assert!(
                serde_json::from_value::<EvaluationSource>(word.into()).is_ok(),
                "{word}"
            );
        }
        for word in ["pending", "unconfirmed", "done"] {
            assert!(serde_json::from_value::<EvaluationState>(word.into()).is_ok(), "{word}");
        }
    }
}
