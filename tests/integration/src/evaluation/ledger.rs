//! The ledger row: the state of each review, independent of the order of arrival, and its history.

mod order;
mod records;
mod steps;

use doubles::payload::MergeRequest;
use serde_json::Value;
use store::StoredLedgerRow;

use crate::env::{AUTHOR, TestEnv, key};

impl TestEnv {
    pub(super) async fn ledger_row(&self, mr: &MergeRequest) -> Option<StoredLedgerRow> {
        let mut tx = self.app().store().begin().await.unwrap();
        let row = tx.ledger_row(&key(mr)).await.unwrap();
        tx.rollback().await.unwrap();
        row
    }

    /// The row's content without the time and cause of the write.
    async fn row_content(&self, mr: &MergeRequest) -> Value {
        let sql = format!(
            "SELECT to_jsonb(ledger) - 'id' - 'mr_iid' - 'mr_id' - 'web_url' - 'decision_id' - 'read_at' - 'revision' - 'recorded_at'
                - 'updated_at' - 'correlation_id' - 'evidence_id' - 'evidence_sha256' FROM security_review_ledger AS ledger WHERE project_id = {} AND mr_iid = {}",
            mr.project, mr.iid
        );
        let rows = self.auditor().query_typed(&sql, &[]).await.unwrap();
        assert_eq!(rows.len(), 1, "one row for {}", mr.iid);
        rows[0].get(0)
    }

    /// Decisions of a merge request from the first to the current one.
    async fn decisions(&self, mr: &MergeRequest) -> Vec<(String, Option<String>)> {
        let sql = format!(
            "WITH RECURSIVE chain AS (
                SELECT id, stage, decision, 1 AS place FROM security_review_decisions
                WHERE supersedes IS NULL AND project_id = {project} AND mr_iid = {iid}
                UNION ALL
                SELECT later.id, later.stage, later.decision, place + 1
                FROM chain JOIN security_review_decisions AS later ON later.supersedes = chain.id)
            SELECT stage, decision FROM chain ORDER BY place",
            project = mr.project,
            iid = mr.iid
        );
        let rows = self.auditor().query_typed(&sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// GitLab shows the merge request as open, created at seven and labelled at eight.
    pub(super) fn open(&self, mr: &MergeRequest, with: impl FnOnce(&mut doubles::gitlab::MergeRequest)) {
        let labels = mr.labels.clone();
        self.gitlab().world(|world| {
            let shown = world.merge_request(mr.project, mr.iid);
            shown
                .set("title", "Rotate the signing keys")
                .set("state", "opened")
                .set("created_at", "2026-03-02T07:00:00.000Z")
                .set("labels", labels)
                .set("author", mr.author)
                .set("sha", mr.head.as_str())
                .version(&mr.head, "p1", "2026-03-02T07:00:00.000Z");
            shown.label_events.clear();
            shown.label_event("add", "security::high", AUTHOR, "2026-03-02T08:00:00.250Z");
            with(shown);
        });
    }
}
