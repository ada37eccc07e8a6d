//! Everything that is stored about one merge request, read in one round trip.

use model::{Envelope, EvidenceRef, Facts, MergeRequestEvent, MergeRequestKey, SecurityReviewException};
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::decision::{CHAIN, read_decision};
use super::evaluation::EVALUATION;
use super::event::{self, read_stored_history};
use super::evidence::read_evidence_ref;
use super::exception::{OF_MERGE_REQUEST, read_exception};
use super::ledger::{LEDGER_ROW, read_ledger_row};
use super::pending_review::{REVIEW, read_pending_review};
use super::{DecisionHead, EligibleReading, Evaluation, PendingReview, Recorded, StoredDecision, StoredHistory};
use super::{StoredLedgerRow, Tx, read_evaluation};
use crate::connection::Answer;
use crate::sql::{Statement, column, json_column, key as bounded_key, text};
use crate::{Store, StoreError};

/// What is stored about one merge request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MergeRequestState {
    /// The current decision on its merge.
    pub decision: Option<StoredDecision>,
    /// The current decision, of whatever stage.
    pub head: Option<DecisionHead>,
    /// What its newest decisions rest on, before its merge and after, the newest first; without the events.
    pub inputs: Vec<Facts>,
    /// The evidence that its decisions rest on.
    pub evidence: Vec<EvidenceRef>,
    /// Its evaluation, whatever its state.
    pub evaluation: Option<Evaluation>,
    /// Its row of the ledger.
    pub row: Option<StoredLedgerRow>,
    /// Its review that waits for GitLab, or waited.
    pub review: Option<StoredReview>,
    /// Its exception, whatever its status.
    pub exception: Option<SecurityReviewException>,
    /// Its events.
    pub history: StoredHistory,
}

/// A review that waits for GitLab, or waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReview {
    /// What is stored of it.
    pub review: PendingReview,
    /// It still waits.
    pub is_pending: bool,
}

impl MergeRequestState {
    fn statements(key: &MergeRequestKey) -> [Statement; 6] {
        [
            Statement::of(key, CHAIN),
            Statement::of(key, EVALUATION.as_str()),
            Statement::of(key, LEDGER_ROW.as_str()),
            Statement::of(key, REVIEW.as_str()),
            Statement::of(key, OF_MERGE_REQUEST.as_str()),
            event::history_statement(key),
        ]
    }

    fn read(answers: Vec<Answer>) -> Result<Self, StoreError> {
        let Ok([chain, evaluation, row, review, exception, history]) = <[Answer; 6]>::try_from(answers) else {
            return Err(StoreError::corrupt("answers"));
        };
        let mut state = Self {
            evaluation: evaluation.rows.first().map(read_evaluation).transpose()?,
            row: row.rows.first().map(read_ledger_row).transpose()?,
            exception: exception.rows.first().map(read_exception).transpose()?,
            history: read_stored_history(&history.rows)?,
            ..Self::default()
        };
        if let Some(row) = review.rows.first() {
            state.review = Some(StoredReview {
                review: read_pending_review(row)?,
                is_pending: column::<String>(row, "state")? == "pending",
            });
        }
        for (number, row) in chain.rows.iter().enumerate() {
            state.evidence.extend(read_evidence_ref(row)?);
            if column(row, "is_head")? {
                let is_merge = column::<String>(row, "stage")? == "merge";
                let id: Uuid = column(row, "id")?;
                state.head = Some(DecisionHead { id, is_merge });
                if is_merge {
                    state.decision = Some(read_decision(row)?);
                }
            }
            if number < MOST_INPUTS {
                let mut facts: Facts = json_column(row, "inputs")?;
                facts.history.clear();
                state.inputs.push(facts);
            }
        }
        Ok(state)
    }
}

/// The newest ones hold what the older ones knew, so that few are enough.
const MOST_INPUTS: usize = 20;

const IS_RECORDED: &str = "SELECT FROM merge_request_events WHERE instance = $1 AND delivery_key = $2";

impl Store {
    /// What is stored about a merge request, and whether a delivery about it is recorded. Each part as of its own moment: for
    /// choosing what to read, not for writing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn merge_request_state(
        &self,
        key: &MergeRequestKey,
        delivery_key: &str,
    ) -> Result<(MergeRequestState, bool), StoreError> {
        let recorded = Statement::new(IS_RECORDED).bind(text(&key.instance).into_owned(), Type::TEXT);
        let mut statements = vec![recorded.bind(bounded_key(delivery_key).into_owned(), Type::TEXT)];
        statements.extend(MergeRequestState::statements(key));
        let mut answers = self.exchange(&statements).await?;
        let recorded = answers.remove(0);
        Ok((MergeRequestState::read(answers)?, !recorded.rows.is_empty()))
    }
}

impl Tx<'_> {
    /// Takes the merge request ([`Tx::lock_merge_request`]), records the event of a delivery, and reads what is stored, in one round trip.
    /// `eligible`: whether the actor is an eligible approver now; `None`: it could not be read, or does not matter for this event.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn record_delivery(
        &mut self,
        key: &MergeRequestKey,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        eligible: Option<EligibleReading>,
    ) -> Result<(Recorded, MergeRequestState), StoreError> {
        self.lock_merge_request(key).later()?;
        let recorded = self.insert_event(envelope, event, eligible).later()?;
        let state = self.merge_request_state(key).await?;
        Ok((self.take(recorded).await?, state))
    }

    /// What is stored about a merge request. Hold [`Tx::lock_merge_request`] to write what follows from it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn merge_request_state(&mut self, key: &MergeRequestKey) -> Result<MergeRequestState, StoreError> {
        let first = self.answers.len() + self.queued.len();
        self.queued.extend(MergeRequestState::statements(key));
        self.send().await?;
        let answers = self.answers.iter_mut().skip(first);
        MergeRequestState::read(answers.filter_map(Option::take).collect())
    }
}
