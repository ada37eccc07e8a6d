//! An evaluator at work: what GitLab shows, deliveries, maintenance, and what is stored.

use app::{App, DeliveryReport};
use doubles::gitlab as double;
use doubles::payload::MergeRequest;
use jiff::SignedDuration;
use model::Envelope;
use serde_json::Value;
use store::StoredDecision;
use uuid::Uuid;

use crate::env::{ALICE, AUTHOR, TestEnv, at, envelope, key};

impl TestEnv {
    /// GitLab shows the merge request as merged at noon, with these labels, by its author.
    pub(crate) fn merged(&self, mr: &MergeRequest, with: impl FnOnce(&mut double::MergeRequest)) {
        let labels = mr.labels.clone();
        self.gitlab().world(|world| {
            let shown = world.merge_request(mr.project, mr.iid);
            shown
                .set("title", "Rotate the signing keys")
                .set("labels", labels)
                .set("author", mr.author)
                .set("sha", mr.head.as_str());
            shown
                .merged(mr.author, "2026-03-02T12:00:00.000Z")
                .version(&mr.head, "p1", "2026-03-02T08:00:00.000Z");
            with(shown);
        });
    }

    pub(crate) async fn deliver(&self, payload: &Value) -> DeliveryReport {
        self.deliver_as(payload, &Uuid::now_v7().to_string()).await
    }

    /// The delivery of its merge at noon.
    pub(crate) async fn deliver_merge(&self, mr: &MergeRequest) -> DeliveryReport {
        self.deliver(&mr.event("merge", AUTHOR, at("12:00:00"))).await
    }

    /// The same as `deliver` with a key of the delivery: GitLab keeps it when a person presses "Resend".
    pub(crate) async fn deliver_as(&self, payload: &Value, delivery_key: &str) -> DeliveryReport {
        let received_at = self.now() - SignedDuration::from_secs(1);
        let envelope = Envelope {
            received_at,
            ..envelope(payload, delivery_key)
        };
        app::process_delivery(self.app(), &envelope).await.unwrap()
    }

    /// The approver withdrew the approval before the merge; it is reported only now, and GitLab confirms it a minute later.
    pub(crate) async fn taken_back(&self, evaluator: &App, mr: &MergeRequest) -> DeliveryReport {
        let late = envelope(
            &mr.event("unapproved", ALICE, at("11:00:00")),
            &Uuid::now_v7().to_string(),
        );
        let report = app::process_delivery(evaluator, &late).await.unwrap();
        assert_eq!(report.outcome.as_str(), "unconfirmed");
        self.gitlab()
            .world(|world| world.merge_request(mr.project, mr.iid).approved_by.clear());
        self.clock.pass(SignedDuration::from_secs(61));
        let store = evaluator.store();
        let due = store
            .claim_due_rereads(self.now(), 10, SignedDuration::from_mins(2))
            .await
            .unwrap();
        assert_eq!(due.len(), 1);
        app::read_merge_again(evaluator, &due[0]).await.unwrap()
    }

    /// Runs a minute of maintenance: reads everything due; returns the sorted outcomes.
    pub(crate) async fn maintain(&self) -> Vec<String> {
        let store = self.app().store();
        let lease = SignedDuration::from_mins(2);
        let mut due = store.claim_due_evaluations(self.now(), 100, lease).await.unwrap();
        due.extend(store.claim_due_rereads(self.now(), 100, lease).await.unwrap());
        let mut outcomes = Vec::new();
        for evaluation in due {
            let report = Box::pin(app::read_merge_again(self.app(), &evaluation)).await.unwrap();
            outcomes.push(report.outcome.as_str().to_owned());
        }
        outcomes.sort();
        outcomes
    }

    pub(crate) async fn decision(&self, mr: &MergeRequest) -> Option<StoredDecision> {
        let mut tx = self.app().store().begin().await.unwrap();
        let decision = tx.current_decision(&key(mr)).await.unwrap();
        tx.rollback().await.unwrap();
        decision
    }

    /// One number from an auditor's query about a merge request.
    pub(crate) async fn count(&self, what: &str, mr: &MergeRequest) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM {what} AND project_id = {} AND mr_iid = {}",
            mr.project, mr.iid
        );
        self.value(&sql).await
    }

    /// Kind and status of the merge request's exception.
    pub(crate) async fn exception(&self, mr: &MergeRequest) -> Option<(String, String)> {
        let sql = format!(
            "SELECT kind, status FROM security_review_exceptions WHERE project_id = {} AND mr_iid = {}",
            mr.project, mr.iid
        );
        let rows = self.auditor().query_typed(&sql, &[]).await.unwrap();
        assert!(rows.len() < 2, "two rows for one merge");
        rows.first().map(|row| (row.get(0), row.get(1)))
    }
}
