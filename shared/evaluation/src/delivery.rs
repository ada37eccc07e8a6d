//! A delivery: recorded, and if it is of a merge, or changes what is known of one, decided.

use audit::{ActorType, Context};
use model::{
    Action, Content, EarlierFacts, Envelope, Facts, MergeRequestEvent, MergeRequestKey, MergeTrigger, WitnessA,
};
use store::{EligibleReading, EvaluationSource, Recorded, StoreError, Tx};

use crate::judgement::{Judgement, Seen};
use crate::known::{Known, Need};
use crate::review::ReviewReading;
use crate::{EvaluationError, Evaluator, Outcome, Report};

/// How often GitLab is read for one delivery at most, when others write the same merge request meanwhile.
const READINGS: usize = 4;

/// What was read for a delivery.
enum Read {
    Nothing,
    /// The budget of re-reads is used up: the merge is read in the next minutes.
    NoBudget,
    Merge(Box<Facts>, Need),
    Review(Box<ReviewReading>),
}

/// What came of an attempt to take a delivery in.
enum Taken {
    In(Report),
    /// Nothing is written: GitLab must be read first, or again; whether it has shown the merge request before.
    Needs(Need, Box<Facts>, bool),
}

impl Evaluator {
    /// Takes in one delivery. May be repeated at will, concurrently or later, in any order with others.
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

    async fn merge_request(
        &self,
        context: &Context,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        key: &MergeRequestKey,
    ) -> Result<Report, EvaluationError> {
        // Of a stale delivery only the ids are trusted: who acted then proves nothing.
        let eligible = if envelope.authentication.stale {
            None
        } else {
            self.eligible(context, &key.instance, event).await
        };
        let mut read = Read::Nothing;
        for _ in 0..READINGS {
            // Boxed: everything that one transaction writes is one deep future.
            let taken = Box::pin(self.take_in(context, envelope, event, key, (eligible, read))).await?;
            read = match taken {
                Taken::In(report) => return Ok(report),
                Taken::Needs(need, facts, shown) => self.read_for(context, need, *facts, shown).await?,
            };
        }
        Err(StoreError::Conflict("the merge request was written by others each time it was read".to_owned()).into())
    }

    /// Reads GitLab as a delivery needs it; no transaction is open meanwhile.
    async fn read_for(
        &self,
        context: &Context,
        need: Need,
        mut facts: Facts,
        shown: bool,
    ) -> Result<Read, EvaluationError> {
        match need {
            Need::Review => Ok(Read::Review(Box::new(self.read_review(context, facts).await))),
            Need::Reread if !self.take_budget(&facts.merge_request, shown).await? => Ok(Read::NoBudget),
            need => {
                facts.api = self.gather(context, &facts, need == Need::Merge).await;
                Ok(Read::Merge(Box::new(facts), need))
            }
        }
    }

    /// Writes everything of a delivery in one transaction, or finds that GitLab has to be read first.
    async fn take_in(
        &self,
        context: &Context,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        key: &MergeRequestKey,
        (eligible, read): (Option<EligibleReading>, Read),
    ) -> Result<Taken, EvaluationError> {
        let now = self.clock.now();
        // 1. The event, once.
        let mut tx = self.store.begin().await?;
        tx.lock_merge_request(key).await?;
        let recorded = tx.insert_event(envelope, event, eligible).await?;
        // 2. What is known, and what has to be read before anything can be written.
        let known = Known::load(&mut tx, key).await?;
        let is_new = recorded != Recorded::Duplicate;
        let need = known.need(envelope, event, (is_new, self.shows_label(event)), now);
        let read = match (need, read) {
            (Need::Merge | Need::Reread, Read::Nothing | Read::Review(_)) => {
                let facts = self.unread_facts(&mut tx, envelope, event, key, &known).await?;
                tx.rollback().await?;
                let shown = known.open_evaluation().is_none_or(|evaluation| evaluation.shown);
                return Ok(Taken::Needs(need, Box::new(facts), shown));
            }
            (Need::Review, read) => {
                // Of a reading that is older than the row nothing is taken.
                let reading = match read {
                    Read::Review(reading) => reading.unless_older(known.row.as_ref()),
                    _ => None,
                };
                match reading {
                    Some(reading) => Read::Review(Box::new(reading)),
                    None if recorded == Recorded::Duplicate => Read::Nothing,
                    None => {
                        tx.rollback().await?;
                        let facts = Self::review_facts(envelope, event, key);
                        return Ok(Taken::Needs(need, Box::new(facts), true));
                    }
                }
            }
            // Another run has confirmed the decision meanwhile: it rests on an answer that is as new.
            (Need::Nothing, Read::Merge(..) | Read::NoBudget)
                if known.decision.as_ref().is_some_and(|decision| decision.confirmed) =>
            {
                Read::Nothing
            }
            (_, read) => read,
        };
        // 3. A repeated delivery reports again what it wrote, and is done unless GitLab was read for it.
        if recorded == Recorded::Duplicate {
            self.tell_again(&mut tx, context, key).await?;
            self.audit_duplicate(context, envelope, key);
            if matches!(read, Read::Nothing) && !matches!(need, Need::RereadLater(_)) {
                tx.rollback().await?;
                return Ok(Taken::In(Report::of(Outcome::Duplicate)));
            }
        }
        // 4. What follows.
        let follow = self.follow(&mut tx, context, envelope, event, key, known, need, read);
        let mut judgement = Box::pin(follow).await?;
        if recorded == Recorded::Duplicate && matches!(judgement.outcome, Outcome::Recorded | Outcome::Unchanged) {
            judgement.outcome = Outcome::Duplicate;
        }
        self.claim(&mut tx, Some(envelope.audit_line)).await?;
        Ok(Taken::In(self.commit(tx, context, key, judgement).await?))
    }

    #[expect(clippy::too_many_arguments, reason = "one step of `take_in`, which holds all of it")]
    async fn follow(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        key: &MergeRequestKey,
        known: Known,
        need: Need,
        read: Read,
    ) -> Result<Judgement, StoreError> {
        let now = self.clock.now();
        // The merge's own delivery says more than what led to the evaluation.
        let is_own = event.action == Action::Merge && !envelope.authentication.stale;
        let better = is_own.then(|| MergeTrigger::of(event));
        match read {
            Read::Merge(mut facts, needed) => {
                let history = tx.history(key).await?;
                (facts.history, facts.history_truncated) = (history.events, history.truncated);
                facts.earlier = self.earlier(tx, key, &known).await?;
                facts.deadline_passed = known.deadline_passed(now);
                let kept = known.evaluation.as_ref().map(|evaluation| evaluation.source);
                let seen = Seen {
                    first_seen_at: envelope.received_at,
                    source: match kept {
                        Some(kept) if event.action != Action::Merge => kept,
                        _ => EvaluationSource::MergeEvent,
                    },
                    attempts: 0,
                    reread: needed == Need::Reread || known.is_denied(),
                };
                return self.after_reading(tx, context, *facts, &known, seen).await;
            }
            Read::Review(reading) => return self.review(tx, context, *reading, known, 0).await,
            Read::NoBudget => {
                let minute = crate::judgement::later(now, jiff::SignedDuration::from_mins(1));
                self.read_by(tx, context, &known, (better, envelope.received_at), minute)
                    .await?;
                return Ok(Outcome::Unchanged.into());
            }
            Read::Nothing => {}
        }
        match need {
            Need::RereadLater(at) => {
                // That reading sees this event as well; nothing is compared with the old answer before.
                self.read_by(tx, context, &known, (better, envelope.received_at), at)
                    .await?;
                return Ok(Outcome::Unchanged.into());
            }
            Need::MergeLater => {
                let trigger = MergeTrigger::of_other(event);
                let because = "an event shows the merge";
                return self
                    .merge_seen(
                        tx,
                        context,
                        key,
                        trigger,
                        EvaluationSource::OtherEvent,
                        &known,
                        because,
                        (envelope.received_at, &EarlierFacts::default()),
                    )
                    .await;
            }
            _ => {}
        }
        match known.decision {
            // What is stale proves and disproves nothing.
            Some(_) if envelope.authentication.stale => Ok(Outcome::Unchanged.into()),
            Some(decision) if decision.confirmed => {
                self.weigh_again(tx, context, decision, known.evaluation.as_ref(), envelope.received_at)
                    .await
            }
            Some(_) => Ok(Outcome::Unchanged.into()),
            None => Ok(Outcome::Recorded.into()),
        }
    }

    /// What this very delivery wrote when it came before: its process may have died before it reported that.
    async fn tell_again(&self, tx: &mut Tx<'_>, context: &Context, key: &MergeRequestKey) -> Result<(), StoreError> {
        if let Some(written) = self.ledger_written_before(tx, context, key).await? {
            self.audit_ledger(context, &written);
        }
        if let Some(written) = self.written_before(tx, context, key).await? {
            self.audit_exception(context, key, &written);
        }
        Ok(())
    }

    /// The facts before GitLab is read: the best trigger that is known, the history as it will be, and what earlier answers showed.
    async fn unread_facts(
        &self,
        tx: &mut Tx<'_>,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        key: &MergeRequestKey,
        known: &Known,
    ) -> Result<Facts, StoreError> {
        let stale = envelope.authentication.stale;
        let own = if stale {
            MergeTrigger::untrusted(event, envelope.received_at)
        } else {
            MergeTrigger::of(event)
        };
        let is_merge = event.action == Action::Merge;
        let kept = known.decision.as_ref().map(|decision| &decision.facts.trigger);
        let kept = kept.or(known.evaluation.as_ref().map(|evaluation| &evaluation.trigger));
        let trigger = match kept {
            Some(kept) if !is_merge || (stale && kept.trusted) => kept.clone(),
            _ => own,
        };
        let history = tx.history(key).await?;
        Ok(Facts {
            trigger,
            history: history.events,
            history_truncated: history.truncated,
            earlier: self.earlier(tx, key, known).await?,
            ..unread(key.clone(), MergeTrigger::untrusted(event, envelope.received_at))
        })
    }

    /// Commits, and reports the exception to the audit log: announced before, reported after.
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

/// Facts of which nothing is read yet.
pub(crate) fn unread(merge_request: MergeRequestKey, trigger: MergeTrigger) -> Facts {
    Facts {
        merge_request,
        trigger,
        api: WitnessA::Unreadable("not read yet".to_owned().into()),
        deadline_passed: false,
        history: Vec::new(),
        history_truncated: false,
        earlier: EarlierFacts::default(),
    }
}
