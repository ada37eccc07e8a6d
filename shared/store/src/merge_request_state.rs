//! Everything stored about one merge request, read in one round trip.

use model::{Envelope, EvidenceRef, Facts, MergeRequestEvent, MergeRequestKey, SecurityReviewException};
use tokio_postgres::types::Type;
use uuid::Uuid;

use crate::connection::WireResponse;
use crate::decisions::{CHAIN, DecisionHead, StoredDecision, read_decision};
use crate::deliveries::{EligibleReading, InsertResult, StoredHistory, history_statement, read_stored_history};
use crate::evidence::read_evidence_ref;
use crate::exceptions::{OF_MERGE_REQUEST, read_exception};
use crate::ledger::{LEDGER_ROW, StoredLedgerRow, read_ledger_row};
use crate::pending::{EVALUATION, Evaluation, PendingReview, REVIEW, read_evaluation, read_pending_review};
use crate::sql::{Statement, column, json_column, key as bounded_key};
use crate::tx::Tx;
use crate::{Store, StoreError};

/// What is stored about one merge request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MergeRequestState {
    /// The current decision on its merge.
    pub decision: Option<StoredDecision>,
    /// The current decision, of any stage.
    pub head: Option<DecisionHead>,
    /// The facts of its newest decisions, before and after its merge, newest first; without the events.
    pub inputs: Vec<Facts>,
    /// The evidence of its decisions.
    pub evidence: Vec<EvidenceRef>,
    /// Its evaluation, in any state.
    pub evaluation: Option<Evaluation>,
    pub row: Option<StoredLedgerRow>,
    /// Its review that waits for GitLab, or waited.
    pub review: Option<StoredReview>,
    /// Its exception, in any status.
    pub exception: Option<SecurityReviewException>,
    pub history: StoredHistory,
}

/// A review that waits for GitLab, or waited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReview {
    pub review: PendingReview,
    pub is_pending: bool,
}

/// How much of the state is read before it is known whether more than events is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstRead {
    /// Whether there is more.
    Nothing,
    History,
    Everything,
}

impl MergeRequestState {
    /// Whether anything except events is stored.
    #[must_use]
    pub fn has_more_than_events(&self) -> bool {
        self.head.is_some()
            || self.evaluation.is_some()
            || self.row.is_some()
            || self.review.is_some()
            || self.exception.is_some()
    }

    /// All except the events.
    fn statements(key: &MergeRequestKey) -> [Statement; 5] {
        [
            Statement::of(key, EVALUATION.as_str()),
            Statement::of(key, LEDGER_ROW.as_str()),
            Statement::of(key, REVIEW.as_str()),
            Statement::of(key, OF_MERGE_REQUEST.as_str()),
            Statement::of(key, CHAIN),
        ]
    }

    /// The first statements: whether there is more, the events, and the rest, as requested by `first`.
    fn first(key: &MergeRequestKey, delivery_key: &str, first: FirstRead) -> Vec<Statement> {
        let known = Statement::of(key, KNOWN).bind(bounded_key(delivery_key).into_owned(), Type::TEXT);
        let mut statements = vec![known];
        if first != FirstRead::Nothing {
            statements.push(history_statement(key));
        }
        if first == FirstRead::Everything {
            statements.extend(Self::statements(key));
        }
        statements
    }

    /// What to read after the first answers.
    fn rest(key: &MergeRequestKey, known: &Known, first: FirstRead) -> Vec<Statement> {
        if !known.is_known || first == FirstRead::Everything {
            return Vec::new();
        }
        let history = (first == FirstRead::Nothing).then(|| history_statement(key));
        history.into_iter().chain(Self::statements(key)).collect()
    }

    /// Parses the answers to [`Self::first`] and [`Self::rest`], without the first one.
    fn read(answers: Vec<WireResponse>) -> Result<Self, StoreError> {
        let mut answers = answers.into_iter();
        let history = answers.next().unwrap_or_default();
        let history = read_stored_history(&history.rows)?;
        let rest: Vec<WireResponse> = answers.collect();
        if rest.is_empty() {
            return Ok(Self {
                history,
                ..Self::default()
            });
        }
        let Ok([evaluation, row, review, exception, chain]) = <[WireResponse; 5]>::try_from(rest) else {
            return Err(StoreError::corrupt("answers"));
        };
        let mut state = Self {
            evaluation: evaluation.rows.first().map(read_evaluation).transpose()?,
            row: row.rows.first().map(read_ledger_row).transpose()?,
            exception: exception.rows.first().map(read_exception).transpose()?,
            history,
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

/// The newest ones contain what the older ones knew, so few are enough.
const MOST_INPUTS: usize = 20;

const KNOWN: &str = "SELECT is_recorded, is_known FROM countersign_known($1, $2, $3, $4)";

/// What is known of a delivery and its merge request.
struct Known {
    is_recorded: bool,
    is_known: bool,
}

impl Known {
    fn read(answer: &WireResponse) -> Result<Self, StoreError> {
        let row = answer.rows.first().ok_or_else(|| StoreError::corrupt("is_known"))?;
        Ok(Self {
            is_recorded: column(row, "is_recorded")?,
            is_known: column(row, "is_known")?,
        })
    }
}

impl Store {
    /// What is stored about a merge request, and whether a delivery about it is recorded. Each part as of when it was read: for
    /// choosing what to read, not for writing.
    pub async fn merge_request_state(
        &self,
        key: &MergeRequestKey,
        delivery_key: &str,
        first: FirstRead,
    ) -> Result<(MergeRequestState, bool), StoreError> {
        let mut answers = self
            .exchange(&MergeRequestState::first(key, delivery_key, first))
            .await?;
        let known = Known::read(&answers.remove(0))?;
        answers.extend(self.exchange(&MergeRequestState::rest(key, &known, first)).await?);
        Ok((MergeRequestState::read(answers)?, known.is_recorded))
    }
}

impl Tx<'_> {
    /// Locks the merge request ([`Tx::lock_merge_request`]), records the event of a delivery, and reads what is stored, in one
    /// round trip; in two if there is more than `first` reads. `eligible`: whether the actor is an eligible approver now; `None`:
    /// it could not be read, or is not needed for this event.
    pub async fn record_delivery(
        &mut self,
        key: &MergeRequestKey,
        envelope: &Envelope,
        event: &MergeRequestEvent,
        eligible: Option<EligibleReading>,
        first: FirstRead,
    ) -> Result<(InsertResult, MergeRequestState), StoreError> {
        self.lock_merge_request(key).later()?;
        let recorded = self.insert_event(envelope, event, eligible).later()?;
        let first_statements = MergeRequestState::first(key, &envelope.delivery_key(), first);
        let mut answers = self.answers_to(first_statements).await?;
        let known = Known::read(&answers.remove(0))?;
        answers.extend(self.answers_to(MergeRequestState::rest(key, &known, first)).await?);
        Ok((self.take(recorded).await?, MergeRequestState::read(answers)?))
    }

    /// What is stored about a merge request. Hold [`Tx::lock_merge_request`] to write anything that depends on it.
    pub async fn merge_request_state(&mut self, key: &MergeRequestKey) -> Result<MergeRequestState, StoreError> {
        let mut statements = vec![history_statement(key)];
        statements.extend(MergeRequestState::statements(key));
        MergeRequestState::read(self.answers_to(statements).await?)
    }
}
