//! What is stored about a merge request, and whether GitLab has to be read for a delivery.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use model::{Action, EarlierFacts, Envelope, MergeRequestEvent, MergeRequestKey};
use rules::Rules;
use store::{Evaluation, EvaluationSource, EvaluationState, StoreError, StoredDecision, StoredLedgerRow, Tx};

use crate::Evaluator;

/// Events cause at most one re-read a minute and merge request; stale ones, whose content is not trusted, one in ten.
const BETWEEN_REREADS: SignedDuration = SignedDuration::from_mins(1);
const BETWEEN_STALE_REREADS: SignedDuration = SignedDuration::from_mins(10);

/// What is stored about a merge request.
#[derive(Debug)]
pub(crate) struct Known {
    /// The current decision on its merge.
    pub(crate) decision: Option<StoredDecision>,
    /// Its evaluation, whatever its state.
    pub(crate) evaluation: Option<Evaluation>,
    /// Its row of the ledger.
    pub(crate) row: Option<StoredLedgerRow>,
}

/// What a delivery needs of GitLab before it can be taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing.
    Nothing,
    /// The first reading of its merge.
    Merge,
    /// Another reading of its merge, within the budget.
    Reread,
    /// Another reading, but not before this instant.
    RereadLater(Timestamp),
    /// It shows a merge that is not its own: the merge is read in a minute, so that the merge's own delivery goes first.
    MergeLater,
    /// A reading of its review.
    Review,
}

impl Known {
    pub(crate) async fn load(tx: &mut Tx<'_>, key: &MergeRequestKey) -> Result<Self, StoreError> {
        Ok(Self {
            decision: tx.latest_decision(key).await?,
            evaluation: tx.evaluation(key).await?,
            row: tx.ledger_row(key).await?,
        })
    }

    /// The evaluation, unless it is done.
    pub(crate) fn open_evaluation(&self) -> Option<&Evaluation> {
        let evaluation = self.evaluation.as_ref();
        evaluation.filter(|evaluation| evaluation.state != EvaluationState::Done)
    }

    /// The time to wait for a first decision is over.
    pub(crate) fn deadline_passed(&self, now: Timestamp) -> bool {
        self.open_evaluation()
            .is_some_and(|evaluation| evaluation.state == EvaluationState::Pending && now >= evaluation.deadline_at)
    }

    fn state(&self) -> EvaluationState {
        self.evaluation
            .as_ref()
            .map_or(EvaluationState::Done, |evaluation| evaluation.state)
    }

    fn is_of_merge_event(&self) -> bool {
        let source = self.evaluation.as_ref().map(|evaluation| evaluation.source);
        source == Some(EvaluationSource::MergeEvent)
    }

    /// Whether nothing is decided because GitLab has not shown the merge.
    pub(crate) fn is_denied(&self) -> bool {
        self.decision.is_none() && self.state() == EvaluationState::Unconfirmed
    }

    /// What a delivery needs of GitLab.
    pub(crate) fn need(
        &self,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        (is_new, labelled): (bool, bool),
        now: Timestamp,
    ) -> Need {
        let stale = envelope.authentication.stale;
        let is_merge = event.action == Action::Merge;
        match (&self.decision, self.state()) {
            // Frozen: only a further reading that an event asked for is tried again.
            (Some(decision), EvaluationState::Unconfirmed) if decision.confirmed => self.reread(stale, now),
            (Some(decision), _) if decision.confirmed => Need::Nothing,
            // A new delivery of the merge's own: no budget may keep it from being read.
            (None, EvaluationState::Unconfirmed) if is_merge && is_new && !stale => match self.reread(stale, now) {
                Need::Reread => Need::Merge,
                later => later,
            },
            (Some(_), _) | (None, EvaluationState::Unconfirmed) => self.reread(stale, now),
            // Shown by something else so far: this is the merge's own delivery, and its reading the first.
            (None, EvaluationState::Pending) if is_merge && !self.is_of_merge_event() => Need::Merge,
            (None, EvaluationState::Pending) if is_merge => self.reread(stale, now),
            (None, EvaluationState::Pending) => Need::Nothing,
            (None, EvaluationState::Done) if is_merge => Need::Merge,
            (None, EvaluationState::Done) => {
                let shows_merge = !stale && event.state.as_deref() == Some("merged");
                let before_watch = self
                    .evaluation
                    .as_ref()
                    .is_some_and(|evaluation| evaluation.before_watch);
                match (shows_merge, before_watch) {
                    (true, false) => Need::MergeLater,
                    (false, _) if labelled || self.row.is_some() => Need::Review,
                    _ => Need::Nothing,
                }
            }
        }
    }

    fn reread(&self, stale: bool, now: Timestamp) -> Need {
        let Some(last) = self.evaluation.as_ref().and_then(|evaluation| evaluation.last_read_at) else {
            return Need::Reread;
        };
        let gap = if stale { BETWEEN_STALE_REREADS } else { BETWEEN_REREADS };
        match (crate::judgement::later(last, gap), stale) {
            (next, _) if next <= now => Need::Reread,
            (next, false) => Need::RereadLater(next),
            (_, true) => Need::Nothing,
        }
    }
}

impl Evaluator {
    /// What earlier answers about the merge request have shown.
    pub(crate) async fn earlier(
        &self,
        tx: &mut Tx<'_>,
        key: &MergeRequestKey,
        known: &Known,
    ) -> Result<EarlierFacts, StoreError> {
        let mut earlier = EarlierFacts::default();
        if known.row.is_some() || known.decision.is_some() {
            for facts in tx.decision_inputs(key).await? {
                earlier.merge(&rules::earlier_facts(&facts, &self.rules));
            }
        }
        if let Some(evaluation) = &known.evaluation {
            earlier.merge(&evaluation.earlier);
        }
        if let Some(of_review) = tx.review_earlier(key).await? {
            earlier.merge(&of_review);
        }
        // A row without a merge was read before the merge.
        if let Some(row) = known.row.as_ref().filter(|row| row.row.merge.is_none()) {
            let labels = row.row.review.labels.iter();
            for label in labels.filter(|label| self.rules.is_security_label(label)) {
                earlier.labels.entry(label.clone()).or_insert(1);
            }
        }
        Ok(earlier)
    }

    /// The rules that a decision was made by, so that a later event is compared under the same ones; `None`: they are not kept.
    pub(crate) async fn rules_of(
        &self,
        tx: &mut Tx<'_>,
        decision: &StoredDecision,
    ) -> Result<Option<Arc<Rules>>, StoreError> {
        if decision.rules_hash == self.rules.hash {
            return Ok(Some(Arc::clone(&self.rules)));
        }
        let Some(file) = tx.rules_file(&decision.rules_hash).await? else {
            return Ok(None);
        };
        match Rules::parse_stored(&file) {
            Ok(rules) => Ok(Some(Arc::new(rules))),
            Err(error) => {
                tracing::error!(%error, hash = decision.rules_hash, "a stored rules file cannot be read by this version");
                Ok(None)
            }
        }
    }
}
