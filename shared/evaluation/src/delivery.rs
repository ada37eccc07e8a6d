//! A delivery: recorded, and if it tells of a merge, judged.

use audit::{ActorType, Context};
use model::{Action, Content, Envelope, Facts, MergeRequestEvent, MergeRequestKey, MergeTrigger, WitnessA};
use store::{Recorded, StoreError, Tx};

use crate::judgement::Judgement;
use crate::review::ReviewReading;
use crate::{EvaluationError, Evaluator, Outcome, Report};

/// How often GitLab is read for one delivery at most, when others write the same review meanwhile.
const READINGS: usize = 4;

/// What came of an attempt to take a delivery in.
enum Taken {
    In(Report),
    /// Nothing is written: GitLab must be read first, or anew.
    NeedsReading,
}

impl Evaluator {
    /// Takes in one delivery. May be repeated at will, at once or later, in any order with others.
    ///
    /// # Errors
    /// [`EvaluationError`]: retry if it says so, else put the delivery into quarantine.
    pub async fn deliver(&self, envelope: &Envelope) -> Result<Report, EvaluationError> {
        let context = Context::new(ActorType::WebhookEvent, envelope.correlation_id)
            .with_traceparent(envelope.traceparent.clone());
        match (&envelope.content, envelope.merge_request()) {
            (Content::MergeRequest(event), Some(key)) => {
                Box::pin(self.merge_request(&context, envelope, event, &key)).await
            }
            (Content::Unexpected { problem, .. }, _) => self.quarantine(&context, envelope, problem).await,
            (Content::MergeRequest(_), None) => self.quarantine(&context, envelope, "it names no merge request").await,
        }
    }

    /// Keeps a delivery that cannot be processed, whole, for a person.
    ///
    /// # Errors
    /// [`EvaluationError`].
    pub async fn quarantine(
        &self,
        context: &Context,
        envelope: &Envelope,
        reason: &str,
    ) -> Result<Report, EvaluationError> {
        let mut tx = self.store.begin().await?;
        let new = tx.quarantine(envelope, reason, self.clock.now()).await?;
        self.claim(&mut tx, Some(envelope.audit_line)).await?;
        tx.commit().await?;
        if new {
            self.audit_quarantine(context, envelope, reason);
        }
        Ok(Report::of(if new { Outcome::Quarantined } else { Outcome::Duplicate }))
    }

    async fn merge_request(
        &self,
        context: &Context,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        key: &MergeRequestKey,
    ) -> Result<Report, EvaluationError> {
        let stale = envelope.authentication.stale;
        // Of a stale delivery only the ids are trusted: whoever acted then says nothing.
        // Nor does today's membership say anything about an act of long ago.
        let known_now = !stale && self.is_recent(event);
        let eligible = if known_now {
            self.eligible(context, &key.instance, event).await
        } else {
            None
        };
        let api = if event.action == Action::Merge {
            self.look(context, envelope, event, key).await?
        } else {
            None
        };
        let unread = Self::review_facts(envelope, event, key);
        let mut reading = None;
        // Of a stale delivery its labels are no more than a reason to ask.
        if event.action != Action::Merge && self.shows_label(event) {
            reading = self.look_at_review(context, &unread).await?;
        }
        for _ in 0..READINGS {
            let read = (eligible, api.clone(), reading.take());
            // Boxed: everything that one transaction writes is one deep future.
            let taken = Box::pin(self.take_in(context, envelope, event, key, read)).await?;
            match taken {
                Taken::In(report) => return Ok(report),
                Taken::NeedsReading => reading = Some(self.read_review(context, unread.clone()).await),
            }
        }
        Err(StoreError::Conflict("the review was written by others each time it was read".to_owned()).into())
    }

    /// Writes everything of a delivery in one transaction, or finds that GitLab has to be read first.
    async fn take_in(
        &self,
        context: &Context,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        key: &MergeRequestKey,
        (eligible, api, reading): (Option<bool>, Option<WitnessA>, Option<ReviewReading>),
    ) -> Result<Taken, EvaluationError> {
        let stale = envelope.authentication.stale;
        let mut tx = self.store.begin().await?;
        tx.lock_merge_request(key).await?;
        if tx.insert_event(envelope, event, eligible).await? == Recorded::Duplicate {
            self.tell_again(&mut tx, context, key).await?;
            tx.rollback().await?;
            self.audit_duplicate(context, envelope, key);
            return Ok(Taken::In(Report::of(Outcome::Duplicate)));
        }
        let judgement = match (tx.latest_decision(key).await?, api) {
            // GitLab was asked because no decision stands, or only one that GitLab never confirmed.
            (standing, Some(api)) => {
                let history = tx.history(key).await?;
                let facts = Facts {
                    api,
                    history,
                    ..Self::facts(envelope, event, key)
                };
                self.judge_anew(&mut tx, context, facts, standing).await?
            }
            // What is stale proves and disproves nothing, so nothing needs to be weighed again.
            (Some(_), None) if stale => Outcome::Unchanged.into(),
            (Some(standing), None) => {
                let history = tx.history(key).await?;
                self.weigh_again(&mut tx, context, standing, history).await?
            }
            (None, None) => {
                let row = tx.ledger_row(key).await?;
                let Some(reading) = reading.and_then(|reading| reading.unless_older(row.as_ref())) else {
                    if row.is_none() {
                        self.claim(&mut tx, Some(envelope.audit_line)).await?;
                        return Ok(Taken::In(
                            self.commit(tx, context, key, Outcome::Recorded.into()).await?,
                        ));
                    }
                    tx.rollback().await?;
                    return Ok(Taken::NeedsReading);
                };
                self.review(&mut tx, context, reading, row, 0).await?
            }
        };
        self.claim(&mut tx, Some(envelope.audit_line)).await?;
        Ok(Taken::In(self.commit(tx, context, key, judgement).await?))
    }

    /// Reads the review at GitLab, unless the merge is decided already: then the verdict is what counts.
    async fn look_at_review(
        &self,
        context: &Context,
        unread: &Facts,
    ) -> Result<Option<ReviewReading>, EvaluationError> {
        let mut tx = self.store.begin().await?;
        let decided = tx.latest_decision(&unread.merge_request).await?.is_some();
        tx.rollback().await?;
        if decided {
            return Ok(None);
        }
        Ok(Some(self.read_review(context, unread.clone()).await))
    }

    /// What this very delivery wrote when it came before: whoever took it in may have died before telling.
    async fn tell_again(&self, tx: &mut Tx<'_>, context: &Context, key: &MergeRequestKey) -> Result<(), StoreError> {
        if let Some(written) = self.ledger_written_before(tx, context, key).await? {
            self.audit_ledger(context, &written);
        }
        if let Some(written) = self.written_before(tx, context, key).await? {
            self.audit_exception(context, key, &written);
        }
        Ok(())
    }

    /// Asks GitLab about a merge, unless a decision stands that GitLab has confirmed the merge for (two hooks firing for one merge, a
    /// delivery sent again). A decision made without GitLab's word is not enough: the delivery behind it may have been a false one.
    async fn look(
        &self,
        context: &Context,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        key: &MergeRequestKey,
    ) -> Result<Option<WitnessA>, EvaluationError> {
        let mut tx = self.store.begin().await?;
        let standing = tx.latest_decision(key).await?;
        let confirmed =
            standing.is_some_and(|decision| matches!(decision.facts.api, WitnessA::Answer(_) | WitnessA::NotAsked(_)));
        let history = if confirmed { Vec::new() } else { tx.history(key).await? };
        // The transaction ends here: none is held open while GitLab is asked.
        tx.rollback().await?;
        if confirmed {
            return Ok(None);
        }
        let facts = Facts {
            history,
            ..Self::facts(envelope, event, key)
        };
        Ok(Some(self.gather(context, &facts).await))
    }

    /// The facts as the delivery tells them, before GitLab and the history are asked.
    fn facts(envelope: &Envelope, event: &MergeRequestEvent, key: &MergeRequestKey) -> Facts {
        let trigger = if envelope.authentication.stale {
            MergeTrigger::untrusted(event, envelope.received_at)
        } else {
            MergeTrigger::of(event)
        };
        Facts {
            merge_request: key.clone(),
            trigger,
            api: WitnessA::Unreadable("not asked yet".to_owned().into()),
            deadline_passed: false,
            history: Vec::new(),
        }
    }

    /// Commits, and tells the audit trail of the exception: announced before, told after.
    pub(crate) async fn commit(
        &self,
        tx: Tx<'_>,
        context: &Context,
        key: &MergeRequestKey,
        judgement: Judgement,
    ) -> Result<Report, EvaluationError> {
        if let Some(written) = &judgement.ledger {
            self.announce_ledger(context, written);
        }
        if let Some(written) = &judgement.exception {
            self.announce_exception(context, key, written);
        }
        tx.commit().await?;
        if let Some(written) = &judgement.ledger {
            self.audit_ledger(context, written);
        }
        if let Some(written) = &judgement.exception {
            self.audit_exception(context, key, written);
        }
        Ok(Report {
            outcome: judgement.outcome,
            effects: judgement.effects,
        })
    }
}
