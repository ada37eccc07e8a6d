//! What waits for GitLab: verdicts until the deadline, unconfirmed decisions by their schedule, and reviews until GitLab is readable.

use audit::{ActorType, Context};
use jiff::SignedDuration;
use model::{Facts, MergeRequestKey, MergeTrigger};
use store::{Evaluation, EvaluationSource, EvaluationState, PendingReview, StoreError};

use crate::delivery::unread;
use crate::judgement::{Seen, later};
use crate::known::Known;
use crate::{EvaluationError, Evaluator, Outcome, Report};

/// Requests that one re-read may take.
const REREAD_REQUESTS: i32 = 8;

/// What came of an operator's request to read a merge request again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reevaluated {
    /// GitLab was read.
    Read(Report),
    /// Its decision is confirmed, or nothing is known of a merge.
    NothingToRead,
}

impl Evaluator {
    /// Reads a merge again that waits for GitLab. Safe to run twice concurrently: the merge request's lock lets one after the other, and
    /// the second finds what the first wrote.
    ///
    /// # Errors
    /// [`EvaluationError`]: the evaluation waits and comes up again.
    pub async fn retry(&self, evaluation: &Evaluation) -> Result<Report, EvaluationError> {
        let context = Context::new(ActorType::WebhookEvent, evaluation.correlation_id)
            .with_traceparent(evaluation.traceparent.clone());
        let key = &evaluation.merge_request;
        if evaluation.state == EvaluationState::Unconfirmed && !self.take_budget(key, evaluation.shown).await? {
            let now = self.clock.now();
            let mut tx = self.store.begin().await?;
            tx.read_evaluation_by(key, later(now, SignedDuration::from_mins(1)), now)
                .await?;
            tx.commit().await?;
            let because = "the requests for re-reads of this minute are used up".to_owned();
            return Ok(Report::of(Outcome::Unconfirmed { because }));
        }
        Box::pin(self.read_again(&context, key, evaluation.trigger.clone(), false)).await
    }

    /// Reads a merge again at an operator's request: an unconfirmed decision, or a merge without one.
    ///
    /// # Errors
    /// [`EvaluationError`]: request it again if it is retryable.
    pub async fn reevaluate(&self, context: &Context, key: &MergeRequestKey) -> Result<Reevaluated, EvaluationError> {
        let mut tx = self.store.begin().await?;
        let known = Known::load(&mut tx, key).await?;
        tx.rollback().await?;
        let open = known.open_evaluation().is_some();
        let confirmed = known.decision.as_ref().is_some_and(|decision| decision.confirmed);
        let merged = known.row.as_ref().is_some_and(|row| row.row.merge.is_some());
        let before_watch = known
            .evaluation
            .as_ref()
            .is_some_and(|evaluation| evaluation.before_watch);
        if !open && (confirmed || (known.decision.is_none() && !merged && !before_watch)) {
            return Ok(Reevaluated::NothingToRead);
        }
        if !self.take_budget(key, true).await? {
            let because =
                "the requests for re-reads of this minute are used up; request it again in a minute".to_owned();
            return Ok(Reevaluated::Read(Report::of(Outcome::Unconfirmed { because })));
        }
        let kept = known.decision.map(|decision| decision.facts.trigger);
        let kept = kept.or(known.evaluation.map(|evaluation| evaluation.trigger));
        let of_row = || {
            known.row.map(|row| MergeTrigger {
                trusted: false,
                merger: None,
                merged_at: row.row.merge.map_or(self.clock.now(), |merge| merge.at),
                labels: Vec::new(),
                labels_unknown: true,
                mr_id: row.row.mr_id,
                project_path: row.row.project_path,
                title: row.row.title,
                url: row.row.web_url,
                author_id: row.row.author.map(|author| author.id),
                head_sha: row.row.head_sha,
                merge_commit_sha: None,
            })
        };
        let Some(trigger) = kept.or_else(of_row) else {
            return Ok(Reevaluated::NothingToRead);
        };
        let read = self.read_again(context, key, trigger, true);
        Box::pin(read).await.map(Reevaluated::Read)
    }

    async fn read_again(
        &self,
        context: &Context,
        key: &MergeRequestKey,
        trigger: MergeTrigger,
        requested: bool,
    ) -> Result<Report, EvaluationError> {
        // 1. The history as it is now shows whether a label has been seen since.
        let mut facts = unread(key.clone(), trigger);
        let mut tx = self.store.begin().await?;
        let known = Known::load(&mut tx, key).await?;
        self.fill(&mut tx, &mut facts, &known).await?;
        tx.rollback().await?;
        // 2. GitLab, without a transaction.
        facts.api = self.gather(context, &facts, false).await;
        // 3. What follows, unless another run was faster.
        let mut tx = self.store.begin().await?;
        tx.lock_merge_request(key).await?;
        let known = Known::load(&mut tx, key).await?;
        let api = facts.api.clone();
        self.fill(&mut tx, &mut facts, &known).await?;
        facts.api = api;
        let evaluation = known.open_evaluation();
        if evaluation.is_none() && !requested {
            tx.rollback().await?;
            return Ok(Report::of(Outcome::Unchanged));
        }
        let now = self.clock.now();
        facts.deadline_passed = known.deadline_passed(now);
        let seen = Seen {
            first_seen_at: evaluation
                .and_then(|evaluation| evaluation.first_seen_at)
                .unwrap_or(now),
            source: match evaluation {
                Some(evaluation) => evaluation.source,
                None => EvaluationSource::Backfill,
            },
            attempts: evaluation.map_or(0, |evaluation| evaluation.attempts).saturating_add(1),
            reread: evaluation.is_none_or(|evaluation| evaluation.state == EvaluationState::Unconfirmed),
        };
        let judgement = self.after_reading(&mut tx, context, facts, &known, seen).await?;
        self.claim(&mut tx, None).await?;
        self.commit(tx, context, key, judgement).await
    }

    /// Adds what is stored to the facts.
    async fn fill(&self, tx: &mut store::Tx<'_>, facts: &mut Facts, known: &Known) -> Result<(), StoreError> {
        let key = facts.merge_request.clone();
        let history = tx.history(&key).await?;
        (facts.history, facts.history_truncated) = (history.events, history.truncated);
        facts.earlier = self.earlier(tx, &key, known).await?;
        Ok(())
    }

    /// Takes the requests of one re-read from the instance's budget of this minute.
    pub(crate) async fn take_budget(&self, key: &MergeRequestKey, shown: bool) -> Result<bool, EvaluationError> {
        let mut tx = self.store.begin().await?;
        let taken = tx
            .take_reread_budget(&key.instance, REREAD_REQUESTS, shown, self.clock.now())
            .await?;
        tx.commit().await?;
        Ok(taken)
    }

    /// Looks at a review before the merge again.
    ///
    /// # Errors
    /// [`EvaluationError`]: the review stays pending and comes up again.
    pub async fn retry_review(&self, pending: &PendingReview) -> Result<Report, EvaluationError> {
        let context =
            Context::new(ActorType::WebhookEvent, pending.correlation_id).with_traceparent(pending.traceparent.clone());
        let key = &pending.merge_request;
        let reading = self
            .read_review(&context, unread(key.clone(), pending.trigger.clone()))
            .await;
        let mut tx = self.store.begin().await?;
        tx.lock_merge_request(key).await?;
        let known = Known::load(&mut tx, key).await?;
        if tx.pending_review(key).await?.is_none() {
            tx.rollback().await?;
            return Ok(Report::of(Outcome::Unchanged));
        }
        if known.decision.is_some() {
            tx.finish_pending_review(key, None, self.clock.now()).await?;
            tx.commit().await?;
            return Ok(Report::of(Outcome::Unchanged));
        }
        let Some(reading) = reading.unless_older(known.row.as_ref()) else {
            // A later reading has written the row; this one comes up again.
            tx.rollback().await?;
            return Ok(Report::of(Outcome::Unchanged));
        };
        let attempts = pending.attempts.saturating_add(1);
        let judgement = self.review(&mut tx, &context, reading, known, attempts).await?;
        self.claim(&mut tx, None).await?;
        self.commit(tx, &context, key, judgement).await
    }
}
