//! Evaluations: merges to read at GitLab. A pending one waits for its verdict; an unconfirmed one is a decision, or a merge that
//! GitLab does not show, to re-read.

use jiff::Timestamp;
use model::MergeRequestKey;
use tokio_postgres::types::Type;

use super::evaluation::{EVALUATION, Evaluation, EvaluationState, read_evaluation};
use crate::StoreError;
use crate::sql::{Insert, KEY, Statement, code};
use crate::tx::{DONE, Queued, Tx};

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
        use super::super::evaluation::EvaluationSource::{
            self, Backfill, MergeEvent, OtherEvent, Reconciliation, Review,
        };
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
