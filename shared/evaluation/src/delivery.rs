//! A delivery: recorded, and if it tells of a merge, judged.

use audit::{ActorType, Context};
use model::{Action, Content, Envelope, Facts, MergeRequestEvent, MergeRequestKey, MergeTrigger, WitnessA};
use store::Recorded;

use crate::judgement::Judgement;
use crate::{EvaluationError, Evaluator, Outcome, Report};

impl Evaluator {
    /// Takes in one delivery. May be repeated at will, at once or later, in any order with others.
    ///
    /// # Errors
    /// [`EvaluationError`]: retry if it says so, else put the delivery into quarantine.
    pub async fn deliver(&self, envelope: &Envelope) -> Result<Report, EvaluationError> {
        let context = Context::new(ActorType::WebhookEvent, envelope.correlation_id)
            .with_traceparent(envelope.traceparent.clone());
        match (&envelope.content, envelope.merge_request()) {
            (Content::MergeRequest(event), Some(key)) => self.merge_request(&context, envelope, event, &key).await,
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
        let eligible = if stale {
            None
        } else {
            self.eligible(context, &key.instance, event).await
        };
        let api = if event.action == Action::Merge {
            self.look(context, envelope, event, key).await?
        } else {
            None
        };

        let mut tx = self.store.begin().await?;
        tx.lock_merge_request(key).await?;
        if tx.insert_event(envelope, event, eligible).await? == Recorded::Duplicate {
            tx.rollback().await?;
            self.audit_duplicate(context, envelope, key);
            return Ok(Report::of(Outcome::Duplicate));
        }
        let judgement = match (tx.latest_decision(key).await?, api) {
            // What is stale proves and disproves nothing, so nothing needs to be weighed again.
            (Some(_), _) if stale => Outcome::Unchanged.into(),
            (Some(standing), _) => {
                let history = tx.history(key).await?;
                self.weigh_again(&mut tx, context, standing, history).await?
            }
            (None, Some(api)) => {
                let history = tx.history(key).await?;
                let facts = Facts {
                    api,
                    history,
                    ..Self::facts(envelope, event, key)
                };
                self.judge(&mut tx, context, facts, 0, None).await?
            }
            (None, None) => Outcome::Recorded.into(),
        };
        tx.commit().await?;
        Ok(self.told(context, key, judgement))
    }

    /// Asks GitLab about a merge, unless a decision stands already (two hooks firing for one merge, a delivery sent again).
    async fn look(
        &self,
        context: &Context,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        key: &MergeRequestKey,
    ) -> Result<Option<WitnessA>, EvaluationError> {
        let mut tx = self.store.begin().await?;
        let decided = tx.latest_decision(key).await?.is_some();
        let history = if decided { Vec::new() } else { tx.history(key).await? };
        // The transaction ends here: none is held open while GitLab is asked.
        tx.rollback().await?;
        if decided {
            return Ok(None);
        }
        let facts = Facts {
            history,
            ..Self::facts(envelope, event, key)
        };
        Ok(Some(self.gather(context, &facts, !envelope.authentication.stale).await))
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
            api: WitnessA::Unreadable("not asked yet".to_owned()),
            deadline_passed: false,
            history: Vec::new(),
        }
    }

    /// After the commit: the audit trail hears of the exception, the caller of everything.
    pub(crate) fn told(&self, context: &Context, key: &MergeRequestKey, judgement: Judgement) -> Report {
        if let Some(written) = &judgement.exception {
            self.audit_exception(context, key, written);
        }
        Report {
            outcome: judgement.outcome,
            effects: judgement.effects,
        }
    }
}
