//! What a use case reports to the audit log, and the claim of its rows on audit lines.

use audit::{Action, Context, Entry, Outcome, Target};
use jiff::{SignedDuration, Timestamp};
use model::{AuditLine, Envelope, ExceptionKind, LedgerDecision, MergeRequestKey, TimeUnknown};
use store::{MergeRequestState, StoreError, StoredLedgerRow, Tx};

use crate::App;
use crate::report::ExceptionChange;

impl App {
    /// The rows of this transaction claim that every line so far was printed: this reveals a lost end of the log.
    pub(crate) fn claim_lines(&self, tx: &mut Tx<'_>, delivery: Option<AuditLine>) -> Result<(), StoreError> {
        let lines: Vec<_> = delivery.into_iter().chain(self.audit.position()).collect();
        if lines.is_empty() {
            return Ok(());
        }
        tx.claim_audit_lines(&lines, self.now()).later().map(drop)
    }

    pub(crate) fn audit_duplicate(&self, context: &Context, envelope: &Envelope, key: &MergeRequestKey) {
        let target = Target::merge_request(key);
        let entry = Entry::new(Action::WebhookDeliveryDuplicate, context, target, Outcome::Success);
        self.audit
            .write(&entry.detail("delivery_id", envelope.delivery.id.clone()));
    }

    pub(crate) fn audit_quarantine(&self, context: &Context, envelope: &Envelope, reason: &str) {
        let target = Target::other("delivery", envelope.delivery_key());
        let entry = Entry::new(Action::WebhookDeliveryQuarantined, context, target, Outcome::Success);
        self.audit.write(
            &entry
                .detail("reason", reason.to_owned())
                .detail("delivery_id", envelope.delivery.id.clone()),
        );
    }

    /// Reports what this delivery wrote when it was first processed: its process may have died before it reported that.
    pub(crate) fn report_again(&self, context: &Context, key: &MergeRequestKey, state: &MergeRequestState) {
        let row = state.row.as_ref();
        let row = row.filter(|stored| stored.row.correlation_id == context.correlation_id);
        let decision = state.decision.as_ref();
        let decision = decision.filter(|decision| decision.correlation_id == context.correlation_id);
        let exception = decision
            .zip(state.exception.as_ref())
            .and_then(|(decision, exception)| {
                let kind = decision.verdict.exception();
                let withdrew = kind.is_none() && decision.supersedes.is_some();
                let first = exception.recorded_at == decision.decided_at;
                let named = (decision.decided_at, decision.id);
                (kind.is_some() || withdrew).then(|| ExceptionChange::of(exception, kind, first, named))
            });
        for entry in written_entries(context, key, row, exception.as_ref()) {
            self.audit.write(&entry);
        }
    }
}

/// The entries of a transaction: for the ledger row and the exception that it wrote.
pub(crate) fn written_entries(
    context: &Context,
    key: &MergeRequestKey,
    row: Option<&StoredLedgerRow>,
    exception: Option<&ExceptionChange>,
) -> Vec<Entry> {
    let row = row.map(|row| ledger_entry(context, row));
    let exception = exception.map(|exception| exception_entry(context, key, exception));
    row.into_iter().chain(exception).collect()
}

fn exception_entry(context: &Context, key: &MergeRequestKey, written: &ExceptionChange) -> Entry {
    let action = if written.first {
        Action::ExceptionRecordInsert
    } else {
        Action::ExceptionRecordUpdate
    };
    let (decided_at, decision) = written.decision;
    Entry::new(action, context, Target::merge_request(key), Outcome::Success)
        .keyed(decided_at, format!("exception/{}/{decision}", written.id))
        .detail("exception_id", written.id.to_string())
        .detail("kind", written.kind.map(ExceptionKind::as_str))
        .detail("status", if written.kind.is_some() { "open" } else { "withdrawn" })
        .detail("project_path", written.project_path.clone())
        .detail("merged_by", written.merged_by.clone())
}

/// The row as an entry; reported twice, it is the same entry.
fn ledger_entry(context: &Context, written: &StoredLedgerRow) -> Entry {
    let (row, review) = (&written.row, &written.row.review);
    let (merge, level) = (row.merge.as_ref(), review.service_level);
    let reviewer = review.deciding_reviewer.as_ref();
    let time = |at: Option<Timestamp>| at.map(|at| format!("{at:.3}"));
    let span = |span: Option<SignedDuration>| span.map(|span| span.as_secs_f64());
    let since_label = |to: Option<Timestamp>| {
        let took = to.zip(review.labelled_at).map(|(to, from)| to.duration_since(from));
        span(took.filter(|took| !took.is_negative()))
    };
    Entry::new(
        Action::LedgerRecordUpsert,
        context,
        Target::merge_request(&row.merge_request),
        Outcome::Success,
    )
    .keyed(
        written.updated_at,
        format!("ledger/{}/{}", row.merge_request, written.revision),
    )
    .detail("revision", written.revision)
    .detail("decision", review.decision.map(LedgerDecision::as_str))
    .detail("decided_at", time(review.decided_at))
    .detail("deciding_reviewer_id", reviewer.map(|user| user.id.0))
    .detail("deciding_reviewer", reviewer.map(|user| user.username.clone()))
    .detail("risk_tier", review.risk_tier.clone())
    .detail("labels", review.labels.join(", "))
    .detail("labelled_at", time(review.labelled_at))
    .detail("approved_at", time(review.approved_at))
    .detail("time_to_approval_s", since_label(review.approved_at))
    .detail("time_to_decision_s", since_label(review.decided_at))
    .detail("time_unknown_reason", review.time_unknown.map(TimeUnknown::as_str))
    .detail("sla_target_s", span(level.map(|level| level.target)))
    .detail("sla_elapsed_s", span(level.and_then(|level| level.elapsed)))
    .detail("project_path", row.project_path.clone())
    .detail("title", row.title.clone())
    .detail("author", row.author.as_ref().map(|user| user.username.clone()))
    .detail(
        "merged_by",
        merge
            .and_then(|merge| merge.by.as_ref())
            .map(|user| user.username.clone()),
    )
    .detail("merged_at", time(merge.map(|merge| merge.at)))
    .detail("merge_commit_sha", merge.and_then(|merge| merge.commit_sha.clone()))
    .detail("head_sha", row.head_sha.clone())
    .detail("proof", review.proof.map(model::Proof::as_str))
    .detail("rules_hash", row.rules_hash.clone())
    .detail("decision_id", row.decision_id)
    .detail(
        "evidence_sha256",
        row.evidence.as_ref().map(|evidence| evidence.sha256.clone()),
    )
}
