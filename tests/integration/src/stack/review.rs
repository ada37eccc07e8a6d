//! One merge request of one test on the running stack.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::env::AUTHOR;
use crate::local_stack::{Delivery, PATIENCE, Reply, Stack, eventually, now};
use doubles::payload::MergeRequest;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::RwLock;

/// Tests that need Slack hold it for reading; a test that takes Slack down holds it exclusively.
pub(crate) static SLACK: RwLock<()> = RwLock::const_new(());

/// Each test has its own project, even when the tests run again on the same stack.
static NEXT_PROJECT: AtomicU64 = AtomicU64::new(0);

/// A merge request on the stack, and what GitLab shows of it.
pub(crate) struct StackReview {
    pub(crate) stack: Stack,
    pub(crate) mr: MergeRequest,
    /// The merge instant: some seconds ago, a whole second.
    pub(crate) merged: Timestamp,
    /// When the test began.
    pub(crate) began: Timestamp,
    shown: Value,
}

impl StackReview {
    /// A merge request that GitLab will show as merged by its author, with these labels since creation.
    pub(crate) fn new(labels: &[&str]) -> Self {
        let began = now();
        let millis = u64::try_from(began.as_millisecond()).unwrap();
        let project = millis % 1_000_000_000 * 100 + NEXT_PROJECT.fetch_add(1, Ordering::Relaxed);
        Self::of_project(project, 1, labels)
    }

    pub(crate) fn of_project(project: u64, iid: u64, labels: &[&str]) -> Self {
        let began = now();
        let merged = Timestamp::from_second(began.as_second() - 5).unwrap();
        let mr = MergeRequest::new(project, iid, labels);
        let shown = json!({
            "title": "Rotate the signing keys", "state": "merged", "labels": labels, "author": AUTHOR, "merge_user": AUTHOR,
            "merged_at": millis(merged), "sha": mr.head,
            "versions": [{"head_commit_sha": mr.head, "patch_id_sha": "p1", "created_at": millis(merged - SignedDuration::from_hours(4))}],
        });
        Self {
            stack: Stack::running(),
            mr,
            merged,
            began,
            shown,
        }
    }

    /// The same on another stack.
    pub(crate) fn on(self, stack: Stack) -> Self {
        Self { stack, ..self }
    }

    /// This many minutes before the merge.
    pub(crate) fn before(&self, minutes: i64) -> Timestamp {
        self.merged - SignedDuration::from_mins(minutes)
    }

    /// GitLab shows it, changed by `change`.
    pub(crate) async fn shown(&self, change: impl FnOnce(&mut Value)) {
        let mut shown = self.shown.clone();
        change(&mut shown);
        self.stack
            .gitlab_shows(self.mr.project, &self.mr.path(), self.mr.iid, shown)
            .await;
    }

    /// The merge's delivery.
    pub(crate) fn merge(&self) -> Value {
        self.mr.event("merge", AUTHOR, self.merged)
    }

    pub(crate) fn signed(&self, payload: &Value) -> Delivery {
        self.stack.signed(payload)
    }

    pub(crate) async fn send(&self, delivery: &Delivery) -> Reply {
        self.stack.send(delivery).await
    }

    pub(crate) async fn deliver(&self, payload: &Value) -> String {
        self.stack.deliver(payload).await
    }

    pub(crate) async fn slack_messages(&self) -> Vec<Value> {
        self.stack.slack_messages(self.mr.project, self.mr.iid).await
    }

    pub(crate) async fn deliver_merge(&self) -> String {
        self.deliver(&self.merge()).await
    }

    /// One column of the rows of this merge request that match a condition.
    pub(crate) async fn rows(&self, select: &str, from: &str) -> Vec<Value> {
        let auditor = self.stack.auditor().await;
        let sql = format!(
            "SELECT to_jsonb({select}) FROM {from} WHERE project_id = {} AND mr_iid = {}",
            self.mr.project, self.mr.iid
        );
        let rows = auditor.query_typed(&sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The exception's kind, once there is one.
    pub(crate) async fn kind_in(&self, patience: Duration) -> String {
        let what = format!("an exception of {}", self.mr.path());
        let kinds = eventually(patience, &what, async || {
            let kinds = self.rows("kind", "security_review_exceptions").await;
            (!kinds.is_empty()).then_some(kinds)
        })
        .await;
        assert_eq!(kinds.len(), 1);
        kinds[0].as_str().unwrap().to_owned()
    }

    pub(crate) async fn kind(&self) -> String {
        self.kind_in(PATIENCE).await
    }

    /// The current verdict, once there is one: its outcome, or its kind for an exception.
    pub(crate) async fn verdict(&self) -> String {
        eventually(PATIENCE, "a verdict", async || {
            let latest = "(SELECT * FROM security_review_decisions WHERE stage = 'merge' ORDER BY id) d";
            let rows = self.rows("coalesce(d.kind, d.outcome)", latest).await;
            rows.last().and_then(Value::as_str).map(str::to_owned)
        })
        .await
    }

    /// Slack's messages about it, once there are some.
    pub(crate) async fn message_in(&self, patience: Duration) -> Value {
        let messages = eventually(patience, "a Slack message", async || {
            let messages = self.slack_messages().await;
            (!messages.is_empty()).then_some(messages)
        })
        .await;
        assert_eq!(messages.len(), 1, "{messages:#?}");
        messages[0].clone()
    }

    /// Waits until everything delivered so far about this merge request has been processed: its group is ordered, so a stored
    /// further event came after all of them.
    pub(crate) async fn settled(&self) {
        let action = format!("marker {}", now().as_nanosecond());
        self.deliver(&self.mr.event(&action, AUTHOR, now())).await;
        eventually(PATIENCE, "the marker", async || {
            let actions = self.rows("action", "merge_request_events").await;
            actions.contains(&json!(action)).then_some(())
        })
        .await;
    }
}

/// A time in REST format.
pub(crate) fn millis(at: Timestamp) -> String {
    format!("{at:.3}")
}
