//! What an evaluation tells the audit trail, and the claim its rows make on the trail.
//!
//! A record is announced before its commit and told after it: a process that dies in between leaves the announcement, and the delivery,
//! coming again, finds the record and tells of it with the same id.

use audit::{Action, Context, Entry, Outcome, Target};
use model::{AuditLine, Envelope, Kind, MergeRequestKey};
use store::{StoreError, StoredDecision, Tx};

use crate::Evaluator;
use crate::report::Written;

impl Evaluator {
    /// The rows of this transaction claim that every line up to here was printed: with it a lost tail of the trail is seen.
    pub(crate) async fn claim(&self, tx: &mut Tx<'_>, delivery: Option<AuditLine>) -> Result<(), StoreError> {
        let lines: Vec<_> = delivery.into_iter().chain(self.audit.position()).collect();
        tx.claim_audit_lines(&lines, self.clock.now()).await
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

    /// To be called right before the commit.
    pub(crate) fn announce_exception(&self, context: &Context, key: &MergeRequestKey, written: &Written) {
        self.audit.announce(&entry(context, key, written));
    }

    /// To be called right after it.
    pub(crate) fn audit_exception(&self, context: &Context, key: &MergeRequestKey, written: &Written) {
        self.audit.write(&entry(context, key, written));
    }

    /// What this very delivery wrote when it came before, if its decision still stands: whoever took it in may have died before telling.
    pub(crate) async fn written_before(
        &self,
        tx: &mut Tx<'_>,
        context: &Context,
        key: &MergeRequestKey,
    ) -> Result<Option<Written>, StoreError> {
        let decision = tx.latest_decision(key).await?;
        let Some(decision) = decision.filter(|decision| decision.correlation_id == context.correlation_id) else {
            return Ok(None);
        };
        let exception = tx.exception(key).await?;
        Ok(exception.and_then(|exception| {
            let kind = decision.verdict.exception();
            let withdrew = kind.is_none() && decision.supersedes.is_some();
            let first = exception.recorded_at == decision.decided_at;
            (kind.is_some() || withdrew).then(|| Written::of(&exception, kind, first, named(&decision)))
        }))
    }
}

fn named(decision: &StoredDecision) -> (jiff::Timestamp, uuid::Uuid) {
    (decision.decided_at, decision.id)
}

fn entry(context: &Context, key: &MergeRequestKey, written: &Written) -> Entry {
    let action = if written.first {
        Action::ExceptionRecordInsert
    } else {
        Action::ExceptionRecordUpdate
    };
    let (decided_at, decision) = written.decision;
    Entry::new(action, context, Target::merge_request(key), Outcome::Success)
        .keyed(decided_at, format!("exception/{}/{decision}", written.id))
        .detail("exception_id", written.id.to_string())
        .detail("kind", written.kind.map(Kind::as_str))
        .detail("status", if written.kind.is_some() { "open" } else { "withdrawn" })
        .detail("project_path", written.project_path.clone())
        .detail("merged_by", written.merged_by.clone())
}
